/**
 * Every decoder of bytes, held against a second reader of the same bytes.
 *
 * @module
 */

import {
  attrPathAt,
  type AttrSet,
  decodeAck,
  decodeAttrs,
  DecodeError,
  decodeFamily,
  decodeGenlPayload,
  decodeNlMessages,
  encodeAttrs,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../../codec/mod.ts";
import { ATTR, EVENT_ATTR } from "../../codec/mptcp_pm.gen.ts";
import { decodeEvent } from "../../ops/event.ts";
import {
  type Bytes,
  GENL_ID_CTRL,
  split,
  typeOf,
  viewOf,
} from "../helpers/netlink_bytes.ts";
import {
  golden,
  goldenLines,
  goldenNames,
  goldenOf,
  RTNETLINK,
} from "../helpers/golden.ts";
import { pick, type Random } from "../helpers/random.ts";
import sockDiag from "../golden/sock_diag.jsonl" with {
  type: "text",
};
import { demandEvent } from "./demand_event.ts";
import {
  attrsOf,
  concat,
  growAttrs,
  mutateAttrs,
  mutateDatagram,
} from "./mutate.ts";
import {
  demandSame,
  Fault,
  orFault,
  pathAt,
  type Read,
  readAttrs,
  readMessages,
} from "./reference.ts";
import { EXTACK, FAMILY, SETS } from "./sets.ts";
import {
  demand,
  demandBounded,
  kindOf,
  type Target,
  type Targets,
} from "./target.ts";

const datagrams = goldenNames().map((name) => golden(name).bytes);
const messages = datagrams.flatMap(split);
const ofTypes = (...types: number[]) =>
  messages.filter((message) => types.includes(typeOf(message)));

const genlAttrs = ofTypes(28).map(attrsOf);
const nests = genlAttrs.map((attrs) => attrs.slice(4))
  .filter(({ length }) => length > 0);
/** What is behind the 72 bytes of `inet_diag_msg`. */
const sockets = goldenLines<{ datagrams: string[] }>(sockDiag)
  .flatMap(({ datagrams }) => datagrams)
  .flatMap((hex) => split(Uint8Array.fromHex(hex)))
  .filter((message) => typeOf(message) === 20)
  .map((message) => message.slice(NLMSG_HDRLEN + 72));
/** What is behind the headers of rtnetlink, the shortest of which has 8. */
const networks = RTNETLINK.flatMap(({ datagrams }) => datagrams)
  .flatMap((hex) => split(Uint8Array.fromHex(hex)))
  .map((message) => message.slice(NLMSG_HDRLEN + 8));
const corpus = [...genlAttrs, ...nests, ...sockets, ...networks];

/** Attributes that may be those of a set. */
function makeAttrs(set: AttrSet): Target["make"] {
  return (random) =>
    mutateAttrs(
      random,
      random(2) ? growAttrs(random, set) : pick(random, corpus),
      corpus,
    );
}

const makeFrom =
  (originals: readonly Bytes[]): Target["make"] => (random: Random) =>
    mutateDatagram(random, pick(random, originals), datagrams);

/** Where inputs are decoded: not at the start of a buffer, nor at its end. */
const surroundings = new Uint8Array(1 << 17);
const START = 3;

/**
 * Decodes a copy in the midst of other bytes, demands that it is as it was, and
 * overwrites it: what was decoded must not have changed by that.
 */
export function decodeApart<T>(
  input: Bytes,
  decode: (bytes: Uint8Array) => T,
): T | DecodeError {
  const { length } = input;
  surroundings.fill(0xff, 0, START + length + 64);
  surroundings.set(input, START);
  const bytes = surroundings.subarray(START, START + length);
  const result = attempt(input, () => decode(bytes));
  for (let at = 0; at < length; at++) {
    demand(bytes[at] === input[at], "the input has changed");
  }
  bytes.fill(0xee);
  return result;
}

/** What `decode` returns, or its `DecodeError`. */
function attempt<T>(input: Bytes, decode: () => T): T | DecodeError {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { offset } = error;
    demand(
      Number.isInteger(offset) && offset >= 0 && offset <= input.length,
      () => `a DecodeError at ${offset} of ${input.length}`,
    );
    return error;
  }
}

/** Demands that two readers agree, and says on what. */
export function agree<T, R>(
  input: Bytes,
  decoded: T | DecodeError,
  read: R | Fault,
  compare: (decoded: T, read: R) => void,
): string {
  demandBounded(input, decoded instanceof Error ? decoded.message : decoded);
  if (decoded instanceof DecodeError) {
    demand(read instanceof Fault, () => `refused: ${decoded.message}`);
    demand(
      decoded.offset === read.offset,
      () => `refused at ${decoded.offset} instead of ${read.offset}`,
    );
    return kindOf(decoded);
  }
  if (read instanceof Fault) {
    demand(false, `accepted what cannot be read at ${read.offset}`);
  }
  compare(decoded, read);
  return "decoded";
}

function runAttrs(set: AttrSet, input: Bytes): string {
  return agree(
    input,
    decodeApart(input, (bytes) => decodeAttrs(set, bytes)),
    orFault(() => readAttrs(set, input)),
    (values, read) => demandSame(read, values),
  );
}

/** Equal, whatever the order of the properties. */
function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || one === null) return Object.is(one, other);
  if (typeof other !== "object" || other === null) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length &&
    keys.every((key) =>
      isEqual(
        (one as Record<string, unknown>)[key],
        (other as Record<string, unknown>)[key],
      )
    );
}

/** What was decoded comes back from what it encodes to. */
function runRoundTrip(set: AttrSet, input: Bytes): string {
  const values = attempt(input, () => decodeAttrs(set, input));
  if (values instanceof DecodeError) return kindOf(values);
  const encoded = encodeAttrs(set, values);
  demandSame(readAttrs(set, encoded), decodeAttrs(set, encoded));
  demand(
    isEqual(decodeAttrs(set, encoded), values),
    () => `encoded as ${encoded.toHex()}`,
  );
  return "round trip";
}

/** An attribute that no set has. */
const UNKNOWN = Uint8Array.of(7, 0, 0xa5, 0xbf, 1, 2, 3, 0);

/** The same attributes backwards, with unknown ones in between. */
function rewritten(set: AttrSet, bytes: Bytes): Bytes {
  const parts: Uint8Array[] = [UNKNOWN];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = viewOf(bytes).getUint16(at, true);
    const type = viewOf(bytes).getUint16(at + 2, true) & 0x3fff;
    const policy = set.attrs[type];
    const attr = bytes.slice(at, at + length);
    if (policy?.kind === "nest") {
      const body = rewritten(policy.nested!, attr.slice(4));
      const head = attr.slice(0, 4);
      if (4 + body.length <= 0xffff) {
        viewOf(head).setUint16(0, 4 + body.length, true);
        parts.unshift(UNKNOWN, concat([head, body]));
      }
    } else {
      parts.unshift(attr, UNKNOWN);
    }
    at += (length + 3) & ~3;
  }
  return concat(parts);
}

/** Order does not matter, nor what is unknown. */
function runRewritten(set: AttrSet, input: Bytes): string {
  const values = attempt(input, () => decodeAttrs(set, input));
  if (values instanceof DecodeError) return kindOf(values);
  // Of two the last one counts, and backwards the first.
  if (hasTwins(set, input)) return "twins";
  const other = rewritten(set, input);
  if (other.length > 0xffff) return "too long";
  demand(
    isEqual(decodeAttrs(set, other), values),
    () => `not the same as ${other.toHex()}`,
  );
  return "the same";
}

export function hasTwins(set: AttrSet, bytes: Bytes): boolean {
  const types = new Set<number>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = viewOf(bytes).getUint16(at, true);
    const type = viewOf(bytes).getUint16(at + 2, true) & 0x3fff;
    const { kind, nested } = set.attrs[type] ?? {};
    if (types.has(type)) return true;
    types.add(type);
    const payload = () => bytes.slice(at + 4, at + length);
    if (kind === "nest" && hasTwins(nested!, payload())) return true;
    at += (length + 3) & ~3;
  }
  return false;
}

function runMessages(input: Bytes): string {
  return agree(
    input,
    decodeApart(
      input,
      (bytes) =>
        decodeNlMessages(bytes).map(({ payload, ...header }) => {
          const start = payload.byteOffset - bytes.byteOffset;
          demand(payload.buffer === bytes.buffer, "a payload is no view");
          return { ...header, start, end: start + payload.length };
        }),
    ),
    orFault(() => readMessages(input)),
    (decoded, read) =>
      demand(isEqual(decoded, read), () => JSON.stringify(decoded)),
  );
}

/** Tries the messages of an input that are of some type. */
function runEach(
  input: Bytes,
  isMeant: (message: NlMessage) => boolean,
  run: (message: NlMessage, payload: Bytes) => string,
): string {
  const found = attempt(input, () => decodeNlMessages(input));
  if (found instanceof DecodeError) return kindOf(found);
  let result = "none";
  for (const message of found.filter(isMeant)) {
    result = run(message, message.payload.slice());
  }
  return result;
}

function runAck(message: NlMessage, payload: Bytes): string {
  const { type, flags } = message;
  const isDone = type === NLMSG_DONE;
  const view = viewOf(payload);
  return agree(
    payload,
    decodeApart(payload, (payload) => decodeAck({ ...message, payload })),
    orFault(() => {
      if (payload.length < (isDone ? 4 : 20)) {
        if (isDone) return { error: 0, extack: undefined };
        throw new Fault(0);
      }
      const error = view.getInt32(0, true);
      // The kernel sends none, and no caller expects one.
      if (error > 0) throw new Fault(0);
      if (!(flags & 0x200)) return { error, extack: undefined };
      if (isDone) return { error, extack: readAttrs(EXTACK, payload, 4) };
      const echo = flags & 0x100 ? 16 : view.getUint32(4, true);
      if (echo < 16 || 4 + echo > payload.length) throw new Fault(4);
      const start = 4 + echo + (-echo & 3);
      return { error, extack: readAttrs(EXTACK, payload, start) };
    }),
    ({ errno, extack }, read) => {
      demand(Object.is(errno, Math.abs(read.error)), () => `errno ${errno}`);
      demand(
        (extack === undefined) === (read.extack === undefined),
        "an extended ack that is not there",
      );
      if (extack !== undefined) demandSame(read.extack!, extack);
    },
  );
}

function runFamily(message: NlMessage, payload: Bytes): string {
  return agree(
    payload,
    decodeApart(payload, (payload) => decodeFamily({ ...message, payload })),
    orFault(() => {
      if (payload.length < 4) throw new Fault(0);
      const read = readAttrs(FAMILY, payload, 4);
      if (!hasAll(read, "id", "name")) throw new Fault(0);
      const [, ops = []] = read.get("ops") as [unknown, Read[]] | undefined ??
        [];
      const [, groups = []] =
        read.get("mcastGroups") as [unknown, Read[]] | undefined ?? [];
      if (
        !ops.every((op) => hasAll(op, "id", "flags")) ||
        !groups.every((group) => hasAll(group, "id", "name"))
      ) throw new Fault(0);
      return read;
    }),
    ({ version, ...family }, read) => {
      demand(typeof version === "number", "no version");
      const known = [...read].filter(([key]) => key in family);
      demandSame(
        new Map(known),
        Object.fromEntries(
          known.map(([key]) => [key, family[key as keyof typeof family]]),
        ),
      );
    },
  );
}

const hasAll = (read: Read, ...keys: string[]) =>
  keys.every((key) => read.has(key));

function runGenl(_message: NlMessage, payload: Bytes): string {
  return agree(
    payload,
    decodeApart(payload, (bytes) => {
      const { cmd, version, attrs } = decodeGenlPayload(bytes);
      demand(attrs.buffer === bytes.buffer, "the attributes are no view");
      return [cmd, version, attrs.byteOffset - bytes.byteOffset, attrs.length];
    }),
    orFault(() => {
      if (payload.length < 4) throw new Fault(0);
      return [payload[0], payload[1], 4, payload.length - 4];
    }),
    (decoded, read) => demand(isEqual(decoded, read), `${decoded}`),
  );
}

/** The first two bytes are the offset to ask for. */
function runPath(input: Bytes): string {
  const attrs = input.slice(2);
  if (input.length < 2) return "none";
  const offset = viewOf(input).getUint16(0, true) % (attrs.length + 4);
  return agree(
    input,
    decodeApart(
      attrs,
      (bytes) => [attrPathAt(ATTR, bytes, offset)],
    ),
    orFault(() => pathAt(ATTR, attrs, offset)),
    ([path], read) => demand((path ?? "") === read, `${path} is not ${read}`),
  );
}

function runEvent(message: NlMessage, payload: Bytes): string {
  const event = decodeApart(
    payload,
    (payload) => decodeEvent({ ...message, payload }),
  );
  demandBounded(payload, event instanceof Error ? event.message : event);
  const read = orFault(() => readAttrs(EVENT_ATTR, payload, 4));
  if (event instanceof DecodeError) {
    demand(payload.length < 4 || read instanceof Fault, event.message);
    return kindOf(event);
  }
  if (read instanceof Fault) demand(false, "accepted what cannot be read");
  demandEvent(event, payload[0]!, (key) => {
    const found = read.get(key)?.[1];
    return found instanceof Uint8Array ? found : undefined;
  });
  if (event.type === "unknown") demandSame(read, event.attrs);
  return event.type;
}

const isAck = ({ type }: NlMessage) =>
  type === NLMSG_ERROR || type === NLMSG_DONE;

/** What decodes bytes. */
export const CODEC_TARGETS: Targets = {
  decodeNlMessages: { make: makeFrom(datagrams), run: runMessages },
  decodeGenlPayload: {
    make: makeFrom(datagrams),
    run: (input) => runEach(input, () => true, runGenl),
  },
  decodeAck: {
    make: makeFrom(ofTypes(NLMSG_ERROR, NLMSG_DONE)),
    run: (input) => runEach(input, isAck, runAck),
  },
  decodeFamily: {
    make: makeFrom(ofTypes(GENL_ID_CTRL)),
    run: (input) =>
      runEach(input, ({ type }) => type === GENL_ID_CTRL, runFamily),
  },
  decodeEvent: {
    make: makeFrom(goldenOf("event").map(({ bytes }) => bytes)),
    run: (input) => runEach(input, ({ type }) => type > NLMSG_DONE, runEvent),
  },
  attrPathAt: {
    make(random) {
      const attrs = makeAttrs(ATTR)(random);
      const input = new Uint8Array(2 + attrs.length);
      viewOf(input).setUint16(0, random(0x10000), true);
      input.set(attrs, 2);
      return input;
    },
    run: runPath,
  },
  ...Object.fromEntries(SETS.flatMap((set): [string, Target][] => [
    [`decodeAttrs ${set.name}`, {
      make: makeAttrs(set),
      run: (input) => runAttrs(set, input),
    }],
    [`round trip ${set.name}`, {
      make: makeAttrs(set),
      run: (input) => runRoundTrip(set, input),
    }],
    [`rewriting ${set.name}`, {
      make: makeAttrs(set),
      run: (input) => runRewritten(set, input),
    }],
  ])),
};
