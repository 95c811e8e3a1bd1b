/**
 * Where a TCP socket goes that is bound to an address and a device: the kernel
 * is asked by sending.
 *
 * @module
 */

import { AF_INET, familyOf, parseAddress } from "../../codec/inet.ts";
import { inNetns } from "../../ffi/netns.ts";
import { socketCalls } from "../../testing/mptcp_socket.ts";

const SOCK_STREAM_NONBLOCK = 0o4001;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

/**
 * Connects, without waiting for the answer.
 *
 * @returns 0 (or that it is in progress, 115), or why nothing can be sent.
 */
export function connectFrom(
  netns: string,
  to: string,
  { source, dev }: { source?: string; dev?: string },
): number {
  const { socket, setsockopt, bind, connect, close, memcpy, errnoPointer } =
    socketCalls();
  const errno = new Int32Array(1);
  const fd = inNetns(netns, () => {
    const fd = socket(familyOf(to), SOCK_STREAM_NONBLOCK, 0);
    if (fd < 0) throw new Error("no socket");
    return fd;
  }, close);
  try {
    if (dev !== undefined) {
      const name = new TextEncoder().encode(dev);
      const result = setsockopt(
        ...[fd, SOL_SOCKET, SO_BINDTODEVICE] as const,
        ...[name, name.length] as const,
      );
      memcpy(errno, errnoPointer, 4n);
      if (result < 0) return errno[0]!;
    }
    if (source !== undefined) {
      const address = sockaddr(source, 0);
      const result = bind(fd, address, address.length);
      memcpy(errno, errnoPointer, 4n);
      if (result < 0) return errno[0]!;
    }
    const address = sockaddr(to, 9);
    const result = connect(fd, address, address.length);
    memcpy(errno, errnoPointer, 4n);
    return result < 0 ? errno[0]! : 0;
  } finally {
    close(fd);
  }
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function sockaddr(text: string, port: number): Uint8Array<ArrayBuffer> {
  const { family, bytes } = parseAddress(text);
  const address = new Uint8Array(family === AF_INET ? 16 : 28);
  new Uint16Array(address.buffer)[0] = family;
  address[3] = port;
  address.set(bytes, family === AF_INET ? 4 : 8);
  return address;
}
