import { errnoName, errnoText } from "../codec/errno.ts";
import { MptcpError } from "../codec/mptcp_error.ts";

/**
 * A system call failed. The kernel's answers to `mptcp_pm` commands are
 * `NetlinkError`s; this is about the socket below them, the network namespace
 * or the device.
 *
 * @example Recognise a missing namespace
 * ```ts
 * import { PathManager, SyscallError } from "@mptcp/pm";
 *
 * try {
 *   using pm = PathManager.open({ netns: "blue" });
 * } catch (error) {
 *   if (error instanceof SyscallError && error.code === "ENOENT") {
 *     console.log("ip netns add blue");
 *   }
 * }
 * ```
 */
export class SyscallError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "SyscallError";
  /** The system call, such as `"socket"`. */
  readonly syscall: string;
  /** The positive error number, such as 1. */
  readonly errno: number;
  /** The error's name, such as `"EPERM"`. */
  readonly code: string;

  /**
   * Describes one failed call.
   *
   * @param syscall The system call, such as `"socket"`.
   * @param errno The positive error number.
   * @param action What it was called for, such as `"open netlink socket"`.
   * @param hint What would be right.
   */
  constructor(syscall: string, errno: number, action: string, hint?: string) {
    const code = errnoName(errno);
    super(
      `Cannot ${action}: ${errnoText(errno)} (${syscall}: ${code})` +
        (hint === undefined ? "" : `: ${hint}`),
    );
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}
