/**
 * What a peer is told of addresses, one message after the other.
 *
 * @module
 */

import type { Clock } from "../netlink/clock.ts";
import type { TrackedConnection } from "./tracker.ts";

/**
 * A Linux peer that has not dealt with an ADD_ADDR or RM_ADDR yet drops the next
 * of its kind (`mptcp_pm_schedule_work()` in net/mptcp/pm.c), and deals with an
 * RM_ADDR first, whichever came first (`mptcp_pm_worker()`). This host sends no
 * RM_ADDR while it has an ADD_ADDR of the peer to answer
 * (`mptcp_pm_remove_addr()`). Nobody repeats an RM_ADDR, and Linux before 6.18
 * an ADD_ADDR only after two minutes.
 */
const GAP_MS = 20;

/** Sends a message; returns what sends one that has to be the next. */
export type Message = () => Message | void;

/** What waits for its turn. */
interface Queue {
  readonly waiting: Message[];
  timer: Disposable;
}

/** The messages about addresses: those of one connection one by one. */
export class AddressMessages implements Disposable {
  readonly #after: Clock["after"];
  /** Of the connections whose last message is not old enough. */
  readonly #queues = new Map<TrackedConnection, Queue>();
  #hasEnded = false;

  /**
   * Sends nothing yet.
   *
   * @param after Calls what is due.
   */
  constructor(after: Clock["after"]) {
    this.#after = after;
  }

  /**
   * Sends a message: at once, or when the peer has had time for those before.
   * If the connection has ended by then, it is not sent.
   */
  send(connection: TrackedConnection, message: Message): void {
    const queue = this.#queues.get(connection);
    if (queue !== undefined) {
      queue.waiting.push(message);
      return;
    }
    this.hold(connection);
    this.#send(connection, message);
  }

  #send(connection: TrackedConnection, message: Message): void {
    const next = message();
    if (next === undefined) return;
    const queue = this.#queues.get(connection);
    if (queue === undefined) this.#send(connection, next);
    else queue.waiting.unshift(next);
  }

  /** Sends nothing for a while: the peer is being answered, or has to answer. */
  hold(connection: TrackedConnection): void {
    if (this.#hasEnded || this.#queues.has(connection)) return;
    const timer = this.#wait(connection);
    this.#queues.set(connection, { waiting: [], timer });
  }

  #wait(connection: TrackedConnection): Disposable {
    return this.#after(GAP_MS, () => this.#next(connection));
  }

  #next(connection: TrackedConnection): void {
    const queue = this.#queues.get(connection)!;
    const message = connection.closed ? undefined : queue.waiting.shift();
    if (message === undefined) {
      this.#queues.delete(connection);
      return;
    }
    queue.timer = this.#wait(connection);
    this.#send(connection, message);
  }

  /** Sends all that waits, before it returns; then nothing waits any more. */
  [Symbol.dispose](): void {
    this.#hasEnded = true;
    for (const { timer } of this.#queues.values()) timer[Symbol.dispose]();
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      for (const [connection, { waiting }] of this.#queues) {
        const isDone = connection.closed || waiting.length === 0;
        if (isDone) this.#queues.delete(connection);
      }
      if (this.#queues.size === 0) return;
      Atomics.wait(never, 0, 0, GAP_MS);
      for (const [connection, { waiting }] of this.#queues) {
        this.#send(connection, waiting.shift()!);
      }
    }
  }
}
