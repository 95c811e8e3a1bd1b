/**
 * What is there and what happens, one after the other: a reading of the
 * connections for each interval, and the events in between.
 *
 * @module
 */

import type { Connection } from "../../diag/mod.ts";
import type { PathManagerEvent } from "../../mod.ts";

/** The connections as they were. */
export interface Reading {
  /** When, in milliseconds since the recording began. */
  readonly atMs: number;
  readonly connections: readonly Connection[];
}

/** Something that happened. */
export interface Happening {
  /** When, in milliseconds since the recording began. */
  readonly atMs: number;
  readonly event: PathManagerEvent;
}

/** What is recorded, and for how long. */
export interface Source {
  /** Reads the connections. */
  readonly read: () => readonly Connection[];
  /** What happens; absent: that cannot be seen. */
  readonly events?: AsyncIterable<PathManagerEvent> | undefined;
  readonly intervalMs: number;
  /** How long it takes; absent: until `signal` aborts. */
  readonly forMs?: number | undefined;
  /** Ends it, after one more reading. */
  readonly signal: AbortSignal;
}

/** Begins with a reading, and ends with one. */
export async function* recorded(
  { read, events, intervalMs, forMs = Infinity, signal }: Source,
): AsyncGenerator<Reading | Happening, void> {
  const begin = performance.now();
  const now = () => performance.now() - begin;
  const queue: Happening[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const take = async () => {
    for await (const event of events ?? []) {
      queue.push({ atMs: now(), event });
      wake();
    }
  };
  take().catch((error) => {
    failure = { error };
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    yield { atMs: 0, connections: read() };
    let due = intervalMs;
    for (;;) {
      yield* queue.splice(0);
      if (failure !== undefined) throw failure.error;
      const leftMs = Math.min(due, forMs) - now();
      if (leftMs > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        continue;
      }
      const atMs = now();
      yield { atMs, connections: read() };
      if (signal.aborted || atMs >= forMs) return;
      // What came too late for some is for the next one.
      while (due <= atMs) due += intervalMs;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
