/**
 * `struct nlmsghdr`, the header of each netlink message:
 *
 * ```text
 *  0          4      6       8       12      16
 *  +----------+------+-------+-------+-------+------------
 *  | len u32  | type | flags | seq   | pid   | payload …
 *  +----------+------+-------+-------+-------+------------
 * ```
 *
 * All fields are in host byte order; `len` counts the header. Messages in one
 * datagram start at multiples of 4.
 *
 * @module
 */

import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";

/** Length of `struct nlmsghdr` in bytes. */
export const NLMSG_HDRLEN = 16 as const;

/** Message type: an ack (error 0) or a refusal. */
export const NLMSG_ERROR = 2 as const;
/** Message type: the end of a dump. */
export const NLMSG_DONE = 3 as const;

/** This is a request. Without it the kernel skips the message, and acks it. */
export const NLM_F_REQUEST = 0x1 as const;
/** Part of a reply in several messages. */
export const NLM_F_MULTI = 0x2 as const;
/** Asks for an ack on success too. */
export const NLM_F_ACK = 0x4 as const;
/** The table changed while it was dumped. */
export const NLM_F_DUMP_INTR = 0x10 as const;
/** Asks for all entries (`NLM_F_ROOT | NLM_F_MATCH`). */
export const NLM_F_DUMP = 0x300 as const;
/** On an ack: the request is not echoed behind its header. */
export const NLM_F_CAPPED = 0x100 as const;
/** On an ack or the end of a dump: extended-ack attributes follow. */
export const NLM_F_ACK_TLVS = 0x200 as const;

/** The fields of `struct nlmsghdr` but the length. */
export interface NlHeader {
  /** Message type: `NLMSG_*` below 16, else the family. */
  readonly type: number;
  /** `NLM_F_*` bits. */
  readonly flags: number;
  /** Sequence number, unsigned 32 bits; 0 in events. */
  readonly seq: number;
  /** Port id of the socket, unsigned 32 bits; 0 is the kernel. */
  readonly pid: number;
}

/** One netlink message. */
export interface NlMessage extends NlHeader {
  /**
   * What follows the header: a view of the datagram that was decoded, valid
   * as long as that is.
   */
  readonly payload: Uint8Array;
}

/** Rounds a length up to the netlink alignment of 4. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Writes a header at the start of `bytes`.
 *
 * @param bytes Where to write: 16 bytes at the least.
 * @param length Length of the whole message in bytes, header included.
 * @param header The other fields.
 */
export function encodeNlHeader(
  bytes: Uint8Array,
  length: number,
  header: NlHeader,
): void {
  writeU32(bytes, 0, length);
  writeU16(bytes, 4, header.type);
  writeU16(bytes, 6, header.flags);
  writeU32(bytes, 8, header.seq);
  writeU32(bytes, 12, header.pid);
}

/**
 * Splits a datagram into its messages.
 *
 * @param datagram What one `recv` returned.
 * @returns The messages in their order; the payloads are views.
 * @throws {DecodeError} A length is below 16 or past the end.
 *
 * @example Read the type of each message
 * ```ts
 * import { decodeNlMessages } from "@mptcp/pm/codec";
 *
 * const noop = Uint8Array.of(16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
 * console.log(decodeNlMessages(noop).map((message) => message.type)); // [ 1 ]
 * ```
 */
export function decodeNlMessages(datagram: Uint8Array): NlMessage[] {
  const messages: NlMessage[] = [];
  for (let offset = 0; offset < datagram.length;) {
    const end = nlMessageEnd(datagram, offset);
    // Not by nlMessageAt(): the call takes 4 % of decoding an event.
    messages.push({
      type: readU16(datagram, offset + 4),
      flags: readU16(datagram, offset + 6),
      seq: readU32(datagram, offset + 8),
      pid: readU32(datagram, offset + 12),
      payload: datagram.subarray(offset + NLMSG_HDRLEN, end),
    });
    offset = align4(end);
  }
  return messages;
}

/**
 * Where a message ends: for a reader that skips messages without decoding them.
 * The next one starts at {@linkcode align4} of that.
 *
 * @param datagram What one `recv` returned.
 * @param offset Where the message starts.
 * @throws {DecodeError} Its length is below 16 or past the end.
 */
export function nlMessageEnd(datagram: Uint8Array, offset: number): number {
  const left = datagram.length - offset;
  if (left < NLMSG_HDRLEN) {
    throw new DecodeError(`${left} bytes, less than a header`, offset);
  }
  const length = readU32(datagram, offset);
  if (length < NLMSG_HDRLEN || length > left) {
    throw new DecodeError(
      `message length ${length}, but 16 to ${left} is possible`,
      offset,
    );
  }
  return offset + length;
}

/**
 * The message between two offsets; the payload is a view.
 *
 * @param datagram What one `recv` returned.
 * @param offset Where the message starts.
 * @param end What {@linkcode nlMessageEnd} returned for it.
 */
export function nlMessageAt(
  datagram: Uint8Array,
  offset: number,
  end: number,
): NlMessage {
  return {
    type: readU16(datagram, offset + 4),
    flags: readU16(datagram, offset + 6),
    seq: readU32(datagram, offset + 8),
    pid: readU32(datagram, offset + 12),
    payload: datagram.subarray(offset + NLMSG_HDRLEN, end),
  };
}
