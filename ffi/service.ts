/**
 * What a service tells the service manager that started it, as `sd_notify(3)` of
 * systemd does.
 *
 * @module
 */

import { libc } from "./libc.ts";
import { sendTo, unixAddress } from "./unix_socket.ts";

const CLOCK_MONOTONIC = 1;

/**
 * What a service says of itself: it has started, or read its configuration
 * again; it begins to read it again; it ends; it is alive, for a watchdog.
 */
export type ServiceState = "ready" | "reloading" | "stopping" | "alive";

const LINES: Readonly<Record<ServiceState, () => string[]>> = {
  ready: () => ["READY=1"],
  // Else the service manager cannot tell which of several this is.
  reloading: () => ["RELOADING=1", `MONOTONIC_USEC=${monotonicUs()}`],
  stopping: () => ["STOPPING=1"],
  alive: () => ["WATCHDOG=1"],
};

/** What to tell. */
export interface ServiceNews {
  /** What the service says of itself. @default {as it was} */
  readonly state?: ServiceState;
  /** What it is doing, for people: a line. @default {as it was} */
  readonly status?: string;
}

/**
 * Tells the service manager how this service is, where systemd started it with
 * `Type=notify`. Needs `--allow-ffi`, no privilege; nothing that goes wrong
 * matters to the service.
 *
 * @param news What to tell.
 * @returns Whether it was told: not where nobody asked for it.
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 *
 * @example A service that is ready when its endpoints are there
 * ```ts
 * import { notifyService, PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * pm.addAddr({ address: "10.0.2.1", dev: "eth1", flags: ["subflow"] });
 * notifyService({ state: "ready", status: "1 endpoint" });
 * ```
 */
export function notifyService({ state, status }: ServiceNews): boolean {
  const address = unixAddress(environment("NOTIFY_SOCKET") ?? "");
  if (address === undefined) return false;
  const lines = state === undefined ? [] : LINES[state]();
  if (status !== undefined) {
    lines.push(`STATUS=${status.replaceAll(/\s*\n\s*/g, "; ")}`);
  }
  return sendTo(address, new TextEncoder().encode(lines.join("\n")));
}

/**
 * Within what time the service manager wants to hear that this service is alive,
 * as it is told with {@linkcode notifyService}: twice as often is usual. Needs
 * `--allow-ffi`, no privilege.
 *
 * @returns Milliseconds; `undefined`: it does not want to hear it.
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 */
export function serviceWatchdogMs(): number | undefined {
  const us = Number(environment("WATCHDOG_USEC"));
  const pid = environment("WATCHDOG_PID");
  const isOurs = pid === undefined || Number(pid) === Deno.pid;
  return isOurs && us > 0 ? us / 1000 : undefined;
}

/** A variable of the environment, which Deno shows with a permission only. */
function environment(name: string): string | undefined {
  const { symbols: { memcpy } } = libc();
  const { getenv, strlen } = libc().service();
  const bytes = new TextEncoder().encode(`${name}\0`);
  // deno-lint-ignore mptcp/errno -- NULL says all there is to say
  const pointer = getenv(bytes);
  if (pointer === null) return undefined;
  // deno-lint-ignore mptcp/errno -- it cannot fail
  const length = strlen(pointer);
  const value = new Uint8Array(Number(length));
  memcpy(value, pointer, length);
  return new TextDecoder().decode(value);
}

function monotonicUs(): bigint {
  const { clock_gettime } = libc().service();
  const time = new BigInt64Array(2);
  // deno-lint-ignore mptcp/errno -- it fails only for a clock that is none
  clock_gettime(CLOCK_MONOTONIC, time);
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}
