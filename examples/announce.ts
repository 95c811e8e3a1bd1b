/**
 * A path manager for a server, in ten lines: it announces a second address of
 * this host on each new connection, to which the peer can open another subflow.
 *
 * ```sh
 * sudo deno run --allow-ffi examples/announce.ts 10.0.2.1
 * ```
 *
 * Events and commands need root (`CAP_NET_ADMIN`). In a project of your own, do
 * `deno add jsr:@mptcp/pm` first.
 *
 * @module
 */

import { PathManager } from "@mptcp/pm";

/** Announces an address to the peer of each connection that is established. */
export async function announce(
  pm: PathManager,
  address: string,
  signal?: AbortSignal,
): Promise<void> {
  const events = pm.events({ types: ["established"], signal });
  for await (const { token } of events) {
    attempt(() => pm.announce({ token, address, id: 1 }));
  }
}

/** A connection may be gone before its event is read: no reason to give up. */
function attempt(command: () => void): void {
  try {
    command();
  } catch (error) {
    console.warn(String(error));
  }
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  using pm = PathManager.open();
  using _mode = pm.setMode("userspace"); // New connections are this program's.
  await announce(pm, Deno.args[0] ?? "10.0.2.1", stop.signal);
}
