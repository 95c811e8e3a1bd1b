/**
 * Messages as text, without what differs between two kernels that do the same.
 *
 * @module
 */

import { decodeAttrs } from "../../codec/attrs.ts";
import { readU16, readU32, writeU16, writeU32 } from "../../codec/bytes.ts";
import { errnoName } from "../../codec/errno.ts";
import { decodeAck } from "../../codec/extack.ts";
import { ATTR, EVENT_ATTR } from "../../codec/mptcp_pm.gen.ts";
import {
  align4,
  decodeNlMessages,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../../codec/nlmsghdr.ts";
import { FAMILY } from "../../testing/fake_kernel.ts";

/**
 * The messages of a datagram, each in words and in bytes. The number of the
 * family is that of the fake, the port id is left out.
 */
export function textOf(datagram: Uint8Array, family: number): string {
  const texts: string[] = [];
  for (let at = 0; at < datagram.length;) {
    const length = readU32(datagram, at);
    const message = datagram.slice(at, at + length);
    const isAck = readU16(message, 4) === NLMSG_ERROR;
    // An ack repeats the header of the request.
    for (const type of isAck ? [24] : [4]) {
      if (readU16(message, type) === family) writeU16(message, type, FAMILY);
    }
    writeU32(message, 12, 0);
    texts.push(`${inWords(message)}  ${message.toHex()}`);
    at += align4(length);
  }
  return texts.join("\n");
}

function inWords(message: Uint8Array): string {
  const [header] = decodeNlMessages(message);
  const { type, seq, payload } = header!;
  if (type === NLMSG_ERROR || type === NLMSG_DONE) {
    const { errno, extack: { message, ...rest } = {} } = decodeAck(header!);
    return [
      type === NLMSG_ERROR ? "ack" : "done",
      ...errno === 0 ? [] : [errnoName(errno)],
      ...message === undefined ? [] : [message],
      ...Object.keys(rest).length === 0 ? [] : [Deno.inspect(rest)],
    ].join(" ");
  }
  const set = seq === 0 ? EVENT_ATTR : ATTR;
  const attrs = Deno.inspect(decodeAttrs(set, payload, 4));
  return `${seq === 0 ? "event" : "reply"} ${payload[0]} ${attrs}`;
}
