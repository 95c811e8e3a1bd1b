/**
 * What can go wrong between this module and the kernel.
 *
 * @module
 */

import { errnoName, errnoText } from "../codec/errno.ts";
import type { ExtAck } from "../codec/extack.ts";
import type { OpName } from "../codec/mptcp_pm.gen.ts";
import { hintFor } from "./hints.ts";

export { SyscallError } from "../ffi/syscall_error.ts";
export { errnoName, errnoText };

/** What each command does, as the messages say it. */
export const ACTIONS: { readonly [op in OpName | "getfamily"]: string } = {
  "add-addr": "add address",
  "del-addr": "delete address",
  "get-addr": "get address",
  "flush-addrs": "flush addresses",
  "set-limits": "set limits",
  "get-limits": "get limits",
  "set-flags": "set flags",
  "announce": "announce address",
  "remove": "remove address",
  "subflow-create": "create subflow",
  "subflow-destroy": "destroy subflow",
  "getfamily": "look up mptcp_pm",
};

/** A command of the family, or the look-up of the family itself. */
export type Operation = OpName | "getfamily";

/** The kernel's explanation of a refusal, as far as it gave one. */
export interface Explanation {
  /** The kernel's own words. They differ between releases: never parse them. */
  readonly message?: string;
  /** The attribute at fault, from the outside in: `".addr.port"`. */
  readonly attribute?: string;
  /** Bytes from the start of the request to the attribute at fault. */
  readonly offset?: number;
  /** Number of the attribute that is missing. */
  readonly missing?: number;
}

/**
 * The kernel refused a command.
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
export class NetlinkError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name = "NetlinkError";
  /** The command, in the words of the specification: `"add-addr"`. */
  readonly op: Operation;
  /** The positive error number, such as 17. */
  readonly errno: number;
  /** The error's name, such as `"EEXIST"`. */
  readonly code: string;
  /** What the kernel said besides the number; absent if nothing. */
  declare readonly extack?: Explanation;
  /** What it means and what would be right, where the kernel leaves that open. */
  declare readonly hint?: string;

  /**
   * Describes one refusal.
   *
   * @param op The command.
   * @param errno The positive error number.
   * @param extack What the kernel said besides.
   * @param found What was found out about the cause, instead of a general hint.
   */
  constructor(
    op: Operation,
    errno: number,
    extack?: Explanation,
    found?: string,
  ) {
    const code = errnoName(errno);
    const reason = extack?.message ??
      (extack?.missing === undefined
        ? errnoText(errno)
        : "a mandatory attribute is missing");
    const place = extack?.attribute === undefined
      ? ""
      : ` at "${extack.attribute}"`;
    super(`Cannot ${ACTIONS[op]}: ${reason} (${code}${place})`);
    this.op = op;
    this.errno = errno;
    this.code = code;
    if (extack !== undefined) this.extack = extack;
    const hint = found ?? hintFor(op, code, extack);
    if (hint !== undefined) this.hint = hint;
  }
}

/**
 * Turns the attributes of an extended ack into an {@linkcode Explanation}.
 *
 * @param extack The attributes.
 * @param nameAt Names the attribute at an offset of the request.
 * @param nameOf Names a top-level attribute by its number.
 */
export function explain(
  extack: ExtAck,
  nameAt: (offset: number) => string | undefined,
  nameOf: (type: number) => string | undefined,
): Explanation {
  const { message, offset, missType, missNest } = extack;
  const attribute = missNest !== undefined
    ? nameAt(missNest)
    : missType !== undefined
    ? nameOf(missType)
    : offset !== undefined
    ? nameAt(offset)
    : undefined;
  return {
    ...message !== undefined && { message },
    ...attribute !== undefined && { attribute },
    ...offset !== undefined && { offset },
    ...missType !== undefined && { missing: missType },
  };
}

/** The running kernel has no `mptcp_pm`. */
export class FamilyNotFoundError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name = "FamilyNotFoundError";

  /**
   * Describes the missing family.
   *
   * @param family The name that the kernel does not know.
   */
  constructor(family: string) {
    super(
      `Cannot find the netlink family "${family}": this kernel has no ` +
        "Multipath TCP path manager, which Linux has from 5.7 on if it was " +
        "built with CONFIG_MPTCP=y",
    );
  }
}

/** No endpoint fits what was asked for. */
export class EndpointNotFoundError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name = "EndpointNotFoundError";
  /** The command, in the words of the specification: `"del-addr"`. */
  readonly op: OpName;

  /**
   * Describes what was looked for.
   *
   * @param op The command.
   * @param what What was looked for and where it could be.
   */
  constructor(op: OpName, what: string) {
    super(`Cannot ${ACTIONS[op]}: ${what}`);
    this.op = op;
  }
}

/** The kernel, or what stands in for it, did not keep to the protocol. */
export class ProtocolError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name = "ProtocolError";
}
