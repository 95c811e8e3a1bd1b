/**
 * What the library needs of the world. A test can put a fake kernel in its
 * place.
 *
 * @module
 */

import { NetworkNamespace } from "../ffi/namespace.ts";
import type { Netns } from "../ffi/netns.ts";
import type { SocketAddress } from "../ffi/sockaddr.ts";
import type { StreamSource } from "../ffi/stream_socket.ts";
import type { Clock } from "./clock.ts";

export type { Clock, Netns, SocketAddress, StreamSource };

/**
 * A network namespace: opens sockets in it, reads and writes its files, and
 * knows the names of its network devices. {@linkcode openNamespace} opens a
 * real one; `FakeKernel` of `@mptcp/pm/testing` is one that needs no Linux.
 */
export interface Namespace extends Disposable {
  /** What waits there goes by it. @default {the time of this process} */
  readonly clock?: Clock;
  /**
   * Opens a socket for requests.
   *
   * @param protocol Netlink protocol, such as 16 (`NETLINK_GENERIC`).
   */
  open(protocol: number): Transport;
  /**
   * Opens a socket that is a member of multicast groups: what is sent to them
   * arrives in one order.
   *
   * @param protocol Netlink protocol, such as 16 (`NETLINK_GENERIC`).
   * @param groups Numbers of the groups on the running kernel.
   */
  subscribe(protocol: number, groups: readonly number[]): Subscription;
  /**
   * Makes a socket for a connection of this process, never blocking.
   *
   * @param address IPv4 or IPv6 address of the family that it is for.
   * @param isMptcp Whether it asks for MPTCP, or speaks TCP only.
   */
  stream(address: string, isMptcp: boolean): Stream;
  /**
   * Looks up the addresses of a host as programs do, those to be tried first
   * in front. It may take as long as the name servers do, and blocks the thread
   * meanwhile in another namespace than that of the process. Which servers are
   * asked does not depend on the namespace.
   */
  resolve(name: string): Promise<string[]>;
  /**
   * Reads a file to its end, as it is in this namespace. `undefined`: there is
   * no such file. Counters are in `/proc/thread-self/net/`, sysctls in
   * `/proc/sys/net/`.
   */
  readFile(path: string): string | undefined;
  /**
   * The names in a directory, in no order, without `.` and `..`. `undefined`:
   * there is no such directory.
   */
  listDirectory(path: string): string[] | undefined;
  /** What a symbolic link says. `undefined`: there is no such link. */
  readLink(path: string): string | undefined;
  /** Writes to a file that exists, such as a sysctl, as it is here. */
  writeFile(path: string, text: string): void;
  /** The index of a network device; `undefined`: there is no such device. */
  ifNameToIndex(name: string): number | undefined;
  /** The name of a network device; `undefined`: there is no such device. */
  ifIndexToName(index: number): string | undefined;
  /**
   * Claims a name here until it is disposed of, or the process ends: at any time
   * only one has it. Who has which is in `/proc/thread-self/net/unix`.
   *
   * @param name The name, of at most 107 bytes.
   * @returns `undefined`: another one has it.
   */
  claim(name: string): Disposable | undefined;
  /** Ends it; sockets that it opened go on. Doing it again does nothing. */
  close(): void;
}

/** A TCP or MPTCP socket for one connection of this process. */
export interface Stream extends Disposable {
  /** The end on this host, once it begins to connect. */
  readonly local: SocketAddress;
  /** Begins to connect, bound to something first if that is asked for. */
  connect(to: SocketAddress, from?: StreamSource): void;
  /**
   * Settles when it is connected, or was closed. A `SyscallError` says why it
   * cannot be connected.
   */
  connected(): Promise<void>;
  /** Sends bytes, and returns how many the kernel took. */
  send(bytes: Uint8Array<ArrayBuffer>): number;
  /** Closes the socket. Doing it again does nothing. */
  close(): void;
}

/** A netlink socket for requests to the kernel and its answers. */
export interface Transport extends Disposable {
  /** Sends one datagram to the kernel. */
  send(datagram: Uint8Array<ArrayBuffer>): void;
  /**
   * Takes the next datagram from the kernel: valid until the next call,
   * `undefined` when none is there. Does not block.
   */
  receive(): Uint8Array | undefined;
  /** Blocks until a datagram is there; `false` after `timeoutMs` milliseconds. */
  wait(timeoutMs: number): boolean;
  /** Closes the socket. Doing it again does nothing. */
  close(): void;
}

/** A netlink socket that is a member of multicast groups. */
export interface Subscription extends Disposable {
  /**
   * Takes the next datagram: valid until the next call, `undefined` when none
   * is there. A `SyscallError` of `ENOBUFS` says that some were lost.
   */
  receive(): Uint8Array | undefined;
  /** Settles when a datagram is there, or the subscription is closed. */
  readable(): Promise<void>;
  /** Closes the socket. Doing it again does nothing. */
  close(): void;
}

/**
 * Opens a network namespace of the running kernel, for several users of it, or
 * to put {@linkcode traced} around it. Needs `--allow-ffi`.
 *
 * @param netns A name of `ip netns`, a path (any text with a slash), or a
 * process id; these need `CAP_SYS_ADMIN`, and `CAP_SYS_PTRACE` for a process of
 * another user. @default {the one that this thread is in}
 * @throws {SyscallError} `ENOENT`: no such namespace; `EACCES`: the process
 * belongs to another user.
 *
 * @example Two path managers of one namespace
 * ```ts
 * import { openNamespace, PathManager } from "@mptcp/pm";
 *
 * using namespace = openNamespace("blue");
 * using one = PathManager.open({ namespace });
 * using other = PathManager.open({ namespace });
 * ```
 */
export function openNamespace(netns?: Netns): Namespace {
  return NetworkNamespace.open(netns);
}
