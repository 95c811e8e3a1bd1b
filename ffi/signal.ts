/**
 * Signals that need more than a listener.
 *
 * @module
 */

import { libc } from "./libc.ts";

const SIGHUP = 1;
const SIGUSR1 = 10;
const SIGTSTP = 20;
const SIG_IGN = 1n;
/** More than a `struct sigaction` has, which is all 0 for the default. */
const SIGACTION = 256;

let isHangupIgnored: boolean | undefined;

/**
 * Lets SIGHUP be ignored where it was at the start, as it is under `nohup`: the
 * first signal listener, of whatever signal, makes Deno end by it. So call this
 * before that; {@linkcode ignoreInspectorSignal} does. Listeners of SIGHUP are
 * called all the same. Needs `--allow-ffi`, no privilege.
 *
 * @returns Whether it was ignored: a listener should not end the program then.
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 *
 * @example End with the terminal, unless started by nohup
 * ```ts
 * import { keepHangupIgnored, PathManager } from "@mptcp/pm";
 *
 * const end = new AbortController();
 * const names: Deno.Signal[] = ["SIGINT", "SIGTERM"];
 * if (!keepHangupIgnored()) names.push("SIGHUP");
 * for (const name of names) Deno.addSignalListener(name, () => end.abort());
 * using pm = PathManager.open();
 * for await (const { type } of pm.events({ signal: end.signal })) {
 *   console.log(type);
 * }
 * ```
 */
export function keepHangupIgnored(): boolean {
  if (isHangupIgnored !== undefined) return isHangupIgnored;
  const { sigaction } = libc().signals();
  const before = new Uint8Array(SIGACTION);
  // deno-lint-ignore mptcp/errno -- it fails only for a number that is no signal
  sigaction(SIGHUP, null, before);
  // The handler comes first in every libc.
  isHangupIgnored = new BigUint64Array(before.buffer)[0] === SIG_IGN;
  if (isHangupIgnored) Deno.addSignalListener("SIGHUP", () => {});
  return isHangupIgnored;
}

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
  keepHangupIgnored();
  const { signal } = libc().signals();
  // Deno installs its handler half a second after the start (cli/worker.rs),
  // unless there is one for this signal already, of a listener that is gone too.
  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  Deno.removeSignalListener("SIGUSR1", listener);
  // deno-lint-ignore mptcp/errno -- it fails only for a number that is no signal
  signal(SIGUSR1, SIG_IGN);
}

/**
 * Stops this process as SIGTSTP (Ctrl-Z) does where no listener is, and returns
 * when it goes on: for a listener that has something to do before. Where nobody
 * could continue the process, as in `ssh -t HOST PROGRAM`, the kernel does not
 * stop it. Needs `--allow-ffi`, no privilege.
 *
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 *
 * @example Leave the terminal as it was while the program is stopped
 * ```ts
 * import { suspend } from "@mptcp/pm";
 *
 * Deno.addSignalListener("SIGTSTP", () => {
 *   Deno.stdin.setRaw(false);
 *   suspend();
 *   Deno.stdin.setRaw(true, { cbreak: true });
 * });
 * ```
 */
export function suspend(): void {
  const { sigaction } = libc().signals();
  const { raise } = libc().suspending();
  const before = new Uint8Array(SIGACTION);
  const after = new Uint8Array(SIGACTION);
  // deno-lint-ignore mptcp/errno -- they fail only for a number that is no signal
  sigaction(SIGTSTP, after, before);
  // deno-lint-ignore mptcp/errno -- as above
  raise(SIGTSTP);
  // deno-lint-ignore mptcp/errno -- as above
  sigaction(SIGTSTP, before, after);
}
