/**
 * Sockets of `AF_UNIX`, and their addresses.
 *
 * @module
 */

import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const MSG_NOSIGNAL = 0x4000;
const EADDRINUSE = 98;
/** Length of `sun_path`. */
const MAX_PATH = 108;

const errno = new Int32Array(1);

/**
 * A `struct sockaddr_un`: of a path, or of an abstract name, which begins with
 * `@` here and with NUL there. The length counts, so nothing is behind a name.
 *
 * @returns `undefined`: it is too long, or of neither kind.
 */
export function unixAddress(name: string): Uint8Array<ArrayBuffer> | undefined {
  const isAbstract = name.startsWith("@");
  if (!isAbstract && !name.startsWith("/")) return undefined;
  const path = new TextEncoder().encode(
    isAbstract ? `\0${name.slice(1)}` : name,
  );
  if (path.length > (isAbstract ? MAX_PATH : MAX_PATH - 1)) return undefined;
  const address = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(path, 2);
  return address;
}

/**
 * Opens a socket that has an address. An abstract one is of the network namespace
 * that this thread is in.
 *
 * @returns Its descriptor; -1: another socket has the address.
 */
export function bindAddress(
  address: Uint8Array<ArrayBuffer>,
  action: string,
): number {
  const { symbols: { socket, memcpy, close }, errnoPointer } = libc();
  const { bind } = libc().streams();
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) throw new SyscallError("socket", errno[0]!, action);
  const result = bind(fd, address, address.length);
  memcpy(errno, errnoPointer, 4n);
  if (result >= 0) return fd;
  const code = errno[0]!;
  close(fd);
  if (code === EADDRINUSE) return -1;
  throw new SyscallError("bind", code, action);
}

/** Sends a datagram to an address, if that can be done without waiting. */
export function sendTo(
  address: Uint8Array<ArrayBuffer>,
  datagram: Uint8Array<ArrayBuffer>,
): boolean {
  const { symbols: { socket, memcpy, connect, send, close }, errnoPointer } =
    libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, 0);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) return false;
  const connected = connect(fd, address, address.length);
  memcpy(errno, errnoPointer, 4n);
  const length = BigInt(datagram.length);
  // A socket that is not connected sends nothing.
  const sent = send(fd, datagram, length, MSG_NOSIGNAL);
  memcpy(errno, errnoPointer, 4n);
  close(fd);
  return connected >= 0 && sent >= 0;
}
