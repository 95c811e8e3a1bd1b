/**
 * Looks for trouble of subflows again and again, as often as their own timers
 * make sense of it.
 *
 * @module
 */

import type { RunningTimer, SubflowReading } from "../diag/connection.ts";
import { type Clock, systemClock } from "../netlink/clock.ts";
import { commandsOf, type ManagedConnection } from "./managed_connection.ts";
import type { TrackedSubflow } from "./tracker.ts";
import { troubleOf, type TroubleOptions } from "./trouble.ts";

/**
 * The next look where no timer runs, in milliseconds: at multiples of it, so
 * that many subflows are looked at together.
 */
const CALM_MS = 200;
/** No sooner than that. */
const SOONEST_MS = 20;
/** What a timer does is to be seen when it has done it. */
const AFTER_MS = 4;
/** What is due so soon is looked at, too: that is cheaper than another timer. */
const EARLY_MS = 2;

/** So few are looked at one by one. */
const FEW = 32;
/**
 * By what an estimate shrinks with each look that it has not been tried for:
 * half of it is left after 14 s.
 */
const FORGET = 0.99;

/** A subflow that is looked at. */
interface Watched {
  readonly connection: ManagedConnection;
  readonly subflow: TrackedSubflow;
  /** When it is due. */
  due: number;
  /** Number of its socket; absent: it was not looked at yet. */
  cookie?: number;
  /** How many retransmission timeouts it had had; absent: that is not known. */
  timeouts?: number | undefined;
}

/**
 * Takes what is wrong with a subflow.
 *
 * @param reason Absent: nothing is.
 * @param timedOut Whether a retransmission timeout has passed since the look
 * before, even if acks have come again.
 */
export type OnLook = (
  connection: ManagedConnection,
  subflow: TrackedSubflow,
  reason: string | undefined,
  timedOut: boolean,
) => void;

/** The subflows that are looked at. */
export class SubflowWatch implements Disposable {
  readonly #options: TroubleOptions;
  readonly #onLook: OnLook;
  #clock: Clock = systemClock;
  readonly #watched = new Map<TrackedSubflow, Watched>();
  #timer: Disposable | undefined;
  /** When the timer goes off. */
  #next = Infinity;
  /** How long it took to look at one by itself, in milliseconds. */
  #oneMs = 0;
  /** How long it took to look at all at once. */
  #allMs = 0;

  /**
   * Looks at nothing yet.
   *
   * @param options What counts as trouble.
   */
  constructor(options: TroubleOptions, onLook: OnLook) {
    this.#options = options;
    this.#onLook = onLook;
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
    const soon = this.#clock.now() + EARLY_MS;
    const due = [...this.#watched.values()].filter(({ due }) => due <= soon);
    const left = this.#lookTogether(due);
    const start = this.#clock.now();
    for (const watched of left) this.#read(watched);
    if (left.length >= FEW) {
      this.#oneMs = (this.#clock.now() - start) / left.length;
    }
    let next = Infinity;
    for (const { due } of this.#watched.values()) next = Math.min(next, due);
    if (next < Infinity) this.#arm(next);
  }

  /**
   * Looks at the timers of many, if that takes less time: the kernel goes
   * through all sockets of the host for it.
   *
   * @returns Those that are still to be looked at, each by itself.
   */
  #lookTogether(due: readonly Watched[]): readonly Watched[] {
    // The timers do not tell how long a peer has been silent.
    if (this.#options.silenceMs !== undefined || due.length < FEW) return due;
    if (this.#allMs > due.length * this.#oneMs) {
      this.#allMs *= FORGET;
      return due;
    }
    const start = this.#clock.now();
    const groups = Map.groupBy(due, ({ connection }) => commandsOf(connection));
    const left: Watched[] = [];
    for (const [commands, group] of groups) {
      let timers: ReadonlyMap<number, RunningTimer> = new Map();
      this.#try(group[0]!, () => timers = commands.timersOf(group));
      const now = this.#clock.now();
      for (const watched of group) {
        const { connection, subflow, cookie } = watched;
        const timer = cookie === undefined ? undefined : timers.get(cookie);
        // Nothing is sent again: there is no trouble.
        if (timer?.timerRetransmits === 0 && isThere(watched)) {
          watched.due = nextLook(now, timer);
          this.#try(
            watched,
            () => this.#onLook(connection, subflow, undefined, false),
          );
        } else left.push(watched);
      }
    }
    this.#allMs = this.#clock.now() - start;
    return left;
  }

  #read(watched: Watched): void {
    // What was done about another one may have ended it.
    if (!this.#watched.has(watched.subflow)) return;
    this.#try(watched, () => this.#take(watched));
  }

  #try(watched: Watched, action: () => void): void {
    try {
      action();
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
    const reading = isThere(watched) ? connection.read(subflow) : undefined;
    if (reading === undefined) {
      this.#watched.delete(subflow);
      return;
    }
    watched.cookie = reading.cookie;
    const now = this.#clock.now();
    watched.due = Math.min(
      nextLook(now, reading),
      now + this.#untilSilent(reading),
    );
    const { timeouts = 0 } = reading;
    const timedOut = timeouts > (watched.timeouts ?? timeouts);
    watched.timeouts = timeouts;
    const reason = troubleOf(reading, this.#options);
    this.#onLook(connection, subflow, reason, timedOut);
  }

  /** How long it takes at the least until a silence counts, in milliseconds. */
  #untilSilent(
    { bytesReceived = 0, lastDataReceivedMs = 0 }: SubflowReading,
  ): number {
    const { silenceMs = Infinity } = this.#options;
    const left = silenceMs - lastDataReceivedMs;
    return bytesReceived === 0 || left <= 0
      ? Infinity
      : Math.max(SOONEST_MS, left + AFTER_MS);
  }

  /** Looks no more. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#watched.clear();
    this.#next = Infinity;
  }
}

function isThere({ connection, subflow }: Watched): boolean {
  return !connection.closed && subflow.state === "established";
}

/** When to look next at a subflow with such a timer. */
function nextLook(
  now: number,
  { timer, timerExpiresMs = 0 }: RunningTimer,
): number {
  const isRepeating = timer === "retransmission" || timer === "probe";
  const wait = Math.max(SOONEST_MS, timerExpiresMs + AFTER_MS);
  return isRepeating && wait < CALM_MS ? now + wait : calmly(now);
}

/** When to look next where nothing is expected before. */
function calmly(now: number): number {
  return (Math.floor((now + EARLY_MS) / CALM_MS) + 1) * CALM_MS;
}
