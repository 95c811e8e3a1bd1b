/**
 * Requests that are written down before it is known what they are about: a
 * token, a port or an end stands for that of a connection that is there when
 * the request is sent.
 *
 * @module
 */

import { writeU16, writeU32 } from "../../codec/bytes.ts";
import { AF_INET, AF_INET6, parseIPv4, parseIPv6 } from "../../codec/inet.ts";
import type { SubflowAddress } from "../../mod.ts";

/** An attribute, right or wrong. */
export interface Attr {
  /** Number and flag bits. */
  readonly type: number;
  readonly value: Value;
  /** What its header says instead of its true length. */
  readonly length?: number;
}

/** What an attribute holds. */
export type Value =
  | { readonly hex: string }
  | { readonly attrs: readonly (Attr | End)[] }
  /** Token of a connection, 4 bytes. */
  | { readonly tokenOf: number }
  /** A TCP port that nothing on this host has used, 2 bytes. */
  | { readonly port: "fresh" }
  /** The TCP port where the peer of a connection takes subflows, 2 bytes. */
  | { readonly peerPortOf: number };

/** The attributes for family, address and port of an end of a subflow. */
export interface End {
  readonly end: "local" | "remote";
  readonly subflow: number;
  readonly of: number;
  /** Another way to write the address. */
  readonly form?: "mapped" | "IPv4";
}

/** One netlink message. */
export interface Request {
  /** Absent: that of the family. */
  readonly type?: number;
  readonly flags: number;
  readonly cmd: number;
  readonly version: number;
  readonly reserved?: number;
  readonly attrs: readonly Attr[];
  /** How many bytes there are behind the last attribute. */
  readonly trailing?: number;
  /** What its header says instead of its true length. */
  readonly length?: number;
}

/** What stands for what, when a request is sent. */
export interface Names {
  token(connection: number): number;
  freshPort(): number;
  peerPort(connection: number): number;
  end(end: End): SubflowAddress;
}

/** The bytes of a request. */
export function encodeRequest(
  request: Request,
  family: number,
  seq: number,
  names: Names,
): Uint8Array<ArrayBuffer> {
  const { type = family, flags, cmd, version, reserved = 0 } = request;
  const bytes = Uint8Array.from([
    ...new Array<number>(16).fill(0),
    ...[cmd, version, ...u16(reserved)],
    ...request.attrs.flatMap((attr) => encodeAttr(attr, names)),
    ...new Array<number>(request.trailing ?? 0).fill(0),
  ]);
  writeU32(bytes, 0, request.length ?? bytes.length);
  writeU16(bytes, 4, type);
  writeU16(bytes, 6, flags);
  writeU32(bytes, 8, seq);
  return bytes;
}

/** In host byte order. */
export const u16 = (value: number): number[] => [
  ...new Uint8Array(Uint16Array.of(value).buffer),
];
/** In host byte order. */
export const u32 = (value: number): number[] => [
  ...new Uint8Array(Uint32Array.of(value).buffer),
];

/** The attributes for family and address. */
export function addressAttrs(address: string): Attr[] {
  const isIPv4 = !address.includes(":");
  const bytes = isIPv4 ? parseIPv4(address) : parseIPv6(address);
  return [
    { type: 1, value: hex(u16(isIPv4 ? AF_INET : AF_INET6)) },
    { type: isIPv4 ? 3 : 4, value: hex([...bytes]) },
  ];
}

export function hex(bytes: readonly number[]): { readonly hex: string } {
  return { hex: Uint8Array.from(bytes).toHex() };
}

function encodeAttr({ type, value, length }: Attr, names: Names): number[] {
  const payload = payloadOf(value, names);
  const header = [...u16(length ?? 4 + payload.length), ...u16(type)];
  const padding = new Array<number>(-payload.length & 3).fill(0);
  return [...header, ...payload, ...padding];
}

function payloadOf(value: Value, names: Names): number[] {
  if ("hex" in value) return [...Uint8Array.fromHex(value.hex)];
  if ("tokenOf" in value) return u32(names.token(value.tokenOf));
  if ("port" in value) return u16(names.freshPort());
  if ("peerPortOf" in value) return u16(names.peerPort(value.peerPortOf));
  return value.attrs.flatMap((one) =>
    "end" in one
      ? attrsOfEnd(one, names).flatMap((attr) => encodeAttr(attr, names))
      : encodeAttr(one, names)
  );
}

function attrsOfEnd(end: End, names: Names): Attr[] {
  const { address, port } = names.end(end);
  const written = end.form === "mapped" && !address.includes(":")
    ? `::ffff:${address}`
    : end.form === "IPv4"
    ? address.replace("::ffff:", "")
    : address;
  return [...addressAttrs(written), { type: 5, value: hex(u16(port)) }];
}
