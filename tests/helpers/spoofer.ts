/**
 * Datagrams that look as if the kernel had sent them.
 *
 * @module
 */

import { inNetns, type Netns } from "../../ffi/netns.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const NETLINK_GENERIC = 16;

const { symbols } = Deno.dlopen("libc.so.6", {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // void *memcpy(void *dest, const void *src, size_t n)
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "void" },
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t sendto(int fd, const void *buf, size_t len, int flags,
  //                const struct sockaddr *to, socklen_t tolen)
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "i32",
  },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
});

const errnoPointer = symbols.__errno_location();
const errno = new Int32Array(1);

/** A netlink socket of a network namespace, connected to nothing. */
export class Spoofer implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens it. */
  static open(netns: Netns): Spoofer {
    const { socket, close } = symbols;
    const type = SOCK_RAW | SOCK_NONBLOCK_CLOEXEC;
    const open = () => socket(AF_NETLINK, type, NETLINK_GENERIC);
    return new Spoofer(inNetns(netns, open, close));
  }

  /**
   * Sends to a port id, a group, or both.
   *
   * @returns 0, or the error number, such as EAGAIN where the queue is full.
   */
  send(
    bytes: Uint8Array<ArrayBuffer>,
    { port = 0, group = 0 }: { port?: number; group?: number },
  ): number {
    const { sendto, memcpy } = symbols;
    const groups = group === 0 ? 0 : 1 << (group - 1);
    const to = Uint32Array.of(AF_NETLINK, port, groups);
    const length = BigInt(bytes.length);
    const sent = sendto(this.#fd, bytes, length, 0, to, to.byteLength);
    memcpy(errno, errnoPointer, 4n);
    return sent < 0 ? errno[0]! : 0;
  }

  [Symbol.dispose](): void {
    symbols.close(this.#fd);
  }
}
