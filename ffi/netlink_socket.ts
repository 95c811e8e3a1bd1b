/**
 * One netlink socket: datagrams in and out, never blocking but in
 * {@linkcode NetlinkSocket.wait}.
 *
 * @module
 */

import type { Hints } from "./file.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";
import { closeWaited, pollFds, type Wait, waitFor } from "./waiter.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;

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

const EPERM = 1;
const EINTR = 4;
const EAGAIN = 11;
const EMSGSIZE = 90;

/**
 * The kernel makes the datagrams of a dump as large as the largest buffer that
 * the socket was read with, but never above 32 KiB: with one buffer of 64 KiB
 * none is ever cut.
 */
const RECEIVE_LENGTH = 65536;
const RECEIVE_LENGTH_BIGINT = 65536n;

/**
 * How much the kernel queues for a reader that is busy: about 5000 events of
 * `mptcp_pm`, each of which it counts as some 830 bytes.
 */
const GROUP_QUEUE_LENGTH = 2 ** 21;

const EMPTY = new Uint8Array(0);

/** Buffers of sockets that were closed, for those that are opened next. */
const spare: Uint8Array<ArrayBuffer>[] = [];
const MAX_SPARE = 4;

// memcpy copies errno here; see libc.ts for why it is done inline everywhere.
const errno = new Int32Array(1);

/** A netlink socket; it stays in the network namespace that it was opened in. */
export class NetlinkSocket implements Disposable {
  #fd: number;
  /** Whether the socket is in a group, where others than the kernel may send. */
  #inGroup = false;
  #wait: Wait | undefined;
  readonly #symbols: ReturnType<typeof libc>["symbols"];
  readonly #errnoPointer: Deno.PointerValue;
  readonly #buffer = spare.pop() ?? new Uint8Array(RECEIVE_LENGTH);
  /** Kept, as many are of the same length: a new one takes some 50 ns. */
  #datagram: Uint8Array = EMPTY;
  /** `struct sockaddr_nl`: family and padding, port id, groups. */
  readonly #sender = new Uint32Array(3);
  readonly #senderLength = new Uint32Array(1);

  private constructor(fd: number) {
    this.#fd = fd;
    ({ symbols: this.#symbols, errnoPointer: this.#errnoPointer } = libc());
  }

  /**
   * Connects a new socket to the kernel, for requests and their answers. Acks
   * carry the kernel's explanation but not the request again.
   *
   * @param fd From {@linkcode openFd}; closed if this fails.
   */
  static forRequests(fd: number): NetlinkSocket {
    return NetlinkSocket.#set(fd, (socket) => {
      socket.#setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1, "ask for reasons");
      socket.#setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1, "ask for short acks");
    });
  }

  /**
   * Makes a new socket a member of multicast groups: one queue, in one order.
   *
   * @param fd From {@linkcode openFd}; closed if this fails.
   * @param groups Numbers of the groups on the running kernel.
   */
  static forGroups(fd: number, groups: readonly number[]): NetlinkSocket {
    return NetlinkSocket.#set(fd, (socket) => {
      socket.#setReceiveBuffer(GROUP_QUEUE_LENGTH);
      socket.#inGroup = true;
      for (const group of groups) socket.#join(group);
    });
  }

  static #set(
    fd: number,
    options: (socket: NetlinkSocket) => void,
  ): NetlinkSocket {
    const socket = new NetlinkSocket(fd);
    try {
      socket.#connect();
      options(socket);
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
    const kernel = new Uint16Array(6);
    kernel[0] = AF_NETLINK;
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
   * Takes the next datagram from the kernel, if one is there. What other
   * processes send to a group is dropped.
   *
   * @returns A view of the receive buffer, valid until the next call.
   */
  receive(): Uint8Array | undefined {
    const length = this.#inGroup ? this.#receiveFrom() : this.#receive();
    if (length < 0) return undefined;
    if (length > RECEIVE_LENGTH) {
      throw new SyscallError(
        this.#inGroup ? "recvfrom" : "recv",
        EMSGSIZE,
        `receive ${length} bytes into a buffer of ${RECEIVE_LENGTH}`,
      );
    }
    if (this.#datagram.length !== length) {
      this.#datagram = this.#buffer.subarray(0, length);
    }
    return this.#datagram;
  }

  /** Receives what only the kernel can have sent, as the socket is connected. */
  #receive(): number {
    const { recv, memcpy } = this.#symbols;
    const pointer = this.#errnoPointer;
    for (;;) {
      const length = recv(
        this.#fd,
        this.#buffer,
        RECEIVE_LENGTH_BIGINT,
        MSG_DONTWAIT | MSG_TRUNC,
      );
      memcpy(errno, pointer, 4n);
      if (length >= 0) return length;
      if (errno[0] === EAGAIN) return -1;
      if (errno[0] !== EINTR) throw failure("recv", "receive from the kernel");
    }
  }

  /** Receives, and drops what comes from others than the kernel. */
  #receiveFrom(): number {
    const { memcpy } = this.#symbols;
    const { recvfrom } = libc().groups();
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
      if (length >= 0) {
        if (sender[1] === 0) return length;
      } else if (errno[0] === EAGAIN) return -1;
      else if (errno[0] !== EINTR) {
        throw failure("recvfrom", "receive from the kernel");
      }
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
    const pollfd = pollFds([{ fd: this.#fd, events: POLLIN }]);
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

  #join(group: number): void {
    this.#setOption(
      SOL_NETLINK,
      NETLINK_ADD_MEMBERSHIP,
      group,
      `listen to the kernel, group ${group}`,
      {
        [EPERM]: "CAP_NET_ADMIN is needed in the user namespace that owns " +
          "this network namespace",
      },
    );
  }

  /**
   * Beyond `net.core.rmem_max` only with `CAP_NET_ADMIN`; without it the
   * kernel cuts the number silently. It doubles it for its own bookkeeping.
   */
  #setReceiveBuffer(bytes: number): void {
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
    if (spare.length < MAX_SPARE) spare.push(this.#buffer);
    closeWaited(fd, this.#wait);
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a socket where this thread is.
 *
 * @param protocol Such as 16, `NETLINK_GENERIC`.
 */
export function openFd(protocol: number): number {
  const { symbols: { socket, memcpy }, errnoPointer } = libc();
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  memcpy(errno, errnoPointer, 4n);
  if (fd < 0) throw failure("socket", "open a netlink socket");
  return fd;
}

function failure(
  syscall: string,
  action: string,
  hints: Hints = {},
): SyscallError {
  return new SyscallError(syscall, errno[0]!, action, hints[errno[0]!]);
}
