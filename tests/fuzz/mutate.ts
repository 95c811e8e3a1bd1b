/**
 * Other bytes than those that were captured: wrong in a few places, or right in
 * all lengths and wrong in what they hold, so that they get to the innermost.
 *
 * @module
 */

import type { AttrSet } from "../../codec/mod.ts";
import {
  type Bytes,
  flagsOf,
  NLMSG_ERROR,
  split,
  typeOf,
  viewOf,
} from "../helpers/netlink_bytes.ts";
import { pick, type Random } from "../helpers/random.ts";

/** Numbers at which something goes wrong. */
const EDGES = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 19, 20, 21, 24, 0x7f, 0x80, 0xfe],
  ...[0xff, 0x100, 0x3fff, 0x4000, 0x7fff, 0x8000, 0x8001, 0xfffc, 0xffff],
  ...[0x10000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff],
];

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

/** As much as a datagram can be. */
const MAX_LENGTH = 60_000;

/** The rest of an attribute's length, to a multiple of 4. */
const paddingOf = (length: number) => -length & 3;

/** Puts bytes behind each other, each at a multiple of 4. */
export function concat(parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length + paddingOf(part.length);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length + paddingOf(part.length);
  }
  return bytes;
}

/** Any bytes, or text, or zeros. */
function randomBytes(random: Random, length: number): Bytes {
  const bytes = new Uint8Array(length);
  const limit = pick(random, [256, 256, 128, 2, 1]);
  for (let at = 0; at < length; at++) bytes[at] = random(limit);
  return bytes;
}

/** Changes bytes anywhere, whatever they mean. */
export function mutateBytes(
  random: Random,
  original: Bytes,
  others: readonly Bytes[],
): Bytes {
  let bytes = original.slice();
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(bytes.length + 1);
    const view = viewOf(bytes);
    switch (random(9)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at]! ^= 1 << random(8);
        break;
      case 2: // Lengths are at multiples of 4.
        if ((at & ~3) + 2 > bytes.length) break;
        view.setUint16(at & ~3, pick(random, EDGES) & 0xffff, true);
        break;
      case 3:
        if ((at & ~3) + 4 > bytes.length) break;
        view.setUint32(at & ~3, pick(random, EDGES), true);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5: // The length of the message follows.
        bytes = bytes.slice(0, at);
        if (at >= 4) viewOf(bytes).setUint32(0, at, true);
        break;
      case 6:
        bytes.copyWithin(at, random(bytes.length + 1));
        break;
      case 7: {
        const other = pick(random, others);
        const tail = other.subarray(random(other.length + 1));
        const joined = new Uint8Array(at + tail.length);
        joined.set(bytes.subarray(0, at));
        joined.set(tail, at);
        bytes = joined;
        break;
      }
      case 8: {
        const inserted = randomBytes(random, random(12));
        const joined = new Uint8Array(bytes.length + inserted.length);
        joined.set(bytes.subarray(0, at));
        joined.set(inserted, at);
        joined.set(bytes.subarray(at), at + inserted.length);
        bytes = joined;
      }
    }
  }
  return bytes.length > MAX_LENGTH ? bytes.slice(0, MAX_LENGTH) : bytes;
}

/** An attribute: its type with both flags, and what is in it. */
interface Attr {
  readonly type: number;
  readonly body: Uint8Array | readonly Attr[];
}

/** Takes bytes for attributes if they are that to the last. */
function parse(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Attr[] | undefined {
  const attrs: Attr[] = [];
  let at = start;
  while (at + 4 <= end) {
    const length = bytes[at]! | bytes[at + 1]! << 8;
    const to = at + length;
    if (length < 4 || to > end) return undefined;
    attrs.push({
      type: bytes[at + 2]! | bytes[at + 3]! << 8,
      body: length >= 8 && parse(bytes, at + 4, to) ||
        bytes.subarray(at + 4, to),
    });
    at = to + paddingOf(length);
  }
  return at < end || attrs.length === 0 ? undefined : attrs;
}

/** Writes attributes with the lengths that they have. */
function unparse(attrs: readonly Attr[]): Bytes {
  const bytes = new Uint8Array(lengthOf(attrs));
  write(bytes, 0, attrs);
  return bytes;
}

function lengthOf(attrs: readonly Attr[]): number {
  let length = 0;
  for (const { body } of attrs) {
    length += 4 + (body instanceof Uint8Array ? body.length : lengthOf(body));
    length += paddingOf(length);
  }
  return length;
}

function write(bytes: Bytes, start: number, attrs: readonly Attr[]): number {
  let at = start;
  for (const { type, body } of attrs) {
    let end = at + 4;
    if (body instanceof Uint8Array) {
      bytes.set(body, end);
      end += body.length;
    } else {
      end = write(bytes, end, body);
    }
    bytes[at] = end - at;
    bytes[at + 1] = end - at >> 8;
    bytes[at + 2] = type;
    bytes[at + 3] = type >> 8;
    at = end + paddingOf(end - at);
  }
  return at;
}

function randomType(random: Random): number {
  const flags = random(3) ? 0 : pick(random, [0x8000, 0x4000, 0xc000]);
  return (random(4) ? random(20) : pick(random, EDGES) & 0xffff) | flags;
}

function randomAttr(random: Random): Attr {
  const length = random(2) ? pick(random, [0, 1, 2, 4, 8, 16]) : random(24);
  return { type: randomType(random), body: randomBytes(random, length) };
}

/** Changes one attribute, or what is in it. */
function changed(random: Random, attr: Attr): Attr {
  const { type, body } = attr;
  if (!(body instanceof Uint8Array) && random(4)) {
    return { type, body: rearranged(random, body, body) };
  }
  switch (random(6)) {
    case 0:
      return { type: randomType(random), body };
    case 1: { // A nest in a nest in a nest.
      let nest: Attr = {
        type: pick(random, [1, 4, 6, 7]) | 0x8000,
        body: [attr],
      };
      for (let depth = random(40); depth > 0; depth--) {
        nest = { type: nest.type, body: [nest] };
      }
      return nest;
    }
    case 2:
      return { type, body: randomAttr(random).body };
    default: {
      const bytes = body instanceof Uint8Array ? body.slice() : unparse(body);
      if (bytes.length === 0) return randomAttr(random);
      if (random(3)) bytes[random(bytes.length)] = pick(random, EDGES);
      else bytes.fill(random(256));
      return { type, body: bytes };
    }
  }
}

/** Changes, removes, inserts, repeats and swaps attributes. */
function rearranged(
  random: Random,
  attrs: readonly Attr[],
  others: readonly Attr[],
): Attr[] {
  const result = attrs.slice();
  const at = random(result.length + 1);
  const attr = result[at] ?? randomAttr(random);
  if (!(attr.body instanceof Uint8Array) && random(2)) {
    result[at] = changed(random, attr);
    return result;
  }
  switch (random(9)) {
    case 0:
      result.splice(at, 1);
      break;
    case 1:
      result.splice(at, 0, randomAttr(random));
      break;
    case 2:
      result.splice(at, 0, attr);
      break;
    case 3:
      result.splice(at, 0, pick(random, others) ?? attr);
      break;
    case 4: // The other one's type.
      result[at] = { type: pick(random, others)?.type ?? 0, body: attr.body };
      break;
    case 5: {
      const other = random(result.length || 1);
      [result[at], result[other]] = [result[other] ?? attr, attr];
      break;
    }
    case 6: // Seldom, because it takes long.
      if (random(100)) break;
      result.push(...Array(random(4000)).fill(attr));
      break;
    default:
      result[at] = changed(random, attr);
  }
  return result;
}

/** Changes attributes, and where they are; their lengths stay right. */
export function mutateAttrs(
  random: Random,
  original: Bytes,
  others: readonly Bytes[],
): Bytes {
  let attrs = parse(original) ?? [];
  const donors = parse(pick(random, others)) ?? [];
  for (let times = random(4); times > 0; times--) {
    attrs = rearranged(random, attrs, donors);
  }
  const bytes = unparse(attrs);
  // A nest that is too long for its header is wrong on the outside.
  if (bytes.length > MAX_LENGTH) return original.slice();
  return random(4) ? bytes : mutateBytes(random, bytes, others);
}

/** Where the attributes of a message start: 20, unless it echoes a request. */
function attrsStart(message: Bytes): number {
  if (typeOf(message) !== NLMSG_ERROR) return 20;
  const isCapped = flagsOf(message) & NLM_F_CAPPED;
  const echo = isCapped ? 16 : viewOf(message).getUint32(20, true);
  return 20 + echo + paddingOf(echo);
}

/** The attributes of a message that is as it should be. */
export function attrsOf(message: Bytes): Bytes {
  return message.slice(attrsStart(message));
}

function mutateMessage(
  random: Random,
  original: Bytes,
  others: readonly Bytes[],
): Bytes {
  const start = attrsStart(original);
  const head = original.slice(0, start);
  const view = viewOf(head);
  if (random(4) === 0 && head.length >= 20) {
    switch (random(9)) {
      case 0:
        view.setUint16(4, pick(random, [0, 1, 2, 3, 4, 15, 16, 28, 29]), true);
        break;
      case 1:
        view.setUint16(6, view.getUint16(6, true) ^ 1 << random(16), true);
        break;
      case 2:
        view.setUint32(8, pick(random, EDGES), true);
        break;
      case 3:
        view.setUint32(12, pick(random, EDGES), true);
        break;
      case 4:
        head[16] = random(20);
        break;
      case 5:
        view.setInt32(16, -pick(random, EDGES), true);
        break;
      case 6:
        view.setInt32(16, -random(140), true);
        break;
      case 7:
        view.setUint16(6, random(0x10) << 8, true);
        break;
      case 8: // How long the request was that it echoes.
        if (start < 24) break;
        view.setUint16(6, NLM_F_ACK_TLVS, true);
        view.setUint32(20, pick(random, EDGES), true);
    }
  }
  const donor = pick(random, split(pick(random, others)));
  const attrs = mutateAttrs(random, original.slice(start), [attrsOf(donor)]);
  const message = new Uint8Array(start + attrs.length);
  message.set(head.subarray(0, start));
  message.set(attrs, start);
  viewOf(message).setUint32(0, message.length, true);
  return message;
}

/** Changes the messages of a datagram, and which there are. */
export function mutateDatagram(
  random: Random,
  original: Bytes,
  others: readonly Bytes[],
): Bytes {
  const messages = split(original);
  const at = random(messages.length);
  switch (random(12)) {
    case 0:
      messages.splice(at, 1);
      break;
    case 1:
      messages.splice(at, 0, messages[at]!);
      break;
    case 2:
      messages.splice(at, 0, pick(random, split(pick(random, others))));
      break;
    case 3:
      messages.reverse();
      break;
    default:
      messages[at] = mutateMessage(random, messages[at]!, others);
  }
  const bytes = concat(messages);
  return random(5) && bytes.length <= MAX_LENGTH
    ? bytes
    : mutateBytes(random, bytes, others);
}

/** How long the attributes of each kind are. */
const LENGTHS: Readonly<Record<string, number>> = {
  u8: 1,
  s8: 1,
  u16: 2,
  s16: 2,
  u32: 4,
  s32: 4,
  ipv4: 4,
  u64: 8,
  s64: 8,
  ipv6: 16,
  flag: 0,
  bitfield32: 8,
};

/** Some attributes of a set, as they should be. */
export function growAttrs(random: Random, set: AttrSet): Bytes {
  const nest = (type: number, payload: Bytes) =>
    unparse([{ type: type | 0x8000, body: payload }]);
  const parts: Bytes[] = [];
  for (const policy of set.attrs) {
    if (policy === undefined || random(2)) continue;
    const { type, kind, nested } = policy;
    if (kind === "nest") parts.push(nest(type, growAttrs(random, nested!)));
    else if (kind === "array") {
      const entries = Array.from(
        { length: random(4) },
        (_, index) => nest(index + 1, growAttrs(random, nested!)),
      );
      parts.push(nest(type, concat(entries)));
    } else {
      const body = kind === "string"
        ? randomText(random)
        : randomBytes(random, LENGTHS[kind] ?? random(12));
      parts.push(unparse([{ type, body }]));
    }
  }
  return concat(parts);
}

/** Letters, and what texts stumble over. */
const LETTERS = ["a", "Z", "0", " ", '"', "\\", "\0", "é", "\uFEFF", "🖧", "\n"];

function randomText(random: Random): Bytes {
  const text = Array.from({ length: random(6) }, () => pick(random, LETTERS));
  return new TextEncoder().encode(text.join("") + (random(4) ? "\0" : ""));
}
