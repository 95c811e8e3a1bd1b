/**
 * An hour of mixed work, to see that nothing is left of it:
 * `deno task soak --minutes 60`, or, with `--only flap`, of some of it.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Lab } from "../../testing/lab.ts";
import { ACTIONS } from "./actions.ts";
import { soak } from "./soak.ts";
import type { Actions } from "./world.ts";

/** Runs the program, and ends the process. */
export async function main(actions: Actions): Promise<never> {
  const args = parseArgs(Deno.args, { string: ["minutes", "seed", "only"] });
  const minutes = Number(args.minutes ?? 10);
  const seed = Number(args.seed ?? Math.floor(Math.random() * 2 ** 31));
  const missing = Number.isNaN(minutes + seed)
    ? "--minutes and --seed take a number"
    : Lab.missing();
  if (missing !== undefined) {
    console.error(`soak: ${missing}`);
    Deno.exit(2);
  }
  // Actions come to their end first: so they clean up after themselves.
  const stop = new AbortController();
  let code: number | undefined;
  const stopWith = (exitCode: number) => {
    code ??= exitCode;
    stop.abort();
  };
  Deno.addSignalListener("SIGINT", () => stopWith(130));
  Deno.addSignalListener("SIGTERM", () => stopWith(143));
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    console.error("Nobody handles", event.reason);
    stopWith(1);
  });
  const isFlat = await soak({
    actions: chosen(actions, args.only),
    ...{ minutes, seed, stop: stop.signal },
  });
  Deno.exit(code ?? (isFlat ? 0 : 1));
}

/** Those whose names have a word in them, or all. */
function chosen(actions: Actions, word = ""): Actions {
  return Object.fromEntries(
    Object.entries(actions).filter(([name]) => name.includes(word)),
  );
}

if (import.meta.main) await main(ACTIONS);
