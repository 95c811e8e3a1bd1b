import { ArgumentRangeError } from "../codec/argument_error.ts";
import type { SubflowReading } from "../diag/connection.ts";
import type { ConnectionEvent } from "../ops/event.ts";
import type { Device } from "../ops/arguments.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import type { Clock } from "../netlink/clock.ts";
import type { Commands } from "./commands.ts";
import type { LocalAddress } from "./interfaces.ts";
import { TrackedConnection, type TrackedSubflow } from "./tracker.ts";

/** The longest time that a timer takes, in milliseconds. */
export const MAX_TIMEOUT = 0x7fff_ffff;

/** What a decision is logged with. */
export interface Reason {
  /** Why, for the log. @default {nothing is said} */
  readonly reason?: string;
}

/** Which subflow to open. */
export interface OpenOptions extends Reason {
  /** Address of this host. */
  readonly from: string;
  /**
   * The end on the peer, such as an address that it announced.
   * @default {the first of the family in {@linkcode ManagedConnection.peers}}
   */
  readonly to?: SubflowAddress;
  /**
   * Device to bind the subflow to, by name or index: without one it would leave
   * by whatever route there is. @default {the device that has the address}
   */
  readonly dev?: Device;
  /** Whether to use it only when there is no other. @default {false} */
  readonly backup?: boolean;
  /**
   * How many subflows there may be between these two ends, the initial one
   * included: nothing is opened where so many are. 1 to 255. @default {1}
   */
  readonly most?: number;
}

/** How to close a subflow. */
export interface CloseOptions extends Reason {
  /**
   * Whether to take the local address back from the peer before, over another
   * subflow. The peer then stops sending there at once, which it would
   * otherwise do after some timeouts where the path is dead. It is not done
   * where another subflow uses the address, since the peer closes them all; nor
   * where no other subflow is left. @default {false}
   */
  readonly tell?: boolean;
}

/** How to announce an address. */
export interface AnnounceAddressOptions extends Reason {
  /** TCP port, 1 to 65535; 0: that of the connection. @default {0} */
  readonly port?: number;
  /** Device that has the address, by name or index. @default {none} */
  readonly dev?: Device;
}

/** An address that this host has announced. */
export interface Announcement {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** Its port; 0: that of the connection. */
  readonly port: number;
  /** Its id. */
  readonly id: number;
}

/** What does what a connection is asked for. */
export let commandsOf: (connection: ManagedConnection) => Commands;

/**
 * A connection that a {@linkcode Policy} is asked about: what there is of it,
 * always as it is now, and what can be done.
 *
 * No method throws because of what the kernel says, but `TypeError` or
 * `RangeError` for a wrong argument, and `Deno.errors.BadResource` for what is to
 * be done after the manager has ended. That the connection has just ended, or
 * the subflow, is no error. Other refusals are logged.
 *
 * A Linux peer that has not dealt with one message about an address yet drops
 * the next. So `announce()`, `withdraw()` and a `close()` that tells send the
 * first at once, and each further one of a connection 20 ms after the one before;
 * what waits when the manager ends is sent before it has ended.
 */
export class ManagedConnection extends TrackedConnection {
  readonly #commands: Commands;

  static {
    commandsOf = (connection) => connection.#commands;
  }

  /** Describes one; {@linkcode manage} does. */
  constructor(event: ConnectionEvent, commands: Commands) {
    super(event);
    this.#commands = commands;
  }

  /**
   * Whether the in-kernel path manager has it, because it was made before the
   * mode was set: nothing can be done. It is found out by the first attempt.
   */
  get isInKernel(): boolean {
    return this.#commands.isInKernel(this);
  }

  /** What {@linkcode ManagedConnection.announce} was asked to announce. */
  get announcements(): readonly Announcement[] {
    return this.#commands.announcementsOf(this);
  }

  /**
   * Where subflows can be opened to: the initial end on the peer, unless the
   * peer does not want that, and what it has announced, each once. What cannot
   * be the peer is left out: addresses of this host and of loopback, unless the
   * connection stays within it, multicast, announced ones that are link-local,
   * since the link is not announced, and such as nobody can have.
   */
  get peers(): readonly SubflowAddress[] {
    return this.#commands.peersOf(this);
  }

  /**
   * The addresses of this host that subflows can start from: of links that carry
   * packets, and of a family that the connection takes.
   */
  get addresses(): readonly LocalAddress[] {
    return this.#commands.addressesOf(this);
  }

  /**
   * What {@linkcode TrackedSubflow.since} is by, and
   * {@linkcode ManagedConnection.after}: the time of this process, and in a test
   * that of the fake kernel.
   */
  get clock(): Clock {
    return this.#commands.clock;
  }

  /**
   * Calls something once, unless the connection or the manager has ended by
   * then. It is like a callback: it comes in turn, and what it throws is
   * reported.
   *
   * @param ms In how many milliseconds, 0 to 2147483647.
   * @param action What to call.
   * @returns What prevents it when it is disposed of.
   * @throws {RangeError} The time is out of its range.
   *
   * @example Open a subflow again, one second after it was closed
   * ```ts
   * import type { Policy } from "@mptcp/pm/policy";
   *
   * const again: Policy = {
   *   subflowClosed(connection, { local, remote }) {
   *     const open = () => connection.open({ from: local.address, to: remote });
   *     connection.after(1000, open);
   *   },
   * };
   * ```
   */
  after(ms: number, action: () => unknown): Disposable {
    if (!(ms >= 0 && ms <= MAX_TIMEOUT)) {
      throw new ArgumentRangeError(
        `Invalid ms ${ms}: a number from 0 to ${MAX_TIMEOUT} is needed`,
      );
    }
    return this.#commands.after(this, ms, action);
  }

  /**
   * Reads what the kernel says of a subflow now: what it has carried, its timer
   * and its round-trip time.
   *
   * @param subflow One of its subflows.
   * @returns `undefined`: it has gone, or is only being opened.
   * @throws {TypeError} It is no subflow.
   */
  read(subflow: TrackedSubflow): SubflowReading | undefined {
    return this.#commands.read(subflow);
  }

  /**
   * Opens a subflow, unless there is one between these ends: of this manager,
   * or of another one. It is `opening` until the peer has answered; then
   * {@linkcode Policy.subflowOpened} or {@linkcode Policy.subflowClosed} is
   * called. What cannot be opened is `closed` at once, with its `error`, and is
   * told as well, unless no address of the peer can be reached from there.
   *
   * @param options Where, and how.
   * @returns The subflow, or the one that is there.
   * @throws {TypeError} A text is no address, or the families of the ends differ.
   * @throws {RangeError} A number is out of its range.
   */
  open(options: OpenOptions): TrackedSubflow {
    return this.#commands.open(this, options);
  }

  /**
   * Closes a subflow, the initial one too. One that is being opened is given up.
   *
   * @param subflow One of its subflows.
   * @param options Whether the peer is told before.
   * @throws {TypeError} It is no subflow.
   */
  close(subflow: TrackedSubflow, options: CloseOptions = {}): void {
    this.#commands.close(this, subflow, options);
  }

  /**
   * Announces an address of this host to the peer; again, if it was announced.
   * Nothing listens on a port unless a program does. That of the initial subflow
   * needs no announcement, and gets none.
   *
   * @param address IPv4 or IPv6 address, as the peer reaches it.
   * @param options Its port and device.
   * @throws {TypeError} The text is no address.
   * @throws {RangeError} The port is out of its range.
   */
  announce(address: string, options: AnnounceAddressOptions = {}): void {
    this.#commands.announce(this, address, options);
  }

  /**
   * Takes an announced address back, with all its ports: the peer closes the
   * subflows to it.
   *
   * @param address IPv4 or IPv6 address.
   * @param options Why.
   * @throws {TypeError} The text is no address.
   */
  withdraw(address: string, options: Reason = {}): void {
    this.#commands.withdraw(this, address, options);
  }

  /**
   * Sets the priority of a subflow on both hosts (MP_PRIO). On a path that does
   * not work the peer does not get to know.
   *
   * @param subflow One of its subflows.
   * @param backup Whether to use it only when there is no other.
   * @param options Why.
   * @throws {TypeError} It is no subflow.
   */
  setBackup(
    subflow: TrackedSubflow,
    backup: boolean,
    options: Reason = {},
  ): void {
    this.#commands.setBackup(this, subflow, backup, options);
  }
}
