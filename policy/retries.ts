import type { ManagedConnection } from "./managed_connection.ts";
import type { TrackedSubflow } from "./tracker.ts";

/** When to open a subflow again that has failed. */
export interface RetryOptions {
  /** How long after the first failure, in milliseconds. @default {1000} */
  readonly firstMs?: number;
  /**
   * After each failure in a row it takes twice as long, up to this, in
   * milliseconds. One that was there for 10 s begins anew. @default {60000}
   */
  readonly mostMs?: number;
}

/** Opens again what has failed. */
export class Retries implements Disposable {
  readonly #options: RetryOptions | undefined;
  readonly #run: (action: () => void) => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /**
   * Waits for failures.
   *
   * @param options When to open again; `false`: never.
   * @param run Runs what is due.
   */
  constructor(
    options: boolean | RetryOptions,
    run: (action: () => void) => void,
  ) {
    this.#options = options === true ? {} : options || undefined;
    this.#run = run;
  }

  /** A subflow was closed. */
  closed(connection: ManagedConnection, subflow: TrackedSubflow): void {
    const { local, remote, error, failures, openedHere, backup } = subflow;
    if (this.#options === undefined || !openedHere || !error) return;
    const { firstMs = 1000, mostMs = 60_000 } = this.#options;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (connection.closed) return;
      const from = local.address;
      const reason = `${error.code}, failure ${failures}`;
      this.#run(() => connection.open({ from, to: remote, backup, reason }));
    }, Math.min(mostMs, firstMs * 2 ** (failures - 1)));
    this.#timers.add(timer);
  }

  /** Opens nothing any more. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
