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
