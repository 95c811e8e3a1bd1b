/**
 * A signal that a program with privileges had better not obey.
 *
 * @module
 */

import { libc } from "./libc.ts";

const SIGUSR1 = 10;
const SIG_IGN = 1n;

/**
 * Ignores SIGUSR1 from now on. By default Deno then opens its inspector on
 * 127.0.0.1:9229, where every user of the host can run code in this process; a
 * listener does not prevent that. Needs `--allow-ffi`, no privilege.
 *
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 *
 * @example A service that runs as root
 * ```ts
 * import { ignoreInspectorSignal, PathManager } from "@mptcp/pm";
 *
 * ignoreInspectorSignal();
 * using pm = PathManager.open();
 * for await (const { type } of pm.events()) console.log(type);
 * ```
 */
export function ignoreInspectorSignal(): void {
  const { signal } = libc().signals();
  // Deno installs its handler half a second after the start (cli/worker.rs),
  // unless there is one for this signal already, of a listener that is gone too.
  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  Deno.removeSignalListener("SIGUSR1", listener);
  // deno-lint-ignore mptcp/errno -- it fails only for a number that is no signal
  signal(SIGUSR1, SIG_IGN);
}
