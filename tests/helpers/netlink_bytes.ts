/**
 * Messages and their parts, for tests that choose each byte, or change what a
 * kernel has sent.
 *
 * @module
 */

import { readU16, readU32, writeU16, writeU32 } from "../../codec/bytes.ts";
import { type ExtAck, NLMSG_ERROR } from "../../codec/mod.ts";
import { align4, encodeNlHeader } from "../../codec/nlmsghdr.ts";
import {
  type Bytes,
  encodeAck,
  encodeDone,
  FakeRequest,
  PORT_ID,
  type SocketOptions,
} from "../../testing/fake_netlink.ts";

export {
  GENL_ID_CTRL,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../../codec/mod.ts";
export type { Bytes } from "../../testing/fake_netlink.ts";

/** One byte. */
export function u8(value: number): Bytes {
  return Uint8Array.of(value);
}

/** Two bytes in the host's order. */
export function u16(value: number): Bytes {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

/** Four bytes in the host's order. */
export function u32(value: number): Bytes {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Text as C has it. */
export function text(value: string): Bytes {
  return new TextEncoder().encode(`${value}\0`);
}

/** Puts bytes behind each other. */
export function join(parts: readonly Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An attribute with its padding. */
export function attr(type: number, ...payload: Uint8Array[]): Bytes {
  const body = join([u16(0), u16(type), ...payload]);
  writeU16(body, 0, body.length);
  return join([body, new Uint8Array(align4(body.length) - body.length)]);
}

/** A netlink message of the kernel. */
export function message(
  type: number,
  flags: number,
  seq: number,
  ...payload: Uint8Array[]
): Bytes {
  const bytes = join([new Uint8Array(16), ...payload]);
  encodeNlHeader(bytes, bytes.length, { type, flags, seq, pid: PORT_ID });
  return bytes;
}

/** The messages of a datagram, each on its own. */
export function split(datagram: Uint8Array): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at < datagram.length;) {
    const length = readU32(datagram, at);
    messages.push(datagram.slice(at, at + length) as Bytes);
    at += Math.max(16, align4(length));
  }
  return messages;
}

/** The same bytes to read numbers from. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The type in a message's header. */
export function typeOf(message: Uint8Array): number {
  return readU16(message, 4);
}

/** The flags in a message's header. */
export function flagsOf(message: Uint8Array): number {
  return readU16(message, 6);
}

/** The sequence number in a message's header. */
export function seqOf(message: Uint8Array): number {
  return readU32(message, 8);
}

/** The datagram as the answer to the request with another number. */
export function withSeq(datagram: Uint8Array, seq: number): Bytes {
  return join(
    split(datagram).map((message) => {
      writeU32(message, 8, seq);
      // The header of the request.
      if (typeOf(message) === NLMSG_ERROR) writeU32(message, 16 + 4 + 8, seq);
      return message;
    }),
  );
}

/** The end of a dump. */
export function done(seq: number, errno = 0, extack: ExtAck = {}): Bytes {
  return encodeDone(Object.assign(requestOf(seq), { extack }), errno);
}

function requestOf(seq: number): FakeRequest {
  return new FakeRequest(message(0, 0, seq));
}

/** The ack of a request: 0 is success. */
export function ack(
  request: Bytes,
  errno: number,
  extack: ExtAck = {},
  options: SocketOptions = { extAck: true, capAck: true },
): Bytes {
  const acked = Object.assign(new FakeRequest(request), { extack });
  return encodeAck(acked, errno, options);
}
