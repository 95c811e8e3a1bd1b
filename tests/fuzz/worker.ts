/**
 * Runs targets, one after the other, on a thread that can be ended where it
 * does not end.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { type Amount, fuzz, type Report } from "./fuzz.ts";
import type { Targets } from "./target.ts";

/** What to run. */
export interface Order {
  /** The module that has the targets. */
  readonly from: string;
  readonly names: readonly string[];
  /** How much for each target. */
  readonly amount: Amount;
  /** The place of the target in the list, and the number of the input. */
  readonly position: Int32Array<SharedArrayBuffer>;
}

/** What comes back: a report for each target, and `null` behind the last. */
export type Message = Report | null;

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  const { from, names, amount, position } = data;
  const { TARGETS }: { TARGETS: Targets } = await import(from);
  for (const [place, name] of names.entries()) {
    Atomics.store(position, 0, place);
    const report = await fuzz(name, TARGETS[name]!, amount, (index) => {
      Atomics.store(position, 1, index);
    });
    self.postMessage(report);
  }
  self.postMessage(null);
};
