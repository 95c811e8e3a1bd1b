/** The fault sweeps of `tests/ffi/` on real system calls. */
import { assertEquals } from "@std/assert";
import { PathManager, SyscallError } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import {
  injectedTest,
  type Injection,
  withFault,
} from "../helpers/injector.ts";
import { modeFile, netnsHere, openFiles, polling } from "../helpers/proc.ts";
import { within } from "../helpers/within.ts";

interface Context {
  readonly pm: PathManager;
  readonly netns: string;
  /** Whether it is to fail. */
  readonly fails: boolean;
}

const open = ({ netns }: Context) => PathManager.open({ netns }).close();
const getLimits = ({ pm }: Context) => pm.getLimits().subflows;
const getMode = ({ pm }: Context) => pm.getMode();
const setMode = ({ pm }: Context) => void pm.setMode("userspace");
const join = ({ pm }: Context) => pm.events().close();
const addLoopback = ({ pm }: Context) =>
  pm.addAddr({ address: "10.0.0.1", dev: "lo" }).dev;

/** Waits for an event that does not come. */
const listen = async ({ pm, fails }: Context) => {
  using events = pm.events();
  const next = events.next();
  // Whether it fails or not is seen by another thread.
  const wait = async () => {
    if (fails) return;
    await until(() => polling() === 1, "a thread to wait");
    events.close();
  };
  const [result] = await Promise.all([
    within(next, () => "the end of a stream"),
    wait(),
  ]);
  return result.done;
};

const PATH_MANAGER = `/proc/sys/net/mptcp/${modeFile()}`;

/** What is done, which system call fails, and what becomes of it. */
const ROWS: readonly (readonly [
  operation: (context: Context) => unknown,
  fault: string,
  outcome: unknown,
  where?: Omit<Injection, "fault">,
])[] = [
  [open, "socket:error=EMFILE", "socket EMFILE"],
  [open, "connect:error=EADDRINUSE", "connect EADDRINUSE"],
  [open, "setsockopt:error=ENOPROTOOPT", "setsockopt ENOPROTOOPT"],
  [open, "setsockopt:error=ENOMEM:when=2", "setsockopt ENOMEM"],
  // `netns_return_test.ts` has the others.
  [open, "setns:error=EPERM:when=1", "setns EPERM"],
  [open, "openat:error=ENFILE:when=1", "open ENFILE"],
  [open, "openat:error=EACCES:when=2", "open EACCES"],
  [getLimits, "sendto:error=ENOBUFS", "send ENOBUFS"],
  [getLimits, "sendto:error=EINTR:when=1", 2],
  [getLimits, "recvfrom:error=ENOMEM", "recv ENOMEM"],
  [getLimits, "recvfrom:error=EINTR:when=1", 2],
  [getLimits, "recvfrom:error=EAGAIN:when=1", 2],
  [addLoopback, "ioctl:error=EPERM", "ioctl EPERM"],
  [addLoopback, "ioctl:error=ENODEV", "ArgumentRangeError"],
  [getMode, "setns:error=EPERM:when=1", "setns EPERM"],
  [getMode, "openat:error=EMFILE", "open EMFILE", { path: PATH_MANAGER }],
  [getMode, "read:error=EIO", "read EIO", { path: PATH_MANAGER }],
  [setMode, "write:error=EINVAL", "write EINVAL", { path: PATH_MANAGER }],
  [join, "socket:error=ENOBUFS", "socket ENOBUFS"],
  [join, "connect:error=ENOMEM", "connect ENOMEM"],
  [join, "setsockopt:error=EPERM", "setsockopt EPERM"],
  [join, "setsockopt:error=EPERM:when=1", undefined],
  [listen, "eventfd2:error=EMFILE", "eventfd EMFILE"],
  [listen, "?poll,ppoll:error=ENOMEM", "poll ENOMEM", { aside: true }],
  [listen, "?poll,ppoll:error=EINTR:when=1", true, { aside: true }],
  [listen, "recvfrom:error=EBADF", "recvfrom EBADF"],
];

async function outcomeOf(action: () => unknown): Promise<unknown> {
  try {
    return await action();
  } catch (error) {
    return error instanceof SyscallError
      ? `${error.syscall} ${error.code}`
      : (error as Error).name;
  }
}

for (const [operation, fault, outcome, where] of ROWS) {
  injectedTest(
    `\`${operation.name}\` under ${fault} is ${outcome}`,
    async () => {
      using lab = Lab.open({ paths: 0 });
      const { netns } = lab.client;
      using pm = PathManager.open({ netns });
      const context = { pm, netns, fails: typeof outcome === "string" };
      // The namespace keeps the socket that it looks devices up with.
      addLoopback(context);
      pm.flushAddrs();
      const home = netnsHere();
      const fds = openFiles().length;
      const result = await outcomeOf(() =>
        withFault({ fault, ...where }, () => operation(context))
      );
      assertEquals([result, netnsHere(), openFiles().length], [
        outcome,
        home,
        fds,
      ]);
      assertEquals(pm.getLimits(), { subflows: 2, addAddrAccepted: 0 });
      assertEquals(
        await outcomeOf(() => operation({ ...context, fails: false })),
        {
          [open.name]: undefined,
          [getLimits.name]: 2,
          [addLoopback.name]: "lo",
          [getMode.name]: "kernel",
          [setMode.name]: undefined,
          [join.name]: undefined,
          [listen.name]: true,
        }[operation.name],
      );
    },
  );
}
