/**
 * A soak that is to fail, in the way that its first argument names.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { PathManager } from "../../mod.ts";
import { COMMANDS } from "./commands.ts";
import { main } from "./main.ts";
import type { Action } from "./world.ts";

/** So heavy that no cycle is without, few as its actions are. */
const WEIGHT = 30;

const kept: unknown[] = [];

const LEAKS: Readonly<Record<string, Action[0]>> = {
  descriptor({ side }) {
    kept.push(PathManager.open({ netns: side.host.netns }));
  },
  thread() {
    // Of no descriptor, and for ever.
    const fds = Int32Array.of(-1, 0);
    kept.push(libc().waiting().pollAside(fds, 1n, -1));
  },
  process() {
    // It ends with this one.
    kept.push(new Deno.Command("cat", { stdin: "piped" }).spawn());
  },
  memory() {
    kept.push(new Array(100_000).fill(0.5));
  },
  rejection() {
    kept.push(Promise.reject(new Error("which nobody expects")));
  },
  surprise() {
    throw new Error("which nobody expects");
  },
};

await main({ ...COMMANDS, leak: [LEAKS[Deno.args[0]!]!, WEIGHT] });
