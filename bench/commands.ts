/**
 * How the programs are started that are measured as whole processes.
 *
 * @module
 */

import { run } from "../testing/host.ts";

/** Where this repository is. */
export const root: string = decodeURIComponent(
  new URL("../", import.meta.url).pathname,
);

let isPackageMade = false;

/**
 * Runs a script with the permission and the configuration of the command line.
 *
 * @param script Its path in this repository.
 */
export function deno(script: string, ...args: string[]): string[] {
  if (!isPackageMade) run(Deno.execPath(), "run", "-A", packager);
  isPackageMade = true;
  return [
    ...[Deno.execPath(), "run", "--quiet", "--allow-ffi"],
    ...[`--config=${root}.package/deno.json`, `${root}${script}`, ...args],
  ];
}

const packager = `${root}tools/package.ts`;

/** Runs the command line as it is published. */
export function mptcp(...args: string[]): string[] {
  return deno(".package/cli/cli.js", ...args);
}

/** What they need of the environment: the same Deno, and no look for newer. */
export const environment: Record<string, string> = {
  DENO_NO_UPDATE_CHECK: "1",
  PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`,
};
