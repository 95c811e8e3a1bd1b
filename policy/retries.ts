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

/**
 * Opens a subflow again that was closed, if it has failed.
 *
 * @param most How many there may be between its ends.
 */
export function retry(
  connection: ManagedConnection,
  subflow: TrackedSubflow,
  most: number,
  { firstMs = 1000, mostMs = 60_000 }: RetryOptions,
): void {
  const { local, remote, error, failures, openedHere, backup } = subflow;
  if (!openedHere || !error) return;
  connection.after(Math.min(mostMs, firstMs * 2 ** (failures - 1)), () => {
    const reason = `${error.code}, failure ${failures}`;
    connection.open({ from: local.address, to: remote, backup, most, reason });
  });
}
