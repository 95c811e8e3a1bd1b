import {
  ignoreInspectorSignal,
  type OutputWatch,
  watchOutput,
} from "../mod.ts";

// Deno ends by SIGHUP even where `nohup` had it ignored.
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Looks out for SIGINT, SIGTERM, SIGHUP, and for a reader of the output that
 * leaves.
 */
export function stop(): OutputWatch {
  ignoreInspectorSignal();
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const name of SIGNALS) Deno.addSignalListener(name, abort);
  const output = watchOutput({ signal: controller.signal });
  return {
    ...output,
    [Symbol.dispose]() {
      for (const name of SIGNALS) Deno.removeSignalListener(name, abort);
      output[Symbol.dispose]();
    },
  };
}
