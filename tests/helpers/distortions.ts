/**
 * Other ways to deliver answers.
 *
 * @module
 */

import { FAMILY } from "../../testing/fake_kernel.ts";
import type { Delivery, Distortion } from "../../testing/fake_namespace.ts";
import {
  ack,
  attr,
  type Bytes,
  done,
  flagsOf,
  GENL_ID_CTRL,
  join,
  message,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  seqOf,
  split,
  text,
  typeOf,
  u16,
  u32,
  u8,
  withSeq,
} from "./netlink_bytes.ts";

const EPERM = 1;
const EBUSY = 16;
const GET_ADDR = 3;
const GET_LIMITS = 6;
const SUBFLOW_CREATE = 10;

/** The next message starts at a multiple of 4. */
function padded(message: Uint8Array): Bytes {
  return join([message, new Uint8Array(-message.length & 3)]);
}

/** Changes each message of an answer. */
function eachMessage(change: (message: Bytes) => Uint8Array): Distortion {
  return (answer) =>
    answer.map((delivery) =>
      delivery instanceof Uint8Array
        ? join(split(delivery).map(change).map(padded))
        : delivery
    );
}

const datagrams = (answer: Delivery[]) =>
  answer.filter((delivery) => delivery instanceof Uint8Array);

/** A message with more attributes behind those that it has. */
function withAttrs(message: Bytes, ...attrs: Uint8Array[]): Bytes {
  const bytes = join([message, ...attrs]);
  bytes.set(u32(bytes.length));
  return bytes;
}

const isReply = (message: Bytes) => typeOf(message) === FAMILY;

/** A reply to a request as if it were of a command, with limits of 7. */
export function reply(request: Bytes, cmd: number): Bytes {
  const limits = [attr(2, u32(7)), attr(3, u32(7))];
  const header = Uint8Array.of(cmd, 1, 0, 0);
  return message(FAMILY, NLM_F_MULTI, seqOf(request), header, ...limits);
}

/** What may come behind the end of an answer. */
const behind = (request: Bytes) => [
  reply(request, GET_ADDR),
  reply(request, GET_LIMITS),
  ack(request, EPERM),
];

/** Other ways to deliver an answer that make no difference to the caller. */
export const HARMLESS: Readonly<Record<string, Distortion>> = {
  "each message in a datagram of its own": (answer) =>
    datagrams(answer).flatMap(split),
  "all messages in one datagram": (answer) => [join(datagrams(answer))],
  "an answer that comes late": (answer) => [undefined, ...answer],
  "each datagram late": (answer) =>
    answer.flatMap((delivery) => [undefined, delivery]),
  "a wait that ends for nothing": (answer) => [
    undefined,
    undefined,
    ...answer,
  ],
  "answers to an earlier request in front": (answer, request) => [
    ...datagrams(answer).map((datagram) =>
      withSeq(datagram, (seqOf(request) || 1) - 1)
    ),
    ...answer,
  ],
  "an earlier request's refusal in the same datagram": (answer, request) => {
    const stale = ack(request, EBUSY);
    return [
      join([withSeq(stale, seqOf(request) - 1), ...datagrams(answer)]),
    ];
  },
  "an event in front": (answer) => [
    message(FAMILY, 0, 0, Uint8Array.of(3, 1, 0, 0), attr(1, u32(7))),
    ...answer,
  ],
  "an empty datagram in front": (answer) => [new Uint8Array(), ...answer],
  "a message of another family in front": (answer, request) => [
    message(FAMILY + 1, 0, seqOf(request), Uint8Array.of(9, 1, 0, 0)),
    ...answer,
  ],
  "unknown attributes": eachMessage((message) =>
    isReply(message)
      ? withAttrs(message, attr(99, u32(1)), attr(77, text("new")), attr(98))
      : message
  ),
  "bytes behind the last attribute": eachMessage((message) =>
    isReply(message) ? withAttrs(message, u8(0), u8(0), u8(0)) : message
  ),
  "each datagram twice": (answer, request) => {
    const isDump = datagrams(answer).some((one) => split(one).length > 1);
    // A dump that comes twice is another dump: its end is what comes twice.
    return isDump
      ? [...answer, done(seqOf(request)), done(seqOf(request))]
      : answer.flatMap((one) => [one, one]);
  },
  "messages behind the end, in the same datagram": (answer, request) => [
    join([...datagrams(answer).map(padded), ...behind(request)]),
  ],
  "messages behind the end, in datagrams of their own": (answer, request) => [
    ...answer,
    ...behind(request),
  ],
  "answers to later requests in front": (answer, request) => [
    ...datagrams(answer).map((one) => withSeq(one, seqOf(request) + 9)),
    withSeq(ack(request, EPERM), seqOf(request) + 9),
    ...answer,
  ],
  "a reply to another command in front": (answer, request) => [
    // Of get-limits to get-addr, and the other way round.
    reply(request, request[16] === GET_LIMITS ? GET_ADDR : GET_LIMITS),
    ...answer,
  ],
};

/** Ways to deliver something that is no answer. */
export const MISSING: Readonly<Record<string, Distortion>> = {
  "no answer": () => [],
  "an empty datagram": () => [new Uint8Array()],
  "answers to an earlier request": (answer, request) =>
    datagrams(answer).map((datagram) => withSeq(datagram, seqOf(request) - 1)),
  "answers to a later request": (answer, request) =>
    datagrams(answer).map((datagram) => withSeq(datagram, seqOf(request) + 9)),
  "messages of other families": (_, request) =>
    [FAMILY + 1, GENL_ID_CTRL].map((type) =>
      message(type, 0, seqOf(request), request.subarray(16, 20))
    ),
  "a message that does nothing": (_, request) => [
    message(1, 0, seqOf(request)),
  ],
  "a reply to another command": (_, request) => [
    reply(request, SUBFLOW_CREATE),
  ],
};

/** Ways to deliver an answer that leave the caller without it. */
export const HARMFUL: Readonly<Record<string, Distortion>> = {
  "a datagram cut in the middle of a header": (answer) =>
    datagrams(answer).map((datagram) => datagram.slice(0, 15)),
  "a datagram without its last byte": (answer) =>
    datagrams(answer).map((datagram) => datagram.slice(0, -1)),
  "zeros": (answer) =>
    datagrams(answer).map(({ length }) => new Uint8Array(length)),
  "ones": (answer) =>
    datagrams(answer).map(({ length }) => new Uint8Array(length).fill(255)),
  "an attribute of length 0": eachMessage((message) =>
    typeOf(message) === NLMSG_DONE
      ? message
      : withAttrs(message.fill(0, 20), u32(0))
  ),
};

/** Says of every dump that the table changed meanwhile. */
export const interrupted: Distortion = eachMessage((message) => {
  if (flagsOf(message) & NLM_F_MULTI) {
    message.set(u16(flagsOf(message) | NLM_F_DUMP_INTR), 6);
  }
  return message;
});

/** Puts a warning into each ack. */
export function warned(text: string): Distortion {
  return (answer, request) =>
    answer.map((delivery) =>
      delivery instanceof Uint8Array && typeOf(delivery) === NLMSG_ERROR
        ? ack(request, 0, { message: text })
        : delivery
    );
}
