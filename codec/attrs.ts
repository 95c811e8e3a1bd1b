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
import { DecodeError } from "./decode_error.ts";
import { HOST_LITTLE_ENDIAN } from "./endian.ts";
import { align4, viewOf } from "./nlmsghdr.ts";
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

/** Attribute values by camel-case name, as the generated interfaces type them. */
type Values = { readonly [key: string]: unknown };

/**
 * The bytes that these attributes take, padding included.
 *
 * @throws {TypeError} A name is not in the set.
 */
export function attrsLength(set: AttrSet, attrs: object): number {
  let length = 0;
  let known = 0;
  for (const policy of set.attrs) {
    if (policy === undefined) continue;
    const value = (attrs as Values)[policy.key];
    if (value === undefined) continue;
    known++;
    length += NLA_HDRLEN + align4(payloadLength(policy, value));
  }
  let given = 0;
  for (const key in attrs) {
    if ((attrs as Values)[key] !== undefined) given++;
  }
  if (given !== known) throw unknownAttr(set, attrs);
  return length;
}

function unknownAttr(set: AttrSet, attrs: object): TypeError {
  const names = set.attrs.flatMap((policy) => policy?.key ?? []);
  const unknown = Object.keys(attrs).filter((key) => !names.includes(key));
  return new TypeError(
    `Unknown attribute "${unknown.join('", "')}" in the set "${set.name}": ` +
      `known are ${names.join(", ")}`,
  );
}

function payloadLength(policy: AttrPolicy, value: unknown): number {
  switch (policy.kind) {
    case "nest":
      if (typeof value !== "object" || value === null) {
        throw wrongType(policy, "an object", value);
      }
      return attrsLength(policy.nested!, value);
    case "array":
      if (!Array.isArray(value)) throw wrongType(policy, "an array", value);
      return value.reduce(
        (sum, entry) => sum + NLA_HDRLEN + attrsLength(policy.nested!, entry),
        0,
      );
    case "binary":
      if (!(value instanceof Uint8Array)) {
        throw wrongType(policy, "a Uint8Array", value);
      }
      return value.length;
    case "string":
      if (typeof value !== "string") throw wrongType(policy, "a text", value);
      return new TextEncoder().encode(value).length + 1;
    case "ipv4":
    case "ipv6":
      if (typeof value !== "string") throw wrongType(policy, "a text", value);
      return WIDTH[policy.kind]!;
    default:
      return WIDTH[policy.kind] ?? 0;
  }
}

function wrongType(policy: AttrPolicy, kind: string, value: unknown) {
  return new TypeError(`${policy.name} is not ${kind}: ${value}`);
}

/**
 * Writes attributes in the order of their numbers. The rest of the buffer must
 * hold {@linkcode attrsLength} bytes; padding is zeroed.
 *
 * @returns The offset behind the last one.
 */
export function writeAttrs(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  set: AttrSet,
  attrs: object,
): number {
  let offset = start;
  for (const policy of set.attrs) {
    if (policy === undefined) continue;
    const value = (attrs as Values)[policy.key];
    if (value === undefined) continue;
    offset = writeAttr(bytes, view, offset, policy, value);
  }
  return offset;
}

function writeAttr(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  policy: AttrPolicy,
  value: unknown,
): number {
  const { kind } = policy;
  let offset = start + NLA_HDRLEN;
  switch (kind) {
    case "nest":
      offset = writeAttrs(bytes, view, offset, policy.nested!, value as object);
      break;
    case "array":
      (value as object[]).forEach((entry, index) => {
        const end = writeAttrs(
          bytes,
          view,
          offset + NLA_HDRLEN,
          policy.nested!,
          entry,
        );
        writeHeader(view, offset, end, (index + 1) | NLA_F_NESTED);
        offset = end;
      });
      break;
    case "ipv4":
      bytes.set(parseIPv4(value as string), offset);
      offset += 4;
      break;
    case "ipv6":
      bytes.set(parseIPv6(value as string), offset);
      offset += 16;
      break;
    case "binary":
      bytes.set(value as Uint8Array, offset);
      offset += (value as Uint8Array).length;
      break;
    case "string": {
      const text = new TextEncoder().encode(`${value}\0`);
      bytes.set(text, offset);
      offset += text.length;
      break;
    }
    case "flag":
    case "pad":
      break;
    default:
      writeInteger(view, offset, policy, value);
      offset += WIDTH[kind]!;
  }
  if (offset - start > 0xffff) {
    throw new RangeError(`${policy.name} is longer than 65531 bytes`);
  }
  const nested = kind === "nest" || kind === "array" ? NLA_F_NESTED : 0;
  writeHeader(view, start, offset, policy.type | nested);
  while (offset & 3) bytes[offset++] = 0;
  return offset;
}

function writeHeader(
  view: DataView,
  start: number,
  end: number,
  type: number,
): void {
  view.setUint16(start, end - start, HOST_LITTLE_ENDIAN);
  view.setUint16(start + 2, type, HOST_LITTLE_ENDIAN);
}

function writeInteger(
  view: DataView,
  offset: number,
  policy: AttrPolicy,
  value: unknown,
): void {
  const little = policy.bigEndian ? false : HOST_LITTLE_ENDIAN;
  const signed = policy.kind.startsWith("s");
  const width = WIDTH[policy.kind]!;
  if (width === 8) {
    if (typeof value !== "bigint") throw wrongType(policy, "a bigint", value);
    const fitting = signed
      ? BigInt.asIntN(64, value)
      : BigInt.asUintN(64, value);
    if (fitting !== value) {
      throw new RangeError(
        `${policy.name} does not fit ${policy.kind}: ${value}`,
      );
    }
    if (signed) view.setBigInt64(offset, value, little);
    else view.setBigUint64(offset, value, little);
    return;
  }
  const max = 2 ** (width * 8 - (signed ? 1 : 0)) - 1;
  const min = signed ? -max - 1 : 0;
  if (typeof value !== "number") throw wrongType(policy, "a number", value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `${policy.name} is not an integer from ${min} to ${max}: ${value}`,
    );
  }
  // The setters take the value modulo 2 ** width: one serves both signs.
  if (width === 1) view.setUint8(offset, value);
  else if (width === 2) view.setUint16(offset, value, little);
  else view.setUint32(offset, value, little);
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
 * import { ADDRESS, encodeAttrs } from "@mptcp/pm/codec";
 *
 * const bytes = encodeAttrs(ADDRESS, { family: 2, addr4: "10.0.1.1" });
 * console.log(bytes.length); // 16
 * ```
 */
export function encodeAttrs(
  set: AttrSet,
  attrs: object,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(attrsLength(set, attrs));
  writeAttrs(bytes, viewOf(bytes), 0, set, attrs);
  return bytes;
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
 * import { ADDRESS, decodeAttrs } from "@mptcp/pm/codec";
 *
 * const bytes = Uint8Array.of(6, 0, 1, 0, 2, 0, 0, 0, 8, 0, 3, 0, 10, 0, 1, 1);
 * console.log(decodeAttrs(ADDRESS, bytes)); // { family: 2, addr4: "10.0.1.1" }
 * ```
 */
export function decodeAttrs(
  set: AttrSet,
  bytes: Uint8Array,
  start = 0,
): Record<string, unknown> {
  return readAttrs(viewOf(bytes), start, bytes.length, set, "");
}

function readAttrs(
  view: DataView,
  start: number,
  end: number,
  set: AttrSet,
  path: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let offset = start;
  while (offset + NLA_HDRLEN <= end) {
    const length = attrLengthAt(view, offset, end, path);
    const type = view.getUint16(offset + 2, HOST_LITTLE_ENDIAN) & NLA_TYPE_MASK;
    const policy = set.attrs[type];
    if (policy !== undefined && policy.kind !== "pad") {
      values[policy.key] = readAttr(
        view,
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
function attrLengthAt(
  view: DataView,
  offset: number,
  end: number,
  path: string,
): number {
  const length = view.getUint16(offset, HOST_LITTLE_ENDIAN);
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
  view: DataView,
  start: number,
  end: number,
  policy: AttrPolicy,
  parent: string,
): unknown {
  const { kind } = policy;
  const width = WIDTH[kind];
  if (width !== undefined && width !== end - start) {
    throw new DecodeError(
      `${end - start} bytes, but ${kind} has ${width}`,
      start,
      `${parent}.${policy.name}`,
    );
  }
  const little = policy.bigEndian ? false : HOST_LITTLE_ENDIAN;
  switch (kind) {
    case "u8":
      return view.getUint8(start);
    case "u16":
      return view.getUint16(start, little);
    case "u32":
      return view.getUint32(start, little);
    case "u64":
      return view.getBigUint64(start, little);
    case "s8":
      return view.getInt8(start);
    case "s16":
      return view.getInt16(start, little);
    case "s32":
      return view.getInt32(start, little);
    case "s64":
      return view.getBigInt64(start, little);
    case "ipv4":
      return formatIPv4(bytesOf(view, start, end));
    case "ipv6":
      return formatIPv6(bytesOf(view, start, end));
    case "flag":
      return true;
    case "nest":
      return readAttrs(
        view,
        start,
        end,
        policy.nested!,
        `${parent}.${policy.name}`,
      );
    case "array":
      return readArray(view, start, end, policy, `${parent}.${policy.name}`);
    case "string": {
      const bytes = bytesOf(view, start, end);
      const nul = bytes.indexOf(0);
      return new TextDecoder().decode(
        nul < 0 ? bytes : bytes.subarray(0, nul),
      );
    }
    default: // "binary": a pad is not read.
      return bytesOf(view, start, end).slice();
  }
}

function readArray(
  view: DataView,
  start: number,
  end: number,
  policy: AttrPolicy,
  path: string,
): Record<string, unknown>[] {
  const entries: Record<string, unknown>[] = [];
  let offset = start;
  while (offset + NLA_HDRLEN <= end) {
    const length = attrLengthAt(view, offset, end, path);
    entries.push(
      readAttrs(
        view,
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

function bytesOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

/**
 * Names the attribute at an offset, as the kernel's extended ack gives it.
 *
 * @param set The set that the outermost attributes belong to.
 * @param bytes The attributes of the request.
 * @param offset Bytes from their start: of the attribute's header, or inside
 * its payload.
 * @returns The path from the outside in, such as `".addr.port"`; `undefined`
 * where no known attribute is.
 */
export function attrPathAt(
  set: AttrSet,
  bytes: Uint8Array,
  offset: number,
): string | undefined {
  const view = viewOf(bytes);
  let start = 0;
  while (start + NLA_HDRLEN <= bytes.length) {
    const length = attrLengthAt(view, start, bytes.length, "");
    if (offset >= start && offset < start + length) {
      const type = view.getUint16(start + 2, HOST_LITTLE_ENDIAN) &
        NLA_TYPE_MASK;
      const policy = set.attrs[type];
      if (policy === undefined) return undefined;
      const inner = policy.kind === "nest" && offset >= start + NLA_HDRLEN
        ? attrPathAt(
          policy.nested!,
          bytes.subarray(start + NLA_HDRLEN, start + length),
          offset - start - NLA_HDRLEN,
        )
        : undefined;
      return `.${policy.name}${inner ?? ""}`;
    }
    start += align4(length);
  }
  return undefined;
}
