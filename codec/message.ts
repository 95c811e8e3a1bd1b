/**
 * Whole netlink messages, whatever the protocol: a header, what the protocol
 * has behind it, attributes.
 *
 * @module
 */

import { writeAttrs } from "./attrs.ts";
import {
  align4,
  encodeNlHeader,
  type NlHeader,
  NLMSG_HDRLEN,
} from "./nlmsghdr.ts";
import type { AttrSet } from "./policy.ts";

/**
 * Encodes a whole netlink message.
 *
 * @param header The fields of the netlink header.
 * @param fixed What is between that and the attributes, such as what
 * {@linkcode encodeStruct} returns.
 * @param set The set that the attributes belong to.
 * @param attrs The attributes by name; absent ones are not sent.
 * @param buffer Where to write when it is large enough; else a new one is made.
 * @returns The message: the written part of the buffer.
 * @throws {TypeError | RangeError} A value does not fit its attribute.
 *
 * @example Ask for all MPTCP connections over IPv4
 * ```ts
 * import {
 *   encodeMessage,
 *   encodeStruct,
 *   NLM_F_DUMP,
 *   NLM_F_REQUEST,
 *   sockDiag,
 * } from "@mptcp/pm/codec";
 *
 * const { type, header, set } = sockDiag.MESSAGES["sock-diag-by-family"];
 * const message = encodeMessage(
 *   { type, flags: NLM_F_REQUEST | NLM_F_DUMP, seq: 1, pid: 0 },
 *   encodeStruct(header, { family: 2, ext: 2, states: 0xffff_ffff }),
 *   set,
 *   { protocol: 262 },
 * );
 * console.log(message.length); // 80
 * ```
 */
export function encodeMessage<Input extends object>(
  header: NlHeader,
  fixed: Uint8Array,
  set: AttrSet<object, Input>,
  attrs: NoInfer<Input>,
  buffer?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const start = NLMSG_HDRLEN + align4(fixed.length);
  let bytes = buffer ?? new Uint8Array(256);
  const length = writeAttrs(bytes, start, set, attrs);
  if (length > bytes.length) {
    bytes = new Uint8Array(length);
    writeAttrs(bytes, start, set, attrs);
  }
  encodeNlHeader(bytes, length, header);
  for (let at = NLMSG_HDRLEN; at < start; at++) {
    bytes[at] = fixed[at - NLMSG_HDRLEN] ?? 0;
  }
  return bytes.subarray(0, length);
}
