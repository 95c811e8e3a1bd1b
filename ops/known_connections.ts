/**
 * What somebody knows who follows the events.
 *
 * @module
 */

import type { Connection } from "../diag/mod.ts";
import type { PathManagerEvent, SubflowEvent } from "./event.ts";
import {
  initialSubflow,
  isSamePath,
  resync,
  type SyntheticEvent,
} from "./resync.ts";
import type { SubflowAddress } from "./subflow.ts";

/** A subflow, as its last event shows it. */
export type KnownSubflow = Omit<
  SubflowEvent,
  "token" | "error" | "reset" | "synthetic"
>;

/** A connection, as its events show it. */
export interface KnownConnection {
  /** Its token on this host. */
  readonly token: number;
  /** The initial subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The initial subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Whether this host accepted it. */
  readonly serverSide: boolean;
  /** Whether further subflows are possible. */
  readonly established: boolean;
  /** The subflows that are open, the initial one too while it is. */
  readonly subflows: readonly KnownSubflow[];
}

/**
 * What is known of a connection after an event of its token. The same object
 * comes back where that changes nothing.
 *
 * @param known What was known; absent: the connection was not.
 */
export function after(
  known: KnownConnection | undefined,
  event: PathManagerEvent,
): KnownConnection | undefined {
  switch (event.type) {
    case "created":
    case "established": {
      const { type, token, local, remote, serverSide } = event;
      const established = type === "established";
      if (known === undefined || !isSamePath(known, event)) {
        const subflows = [initialSubflow(event)];
        return { token, local, remote, serverSide, established, subflows };
      }
      const isNew = established && !known.established;
      return isNew ? { ...known, established } : known;
    }
    case "closed":
      return undefined;
    case "sub-established":
    case "sub-closed":
    case "sub-priority": {
      if (known === undefined) return undefined;
      const {
        type,
        token: _,
        error: _e,
        reset: _r,
        synthetic: _s,
        ...subflow
      } = event;
      const { subflows } = known;
      const before = subflows.find((one) => isSamePath(one, subflow));
      const others = subflows.filter((one) => one !== before);
      if (type === "sub-established") {
        return before ? known : { ...known, subflows: [...others, subflow] };
      }
      if (before === undefined) return known;
      if (type === "sub-closed") return { ...known, subflows: others };
      const { backup } = subflow;
      if (backup === before.backup) return known;
      return { ...known, subflows: [...others, { ...before, backup }] };
    }
    default:
      return known;
  }
}

/** The connections that the events so far show. */
export class KnownConnections implements Iterable<KnownConnection> {
  readonly #byToken = new Map<number, KnownConnection>();
  /** What the last look showed to be gone: its own events may still come. */
  #gone: SyntheticEvent[] = [];

  /** The connections that are known. */
  [Symbol.iterator](): Iterator<KnownConnection> {
    return this.#byToken.values();
  }

  /**
   * Takes an event.
   *
   * @returns Whether it says something that was not known.
   */
  take(event: PathManagerEvent): boolean {
    if (!("token" in event)) return true;
    const { type, token } = event;
    const before = this.#byToken.get(token);
    const now = after(before, event);
    if (now === undefined) this.#byToken.delete(token);
    else this.#byToken.set(token, now);
    switch (type) {
      case "announced":
      case "removed":
        return true;
      case "closed":
      case "sub-closed":
        // The kernel sends them also for what never was established.
        return now !== before || !this.#wasGone(event);
      default:
        return now !== before || before === undefined;
    }
  }

  /** The events that lead from what is known to what is there; it takes them. */
  resync(present: Iterable<Connection>): PathManagerEvent[] {
    const events = resync(this, present);
    for (const event of events) this.take(event);
    this.#gone = events.filter(({ type }) =>
      type === "closed" || type === "sub-closed"
    );
    return events;
  }

  /** Whether this end was told before; it is not told twice. */
  #wasGone(event: PathManagerEvent): boolean {
    const at = this.#gone.findIndex((one) => isSameEnd(one, event));
    if (at >= 0) this.#gone.splice(at, 1);
    return at >= 0;
  }
}

function isSameEnd(one: SyntheticEvent, other: PathManagerEvent): boolean {
  if (one.type === "closed") {
    return other.type === "closed" && one.token === other.token;
  }
  return one.type === "sub-closed" && other.type === "sub-closed" &&
    one.token === other.token && isSamePath(one, other);
}
