import type { Lab, LabConnection } from "../testing/lab.ts";
import type { ShellOptions } from "./options.ts";

/** How long to wait for a path that carries nothing. */
const TIMEOUT_MS = 1000;

/**
 * Sends from the client to the server until it is stopped, if that is asked for;
 * where a connection is lost, over the next path.
 */
export async function send(
  lab: Lab,
  { paths = 1, traffic }: ShellOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!traffic || paths === 0) return;
  let last: LabConnection | undefined;
  // Data that a cut path holds up would arrive too late.
  signal.addEventListener("abort", () => last?.close());
  for (let path = 1; !signal.aborted; path = path % paths + 1) {
    try {
      using connection = last = lab.connect({
        path,
        port: 443,
        timeoutMs: TIMEOUT_MS,
      });
      while (!signal.aborted) {
        await connection.transferAsync(100_000, 60_000);
      }
    } catch {
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));
    }
  }
}
