/**
 * One TCP or MPTCP socket of this process, never blocking.
 *
 * @module
 */

import type { AF_INET, AF_INET6 } from "../codec/inet.ts";
import { libc } from "./libc.ts";
import {
  decodeSockaddr,
  encodeSockaddr,
  SOCKADDR_LENGTH,
  type SocketAddress,
} from "./sockaddr.ts";
import { SyscallError } from "./syscall_error.ts";
import { closeWaited, type Wait, waitFor } from "./waiter.ts";

const SOCK_STREAM_NONBLOCK_CLOEXEC = 0o2004001;
const IPPROTO_TCP = 6;
const IPPROTO_MPTCP = 262;

const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_BINDTODEVICE = 25;

const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;

const EAGAIN = 11;
const EINPROGRESS = 115;

const errno = new Int32Array(1);

/** What a socket is bound to. */
export interface StreamSource {
  /** Address of this host. @default {the kernel chooses one} */
  readonly source?: string;
  /** Network device. @default {the one of the route} */
  readonly dev?: string;
}

/** A TCP or MPTCP socket; it stays in the namespace that it was opened in. */
export class StreamSocket implements Disposable {
  #fd: number;
  #wait: Wait | undefined;
  /** What the last `connect` was for. */
  #goal = "connect";

  /**
   * Takes a socket over.
   *
   * @param fd From {@linkcode openStream} or `accept4`.
   */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The number of the file descriptor; -1: it is closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Binds it to a network device: packets go out by it, whatever the routes. */
  bindToDevice(dev: string): void {
    const { symbols: { setsockopt, memcpy }, errnoPointer } = libc();
    const name = new TextEncoder().encode(dev);
    const { length } = name;
    const level = SOL_SOCKET;
    const result = setsockopt(this.#fd, level, SO_BINDTODEVICE, name, length);
    memcpy(errno, errnoPointer, 4n);
    if (result < 0) throw failure("setsockopt", `bind to ${dev}`);
  }

  /** Binds it to an address of this host; port 0 is any that is free. */
  bind(local: SocketAddress): void {
    const { symbols: { memcpy }, errnoPointer } = libc();
    const { bind } = libc().streams();
    const address = encodeSockaddr(local);
    const result = bind(this.#fd, address, address.length);
    memcpy(errno, errnoPointer, 4n);
    if (result < 0) throw failure("bind", `bind to ${local.address}`);
  }

  /** Begins to connect, bound to something first if that is asked for. */
  connect(to: SocketAddress, { source, dev }: StreamSource = {}): void {
    const { symbols: { connect, memcpy }, errnoPointer } = libc();
    this.#goal = `connect to ${to.address} port ${to.port}`;
    if (dev !== undefined) this.bindToDevice(dev);
    if (source !== undefined) this.bind({ address: source, port: 0 });
    const address = encodeSockaddr(to);
    const result = connect(this.#fd, address, address.length);
    memcpy(errno, errnoPointer, 4n);
    if (result < 0 && errno[0] !== EINPROGRESS) {
      throw failure("connect", this.#goal);
    }
  }

  /** Waits, without blocking the thread, until it is connected or closed. */
  async connected(): Promise<void> {
    if (this.#fd < 0) return;
    this.#wait ??= waitFor(this.#fd, POLLOUT);
    try {
      await this.#wait.ended;
    } finally {
      this.#wait = undefined;
    }
    if (this.#fd >= 0) this.assertConnected();
  }

  /** Throws what a `connect` that has ended came to, if it failed. */
  assertConnected(): void {
    const error = new Int32Array(1);
    this.getOption(SOL_SOCKET, SO_ERROR, error);
    if (error[0] !== 0) {
      throw new SyscallError("connect", error[0]!, this.#goal);
    }
  }

  /** The end on this host. */
  get local(): SocketAddress {
    const { symbols: { memcpy }, errnoPointer } = libc();
    const { getsockname } = libc().streams();
    const address = new Uint8Array(SOCKADDR_LENGTH);
    const length = Uint32Array.of(SOCKADDR_LENGTH);
    const result = getsockname(this.#fd, address, length);
    memcpy(errno, errnoPointer, 4n);
    if (result < 0) throw failure("getsockname", "get the local address");
    return decodeSockaddr(address);
  }

  /** Reads an option into `value`. */
  getOption(
    level: number,
    name: number,
    value: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  ): void {
    const { symbols: { memcpy }, errnoPointer } = libc();
    const { getsockopt } = libc().streams();
    const length = Uint32Array.of(value.byteLength);
    const result = getsockopt(this.#fd, level, name, value, length);
    memcpy(errno, errnoPointer, 4n);
    if (result < 0) throw failure("getsockopt", "get a socket option");
  }

  /** Sends bytes, and returns how many the kernel took: 0 if it is full. */
  send(bytes: Uint8Array<ArrayBuffer>): number {
    const { symbols: { send, memcpy }, errnoPointer } = libc();
    const length = BigInt(bytes.length);
    const sent = send(this.#fd, bytes, length, MSG_NOSIGNAL);
    memcpy(errno, errnoPointer, 4n);
    if (sent >= 0) return sent;
    if (errno[0] === EAGAIN) return 0;
    throw failure("send", "send");
  }

  /**
   * Takes bytes, and returns how many: 0 if the peer has closed the connection;
   * `undefined` if none are there.
   */
  receive(buffer: Uint8Array<ArrayBuffer>): number | undefined {
    const { symbols: { recv, memcpy }, errnoPointer } = libc();
    const length = BigInt(buffer.length);
    const received = recv(this.#fd, buffer, length, 0);
    memcpy(errno, errnoPointer, 4n);
    if (received >= 0) return received;
    if (errno[0] === EAGAIN) return undefined;
    throw failure("recv", "receive");
  }

  /** Closes the socket. Doing it again does nothing. */
  close(): void {
    const fd = this.#fd;
    this.#fd = -1;
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
 * @param family `AF_INET` or `AF_INET6`.
 * @param isMptcp Whether it asks for MPTCP, or speaks TCP only.
 */
export function openStream(
  family: typeof AF_INET | typeof AF_INET6,
  isMptcp: boolean,
): number {
  const { symbols: { socket, memcpy }, errnoPointer } = libc();
  const protocol = isMptcp ? IPPROTO_MPTCP : IPPROTO_TCP;
  const fd = socket(family, SOCK_STREAM_NONBLOCK_CLOEXEC, protocol);
  memcpy(errno, errnoPointer, 4n);
  if (fd >= 0) return fd;
  throw failure("socket", `open ${isMptcp ? "an MPTCP" : "a TCP"} socket`);
}

function failure(syscall: string, action: string): SyscallError {
  return new SyscallError(syscall, errno[0]!, action);
}
