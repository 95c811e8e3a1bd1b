/**
 * A generic-netlink socket: datagrams in and out, never blocking but in
 * {@linkcode NetlinkSocket.wait}.
 *
 * @module
 */

import type { Hints } from "./file.ts";
import { libc } from "./libc.ts";
import { inNetns, type Netns } from "./netns.ts";
import { readSysctl, writeSysctl } from "./sysctl.ts";
import { SyscallError } from "./syscall_error.ts";
import { type Wait, waitFor } from "./waiter.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_GENERIC = 16;

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;

const SIOCGSKNS = 0x894cn;
const SIOCGIFNAME = 0x8910n;
const SIOCGIFINDEX = 0x8933n;
const IFNAMSIZ = 16;

const EPERM = 1;
const EINTR = 4;
const EAGAIN = 11;
const ENODEV = 19;
const EMSGSIZE = 90;

/**
 * The kernel makes the datagrams of a dump as large as the largest buffer that
 * the socket was read with, but never above 32 KiB: with one buffer of 64 KiB
 * none is ever cut.
 */
const RECEIVE_LENGTH = 65536;
const RECEIVE_LENGTH_BIGINT = 65536n;

/**
 * How much the kernel queues for a reader that is busy: about 5000 events,
 * each of which it counts as some 830 bytes.
 */
const EVENT_QUEUE_LENGTH = 2 ** 21;

const NOTHING = new Uint8Array(0);

// memcpy copies errno here; see libc.ts for why it is done inline everywhere.
const errno = new Int32Array(1);

/** A generic-netlink socket of one network namespace. */
export class NetlinkSocket {
  #fd: number;
  /** Whether the socket may be in another namespace than this thread. */
  readonly #isElsewhere: boolean;
  #wait: Wait | undefined;
  readonly #symbols: ReturnType<typeof libc>["symbols"];
  readonly #errnoPointer: Deno.PointerValue;
  readonly #buffer = new Uint8Array(RECEIVE_LENGTH);
  /** Kept, as many are of the same length: a new one takes some 50 ns. */
  #datagram: Uint8Array = NOTHING;
  /** `struct sockaddr_nl`: family and padding, port id, groups. */
  readonly #sender = new Uint32Array(3);
  readonly #senderLength = new Uint32Array(1);

  private constructor(fd: number, isElsewhere: boolean) {
    this.#fd = fd;
    this.#isElsewhere = isElsewhere;
    ({ symbols: this.#symbols, errnoPointer: this.#errnoPointer } = libc());
  }

  /**
   * Opens a socket whose acks carry the kernel's explanation but not the
   * request again. The socket stays in the network namespace it was opened in.
   *
   * @param netns Where to open it; absent: where this thread is.
   */
  static open(netns?: Netns): NetlinkSocket {
    const fd = inNetns(netns, openFd, closeFd);
    const socket = new NetlinkSocket(fd, netns !== undefined);
    try {
      socket.#connect();
      socket.#setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1, "ask for reasons");
      socket.#setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1, "ask for short acks");
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  /**
   * From here on the kernel refuses what other processes send to this socket:
   * it would fill the queue that the kernel's answers need
   * (`netlink_getsockbyportid()` in `net/netlink/af_netlink.c`).
   */
  #connect(): void {
    const { connect, memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    // The kernel's port id is 0. Connecting gives this socket one, too.
    const kernel = Uint32Array.of(AF_NETLINK, 0, 0);
    const result = connect(this.#fd, kernel, kernel.byteLength);
    memcpy(errno, pointer, 4n);
    if (result < 0) throw failure("connect", "connect to the kernel");
  }

  /** Whether {@linkcode NetlinkSocket.close} was called. */
  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Sends one datagram to the kernel. */
  send(datagram: Uint8Array<ArrayBuffer>): void {
    const { send, memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const length = BigInt(datagram.length);
    for (;;) {
      const sent = send(this.#fd, datagram, length, 0);
      memcpy(errno, pointer, 4n);
      if (sent >= 0) return;
      if (errno[0] !== EINTR) throw failure("send", "send to the kernel");
    }
  }

  /**
   * Takes the next datagram from the kernel, if one is there. What
   * other processes send to a group is thrown away.
   *
   * @returns A view of the receive buffer, valid until the next call.
   */
  receive(): Uint8Array | undefined {
    const { recvfrom, memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const sender = this.#sender;
    const senderLength = this.#senderLength;
    for (;;) {
      senderLength[0] = sender.byteLength;
      const length = recvfrom(
        this.#fd,
        this.#buffer,
        RECEIVE_LENGTH_BIGINT,
        MSG_DONTWAIT | MSG_TRUNC,
        sender,
        senderLength,
      );
      memcpy(errno, pointer, 4n);
      if (length < 0) {
        if (errno[0] === EINTR) continue;
        if (errno[0] === EAGAIN) return undefined;
        throw failure("recvfrom", "receive from the kernel");
      }
      if (sender[1] !== 0) continue;
      if (length > RECEIVE_LENGTH) {
        throw new SyscallError(
          "recvfrom",
          EMSGSIZE,
          `receive ${length} bytes into a buffer of ${RECEIVE_LENGTH}`,
        );
      }
      if (this.#datagram.length !== length) {
        this.#datagram = this.#buffer.subarray(0, length);
      }
      return this.#datagram;
    }
  }

  /**
   * Blocks the thread until a datagram is there.
   *
   * @param timeoutMs How long at the most, in milliseconds.
   * @returns Whether one is there.
   */
  wait(timeoutMs: number): boolean {
    const { memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const { poll } = libc().waiting();
    // struct pollfd: int fd, short events, short revents.
    const pollfd = Int32Array.of(this.#fd, POLLIN);
    const end = performance.now() + timeoutMs;
    for (;;) {
      const left = Math.max(0, Math.ceil(end - performance.now()));
      const ready = poll(pollfd, 1n, left);
      memcpy(errno, pointer, 4n);
      if (ready >= 0) return ready > 0;
      if (errno[0] !== EINTR) throw failure("poll", "wait for the kernel");
    }
  }

  /**
   * Opens another socket in this one's namespace, which hears a group.
   *
   * @param group Number of the group on the running kernel.
   */
  subscribe(group: number): NetlinkSocket {
    const fd = this.#within(openFd, closeFd);
    const socket = new NetlinkSocket(fd, this.#isElsewhere);
    try {
      socket.#connect();
      socket.setReceiveBuffer(EVENT_QUEUE_LENGTH);
      socket.join(group);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Waits, without blocking the thread, until a datagram is there or the
   * socket is closed.
   */
  async readable(): Promise<void> {
    if (this.closed) return;
    this.#wait ??= waitFor(this.#fd);
    try {
      await this.#wait.ended;
    } finally {
      this.#wait = undefined;
    }
  }

  /** Reads a sysctl below `net.mptcp`; `undefined`: the kernel has none. */
  readSysctl(name: string): string | undefined {
    return readSysctl(name, (open) => this.#within(open, closeFd));
  }

  /** Writes a sysctl below `net.mptcp`. */
  writeSysctl(name: string, value: string): void {
    writeSysctl(name, value, (open) => this.#within(open, closeFd));
  }

  /** Does something in the namespace that the socket is in. */
  #within<T>(action: () => T, undo: (result: T) => void): T {
    if (!this.#isElsewhere) return inNetns(undefined, action, undo);
    const { memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const { ioctl } = libc().device();
    const netns = ioctl(this.#fd, SIOCGSKNS, NOTHING);
    memcpy(errno, pointer, 4n);
    if (netns < 0) throw failure("ioctl", "find the namespace of the socket");
    try {
      return inNetns(`/proc/thread-self/fd/${netns}`, action, undo);
    } finally {
      closeFd(netns);
    }
  }

  /**
   * Joins a multicast group of the socket's family.
   *
   * @param group Its number on the running kernel.
   */
  join(group: number): void {
    this.#setOption(
      SOL_NETLINK,
      NETLINK_ADD_MEMBERSHIP,
      group,
      `join multicast group ${group}`,
      {
        [EPERM]: "CAP_NET_ADMIN is needed in the user namespace that owns " +
          "this network namespace",
      },
    );
  }

  /**
   * Sets how many bytes the kernel queues. Beyond `net.core.rmem_max` only
   * with `CAP_NET_ADMIN`; without it the kernel cuts the number silently.
   *
   * @param bytes The size; the kernel doubles it for its own bookkeeping.
   */
  setReceiveBuffer(bytes: number): void {
    const action = "size the receive buffer";
    try {
      this.#setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes, action);
    } catch (error) {
      if (!(error instanceof SyscallError && error.errno === EPERM)) {
        throw error;
      }
      this.#setOption(SOL_SOCKET, SO_RCVBUF, bytes, action);
    }
  }

  /**
   * The index of a network device in the socket's namespace.
   *
   * @param name Such as `"eth0"`; up to 15 bytes.
   * @returns The index, or `undefined` where there is no such device.
   */
  ifNameToIndex(name: string): number | undefined {
    const bytes = new TextEncoder().encode(name);
    // The kernel would cut an alias at its colon, and find the device.
    if (bytes.length >= IFNAMSIZ || /[\0:]/.test(name)) return undefined;
    const request = new Uint8Array(40);
    request.set(bytes);
    if (!this.#ifreq(SIOCGIFINDEX, request)) return undefined;
    return new Int32Array(request.buffer)[IFNAMSIZ / 4];
  }

  /**
   * The name of a network device in the socket's namespace.
   *
   * @returns The name, or `undefined` where there is no such device.
   */
  ifIndexToName(index: number): string | undefined {
    const request = new Uint8Array(40);
    new Int32Array(request.buffer)[IFNAMSIZ / 4] = index;
    if (!this.#ifreq(SIOCGIFNAME, request)) return undefined;
    return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
  }

  /**
   * `dev_ioctl()` of the kernel answers on any socket, for the namespace that
   * the socket is in.
   */
  #ifreq(command: bigint, request: Uint8Array<ArrayBuffer>): boolean {
    const { memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const { ioctl } = libc().device();
    const result = ioctl(this.#fd, command, request);
    memcpy(errno, pointer, 4n);
    if (result >= 0) return true;
    if (errno[0] === ENODEV) return false;
    throw failure("ioctl", "look up the network device");
  }

  #setOption(
    level: number,
    option: number,
    value: number,
    action: string,
    hints: Hints = {},
  ): void {
    const { setsockopt, memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    const bytes = Int32Array.of(value);
    const result = setsockopt(this.#fd, level, option, bytes, 4);
    memcpy(errno, pointer, 4n);
    if (result < 0) throw failure("setsockopt", action, hints);
  }

  /** Closes the socket. Closing it again does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    if (this.#wait === undefined) return closeFd(fd);
    this.#wait.cancel();
    const close = () => closeFd(fd);
    this.#wait.ended.then(close, close);
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function openFd(): number {
  const { symbols: { socket, memcpy }, errnoPointer } = libc();
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) throw failure("socket", "open a netlink socket");
  return fd;
}

/** Linux frees the number whatever `close` returns. */
function closeFd(fd: number): void {
  if (fd >= 0) libc().symbols.close(fd);
}

function failure(
  syscall: string,
  action: string,
  hints: Hints = {},
): SyscallError {
  return new SyscallError(syscall, errno[0]!, action, hints[errno[0]!]);
}
