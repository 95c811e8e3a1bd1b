/**
 * Runs the ready policies in random worlds, and checks what they promise.
 *
 * usage: deno task simulate [--runs N] [--seed N] [POLICY…]
 *
 * What is wrong is shown with the fewest steps that lead to it: a row for
 * `tests/policy/simulated_test.ts`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { checkPromises, POLICIES } from "./promises.ts";

async function main(): Promise<number> {
  const { _: names, runs, seed } = parseArgs(Deno.args, {
    string: ["runs", "seed"],
    default: { runs: "1000", seed: `${Date.now() % 0x7fffffff}` },
    unknown(arg) {
      if (POLICIES.includes(arg)) return true;
      throw new Error(`Unknown argument "${arg}"`);
    },
  });
  let code = 0;
  for (const name of names.length > 0 ? names.map(String) : POLICIES) {
    try {
      await checkPromises(name, { runs: Number(runs), seed: Number(seed) });
      console.log(`${name}: ${runs} runs from seed ${seed}, nothing is wrong`);
    } catch (error) {
      console.log(`${name}: ${(error as Error).message}`);
      code = 1;
    }
  }
  return code;
}

if (import.meta.main) Deno.exit(await main());
