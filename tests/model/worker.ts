/**
 * Does runs on a thread of its own, which waits most of the time: the kernel
 * takes 10 ms to delete an endpoint.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import {
  describe,
  findDifference,
  shrink,
  STEPS_PER_RUN,
  stepsOf,
} from "./run.ts";
import { World } from "./world.ts";

/** What to do. */
export interface Order {
  readonly seed: number;
  /** The number of the next run, which all workers share. */
  readonly next: Int32Array<SharedArrayBuffer>;
  /** The number behind that of the last run. */
  readonly end: number;
}

/** What comes back. */
export interface Report {
  readonly answers: ReadonlyMap<string, number>;
  /** Absent: there is none. */
  readonly difference?: { readonly run: number; readonly text: string };
}

function work({ seed, next, end }: Order): Report {
  using world = new World();
  const { answers } = world;
  for (let run; (run = Atomics.add(next, 0, 1)) < end;) {
    const difference = findDifference(world, stepsOf(seed, run, STEPS_PER_RUN));
    if (difference === undefined) continue;
    // The others need not go on.
    Atomics.store(next, 0, end);
    const text = describe(shrink(world, difference));
    return { answers, difference: { run, text } };
  }
  return { answers };
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  self.postMessage(work(data));
};
