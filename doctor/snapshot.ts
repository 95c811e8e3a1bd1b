/**
 * Everything that was read of a host, without conclusions: plain values that
 * can be saved, sent, and diagnosed elsewhere.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import type { Counters } from "../diag/counters.ts";
import type {
  Connection,
  Listener,
  Subflow,
  TcpConnection,
} from "../diag/connection.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type { EventListener } from "../diag/event_listeners.ts";
import type { FirewallTable } from "../diag/firewall.ts";
import type { Link } from "../diag/links.ts";
import type { Managers } from "../diag/managers.ts";
import type { Neighbour } from "../diag/neighbours.ts";
import type { NoRoute, Route } from "../diag/routes.ts";
import type { ReversePath } from "../diag/reverse_path.ts";
import type { Rule } from "../diag/rules.ts";
import type { Settings } from "../diag/settings.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { PathManagerEvent } from "../ops/event.ts";
import type { Limits } from "../ops/limits.ts";

/** What can change by itself within seconds. */
export interface Reading {
  /** The counters of MPTCP and a few others, since the namespace exists. */
  readonly counters?: Counters;
  /** Connections with their subflows: at most {@linkcode Snapshot.most}. */
  readonly connections?: readonly Connection[];
  /** The network devices. */
  readonly links?: readonly Link[];
  /** The addresses of this host. */
  readonly addresses?: readonly InterfaceAddress[];
}

/** What was read of a host. A part that is absent could not be read. */
export interface Snapshot extends Reading {
  /** Of this format. */
  readonly version: 1;
  /** When it was taken, in UTC: `2026-11-29T00:37:03.000Z`. */
  readonly takenAt: string;
  /** Milliseconds from the earlier reading to this one. */
  readonly durationMs: number;
  /** What there was before: what is the same in both is no passing state. */
  readonly earlier?: Reading;
  /** Seconds since the host was started. */
  readonly uptimeSeconds?: number;
  /** Release of the kernel, such as `6.18.44`. */
  readonly kernel?: string;
  /** The distribution in words, from `os-release`. */
  readonly distribution?: string;
  /** Those of `MPTCP` and `MPTCPv6` that the kernel has. */
  readonly protocols?: readonly string[];
  /** Whether MPTCP sockets can be opened. */
  readonly socket?: SocketTrial;
  /** The sysctls of `net.mptcp`. */
  readonly settings?: Settings;
  /** The limits of the in-kernel path manager. */
  readonly limits?: Limits;
  /** The endpoints of the in-kernel path manager. */
  readonly endpoints?: readonly Endpoint[];
  /** Those who get the events. */
  readonly eventListeners?: readonly EventListener[];
  /** Other programs that manage endpoints. */
  readonly managers?: Managers;
  /** Sockets that listen for MPTCP. */
  readonly listeners?: readonly Listener[];
  /** Connections that MPTCP was switched off for before their SYN. */
  readonly withoutMptcp?: readonly Subflow[];
  /** TCP connections of programs that did not ask for MPTCP. */
  readonly tcp?: readonly TcpConnection[];
  /** At most so many connections of a kind are listed. */
  readonly most?: number;
  /** Whether there are more connections than are listed. */
  readonly more?: boolean;
  /** The rules that choose a routing table for what is here. */
  readonly rules?: readonly Rule[];
  /** The hosts on the links that are peers or routers of what is here. */
  readonly neighbours?: readonly Neighbour[];
  /** The routes that subflows take, one for each question. */
  readonly routes?: readonly AskedRoute[];
  /** `net.ipv4.conf.*.rp_filter`. */
  readonly reversePath?: readonly ReversePath[];
  /** Tables of firewall rules that packets pass, empty ones too. */
  readonly firewall?: readonly FirewallTable[];
  /** The token of the one connection that it is about. */
  readonly token?: number;
  /**
   * What became of connections that were made for this: then the snapshot is
   * about them, and has no other connections.
   */
  readonly target?: Target;
  /** What there was before a fault was made to happen. */
  readonly before?: Snapshot;
  /** What happened from then on, until the end. */
  readonly events?: readonly TimedEvent[];
  /** Why a part could not be read, by its name. */
  readonly unknown: Readonly<Record<string, string>>;
}

/** A question for a route, and its answer. */
export interface AskedRoute {
  /** Peer, or an address that stands for all of the Internet. */
  readonly destination: string;
  /** Absent: as a socket goes that is bound to nothing. */
  readonly source?: string;
  /** Name, or index where no device has it. */
  readonly dev?: string | number;
  /** Id of the endpoint that it is asked for. */
  readonly id?: number;
  /** The answer. */
  readonly route: Route | NoRoute;
}

/** An event, and when it came. */
export interface TimedEvent {
  /** Milliseconds since events were listened to. */
  readonly atMs: number;
  /** What happened. */
  readonly event: PathManagerEvent;
}

/** What became of a socket that was opened to see whether that is allowed. */
export interface SocketTrial {
  /** Whether a program with the rights of this one gets MPTCP sockets. */
  readonly opened: boolean;
  /** Why not, such as `EACCES`. */
  readonly code?: string;
}

/** What became of MPTCP connections to one place. */
export interface Target {
  /** Name or address, as it was asked for. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Why the name has no address. */
  readonly error?: string;
  /**
   * One for each way that was tried. Those that are bound to nothing come first,
   * one for each address until one gets through.
   */
  readonly attempts: readonly Attempt[];
}

/**
 * `tcp`: without MPTCP, from the answer to its SYN on. `blackhole`: MPTCP did
 * not get through, and TCP did. `failed`: neither did.
 */
export type AttemptOutcome = "mptcp" | "tcp" | "blackhole" | "failed";

/** One connection that was made, and closed again. */
export interface Attempt {
  /** Address of the peer. */
  readonly address: string;
  /** What it was bound to; absent: nothing. */
  readonly source?: string;
  /** Network device that it was bound to. */
  readonly dev?: string;
  /** Id of the endpoint whose address and device it was bound to. */
  readonly id?: number;
  /** Address of this host from which it was made, as far as it came. */
  readonly local?: string;
  /** What became of it. */
  readonly outcome: AttemptOutcome;
  /**
   * Why MPTCP did not get through, such as `ECONNREFUSED`; `ETIMEDOUT`: without
   * an answer.
   */
  readonly code?: string;
  /**
   * Milliseconds: the round-trip time that the kernel measured, or until it
   * failed.
   */
  readonly ms: number;
  /**
   * Changes of the counters meanwhile, without those that did not move; absent:
   * other attempts were made at the same time.
   */
  readonly counters?: Counters;
}

/**
 * Demands a snapshot of the version that is known here.
 *
 * @throws {TypeError} It is of another one, or is what a report has, unread.
 */
export function demandVersion(snapshot: Snapshot): void {
  if (snapshot?.version !== 1) {
    throw new ArgumentTypeError(
      `Invalid version ${snapshot?.version} of a snapshot: 1 is known`,
    );
  }
  if (Object.hasOwn(snapshot, "duration_ms")) {
    throw new ArgumentTypeError(
      "Invalid snapshot: it has the names of JSON, which parseSnapshot() reads",
    );
  }
}
