/**
 * A second reader of the same bytes, as plain and slow as can be, written from
 * the format: what it finds must be what the codec finds, and what it cannot
 * read must be refused at the same place. It reads little-endian captures.
 *
 * @module
 */

import type { AttrPolicy, AttrSet, Bitfield32 } from "../../codec/mod.ts";
import { demand } from "./target.ts";

/** Where bytes go wrong; not an error, for speed. */
export class Fault {
  constructor(readonly offset: number) {}
}

/** A number of some bytes, the lowest first. */
function unsigned(bytes: Uint8Array, at: number, length: number): number {
  let sum = 0;
  while (length-- > 0) sum = sum * 256 + bytes[at + length]!;
  return sum;
}

/** What reading gives: attributes by their keys, in the order they came in. */
export type Read = Map<string, [AttrPolicy, Found | Found[]]>;

type Found = Uint8Array | Read;

const WIDTHS = [[1, "u8 s8"], [2, "u16 s16"], [4, "u32 s32 ipv4"]] as const;
const widthOf = new Map<string, number>([
  ...WIDTHS.flatMap(([width, kinds]) =>
    kinds.split(" ").map((kind) => [kind, width] as const)
  ),
  ["u64", 8],
  ["s64", 8],
  ["ipv6", 16],
  ["flag", 0],
  ["bitfield32", 8],
]);

/** The attributes one after the other: type, start and end of each payload. */
function* tlvs(
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<[type: number, start: number, end: number]> {
  for (let at = start; end - at >= 4;) {
    const length = unsigned(bytes, at, 2);
    if (length < 4 || at + length > end) throw new Fault(at);
    yield [unsigned(bytes, at + 2, 2) % 0x4000, at + 4, at + length];
    at += length;
    while ((at - start) % 4 !== 0) at++;
  }
}

/**
 * Reads attributes.
 *
 * @throws {Fault} They cannot be read.
 */
export function readAttrs(
  set: AttrSet,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Read {
  const read: Read = new Map();
  for (const [type, from, to] of tlvs(bytes, start, end)) {
    const policy = set.attrs.find((policy) => policy?.type === type);
    if (policy === undefined) continue;
    const { key, kind, nested, multi, struct } = policy;
    const width = widthOf.get(kind);
    if (width !== undefined && width !== to - from) throw new Fault(from);
    if (struct?.isHeader && to - from < struct.length) throw new Fault(from);
    const value = kind === "nest"
      ? readAttrs(nested!, bytes, from, to)
      : kind === "array"
      ? Array.from(
        tlvs(bytes, from, to),
        ([, from, to]) => readAttrs(nested!, bytes, from, to),
      )
      : bytes.subarray(from, to);
    const earlier = multi ? read.get(key)?.[1] as Found[] ?? [] : [];
    read.set(key, [policy, multi ? [...earlier, value as Found] : value]);
  }
  return read;
}

/** Runs a reader; a fault is a result like any other. */
export function orFault<T>(read: () => T): T | Fault {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/**
 * Names the attributes that an offset is in, from the outside in.
 *
 * @throws {Fault} They cannot be read so far.
 */
export function pathAt(
  set: AttrSet,
  bytes: Uint8Array,
  offset: number,
  start = 0,
  end: number = bytes.length,
): string {
  for (const [type, from, to] of tlvs(bytes, start, end)) {
    if (offset < from - 4 || offset >= to) continue;
    const policy = set.attrs.find((policy) => policy?.type === type);
    if (policy === undefined) return "";
    return `.${policy.name}${
      policy.kind === "nest" && offset >= from
        ? pathAt(policy.nested!, bytes, offset, from, to)
        : ""
    }`;
  }
  return "";
}

/** Demands that an object has what was read, and nothing else. */
export function demandSame(read: Read, values: object): void {
  demand(
    Object.keys(values).join() === [...read.keys()].join(),
    () => `${Object.keys(values)} instead of ${[...read.keys()]}`,
  );
  for (const [key, [policy, found]] of read) {
    demandValue(policy, found, (values as Record<string, unknown>)[key]);
  }
}

function demandValue(
  policy: AttrPolicy,
  found: Found | Found[],
  value: unknown,
): void {
  const { key } = policy;
  if (found instanceof Map) {
    demandSame(found, value as object);
  } else if (Array.isArray(found)) {
    const entries = value as unknown[];
    demand(entries.length === found.length, `${key}: not as many`);
    found.forEach((entry, index) => demandValue(policy, entry, entries[index]));
  } else {
    demand(
      isSame(policy, found, value),
      () => `${key}: ${value} instead of ${found.toHex()}`,
    );
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function isSame(
  { kind, bigEndian, struct }: Pick<
    AttrPolicy,
    "kind" | "bigEndian" | "struct"
  >,
  bytes: Uint8Array,
  value: unknown,
): boolean {
  switch (kind) {
    case "bitfield32": {
      const { value: bits, selector } = value as Bitfield32;
      return bits === unsigned(bytes, 0, 4) &&
        selector === unsigned(bytes, 4, 4);
    }
    case "struct": {
      const values = { ...value as Record<string, unknown> };
      return struct!.members.every((member) => {
        const { key, kind, offset, length = widthOf.get(kind)! } = member;
        const found = bytes.subarray(offset, offset + length);
        const isRead = key in values;
        const isRight = isRead && isSame(member, found, values[key]);
        delete values[key];
        return found.length < length ? !isRead : isRight;
      }) && Object.keys(values).length === 0;
    }
    case "flag":
      return value === true;
    case "ipv4":
      return value === bytes.join(".");
    case "ipv6":
      return typeof value === "string" &&
        expandIPv6(value) === bytes.toHex();
    case "binary":
      return value instanceof Uint8Array && value.toHex() === bytes.toHex();
    case "string": {
      const end = bytes.indexOf(0);
      return value === utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
    default: {
      const { length } = bytes;
      const ordered = bigEndian ? bytes.toReversed() : bytes;
      const isNegative = kind.startsWith("s") && ordered[length - 1]! > 127;
      if (length === 8) {
        const high = BigInt(
          unsigned(ordered, 4, 4) - (isNegative ? 2 ** 32 : 0),
        );
        return value === high * 2n ** 32n + BigInt(unsigned(ordered, 0, 4));
      }
      const number = unsigned(ordered, 0, length);
      return value === number - (isNegative ? 256 ** length : 0);
    }
  }
}

/** The 32 digits of an IPv6 address that is written as it should be. */
export function expandIPv6(text: string): string {
  const digits = (half: string) =>
    half.split(":").filter((group) => group !== "").map((group) =>
      group.includes(".")
        ? group.split(".").map((part) => Number(part).toString(16))
          .map((part) => part.padStart(2, "0")).join("")
        : group.padStart(4, "0")
    ).join("");
  const [head, tail] = text.split("::");
  if (tail === undefined) return digits(text);
  return digits(head!) + digits(tail).padStart(32 - digits(head!).length, "0");
}

/**
 * Splits a datagram into messages: start and end of each, and its header.
 *
 * @throws {Fault} It has other lengths than it says.
 */
export function readMessages(datagram: Uint8Array): {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  readonly start: number;
  readonly end: number;
}[] {
  const messages = [];
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < 16) throw new Fault(at);
    const length = unsigned(datagram, at, 4);
    if (length < 16 || at + length > datagram.length) throw new Fault(at);
    messages.push({
      type: unsigned(datagram, at + 4, 2),
      flags: unsigned(datagram, at + 6, 2),
      seq: unsigned(datagram, at + 8, 4),
      pid: unsigned(datagram, at + 12, 4),
      start: at + 16,
      end: at + length,
    });
    at += length;
    while (at % 4 !== 0) at++;
  }
  return messages;
}
