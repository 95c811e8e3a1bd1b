/**
 * What can go wrong between this library and the kernel. All of it extends
 * {@linkcode MptcpError}; a wrong argument is a `TypeError` or a `RangeError`.
 *
 * @module
 */

import type { ExtAck } from "../codec/extack.ts";
import { errnoName, errnoText } from "../codec/errno.ts";
import { MptcpError } from "../codec/mptcp_error.ts";
import { SyscallError } from "../ffi/syscall_error.ts";

export { SyscallError };

/** What a {@linkcode NetlinkError} is made of. */
export interface Refusal {
  /** The command, in the words of its specification: `"add-addr"`. */
  readonly op: string;
  /** What it does, as the message says it: `"add address"`. */
  readonly action: string;
  /** The positive error number. */
  readonly errno: number;
  /** What the kernel said besides. */
  readonly extack?: ExtAck | undefined;
  /** What it means and what would be right. */
  readonly hint?: string | undefined;
}

/**
 * The kernel refused a command. The message ends with the hint, on a line of
 * its own, if there is one.
 *
 * @example Add an address unless it is there
 * ```ts
 * import { NetlinkError, PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * try {
 *   pm.addAddr({ address: "10.0.1.1", flags: ["subflow"] });
 * } catch (error) {
 *   if (!(error instanceof NetlinkError && error.code === "EEXIST")) throw error;
 * }
 * ```
 */
export class NetlinkError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "NetlinkError";
  /** The command, in the words of its specification: `"add-addr"`. */
  readonly op: string;
  /** The positive error number, such as 17. */
  readonly errno: number;
  /** The error's name, such as `"EEXIST"`. */
  readonly code: string;
  /** What the kernel said besides the number; absent if nothing. */
  declare readonly extack?: ExtAck;
  /** What it means and what would be right, where the kernel leaves that open. */
  declare readonly hint?: string;
  readonly #action: string;

  /**
   * Describes one refusal.
   *
   * @param refusal What is known of it.
   */
  constructor({ op, action, errno, extack, hint }: Refusal) {
    const code = errnoName(errno);
    const reason = extack?.message ??
      (extack?.missing === undefined
        ? errnoText(errno)
        : "a mandatory attribute is missing");
    const place = extack?.attribute === undefined
      ? ""
      : ` at "${extack.attribute}"`;
    super(
      `Cannot ${action}: ${reason} (${code}${place})` +
        (hint === undefined ? "" : `\nhint: ${hint}`),
    );
    this.op = op;
    this.errno = errno;
    this.code = code;
    if (extack !== undefined) this.extack = extack;
    if (hint !== undefined) this.hint = hint;
    this.#action = action;
  }

  /**
   * The same refusal with another hint.
   *
   * @param hint What it means and what would be right.
   */
  withHint(hint: string): NetlinkError {
    const { op, errno, extack } = this;
    return new NetlinkError({ op, action: this.#action, errno, extack, hint });
  }
}

/**
 * The running kernel is too old for what was asked.
 *
 * @example List a connection's addresses where that is possible
 * ```ts
 * import { PathManager, UnsupportedError } from "@mptcp/pm";
 *
 * function addressesOf(pm: PathManager, token: number): string[] {
 *   try {
 *     return pm.dumpAddrs({ token }).map(({ address }) => address);
 *   } catch (error) {
 *     if (error instanceof UnsupportedError) return [];
 *     throw error;
 *   }
 * }
 * ```
 */
export class UnsupportedError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "UnsupportedError";
  /** The first Linux release that can do it, such as `"5.19"`. */
  readonly since: string;

  /**
   * Describes what the kernel cannot do.
   *
   * @param action What was to be done: `"announce address"`.
   * @param since The first release that can do it, such as `"5.19"`.
   */
  constructor(action: string, since: string) {
    super(`Cannot ${action}: this needs Linux ${since} or later`);
    this.since = since;
  }
}

/** What can be missing. */
export type Missing = "connection" | "endpoint" | "family";

/**
 * What was asked for is not there: no endpoint fits, no connection has the
 * token, or the running kernel has no `mptcp_pm`.
 *
 * @example Delete an endpoint that may be gone already
 * ```ts
 * import { NotFoundError, PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * try {
 *   pm.delAddr({ address: "10.0.2.1" });
 * } catch (error) {
 *   if (!(error instanceof NotFoundError)) throw error;
 * }
 * ```
 */
export class NotFoundError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "NotFoundError";
  /** What is not there. */
  readonly what: Missing;
  /** The command, such as `"del-addr"`; absent for the family. */
  declare readonly op?: string;

  /**
   * Describes what was looked for.
   *
   * @param what What is not there.
   * @param message What was looked for, and where it could be.
   * @param op The command, in the words of its specification.
   */
  constructor(what: Missing, message: string, op?: string) {
    super(message);
    this.what = what;
    if (op !== undefined) this.op = op;
  }
}

/** The kernel, or what stands in for it, did not keep to the protocol. */
export class ProtocolError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "ProtocolError";
}

/**
 * What was waited for did not come in time.
 *
 * @example Go on with one path where there is no second one
 * ```ts
 * import { PathManager, TimeoutError } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * try {
 *   await pm.waitFor({ subflows: 2 }, { timeoutMs: 5000 });
 * } catch (error) {
 *   if (!(error instanceof TimeoutError)) throw error;
 *   console.error(error.message);
 * }
 * ```
 */
export class TimeoutError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "TimeoutError";
  /** How long it took, in milliseconds. */
  readonly timeoutMs: number;

  /**
   * Describes what did not come.
   *
   * @param goal What was waited for, such as `"2 connections"`.
   * @param timeoutMs How long, in milliseconds.
   */
  constructor(goal: string, timeoutMs: number) {
    super(`Timed out after ${timeoutMs / 1000} s: waited for ${goal}`);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Whether an error says that a privilege is missing: the kernel's answer to a
 * command, or a system call.
 *
 * @param error What was thrown.
 *
 * @example Say what would help
 * ```ts
 * import { isPermissionError, PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * try {
 *   pm.flushAddrs();
 * } catch (error) {
 *   if (!isPermissionError(error)) throw error;
 *   console.error("run this as root");
 * }
 * ```
 */
export function isPermissionError(error: unknown): boolean {
  return (error instanceof NetlinkError || error instanceof SyscallError) &&
    (error.code === "EPERM" || error.code === "EACCES");
}
