import { NetlinkSocket } from "../ffi/netlink_socket.ts";
import type { Netns } from "../ffi/netns.ts";

export type { Netns } from "../ffi/netns.ts";

/**
 * What the operations need of the world: datagrams to and from the kernel, and
 * the names of network devices. The default is a generic-netlink socket; a
 * test can put a fake kernel here.
 */
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
  /** Opens what hears a multicast group, in the same namespace. */
  subscribe(group: number): Subscription;
  /** Reads a sysctl below `net.mptcp`, `undefined` where there is none. */
  readSysctl(name: string): string | undefined;
  /** Writes a sysctl below `net.mptcp`. */
  writeSysctl(name: string, value: string): void;
  /** The index of a network device, `undefined` where there is none. */
  ifNameToIndex(name: string): number | undefined;
  /** The name of a network device, `undefined` where there is none. */
  ifIndexToName(index: number): string | undefined;
  /** Ends the transport. Doing it again does nothing. */
  close(): void;
}

/** A multicast group that is listened to. */
export interface Subscription extends Disposable {
  /**
   * Takes the next datagram: valid until the next call, `undefined` when none
   * is there. A `SyscallError` of `ENOBUFS` says that some were lost.
   */
  receive(): Uint8Array | undefined;
  /** Settles when a datagram is there, or the subscription is closed. */
  readable(): Promise<void>;
  /** The name of a network device, `undefined` where there is none. */
  ifIndexToName(index: number): string | undefined;
  /** Ends the subscription. Doing it again does nothing. */
  close(): void;
}

/** Opens the transport to the running kernel. */
export function openTransport(netns?: Netns): Transport {
  return NetlinkSocket.open(netns);
}
