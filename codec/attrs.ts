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

import { ArgumentRangeError, ArgumentTypeError } from "./argument_error.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "./inet.ts";
import { HOST_LITTLE_ENDIAN, readU16, readU32, writeU16 } from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";
import { align4 } from "./nlmsghdr.ts";
import type { AttrKind, AttrPolicy, AttrSet, Bitfield32 } from "./policy.ts";
import {
  INTEGER_WIDTH,
  readInteger,
  writeInteger,
  wrongType,
} from "./scalar.ts";
import { decodeStruct, encodeStruct } from "./struct.ts";

/** Length of `struct nlattr` in bytes. */
export const NLA_HDRLEN = 4 as const;
/** Marks a payload that is itself made of attributes. */
export const NLA_F_NESTED = 0x8000 as const;
/** The bits of `nla_type` that are the number. */
export const NLA_TYPE_MASK = 0x3fff as const;

/** Width in bytes of the kinds that have one. */
const WIDTH: { readonly [kind in AttrKind]?: number } = {
  ...INTEGER_WIDTH,
  bitfield32: 8,
  ipv4: 4,
  ipv6: 16,
  flag: 0,
};

/** Attribute values by camel-case name, as the generated interfaces type them. */
type Values = { readonly [key: string]: unknown };

function policyOf(set: AttrSet, key: string): AttrPolicy {
  for (const policy of set.attrs) {
    if (policy !== undefined && policy.key === key) return policy;
  }
  const names = set.attrs.flatMap((policy) => policy?.key ?? []);
  throw new ArgumentTypeError(
    `Unknown attribute "${key}" in the set "${set.name}": ` +
      `known are ${names.join(", ")}`,
  );
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
    const policy = policyOf(set, key);
    if (policy.multi === undefined) {
      offset = writeAttr(bytes, offset, policy, value);
    } else {
      if (!Array.isArray(value)) {
        throw wrongType(policy.name, "an array", value);
      }
      for (const entry of value) {
        offset = writeAttr(bytes, offset, policy, entry);
      }
    }
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
        throw wrongType(policy.name, "an object", value);
      }
      type |= NLA_F_NESTED;
      offset = writeAttrs(bytes, offset, policy.nested!, value);
      break;
    case "array":
      if (!Array.isArray(value)) {
        throw wrongType(policy.name, "an array", value);
      }
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
      } else {throw wrongType(
          policy.name,
          `a text or ${WIDTH[kind]} bytes`,
          value,
        );}
      offset += WIDTH[kind]!;
      break;
    case "binary":
      if (!(value instanceof Uint8Array)) {
        throw wrongType(policy.name, "a Uint8Array", value);
      }
      offset = writeBytes(bytes, offset, value);
      break;
    case "string":
      if (typeof value !== "string" && !(value instanceof Uint8Array)) {
        throw wrongType(policy.name, "a text", value);
      }
      offset = writeBytes(
        bytes,
        offset,
        typeof value === "string" ? new TextEncoder().encode(value) : value,
      );
      bytes[offset++] = 0;
      break;
    case "bitfield32": {
      const { value: bits, selector } = Object(value) as Bitfield32;
      const { name } = policy;
      offset = writeInteger(bytes, offset, `${name}.value`, "u32", bits);
      offset = writeInteger(bytes, offset, `${name}.selector`, "u32", selector);
      break;
    }
    case "struct":
      if (typeof value !== "object" || value === null) {
        throw wrongType(policy.name, "an object", value);
      }
      offset = writeBytes(bytes, offset, encodeStruct(policy.struct!, value));
      break;
    case "flag":
      break;
    default:
      offset = writeInteger(
        bytes,
        offset,
        policy.name,
        kind,
        value,
        !policy.bigEndian && HOST_LITTLE_ENDIAN,
      );
  }
  if (offset - start > 0xffff) {
    throw new ArgumentRangeError(`${policy.name} is longer than 65531 bytes`);
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
 * @param end Where they end. @default {the end of `bytes`}
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
  end: number = bytes.length,
): Values {
  return readAttrs(bytes, start, end, set, "") as Values;
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
    if (policy !== undefined) {
      const value = readAttr(
        bytes,
        offset + NLA_HDRLEN,
        offset + length,
        policy,
        path,
      );
      if (policy.multi === undefined) values[policy.key] = value;
      else ((values[policy.key] ??= []) as unknown[]).push(value);
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

/**
 * Decodes the payload of one attribute.
 *
 * @param parent The path of what it is in, for errors.
 */
export function readAttr(
  bytes: Uint8Array,
  start: number,
  end: number,
  policy: AttrPolicy,
  parent: string,
): unknown {
  const { kind } = policy;
  const length = end - start;
  const little = !policy.bigEndian && HOST_LITTLE_ENDIAN;
  switch (kind) {
    // The most frequent ones first: to look up their width takes long.
    case "u8":
      if (length !== 1) break;
      return bytes[start];
    case "u16":
      if (length !== 2) break;
      return readU16(bytes, start, little);
    case "u32":
      if (length !== 4) break;
      return readU32(bytes, start, little);
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
    case "bitfield32":
      if (length !== 8) break;
      return {
        value: readU32(bytes, start),
        selector: readU32(bytes, start + 4),
      };
    case "struct":
      return decodeStruct(policy.struct!, bytes, start, end);
    case "binary":
      return bytes.slice(start, end);
    default:
      if (length !== WIDTH[kind]) break;
      return readInteger(bytes, start, kind, little);
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
