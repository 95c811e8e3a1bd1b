/**
 * `struct sockaddr_in` and `struct sockaddr_in6`.
 *
 * @module
 */

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
  new Uint16Array(sockaddr.buffer)[0] = family;
  new DataView(sockaddr.buffer).setUint16(2, port);
  sockaddr.set(bytes, isIPv4 ? 4 : 8);
  return sockaddr;
}

/** Decodes an end; what is behind it does not matter. */
export function decodeSockaddr(bytes: Uint8Array<ArrayBuffer>): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const port = view.getUint16(2);
  return view.getUint16(0, true) === AF_INET6
    ? { address: formatIPv6(bytes, 8), port }
    : { address: formatIPv4(bytes, 4), port };
}
