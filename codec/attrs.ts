/**
 * Netlink attributes (type-length-value), written and read by the generated
 * policy tables:
 *
 * ```text
 *  0       2        4
 *  +-------+--------+-----------+---------+
 *  | len   | type   | payload … | padding |   len counts the 4 header bytes,
 *  +-------+--------+-----------+---------+   not the padding to 4
 * ```
 *
 * @module
 */

import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "./inet.ts";
import {
  HOST_LITTLE_ENDIAN,
  readS32,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";
import { align4 } from "./nlmsghdr.ts";
import type { AttrKind, AttrPolicy, AttrSet } from "./policy.ts";

/** Length of `struct nlattr` in bytes. */
export const NLA_HDRLEN = 4 as const;
/** Marks a payload that is itself made of attributes. */
export const NLA_F_NESTED = 0x8000 as const;
/** The bits of `nla_type` that are the number. */
export const NLA_TYPE_MASK = 0x3fff as const;

/** Width in bytes of the kinds that have one. */
const WIDTH: { readonly [kind in AttrKind]?: number } = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  s8: 1,
  s16: 2,
  s32: 4,
  s64: 8,
  ipv4: 4,
  ipv6: 16,
  flag: 0,
};

/** The values that the integer kinds can have, from the least to the greatest. */
const RANGE: {
  readonly [kind in AttrKind]?:
    | readonly [number, number]
    | readonly [
      bigint,
      bigint,
    ];
} = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
  s8: [-0x80, 0x7f],
  s16: [-0x8000, 0x7fff],
  s32: [-0x8000_0000, 0x7fff_ffff],
  s64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
};

/** Attribute values by camel-case name, as the generated interfaces type them. */
type Values = { readonly [key: string]: unknown };

function policyOf(set: AttrSet, key: string): AttrPolicy {
  for (const policy of set.attrs) {
    if (policy !== undefined && policy.key === key) return policy;
  }
  const names = set.attrs.flatMap((policy) => policy?.key ?? []);
  throw new TypeError(
    `Unknown attribute "${key}" in the set "${set.name}": ` +
      `known are ${names.join(", ")}`,
  );
}

function wrongType(policy: AttrPolicy, kind: string, value: unknown) {
  return new TypeError(`${policy.name} is not ${kind}: ${value}`);
}

/**
 * Writes attributes in the order in which they are given; padding is zeroed.
 *
 * @param bytes Where to write; what does not fit is lost.
 * @returns The offset behind the last one: past the end of `bytes` if they do
 * not fit.
 * @throws {TypeError | RangeError} A value does not fit its attribute.
 */
export function writeAttrs<Input extends object>(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  set: AttrSet<object, Input>,
  attrs: NoInfer<Input>,
): number {
  let offset = start;
  for (const key in attrs) {
    const value = (attrs as Values)[key];
    if (value === undefined) continue;
    offset = writeAttr(bytes, offset, policyOf(set, key), value);
  }
  return offset;
}

function writeAttr(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  policy: AttrPolicy,
  value: unknown,
): number {
  const { kind } = policy;
  let type = policy.type;
  let offset = start + NLA_HDRLEN;
  switch (kind) {
    case "nest":
      if (typeof value !== "object" || value === null) {
        throw wrongType(policy, "an object", value);
      }
      type |= NLA_F_NESTED;
      offset = writeAttrs(bytes, offset, policy.nested!, value);
      break;
    case "array":
      if (!Array.isArray(value)) throw wrongType(policy, "an array", value);
      type |= NLA_F_NESTED;
      for (const [index, entry] of value.entries()) {
        const header = offset;
        offset += NLA_HDRLEN;
        offset = writeAttrs(bytes, offset, policy.nested!, entry);
        writeHeader(bytes, header, offset, (index + 1) | NLA_F_NESTED);
      }
      break;
    case "ipv4":
    case "ipv6":
      if (typeof value === "string") {
        (kind === "ipv4" ? parseIPv4 : parseIPv6)(value, bytes, offset);
      } else if (value instanceof Uint8Array && value.length === WIDTH[kind]) {
        writeBytes(bytes, offset, value);
      } else throw wrongType(policy, `a text or ${WIDTH[kind]} bytes`, value);
      offset += WIDTH[kind]!;
      break;
    case "binary":
      if (!(value instanceof Uint8Array)) {
        throw wrongType(policy, "a Uint8Array", value);
      }
      offset = writeBytes(bytes, offset, value);
      break;
    case "string":
      if (typeof value !== "string" && !(value instanceof Uint8Array)) {
        throw wrongType(policy, "a text", value);
      }
      offset = writeBytes(
        bytes,
        offset,
        typeof value === "string" ? new TextEncoder().encode(value) : value,
      );
      bytes[offset++] = 0;
      break;
    case "flag":
    case "pad":
      break;
    default:
      writeInteger(bytes, offset, policy, value);
      offset += WIDTH[kind]!;
  }
  if (offset - start > 0xffff) {
    throw new RangeError(`${policy.name} is longer than 65531 bytes`);
  }
  writeHeader(bytes, start, offset, type);
  while (offset & 3) bytes[offset++] = 0;
  return offset;
}

function writeBytes(to: Uint8Array, start: number, from: Uint8Array): number {
  for (let index = 0; index < from.length; index++) {
    to[start + index] = from[index]!;
  }
  return start + from.length;
}

function writeHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
): void {
  writeU16(bytes, start, end - start);
  writeU16(bytes, start + 2, type);
}

function writeInteger(
  bytes: Uint8Array,
  offset: number,
  policy: AttrPolicy,
  value: unknown,
): void {
  const { name, kind } = policy;
  const little = policy.bigEndian ? false : HOST_LITTLE_ENDIAN;
  const [min, max] = RANGE[kind]!;
  if (typeof value !== typeof min) {
    throw wrongType(policy, `a ${typeof min}`, value);
  }
  const integer = value as number;
  if (
    integer < min || integer > max ||
    typeof min === "number" && !Number.isInteger(integer)
  ) {
    throw new RangeError(
      `${name} is not an integer from ${min} to ${max}: ${value}`,
    );
  }
  // The lower bits are the same for both signs.
  switch (WIDTH[kind]) {
    case 1:
      bytes[offset] = integer;
      break;
    case 2:
      writeU16(bytes, offset, integer, little);
      break;
    case 4:
      writeU32(bytes, offset, integer, little);
      break;
    case 8:
      writeU64(bytes, offset, value as bigint, little);
  }
}

/**
 * Encodes attributes alone, without a message around them.
 *
 * @param set The set that the attributes belong to.
 * @param attrs The attributes by name; absent ones are left out.
 * @throws {TypeError | RangeError} A value does not fit its attribute.
 *
 * @example Encode an address nest
 * ```ts
 * import { encodeAttrs, mptcpPm } from "@mptcp/pm/codec";
 *
 * const { ADDRESS } = mptcpPm;
 * const bytes = encodeAttrs(ADDRESS, { family: 2, addr4: "10.0.1.1" });
 * console.log(bytes.length); // 16
 * ```
 */
export function encodeAttrs<Input extends object>(
  set: AttrSet<object, Input>,
  attrs: NoInfer<Input>,
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(256);
  const length = writeAttrs(bytes, 0, set, attrs);
  if (length > bytes.length) {
    bytes = new Uint8Array(length);
    writeAttrs(bytes, 0, set, attrs);
  }
  return bytes.slice(0, length);
}

/**
 * Decodes attributes by a policy table. Unknown numbers are skipped, of
 * duplicates the last one counts (as in the kernel), everything is copied out.
 * Up to three bytes behind the last attribute are ignored, as the kernel does.
 *
 * @param set The set that the attributes belong to.
 * @param bytes The attributes, and what is in front of them.
 * @param start Where the first one is.
 * @returns The values under their camel-case names, in the order they came in.
 * @throws {DecodeError} A length is impossible, or not that of the kind.
 *
 * @example Decode an address nest
 * ```ts
 * import { decodeAttrs, mptcpPm } from "@mptcp/pm/codec";
 *
 * const bytes = Uint8Array.of(6, 0, 1, 0, 2, 0, 0, 0, 8, 0, 3, 0, 10, 0, 1, 1);
 * console.log(decodeAttrs(mptcpPm.ADDRESS, bytes));
 * // { family: 2, addr4: "10.0.1.1" }
 * ```
 */
export function decodeAttrs<Values extends object>(
  set: AttrSet<Values, object>,
  bytes: Uint8Array,
  start = 0,
): Values {
  return readAttrs(bytes, start, bytes.length, set, "") as Values;
}

function readAttrs(
  bytes: Uint8Array,
  start: number,
  end: number,
  set: AttrSet,
  path: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let offset = start;
  while (offset + NLA_HDRLEN <= end) {
    const length = attrLengthAt(bytes, offset, end, path);
    const type = readU16(bytes, offset + 2) & NLA_TYPE_MASK;
    const policy = set.attrs[type];
    if (policy !== undefined && policy.kind !== "pad") {
      values[policy.key] = readAttr(
        bytes,
        offset + NLA_HDRLEN,
        offset + length,
        policy,
        path,
      );
    }
    offset += align4(length);
  }
  return values;
}

/** The one place that trusts `nla_len`, after checking it. */
export function attrLengthAt(
  bytes: Uint8Array,
  offset: number,
  end: number,
  path: string,
): number {
  const length = readU16(bytes, offset);
  if (length < NLA_HDRLEN || length > end - offset) {
    throw new DecodeError(
      `attribute length ${length}, but 4 to ${end - offset} is possible`,
      offset,
      path,
    );
  }
  return length;
}

function readAttr(
  bytes: Uint8Array,
  start: number,
  end: number,
  policy: AttrPolicy,
  parent: string,
): unknown {
  const { kind } = policy;
  const length = end - start;
  const little = policy.bigEndian ? false : HOST_LITTLE_ENDIAN;
  switch (kind) {
    case "u8":
      if (length !== 1) break;
      return bytes[start];
    case "u16":
      if (length !== 2) break;
      return readU16(bytes, start, little);
    case "u32":
      if (length !== 4) break;
      return readU32(bytes, start, little);
    case "u64":
      if (length !== 8) break;
      return readU64(bytes, start, little);
    case "s8":
      if (length !== 1) break;
      return bytes[start]! << 24 >> 24;
    case "s16":
      if (length !== 2) break;
      return readU16(bytes, start, little) << 16 >> 16;
    case "s32":
      if (length !== 4) break;
      return readS32(bytes, start, little);
    case "s64":
      if (length !== 8) break;
      return BigInt.asIntN(64, readU64(bytes, start, little));
    case "ipv4":
      if (length !== 4) break;
      return formatIPv4(bytes, start);
    case "ipv6":
      if (length !== 16) break;
      return formatIPv6(bytes, start);
    case "flag":
      if (length !== 0) break;
      return true;
    case "nest":
      return readAttrs(
        bytes,
        start,
        end,
        policy.nested!,
        `${parent}.${policy.name}`,
      );
    case "array":
      return readArray(bytes, start, end, policy, `${parent}.${policy.name}`);
    case "string": {
      const text = bytes.subarray(start, end);
      const nul = text.indexOf(0);
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        nul < 0 ? text : text.subarray(0, nul),
      );
    }
    default: // "binary": a pad is not read.
      return bytes.slice(start, end);
  }
  throw new DecodeError(
    `${length} bytes, but ${kind} has ${WIDTH[kind]}`,
    start,
    `${parent}.${policy.name}`,
  );
}

function readArray(
  bytes: Uint8Array,
  start: number,
  end: number,
  policy: AttrPolicy,
  path: string,
): Record<string, unknown>[] {
  const entries: Record<string, unknown>[] = [];
  let offset = start;
  while (offset + NLA_HDRLEN <= end) {
    const length = attrLengthAt(bytes, offset, end, path);
    entries.push(
      readAttrs(
        bytes,
        offset + NLA_HDRLEN,
        offset + length,
        policy.nested!,
        `${path}[${entries.length}]`,
      ),
    );
    offset += align4(length);
  }
  return entries;
}
