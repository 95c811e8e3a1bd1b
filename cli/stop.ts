import {
  ignoreInspectorSignal,
  type OutputWatch,
  watchOutput,
} from "../mod.ts";

const ENDS = ["SIGINT", "SIGTERM"] as const;
// Deno ends by it even where `nohup` had it ignored.
const HANGUP = ["SIGHUP"] as const;

/**
 * Looks out for SIGINT, SIGTERM, SIGHUP, and for a reader of the output that
 * leaves.
 *
 * @param endsByHangup Whether SIGHUP has no other meaning.
 */
export function stop(endsByHangup: boolean = true): OutputWatch {
  ignoreInspectorSignal();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = [...ENDS, ...endsByHangup ? HANGUP : []];
  for (const name of signals) Deno.addSignalListener(name, abort);
  const output = watchOutput({ signal: controller.signal });
  return {
    ...output,
    [Symbol.dispose]() {
      for (const name of signals) Deno.removeSignalListener(name, abort);
      output[Symbol.dispose]();
    },
  };
}
