/**
 * Looks at subflows again and again, as often as their own timers make sense of
 * it.
 *
 * @module
 */

import type { SubflowReading } from "../diag/connection.ts";
import { type Clock, systemClock } from "../netlink/clock.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { TrackedSubflow } from "./tracker.ts";

/** The next look where no timer runs, in milliseconds. */
const CALM_MS = 200;
/** No sooner than that. */
const SOONEST_MS = 20;
/** What a timer does is to be seen when it has done it. */
const AFTER_MS = 4;
/** What has time is looked at together, at multiples of it: one timer for many. */
const TOGETHER_MS = 20;

/** A subflow that is looked at. */
interface Watched {
  readonly connection: ManagedConnection;
  readonly subflow: TrackedSubflow;
  /** When it is due. */
  due: number;
}

/** Takes what was read of a subflow. */
export type OnReading = (
  connection: ManagedConnection,
  subflow: TrackedSubflow,
  reading: SubflowReading,
) => void;

/** The subflows that are looked at. */
export class SubflowWatch implements Disposable {
  readonly #onReading: OnReading;
  #clock: Clock = systemClock;
  readonly #watched = new Map<TrackedSubflow, Watched>();
  #timer: Disposable | undefined;
  /** When the timer goes off. */
  #next = Infinity;

  /** Looks at nothing yet. */
  constructor(onReading: OnReading) {
    this.#onReading = onReading;
  }

  /** Looks at a subflow until it is closed. */
  add(connection: ManagedConnection, subflow: TrackedSubflow): void {
    if (this.#watched.has(subflow)) return;
    this.#clock = connection.clock;
    const due = calmly(this.#clock.now());
    this.#watched.set(subflow, { connection, subflow, due });
    this.#arm(due);
  }

  #arm(due: number): void {
    if (due >= this.#next) return;
    this.#timer?.[Symbol.dispose]();
    this.#next = due;
    const ms = Math.max(0, due - this.#clock.now());
    this.#timer = this.#clock.after(ms, () => this.#look());
  }

  /** Looks at those that are due, and sets out for the next. */
  #look(): void {
    this.#next = Infinity;
    // Those that are due soon: one look is cheaper than another timer.
    const now = this.#clock.now() + AFTER_MS / 2;
    let next = Infinity;
    for (const watched of this.#watched.values()) {
      if (watched.due <= now) this.#read(watched);
      if (this.#watched.has(watched.subflow)) {
        next = Math.min(next, watched.due);
      }
    }
    if (next < Infinity) this.#arm(next);
  }

  #read(watched: Watched): void {
    try {
      this.#take(watched);
    } catch (error) {
      watched.due = calmly(this.#clock.now());
      // Reported as of a callback: the other subflows are looked at, too.
      watched.connection.after(0, () => {
        throw error;
      });
    }
  }

  #take(watched: Watched): void {
    const { connection, subflow } = watched;
    const reading = connection.closed || subflow.state !== "established"
      ? undefined
      : connection.read(subflow);
    if (reading === undefined) {
      this.#watched.delete(subflow);
      return;
    }
    const { timer, timerExpiresMs = 0 } = reading;
    const isRepeating = timer === "retransmission" || timer === "probe";
    const now = this.#clock.now();
    const wait = Math.max(SOONEST_MS, timerExpiresMs + AFTER_MS);
    watched.due = isRepeating && wait < CALM_MS ? now + wait : calmly(now);
    this.#onReading(connection, subflow, reading);
  }

  /** Looks no more. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#watched.clear();
    this.#next = Infinity;
  }
}

/** When to look next where nothing is expected before. */
function calmly(now: number): number {
  return Math.ceil((now + CALM_MS) / TOGETHER_MS) * TOGETHER_MS;
}
