/**
 * What two readings of the connections differ in, as the events that would have
 * said so.
 *
 * @module
 */

import type { Connection, Subflow } from "../../diag/mod.ts";
import type {
  ClosedEvent,
  CreatedEvent,
  PathManagerEvent,
  SubClosedEvent,
  SubEstablishedEvent,
  SubPriorityEvent,
} from "../../mod.ts";

/** What the readings show to have changed. */
export type Change =
  | CreatedEvent
  | ClosedEvent
  | SubEstablishedEvent
  | SubClosedEvent
  | SubPriorityEvent;

/** Compares readings, and leaves out what an event has told already. */
export class Changes {
  readonly #isThere: (token: number) => boolean;
  /** The connections as they were, by their cookies. */
  #before: ReadonlyMap<number, Connection> | undefined;
  /** Priorities told since the last reading, by the ends of the subflow. */
  readonly #byEvents = new Map<string, boolean>();
  /** Priorities that the last reading told. */
  readonly #byReading = new Map<string, boolean>();
  /** Connections that an event has told to be closed, by their cookies. */
  readonly #ended = new Set<number>();
  /** The tokens of those that a reading has told to be closed. */
  readonly #closed = new Set<number>();

  /**
   * Begins with nothing.
   *
   * @param isThere Whether there is a connection: not all may be in a reading.
   */
  constructor(isThere: (token: number) => boolean) {
    this.#isThere = isThere;
  }

  /** Takes note of an event; `false`: a reading has told the same before. */
  isNew(event: PathManagerEvent): boolean {
    if (event.type === "sub-priority") {
      const ends = endsOf(event);
      this.#byEvents.set(ends, event.backup);
      return this.#byReading.get(ends) !== event.backup;
    }
    if (event.type !== "closed") return true;
    if (this.#closed.delete(event.token)) return false;
    for (const [cookie, { token }] of this.#before ?? []) {
      if (token === event.token) this.#ended.add(cookie);
    }
    return true;
  }

  /** What is not as it was; nothing, the first time. */
  update(connections: readonly Connection[]): Change[] {
    const before = this.#before;
    const now = new Map(connections.map((one) => [one.cookie, one]));
    this.#before = now;
    if (before === undefined) return [];
    const changes: Change[] = [];
    for (const [cookie, connection] of now) {
      changes.push(...changesOf(before.get(cookie), connection));
    }
    for (const [cookie, { token }] of before) {
      if (now.has(cookie) || this.#isThere(token)) continue;
      if (this.#ended.delete(cookie)) continue;
      this.#closed.add(token);
      changes.push({ type: "closed", token });
    }
    this.#byReading.clear();
    const news = changes.filter((change) => {
      if (change.type !== "sub-priority") return true;
      const ends = endsOf(change);
      if (this.#byEvents.get(ends) === change.backup) return false;
      this.#byReading.set(ends, change.backup);
      return true;
    });
    this.#byEvents.clear();
    return news;
  }
}

function* changesOf(
  before: Connection | undefined,
  { token, local, remote, subflows }: Connection,
): Generator<Change, void> {
  const isMade = ({ state }: Subflow) =>
    state !== "syn-sent" && state !== "syn-recv";
  if (before === undefined) {
    const initial = subflows.find(({ initial }) => initial);
    yield {
      type: "created",
      token,
      local,
      remote,
      locId: initial?.local.id ?? 0,
      remId: initial?.remote.id ?? 0,
      serverSide: initial !== undefined && !initial.openedHere,
      // Not known from a reading.
      denyJoinId0: false,
      flags: 0,
    };
  }
  const old = new Map(before?.subflows.map((one) => [one.cookie, one]));
  for (const subflow of subflows) {
    const was = old.get(subflow.cookie);
    old.delete(subflow.cookie);
    if (isMade(subflow) && (was === undefined || !isMade(was))) {
      if (!subflow.initial) {
        yield { type: "sub-established", ...eventOf(token, subflow) };
      }
    } else if (was !== undefined && was.backup !== subflow.backup) {
      yield { type: "sub-priority", ...eventOf(token, subflow) };
    }
  }
  for (const subflow of old.values()) {
    yield { type: "sub-closed", ...eventOf(token, subflow) };
  }
}

function eventOf(token: number, subflow: Subflow) {
  const { local, remote, backup, ifIndex, dev } = subflow;
  return {
    token,
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
    locId: local.id,
    remId: remote.id,
    backup,
    ifIndex,
    ...dev !== undefined && { dev },
  };
}

function endsOf({ token, local, remote }: SubPriorityEvent): string {
  return [token, local.address, local.port, remote.address, remote.port]
    .join(" ");
}
