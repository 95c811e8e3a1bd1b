/**
 * Datagrams that look as if the kernel had sent them. Run as a program it sends
 * them to a port and a group until it is killed; as nobody it tries once, and
 * prints the error number.
 *
 * @module
 */

import { inNetns, type Netns } from "../../ffi/netns.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const NETLINK_GENERIC = 16;
const NOBODY = 65534;

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
  // int setresuid(uid_t ruid, uid_t euid, uid_t suid)
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
});

const errnoPointer = symbols.__errno_location();
const errno = new Int32Array(1);

/** Somebody who is not the kernel, in a network namespace. */
export class Forger implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes up its post. */
  static open(netns: Netns): Forger {
    const { socket, close } = symbols;
    const type = SOCK_RAW | SOCK_NONBLOCK_CLOEXEC;
    const open = () => socket(AF_NETLINK, type, NETLINK_GENERIC);
    return new Forger(inNetns(netns, open, close));
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

if (import.meta.main) {
  const [netns, port, group] = Deno.args;
  using forger = Forger.open(netns!);
  const bytes = new Uint8Array(36);
  bytes[0] = bytes.length;
  if (group === undefined) {
    symbols.setresuid(NOBODY, NOBODY, NOBODY);
    console.log(forger.send(bytes, { port: Number(port) }));
  } else {
    console.log("flooding");
    for (;;) {
      forger.send(bytes, { port: Number(port) });
      forger.send(bytes, { group: Number(group) });
    }
  }
}
