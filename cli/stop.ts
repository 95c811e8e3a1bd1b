import {
  ignoreInspectorSignal,
  keepHangupIgnored,
  MptcpError,
  openNamespace,
  type OutputWatch,
  watchOutput,
} from "../mod.ts";

const ENDS = ["SIGINT", "SIGTERM"] as const;
const HANGUP = ["SIGHUP"] as const;

/**
 * Looks out for SIGINT, SIGTERM, for SIGHUP unless it was ignored at the start,
 * as by `nohup`, and for a reader of the output that leaves.
 *
 * @param command What the process is named after from now on.
 * @param endsByHangup Whether SIGHUP has no other meaning.
 */
export function stop(command: string, endsByHangup: boolean): OutputWatch {
  nameProcess(`mptcp ${command}`);
  ignoreInspectorSignal();
  const controller = new AbortController();
  const abort = () =>
    controller.abort(new DOMException("Stopped before the end", "AbortError"));
  const takesHangup = endsByHangup && !keepHangupIgnored();
  const signals = [...ENDS, ...takesHangup ? HANGUP : []];
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

/** Else all programs of Deno look the same to `ps`, and to each other. */
function nameProcess(name: string): void {
  try {
    using namespace = openNamespace();
    namespace.writeFile("/proc/self/comm", name);
  } catch (error) {
    // There is no /proc.
    if (!(error instanceof MptcpError)) throw error;
  }
}
