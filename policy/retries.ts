import { integer } from "../codec/arguments.ts";
import { fill } from "./fill.ts";
import { type ManagedConnection, MAX_TIMEOUT } from "./managed_connection.ts";
import { pathKey, type TrackedSubflow } from "./tracker.ts";

/** When to open a subflow again that has failed. */
export interface RetryOptions {
  /**
   * How long after the first failure, in milliseconds: 1 to 2147483647.
   * @default {1000}
   */
  readonly firstMs?: number;
  /**
   * After each failure in a row it takes twice as long, up to this, in
   * milliseconds: 1 to 2147483647. One that was there for 10 s begins anew.
   * @default {60000}
   */
  readonly mostMs?: number;
}

/** Opens again what has failed: each path once, however often it was tried. */
export class Retries {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #isWanted: (
    connection: ManagedConnection,
    subflow: TrackedSubflow,
  ) => boolean;
  readonly #due = new WeakMap<ManagedConnection, Map<string, Disposable>>();

  /**
   * Waits for failures.
   *
   * @param options When to open again.
   * @param isWanted Whether that makes sense by then.
   * @throws {RangeError} A number is out of its range.
   */
  constructor(
    { firstMs = 1000, mostMs = 60_000 }: RetryOptions,
    isWanted: (
      connection: ManagedConnection,
      subflow: TrackedSubflow,
    ) => boolean,
  ) {
    this.#firstMs = integer("retry.firstMs", firstMs, 1, MAX_TIMEOUT);
    this.#mostMs = integer("retry.mostMs", mostMs, 1, MAX_TIMEOUT);
    this.#isWanted = isWanted;
  }

  /**
   * A subflow was closed.
   *
   * @param most How many there may be between its ends.
   */
  closed(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    most: number,
  ): void {
    const { local, remote, error, failures, openedHere, backup } = subflow;
    if (!openedHere || !error) return;
    const due = this.#due.get(connection) ?? new Map<string, Disposable>();
    this.#due.set(connection, due);
    const key = pathKey(subflow);
    due.get(key)?.[Symbol.dispose]();
    const ms = Math.min(this.#mostMs, this.#firstMs * 2 ** (failures - 1));
    const timer = connection.after(ms, () => {
      due.delete(key);
      if (!this.#isWanted(connection, subflow)) return;
      const reason = `${error.code}, failure ${failures}`;
      const ends = { from: local.address, to: remote };
      fill(connection, { ...ends, backup, most, reason });
    });
    due.set(key, timer);
  }
}
