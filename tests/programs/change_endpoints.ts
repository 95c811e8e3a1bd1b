/**
 * Changes endpoints and limits while other programs do, and prints the results
 * as JSON.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import { generator, pick } from "../helpers/random.ts";
import type { Results, Task } from "../live/parallel_changes_test.ts";

const task: Task = JSON.parse(Deno.args[0]!);
const random = generator(task.seed);
using pm = PathManager.open({ netns: task.netns });
const outcomes: Record<string, number> = {};
const endpoints: Record<string, readonly string[]> = {};
let limit = 0;
const operations = {
  add(address: string) {
    const id = 1 + random(4);
    const { flags } = pm.addAddr({
      address,
      flags: ["subflow"],
      // Two programs with the same addresses ask for the same ids.
      ...task.most > task.addresses.length / 2 && random(4) === 0 && { id },
    });
    endpoints[address] = flags;
  },
  delete(address: string) {
    pm.delAddr({ address });
    delete endpoints[address];
  },
  change(address: string) {
    const wanted = random(2) === 1;
    const change = random(2) === 1 ? { backup: wanted } : { fullmesh: wanted };
    endpoints[address] = pm.setFlags({ address, ...change }).flags;
  },
  limit() {
    limit = random(8);
    pm.setLimits({ [task.limit]: limit });
  },
};
const names = Object.keys(operations) as (keyof typeof operations)[];
console.log("ready");
for (let time = 0; time < task.times; time++) {
  const name = pick(random, names);
  const address = pick(random, task.addresses);
  const isKnown = address in endpoints;
  const isFull = Object.keys(endpoints).length >= task.most;
  if (name === "add" && !isKnown && isFull) continue;
  let outcome = "done";
  try {
    operations[name](address);
  } catch (error) {
    const { name, op, code } = error as Record<string, string>;
    outcome = [name, op, code].filter(Boolean).join(" ");
  }
  const what = name === "limit" ? "" : isKnown ? " known" : " unknown";
  const key = `${name}${what}: ${outcome}`;
  outcomes[key] = (outcomes[key] ?? 0) + 1;
}
console.log(
  JSON.stringify({ outcomes, endpoints, limit } satisfies Results),
);
