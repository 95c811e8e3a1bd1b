/**
 * Real-time scheduling: while a process runs that is measured, nothing else
 * has its processor. So the figures are the same on a busy machine.
 *
 * @module
 */

import { run } from "../testing/host.ts";

/**
 * From now on, the processes that are started here run in real time; after the
 * end of the block no longer. Without the privilege nothing changes.
 */
export function inRealTime(): Disposable {
  schedule("--fifo", 1);
  return { [Symbol.dispose]: () => schedule("--other", 0) };
}

/** Of this thread, which starts the processes. */
function schedule(policy: string, priority: number): void {
  try {
    run("chrt", policy, "--pid", `${priority}`, `${Deno.pid}`);
  } catch (error) {
    console.error(`Not in real time: ${(error as Error).message}`);
  }
}
