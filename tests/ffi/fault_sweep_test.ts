/**
 * Fails call 1, 2, 3, … of the C library in each operation, until it gets by
 * without reaching the fault.
 */
import { assert, assertEquals } from "@std/assert";
import { SyscallError } from "../../ffi/syscall_error.ts";
import {
  PathManager,
  type PathManagerOptions,
} from "../../ops/path_manager.ts";
import { HARMLESS } from "../support/distortions.ts";
import { golden } from "../support/golden.ts";
import { libc } from "./fake_libc.ts";

const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;
const ENODEV = 19;
const EMFILE = 24;
const ENOBUFS = 105;

const TOKEN = 0x1234;
const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

/** Those that do something in the namespace that the socket is in. */
const SOMEWHERE: readonly ((pm: PathManager) => unknown)[] = [
  (pm) => pm.events().close(),
  (pm) => pm.getMode(),
  (pm) => pm.setMode("userspace"),
  (pm) => pm.setMode("userspace")[Symbol.dispose](),
];

const OPERATIONS: readonly ((pm: PathManager) => unknown)[] = [
  (pm) => pm.addAddr({ address: "10.0.0.3", dev: "eth2", flags: ["subflow"] }),
  (pm) => pm.addAddr({ address: "10.0.0.3", dev: 3 }),
  (pm) => pm.delAddr({ id: 9 }),
  (pm) => pm.delAddr({ address: "fd00::1" }),
  (pm) => pm.delAddr({ dev: "eth1" }),
  (pm) => pm.getAddr({ id: 1 }),
  (pm) => pm.dumpAddrs(),
  (pm) => pm.flushAddrs(),
  (pm) => pm.setLimits({ subflows: 5 }),
  (pm) => pm.getLimits(),
  (pm) => pm.setFlags({ id: 1, backup: true }),
  (pm) => pm.setFlags({ token: TOKEN, local, remote, backup: true }),
  (pm) => pm.announce({ token: TOKEN, address: "10.0.0.4", id: 4, dev: 2 }),
  (pm) => pm.remove({ token: TOKEN, id: 9 }),
  (pm) =>
    pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote }),
  (pm) => pm.subflowDestroy({ token: TOKEN, local, remote }),
  ...SOMEWHERE,
];

/** What the caller hears of a call that failed: nothing where it is no error. */
function expected(symbol: string, errno: number): string | undefined {
  const isRepeated = ["send", "recvfrom", "poll"].includes(symbol);
  if (errno === EINTR && isRepeated) return undefined;
  if (errno === EAGAIN && symbol === "recvfrom") return undefined;
  return `${symbol} ${errno}`;
}

function heard(error: unknown): string {
  return error instanceof SyscallError
    ? `${error.syscall} ${error.errno}`
    : `${error}`;
}

/** Starts anew, with two endpoints and a connection with a subflow. */
function restart(): void {
  libc.reset();
  libc.kernel.connect(TOKEN);
  using pm = PathManager.open();
  pm.addAddr({ address: "10.0.0.1", dev: "eth1", flags: ["subflow"] });
  pm.addAddr({ address: "fd00::1", id: 9, flags: ["signal"] });
  pm.announce({ token: TOKEN, address: "10.0.0.9", id: 9 });
  pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote });
}

/** So that there is something to wait for. */
const late = HARMLESS["each datagram late"]!;

/** Arms the next fault, and does what is to be tested. */
type Attempt = (arm: () => void, what: string) => unknown;

/**
 * Has call 1, 2, 3, … fail in each attempt, until none did, and compares what
 * the attempt threw.
 */
function sweep(attempt: Attempt): void {
  for (const errno of [EIO, EINTR, EAGAIN, ENODEV, EMFILE, ENOBUFS]) {
    for (const delivery of ["in time", "late"]) {
      let failed: string | undefined = "none yet";
      for (let nth = 1; failed !== undefined; nth++) {
        const what = `call ${nth}, errno ${errno}, ${delivery}`;
        assert(nth < 100, "there is no end of calls");
        restart();
        failed = undefined;
        const arm = () => {
          if (delivery === "late") libc.kernel.distort = late;
          libc.calls.length = 0;
          libc.fails = ({ symbol }, number) => {
            if (number !== nth) return undefined;
            failed = symbol;
            return errno;
          };
        };
        const error = attempt(arm, what);
        // A device that is not there: the argument is wrong, or has no name.
        if (failed === "ioctl" && errno === ENODEV) continue;
        assertEquals(
          error === undefined ? undefined : heard(error),
          failed === undefined ? undefined : expected(failed, errno),
          what,
        );
      }
    }
  }
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function assertUsable(pm: PathManager, what: string): void {
  libc.fails = () => undefined;
  const { kernel } = libc;
  assertEquals(pm.getLimits(), kernel.limits, what);
  assertEquals(
    pm.dumpAddrs().map(({ id }) => id),
    kernel.endpoints.map(({ id }) => id).toSorted((one, two) => one - two),
    what,
  );
}

const CASES = [
  ...OPERATIONS.map((operation) => [operation, undefined] as const),
  ...SOMEWHERE.map((operation) => [operation, "blue"] as const),
];

for (const [operation, netns] of CASES) {
  const source = operation.toString().replace(/^\(pm\)\s*=>\s*/, "")
    .replaceAll(/\s+/g, " ");
  const where = netns === undefined ? "" : " of another namespace";
  Deno.test(`\`${source}\`${where} tells which system call failed, and stays usable`, () => {
    sweep((arm, what) => {
      const pm = PathManager.open(netns === undefined ? {} : { netns });
      arm();
      const error = thrownBy(() => operation(pm));
      assertUsable(pm, what);
      pm.close();
      assertEquals([...libc.fds], [], what);
      // Where even the way back failed, the error says so.
      if (!heard(error).startsWith("setns")) {
        assertEquals(libc.netns, "home", what);
      }
      return error;
    });
  });
}

const PLACES: readonly (readonly [PathManagerOptions, string])[] = [
  [{}, "home"],
  [{ netns: "blue" }, "blue"],
  [{ netns: 42 }, "process 42"],
];

for (const [options, place] of PLACES) {
  const source = `PathManager.open(${Deno.inspect(options)})`;
  Deno.test(`\`${source}\` tells which system call failed, and leaks nothing`, () => {
    sweep((arm, what) => {
      let pm: PathManager | undefined;
      arm();
      const error = thrownBy(() => pm = PathManager.open(options));
      const sockets = pm === undefined ? [] : [`socket in ${place}`];
      assertEquals([...libc.fds.values()], sockets, what);
      if (pm !== undefined) assertUsable(pm, what);
      pm?.close();
      assertEquals([...libc.fds], [], what);
      return error;
    });
  });
}

const created = golden("event/kpm-v4/client/created").bytes;

/** What a stream tells besides the events when a call fails. */
function told(symbol: string | undefined, errno: number): string[] {
  if (symbol === "eventfd") return [`eventfd ${errno}`];
  if (symbol !== "recvfrom" || [EINTR, EAGAIN].includes(errno)) return [];
  return [errno === ENOBUFS ? "overrun" : `recvfrom ${errno}`];
}

Deno.test("a stream tells which system call failed, or goes on, and leaks nothing", async () => {
  for (const errno of [EIO, EINTR, EAGAIN, EMFILE, ENOBUFS]) {
    let failed: string | undefined = "none yet";
    for (let nth = 1; failed !== undefined; nth++) {
      const what = `call ${nth}, errno ${errno}`;
      assert(nth < 100, "there is no end of calls");
      libc.reset();
      failed = undefined;
      const pm = PathManager.open();
      const stream = pm.events();
      libc.calls.length = 0;
      libc.fails = ({ symbol }, number) => {
        if (number !== nth) return undefined;
        failed = symbol;
        return errno;
      };
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { type } of stream) seen.push(type);
      })().catch((error) => seen.push(heard(error)));
      for (let count = 0; count < 3; count++) {
        libc.kernel.emit(created);
        await new Promise((resolve) => setTimeout(resolve));
      }
      libc.fails = () => undefined;
      stream.close();
      await reading;
      const isEvent = (text: string) => text === "created";
      const others = seen.filter((text) => !isEvent(text));
      assertEquals(others, told(failed, errno), `${failed}: ${what}`);
      // An error is the last thing; else all events are there.
      const isOver = others.some((text) => text !== "overrun");
      if (isOver) assert(!isEvent(seen.at(-1)!), what);
      else assertEquals(seen.filter(isEvent).length, 3, what);
      assertUsable(pm, what);
      pm.close();
      await new Promise((resolve) => setTimeout(resolve));
      assertEquals([...libc.fds], [], what);
    }
  }
});
