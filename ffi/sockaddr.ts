/**
 * `struct sockaddr_in` and `struct sockaddr_in6`.
 *
 * @module
 */

import { readU16, writeU16 } from "../codec/bytes.ts";
import {
  AF_INET,
  AF_INET6,
  formatIPv4,
  formatIPv6,
  parseAddress,
} from "../codec/inet.ts";

/** Address and port of one end of a connection. */
export interface SocketAddress {
  /** IPv4 or IPv6 address, in the family of the socket. */
  readonly address: string;
  /** TCP port. */
  readonly port: number;
}

/** `sizeof(struct sockaddr_in6)`, the longer one. */
export const SOCKADDR_LENGTH = 28;

/** Encodes an end as the kernel takes it. */
export function encodeSockaddr(
  { address, port }: SocketAddress,
): Uint8Array<ArrayBuffer> {
  const { family, bytes } = parseAddress(address);
  const isIPv4 = family === AF_INET;
  const sockaddr = new Uint8Array(isIPv4 ? 16 : SOCKADDR_LENGTH);
  writeU16(sockaddr, 0, family);
  writeU16(sockaddr, 2, port, false);
  sockaddr.set(bytes, isIPv4 ? 4 : 8);
  return sockaddr;
}

/** Decodes an end; what is behind it does not matter. */
export function decodeSockaddr(bytes: Uint8Array<ArrayBuffer>): SocketAddress {
  const port = readU16(bytes, 2, false);
  return readU16(bytes, 0) === AF_INET6
    ? { address: formatIPv6(bytes, 8), port }
    : { address: formatIPv4(bytes, 4), port };
}
