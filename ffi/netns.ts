/**
 * Doing one thing in another network namespace.
 *
 * @module
 */

import {
  ArgumentRangeError,
  ArgumentTypeError,
} from "../codec/argument_error.ts";
import { closeFd, type Hints, O_NONBLOCK, O_RDONLY, openFile } from "./file.ts";
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
 * Calls `action` with this thread in another network namespace, and returns it
 * in any case. A thread or a process that starts meanwhile would stay in
 * that namespace for good: `action` makes one system call.
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
  if (netns === undefined) return inOpenNetns(undefined, action, undo);
  const open = openNetns(netns);
  try {
    return inOpenNetns(open, action, undo);
  } finally {
    closeFd(open.fd);
  }
}

/** The file of a network namespace, which keeps it in existence. */
export interface OpenNetns {
  /** Its descriptor. */
  readonly fd: number;
  /** What was asked for. */
  readonly netns: Netns;
}

/**
 * Opens the file of a namespace.
 *
 * @throws {TypeError | RangeError} It is no name, path or process id.
 * @throws {SyscallError} There is no such file.
 */
export function openNetns(netns: Netns): OpenNetns {
  const path = netnsPath(netns);
  const fd = openFile(
    path,
    // A pipe is not waited for.
    O_RDONLY | O_NONBLOCK,
    `find network namespace ${quoted(netns)}`,
    {
      [ENOENT]: `there is no ${path}; "ip netns" lists those with a name`,
      ...typeof netns === "number" && {
        [EACCES]: "the process belongs to another user: CAP_SYS_PTRACE is " +
          "needed",
      },
    },
  );
  return { fd, netns };
}

/** Does the same as {@linkcode inNetns} in a namespace that was opened. */
export function inOpenNetns<T>(
  netns: OpenNetns | undefined,
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

function goTo({ fd, netns }: OpenNetns): void {
  // Not /proc/self: that is the main thread, which may be elsewhere.
  const here = openFile(
    "/proc/thread-self/ns/net",
    O_RDONLY,
    "remember this network namespace",
    { [ENOENT]: "/proc is not mounted here" },
  );
  try {
    // Our own first: where that is refused there would be no way back.
    for (const target of [here, fd]) {
      setns(target, `enter network namespace ${quoted(netns)}`, {
        [EPERM]: "CAP_SYS_ADMIN is needed here and in its user namespace",
        [EINVAL]: "the file is not a network namespace",
      });
    }
    home = here;
  } finally {
    if (home !== here) closeFd(here);
  }
}

/** Comes back from where an earlier call could not. */
function comeHome(): void {
  if (home < 0) return;
  setns(home, "come back from the network namespace", {});
  closeFd(home);
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
      throw new ArgumentRangeError(
        `Invalid process id ${netns}: it is an integer from 1`,
      );
    }
    return `/proc/${netns}/ns/net`;
  }
  if (typeof netns !== "string" || netns === "" || netns.includes("\0")) {
    throw new ArgumentTypeError(
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
