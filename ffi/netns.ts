/**
 * Doing one thing in another network namespace.
 *
 * @module
 */

import { type Hints, O_NONBLOCK, O_RDONLY, openFile } from "./file.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const CLONE_NEWNET = 0x40000000;

const EPERM = 1;
const ENOENT = 2;
const EACCES = 13;
const EINVAL = 22;

/**
 * A network namespace: a name given by `ip netns`, a path (any text with a
 * slash), or the id of a process that is in it.
 */
export type Netns = string | number;

const errno = new Int32Array(1);

/** The namespace that this thread belongs in, while it is in another; or -1. */
let home = -1;

/**
 * Calls `action` with this thread in another network namespace, and brings it
 * back whatever happens. Whatever starts a thread or a process meanwhile
 * would leave that behind in the namespace: `action` makes one system call.
 *
 * Should the way back fail, the next call tries it again before anything else.
 *
 * @param netns The namespace; absent: the one that this thread belongs in.
 * @param action What to do there.
 * @param undo Takes back the action's result should the way back fail.
 */
export function inNetns<T>(
  netns: Netns | undefined,
  action: () => T,
  undo: (result: T) => void,
): T {
  comeHome();
  if (netns === undefined) return action();
  goTo(netns);
  let result: T;
  try {
    result = action();
  } catch (error) {
    comeHome();
    throw error;
  }
  try {
    comeHome();
  } catch (error) {
    undo(result);
    throw error;
  }
  return result;
}

function goTo(netns: Netns): void {
  const path = netnsPath(netns);
  // Not /proc/self: that is the main thread, which may be elsewhere.
  const here = openFile(
    "/proc/thread-self/ns/net",
    O_RDONLY,
    "remember this network namespace",
  );
  try {
    const there = openFile(
      path,
      // A pipe is not waited for.
      O_RDONLY | O_NONBLOCK,
      `find network namespace ${quoted(netns)}`,
      {
        [ENOENT]: `there is no ${path}; "ip netns" lists those with a name`,
        ...typeof netns === "number" && {
          [EACCES]: "the process belongs to somebody else: CAP_SYS_PTRACE is " +
            "needed",
        },
      },
    );
    try {
      // Where coming back is barred, this is: so nobody gets lost.
      for (const fd of [here, there]) {
        setns(fd, `enter network namespace ${quoted(netns)}`, {
          [EPERM]: "CAP_SYS_ADMIN is needed here and in its user namespace",
          [EINVAL]: "the file is not a network namespace",
        });
      }
      home = here;
    } finally {
      libc().symbols.close(there);
    }
  } finally {
    if (home !== here) {
      libc().symbols.close(here);
    }
  }
}

/** Comes back from where an earlier call could not. */
function comeHome(): void {
  if (home < 0) return;
  setns(home, "come back from the network namespace", {});
  libc().symbols.close(home);
  home = -1;
}

/**
 * The file that stands for a namespace.
 *
 * @throws {TypeError | RangeError} It is no name, path or process id.
 */
export function netnsPath(netns: Netns): string {
  if (typeof netns === "number") {
    if (!Number.isSafeInteger(netns) || netns < 1) {
      throw new RangeError(
        `Invalid process id ${netns}: it is an integer from 1`,
      );
    }
    return `/proc/${netns}/ns/net`;
  }
  if (typeof netns !== "string" || netns === "" || netns.includes("\0")) {
    throw new TypeError(
      `Invalid network namespace ${quoted(netns)}: ` +
        "it is a name, a path or a process id",
    );
  }
  return netns.includes("/") ? netns : `/run/netns/${netns}`;
}

function quoted(netns: Netns): string {
  return typeof netns === "string"
    ? JSON.stringify(netns)
    : `of process ${netns}`;
}

function setns(
  fd: number,
  action: string,
  hints: Hints,
): void {
  const { symbols: { memcpy }, errnoPointer } = libc();
  const { setns } = libc().netns();
  const result = setns(fd, CLONE_NEWNET);
  memcpy(errno, errnoPointer, 4n);
  if (result < 0) {
    throw new SyscallError("setns", errno[0]!, action, hints[errno[0]!]);
  }
}
