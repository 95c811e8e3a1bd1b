/**
 * The captured events, again and again, through the whole library but the
 * socket.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import { FakeKernel } from "../../testing/mod.ts";
import { goldenOf } from "./golden.ts";

/** How many events come before they are taken. */
const BATCH = 500;

/** What a replay has cost. */
export interface Replay {
  /** How many events were delivered. */
  readonly events: number;
  /** How many of them were of no known type. */
  readonly unknown: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** Bytes of the heap after each third; without a collector of the garbage. */
  readonly heap: readonly number[];
}

/** Replays at least this number of events. */
export async function replay(count: number): Promise<Replay> {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  using stream = pm.events();
  const captured = goldenOf("event").map(({ bytes }) => bytes);
  const heap: number[] = [];
  let [events, unknown, ms] = [0, 0, 0];
  for (let third = 1; third <= 3; third++) {
    const start = performance.now();
    while (events < count * third / 3) {
      for (let index = 0; index < BATCH; index++) {
        kernel.emit(captured[(events + index) % captured.length]!);
      }
      for (let index = 0; index < BATCH; index++) {
        const { value } = await stream.next();
        if (value!.type === "unknown") unknown++;
      }
      events += BATCH;
    }
    ms += performance.now() - start;
    (globalThis as { gc?: () => void }).gc?.();
    heap.push(Deno.memoryUsage().heapUsed);
  }
  return { events, unknown, ms, heap };
}
