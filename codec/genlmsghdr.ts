/**
 * `struct genlmsghdr`, which every generic-netlink message has behind its
 * `nlmsghdr`: command (u8), version (u8), two reserved bytes, attributes.
 *
 * @module
 */

import { DecodeError } from "./decode_error.ts";
import { encodeMessage } from "./message.ts";
import type { NlHeader } from "./nlmsghdr.ts";
import type { AttrSet } from "./policy.ts";

/** Length of `struct genlmsghdr` in bytes. */
export const GENL_HDRLEN = 4 as const;

/** The header that is written next: to make an array takes longer. */
const FIXED = new Uint8Array(GENL_HDRLEN);

/** The header of a generic-netlink request. */
export interface GenlHeader extends NlHeader {
  /** Command number. */
  readonly cmd: number;
  /** Version of the family's protocol. */
  readonly version: number;
}

/** A decoded `genlmsghdr` and what follows it. */
export interface GenlPayload {
  /** Command number; in an event, the event number. */
  readonly cmd: number;
  /** Version of the family's protocol. */
  readonly version: number;
  /** The attributes: a view of the payload that was decoded. */
  readonly attrs: Uint8Array;
}

/**
 * Encodes a whole generic-netlink message.
 *
 * @param header Both headers' fields.
 * @param set The set that the attributes belong to.
 * @param attrs The attributes by name; absent ones are not sent.
 * @param buffer Where to write when it is large enough; else a new one is made.
 * @returns The message: the written part of the buffer.
 * @throws {TypeError | RangeError} A value does not fit its attribute.
 *
 * @example Encode the question for the limits
 * ```ts
 * import { encodeGenlMessage, mptcpPm, NLM_F_REQUEST } from "@mptcp/pm/codec";
 *
 * const { cmd, set } = mptcpPm.OPS["get-limits"];
 * const bytes = encodeGenlMessage({
 *   type: 28, // the family id, from nlctrl
 *   flags: NLM_F_REQUEST,
 *   seq: 1,
 *   pid: 0,
 *   cmd,
 *   version: mptcpPm.MPTCP_PM_VER,
 * }, set, {});
 * console.log(bytes.length); // 20
 * ```
 */
export function encodeGenlMessage<Input extends object>(
  header: GenlHeader,
  set: AttrSet<object, Input>,
  attrs: NoInfer<Input>,
  buffer?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  FIXED[0] = header.cmd;
  FIXED[1] = header.version;
  return encodeMessage(header, FIXED, set, attrs, buffer);
}

/**
 * Reads the generic-netlink header of a message.
 *
 * @param payload The payload of a netlink message.
 * @throws {DecodeError} The payload is shorter than the header.
 */
export function decodeGenlPayload(payload: Uint8Array): GenlPayload {
  if (payload.length < GENL_HDRLEN) {
    throw new DecodeError(
      `${payload.length} bytes, less than a generic-netlink header`,
      0,
    );
  }
  return {
    cmd: payload[0]!,
    version: payload[1]!,
    attrs: payload.subarray(GENL_HDRLEN),
  };
}
