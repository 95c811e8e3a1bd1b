/**
 * The end of an exchange: `NLMSG_ERROR` (an ack or an error message) and
 * `NLMSG_DONE`, with the extended-ack attributes behind them.
 *
 * @module
 */

import { attrPathAt } from "./attr_path.ts";
import { decodeAttrs } from "./attrs.ts";
import { readS32, readU32 } from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";
import {
  align4,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_HDRLEN,
} from "./nlmsghdr.ts";
import type { AttrSet } from "./policy.ts";

/** What the attribute should have been (`NL_POLICY_TYPE_ATTR_*`). */
const POLICY_TYPE_ATTR: AttrSet = {
  name: "policy-type-attr",
  attrs: [
    undefined,
    { type: 1, name: "type", key: "type", kind: "u32" },
    { type: 2, name: "min-value-s", key: "minValueS", kind: "s64" },
    { type: 3, name: "max-value-s", key: "maxValueS", kind: "s64" },
    { type: 4, name: "min-value-u", key: "minValueU", kind: "u64" },
    { type: 5, name: "max-value-u", key: "maxValueU", kind: "u64" },
    { type: 6, name: "min-length", key: "minLength", kind: "u32" },
    { type: 7, name: "max-length", key: "maxLength", kind: "u32" },
  ],
};

/** `NLMSGERR_ATTR_*` of `linux/netlink.h`. */
export const NLMSGERR_ATTR: AttrSet<ExtAck> = {
  name: "nlmsgerr-attr",
  attrs: [
    undefined,
    { type: 1, name: "msg", key: "message", kind: "string" },
    { type: 2, name: "offs", key: "offset", kind: "u32" },
    { type: 3, name: "cookie", key: "cookie", kind: "binary" },
    {
      type: 4,
      name: "policy",
      key: "policy",
      kind: "nest",
      nested: POLICY_TYPE_ATTR,
    },
    { type: 5, name: "miss-type", key: "missing", kind: "u32" },
    { type: 6, name: "miss-nest", key: "missingNest", kind: "u32" },
  ],
};

/** What a refused attribute should have been. */
export interface PolicyHint {
  /** `NL_ATTR_TYPE_*`: 2 u8, 3 u16, 4 u32, 8 s32, 10 binary, 13 nested. */
  readonly type?: number;
  /** Lowest value of a signed attribute. */
  readonly minValueS?: bigint;
  /** Highest value of a signed attribute. */
  readonly maxValueS?: bigint;
  /** Lowest value of an unsigned attribute. */
  readonly minValueU?: bigint;
  /** Highest value of an unsigned attribute. */
  readonly maxValueU?: bigint;
  /** Shortest payload in bytes. */
  readonly minLength?: number;
  /** Longest payload in bytes. */
  readonly maxLength?: number;
}

/** The kernel's explanation of an error, as far as it gave one. */
export interface ExtAck {
  /** The kernel's own words. They differ between releases: never parse them. */
  readonly message?: string;
  /**
   * The attribute at fault, from the outside in: `".addr.port"`. Added by
   * {@linkcode nameAttribute}.
   */
  readonly attribute?: string;
  /** Bytes from the start of the request to the attribute at fault. */
  readonly offset?: number;
  /** A code for the program that understands it. */
  readonly cookie?: Uint8Array;
  /** What the attribute at fault should have been. */
  readonly policy?: PolicyHint;
  /** Number of the attribute that is missing. */
  readonly missing?: number;
  /** Offset of the nest that misses it; absent: the top level. */
  readonly missingNest?: number;
}

/** A decoded `NLMSG_ERROR` or `NLMSG_DONE`. */
export interface Ack {
  /** A positive errno, or 0 for success. */
  readonly errno: number;
  /** The extended ack; a success can carry one too, as a warning. */
  readonly extack?: ExtAck;
}

/** The request that an ack is about. */
export interface AckedRequest {
  /** The whole message, as it was sent. */
  readonly bytes: Uint8Array;
  /** Bytes in front of its attributes: 20 in generic netlink. */
  readonly headerLength: number;
  /** The set that its attributes belong to. */
  readonly set: AttrSet;
}

/**
 * Decodes the message that ends an exchange.
 *
 * An `NLMSG_ERROR` echoes the request's header, and unless it is capped the
 * whole request of an error; the attributes follow that.
 *
 * @param message A message of type `NLMSG_ERROR` or `NLMSG_DONE`.
 * @throws {DecodeError} The message is shorter than it says.
 *
 * @example See whether a request succeeded
 * ```ts
 * import { decodeAck, decodeNlMessages, NLMSG_ERROR } from "@mptcp/pm/codec";
 *
 * function succeeded(datagram: Uint8Array): boolean {
 *   return decodeNlMessages(datagram).some((message) =>
 *     message.type === NLMSG_ERROR && decodeAck(message).errno === 0
 *   );
 * }
 * ```
 */
export function decodeAck(message: NlMessage): Ack {
  const { payload, flags } = message;
  // Some senders of NLMSG_DONE leave out the error.
  if (message.type === NLMSG_DONE && payload.length < 4) return { errno: 0 };
  const isDone = message.type === NLMSG_DONE;
  const fixed = isDone ? 4 : 4 + NLMSG_HDRLEN;
  if (payload.length < fixed) {
    throw new DecodeError(`an ack of ${payload.length} bytes`, 0);
  }
  // Not by a sign, which would make -0 of 0.
  const errno = 0 - readS32(payload, 0);
  if (errno < 0) throw new DecodeError(`an ack with error ${-errno}`, 0);
  if (!(flags & NLM_F_ACK_TLVS)) return { errno };
  const isCapped = isDone || (flags & NLM_F_CAPPED) !== 0;
  const start = isCapped ? fixed : 4 + align4(echoLength(payload));
  const extack = decodeAttrs(NLMSGERR_ATTR, payload, start);
  return { errno, extack };
}

/**
 * Adds the name of the attribute at fault, or that is missing, to an extended
 * ack: if the kernel gave its place or number, and the set has it.
 *
 * @param extack What {@linkcode decodeAck} returned.
 * @param request What was sent.
 */
export function nameAttribute(
  extack: ExtAck,
  { bytes, headerLength, set }: AckedRequest,
): ExtAck {
  const { offset, missing, missingNest } = extack;
  const at = missingNest ?? (missing === undefined ? offset : undefined);
  const name = set.attrs[missing ?? -1]?.name;
  const attribute = at !== undefined
    ? attrPathAt(set, bytes.subarray(headerLength), at - headerLength)
    : name && `.${name}`;
  return attribute === undefined ? extack : { ...extack, attribute };
}

/** Length of the request that an ack echoes. */
function echoLength(payload: Uint8Array): number {
  const length = readU32(payload, 4);
  const left = payload.length - 4;
  if (length >= NLMSG_HDRLEN && length <= left) return length;
  throw new DecodeError(
    `a request of ${length} bytes, but ${NLMSG_HDRLEN} to ${left} is possible`,
    4,
  );
}
