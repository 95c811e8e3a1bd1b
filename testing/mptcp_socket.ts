/**
 * MPTCP sockets of this process in any network namespace, never blocking but
 * in {@linkcode waitForSockets}.
 *
 * @module
 */

import { familyOf } from "../codec/inet.ts";
import { type Libc, libc } from "../ffi/libc.ts";
import { inNetns, type Netns } from "../ffi/netns.ts";
import {
  decodeSockaddr,
  SOCKADDR_LENGTH,
  type SocketAddress,
} from "../ffi/sockaddr.ts";
import { openStream, StreamSocket } from "../ffi/stream_socket.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import { pollFds } from "../ffi/waiter.ts";

export type { SocketAddress };

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_MPTCP = 284;
const MPTCP_INFO = 1;
const MPTCP_TCPINFO = 2;
const MPTCP_SUBFLOW_ADDRS = 3;
/** `sizeof(struct sockaddr_storage)` */
const STORAGE_LENGTH = 128;
/** More subflows than a connection can have. */
const MAX_SUBFLOWS = 32;
const EINTR = 4;

/** Something can be received. */
export const POLLIN = 1;
/** Something can be sent. */
export const POLLOUT = 4;

const FUNCTIONS = {
  // int listen(int fd, int backlog)
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // int accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  // int getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen)
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
} as const;

type Calls =
  & Libc["symbols"]
  & ReturnType<Libc["waiting"]>
  & Deno.StaticForeignLibraryInterface<typeof FUNCTIONS>
  & Pick<Libc, "errnoPointer">;

let calls: Calls | undefined;

/**
 * What these sockets call of the C library, bound at the first call. See
 * ffi/libc.ts for why `memcpy` follows each call directly.
 *
 * @throws {Deno.errors.NotFound} There is no such library.
 * @throws {Deno.errors.NotCapable} There is no permission to call it.
 */
export function socketCalls(): Calls {
  return calls ??= bindCalls();
}

function bindCalls(): Calls {
  const { symbols, errnoPointer, bind, waiting } = libc();
  return { ...symbols, ...waiting(), ...bind(FUNCTIONS), errnoPointer };
}

const errno = new Int32Array(1);

/** A subflow, as the program of a connection can see it. */
export interface SocketSubflow {
  /** The end on this host. */
  readonly local: SocketAddress;
  /** The end on the peer. */
  readonly remote: SocketAddress;
  /** `struct tcp_info`, as long as the kernel has it. */
  readonly tcpInfo: Uint8Array<ArrayBuffer>;
}

/**
 * An MPTCP socket of this process, in a network namespace of its own choice,
 * never blocking. {@linkcode Lab.connect} makes a pair of them.
 *
 * @example Talk to a server that is not of the lab
 * ```ts
 * import { MptcpSocket } from "@mptcp/pm/testing";
 *
 * const server = { address: "10.77.1.2", port: 443 };
 * using socket = MptcpSocket.connect("blue", "10.77.1.1", server, 1000);
 * console.log(socket.token);
 * ```
 */
export class MptcpSocket implements Disposable {
  readonly #stream: StreamSocket;
  readonly #buffer = new Uint8Array(65536);

  private constructor(stream: StreamSocket) {
    this.#stream = stream;
  }

  static #open(
    netns: Netns,
    address: string,
    isTcp: boolean,
  ): MptcpSocket {
    const family = familyOf(address);
    const open = () => openStream(family, !isTcp);
    const fd = inNetns(netns, open, socketCalls().close);
    return new MptcpSocket(new StreamSocket(fd));
  }

  /**
   * Listens.
   *
   * @param netns Where: a name of `ip netns`, a path, or a process id.
   * @param local On what; port 0 is any that is free, `"::"` is dual-stack.
   * @param isTcp Whether it speaks TCP only, so that clients fall back to it.
   * @throws {SyscallError} A system call fails.
   */
  static listen(
    netns: Netns,
    local: SocketAddress,
    isTcp = false,
  ): MptcpSocket {
    const socket = MptcpSocket.#open(netns, local.address, isTcp);
    try {
      socket.#stream.bind(local);
      const { listen, memcpy, errnoPointer } = socketCalls();
      const result = listen(socket.fd, 8);
      memcpy(errno, errnoPointer, 4n);
      if (result < 0) throw failure("listen", "listen");
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Connects, and blocks until that is done.
   *
   * @param netns Where: a name of `ip netns`, a path, or a process id.
   * @param from The address on this host.
   * @param to The server.
   * @param timeoutMs How long it may take, in milliseconds.
   * @param isTcp Whether it speaks TCP only.
   * @throws {SyscallError} A system call fails, or the server refuses.
   * @throws {Error} It takes longer.
   */
  static connect(
    netns: Netns,
    from: string,
    to: SocketAddress,
    timeoutMs: number,
    isTcp = false,
  ): MptcpSocket {
    const socket = MptcpSocket.#open(netns, from, isTcp);
    try {
      socket.#stream.connect(to, { source: from });
      waitForSockets(
        [[socket, POLLOUT]],
        timeoutMs,
        `connect to ${to.address}`,
      );
      socket.#stream.assertConnected();
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Takes the next connection, and blocks until there is one.
   *
   * @param timeoutMs How long it may take, in milliseconds.
   * @throws {SyscallError} A system call fails.
   * @throws {Error} It takes longer.
   */
  accept(timeoutMs: number): MptcpSocket {
    waitForSockets([[this, POLLIN]], timeoutMs, "accept a connection");
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const { accept4, memcpy, errnoPointer } = socketCalls();
    const fd = accept4(this.fd, null, null, flags);
    memcpy(errno, errnoPointer, 4n);
    if (fd < 0) throw failure("accept4", "accept a connection");
    return new MptcpSocket(new StreamSocket(fd));
  }

  /** The end on this host. */
  get local(): SocketAddress {
    return this.#stream.local;
  }

  /** The end on the peer. */
  get remote(): SocketAddress {
    const address = new Uint8Array(SOCKADDR_LENGTH);
    const { getpeername, memcpy, errnoPointer } = socketCalls();
    const result = getpeername(this.fd, address, Uint32Array.of(28));
    memcpy(errno, errnoPointer, 4n);
    if (result < 0) throw failure("getpeername", "get the remote address");
    return decodeSockaddr(address);
  }

  /** The connection's token on this host (`mptcpi_token`); needs Linux 5.16. */
  get token(): number {
    return new Uint32Array(this.mptcpInfo().buffer)[12 / 4]!;
  }

  /**
   * What the kernel tells its program: `struct mptcp_info`, zeros behind it.
   * Needs Linux 5.16.
   *
   * @throws {SyscallError} `EOPNOTSUPP`: the connection fell back to TCP.
   */
  mptcpInfo(): Uint8Array<ArrayBuffer> {
    const info = new Uint32Array(256 / 4);
    this.#stream.getOption(SOL_MPTCP, MPTCP_INFO, info);
    return new Uint8Array(info.buffer);
  }

  /**
   * The subflows, each with its `struct tcp_info`. The kernel keeps the initial
   * one in its list when it is closed (`tcpi_state` 7). Needs Linux 5.16.
   */
  subflows(): SocketSubflow[] {
    const addresses = this.#perSubflow(
      MPTCP_SUBFLOW_ADDRS,
      STORAGE_LENGTH * 2,
    );
    const infos = this.#perSubflow(MPTCP_TCPINFO, 512);
    return addresses.map((ends, index) => ({
      local: decodeSockaddr(ends),
      remote: decodeSockaddr(ends.subarray(STORAGE_LENGTH)),
      tcpInfo: infos[index] ?? new Uint8Array(),
    }));
  }

  /** An option that is an array behind `struct mptcp_subflow_data`. */
  #perSubflow(name: number, size: number): Uint8Array<ArrayBuffer>[] {
    const value = new Uint32Array(4 + MAX_SUBFLOWS * size / 4);
    const head = 16;
    value.set([head, 0, 0, size]);
    this.#stream.getOption(SOL_MPTCP, name, value);
    const [, count, , written] = value;
    return Array.from({ length: count! }, (_, index) => {
      const start = head + index * written!;
      return new Uint8Array(value.buffer.slice(start, start + written!));
    });
  }

  /**
   * Sends zeros.
   *
   * @param length How many.
   * @returns How many the kernel took: 0 if its buffer is full.
   * @throws {SyscallError} A system call fails.
   */
  send(length: number): number {
    return this.#stream.send(this.#buffer.subarray(0, length));
  }

  /**
   * Takes bytes.
   *
   * @returns How many: 0 if none are there.
   * @throws {SyscallError} A system call fails.
   * @throws {Error} The peer has closed the connection.
   */
  receive(): number {
    const received = this.#stream.receive(this.#buffer);
    if (received === 0) throw new Error("Cannot receive: the peer has closed");
    return received ?? 0;
  }

  /** The number of the file descriptor. */
  get fd(): number {
    return this.#stream.fd;
  }

  /** Closes the socket. Doing it again does nothing. */
  close(): void {
    this.#stream.close();
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Blocks until one of the sockets is ready for what is wanted of it. */
export function waitForSockets(
  wanted: readonly (readonly [socket: MptcpSocket, events: number])[],
  timeoutMs: number,
  action: string,
): void {
  const fds = pollFds(wanted.map(([{ fd }, events]) => ({ fd, events })));
  const end = performance.now() + timeoutMs;
  for (;;) {
    const left = Math.max(0, Math.ceil(end - performance.now()));
    const { poll, memcpy, errnoPointer } = socketCalls();
    const ready = poll(fds, BigInt(wanted.length), left);
    memcpy(errno, errnoPointer, 4n);
    if (ready > 0) return;
    if (ready === 0) throw new Error(`Cannot ${action}: the time is over`);
    if (errno[0] !== EINTR) throw failure("poll", action);
  }
}

function failure(syscall: string, action: string): SyscallError {
  return new SyscallError(syscall, errno[0]!, action);
}
