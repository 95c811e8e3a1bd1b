/**
 * Requests that are written down before it is known what they are about: a
 * token, a port or an end stands for that of a connection that is there when
 * the request is sent.
 *
 * @module
 */

import { writeU16, writeU32 } from "../../codec/bytes.ts";
import { AF_INET, parseAddress } from "../../codec/inet.ts";
import type { SubflowAddress } from "../../mod.ts";
import {
  attr,
  type Bytes,
  join,
  message,
  u16,
  u32,
} from "../helpers/netlink_bytes.ts";

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
): Bytes {
  const { type = family, flags, cmd, version, reserved = 0 } = request;
  const bytes = message(
    ...[type, flags, seq, Uint8Array.of(cmd, version), u16(reserved)] as const,
    ...request.attrs.map((attr) => encodeAttr(attr, names)),
    new Uint8Array(request.trailing ?? 0),
  );
  writeU32(bytes, 0, request.length ?? bytes.length);
  return bytes;
}

/** The attributes for family and address. */
export function addressAttrs(address: string): Attr[] {
  const { family, bytes } = parseAddress(address);
  return [
    { type: 1, value: hex(u16(family)) },
    { type: family === AF_INET ? 3 : 4, value: hex(bytes) },
  ];
}

/** A value of these bytes. */
export function hex(bytes: Uint8Array): { readonly hex: string } {
  return { hex: bytes.toHex() };
}

function encodeAttr({ type, value, length }: Attr, names: Names): Bytes {
  const bytes = attr(type, payloadOf(value, names));
  if (length !== undefined) writeU16(bytes, 0, length);
  return bytes;
}

function payloadOf(value: Value, names: Names): Bytes {
  if ("hex" in value) return Uint8Array.fromHex(value.hex);
  if ("tokenOf" in value) return u32(names.token(value.tokenOf));
  if ("port" in value) return u16(names.freshPort());
  if ("peerPortOf" in value) return u16(names.peerPort(value.peerPortOf));
  const attrs = value.attrs.flatMap((one) =>
    "end" in one ? attrsOfEnd(one, names) : [one]
  );
  return join(attrs.map((attr) => encodeAttr(attr, names)));
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
