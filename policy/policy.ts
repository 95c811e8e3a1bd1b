import type { LocalAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { PeerAddress, TrackedSubflow } from "./tracker.ts";

/**
 * A path manager of your own: any of these callbacks. Each gets the connection
 * that it is about, whose methods do the work.
 *
 * They are called in the order of what happened. One that returns a promise is
 * waited for before the next one of the same connection; the other connections
 * go on, and of what the peer repeats meanwhile the last is told. One that
 * throws is reported, and harms no other.
 *
 * The objects show what is there now, which may be more than the callback is
 * about. So decide by what is there, and not by what was: after events were
 * lost, or after a restart, the callbacks are called for what is found.
 *
 * @example A second path for each connection of a client
 * ```ts
 * import type { Policy } from "@mptcp/pm/policy";
 *
 * const second: Policy = {
 *   established(connection) {
 *     if (!connection.serverSide) connection.open({ from: "10.0.2.1" });
 *   },
 * };
 * ```
 */
export interface Policy {
  /**
   * Further subflows are possible: on a server at once, on a client once the
   * peer has acknowledged data. At the start it is called for each connection
   * that is there.
   */
  established?(connection: ManagedConnection): unknown;
  /** The peer announced an address, or repeated that. */
  announced?(connection: ManagedConnection, address: PeerAddress): unknown;
  /** The peer took an address back. */
  removed?(connection: ManagedConnection, address: PeerAddress): unknown;
  /** A subflow besides the initial one was established, by either side. */
  subflowOpened?(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
  ): unknown;
  /**
   * A subflow was closed, the initial one too, or could not be opened:
   * `error` tells why, as far as there was an error. A connection without any
   * subflow lives on for `net.mptcp.close_timeout`: one that is opened then
   * carries on.
   */
  subflowClosed?(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
  ): unknown;
  /** The peer changed the priority of a subflow: `backupByPeer`. */
  priority?(connection: ManagedConnection, subflow: TrackedSubflow): unknown;
  /** The connection has ended. Its subflows end without calls of their own. */
  closed?(connection: ManagedConnection): unknown;
  /**
   * An address of this host can be used from now on, or its device has got
   * another name: for each connection.
   */
  interfaceUp?(connection: ManagedConnection, address: LocalAddress): unknown;
  /** An address of this host cannot be used any more: for each connection. */
  interfaceDown?(connection: ManagedConnection, address: LocalAddress): unknown;
  /** Some time has passed: for each connection that is established. */
  tick?(connection: ManagedConnection): unknown;
  /** The manager ends: no callback comes after that. */
  [Symbol.dispose]?(): void;
}
