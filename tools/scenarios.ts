/**
 * Runs the scenarios of docs/scenarios.md in laboratories: fills the page with
 * what was seen, and draws docs/scenarios/. Needs root.
 *
 * ```sh
 * deno task scenarios            # all, some three minutes
 * deno task scenarios keep       # only this one
 * ```
 *
 * @module
 */

import { hashed } from "./scenarios/hashed.ts";
import { keep } from "./scenarios/keep.ts";
import { onDemand } from "./scenarios/on_demand.ts";
import type { Scenario } from "./scenarios/part.ts";
import { streaming } from "./scenarios/streaming.ts";
import { writePart } from "./page.ts";

/** Those of a line run at the same time. */
const LINES: readonly (readonly Scenario[])[] = [
  [keep, onDemand, streaming],
  [hashed],
];

/** All of them, in the order of the page. */
export const SCENARIOS: readonly Scenario[] = LINES.flat();

async function main(words: readonly string[]): Promise<void> {
  const names = SCENARIOS.map(({ name }) => name);
  const unknown = words.find((word) => !names.includes(word));
  if (unknown !== undefined) {
    console.error(`There is no scenario "${unknown}": ${names.join(", ")}`);
    Deno.exit(2);
  }
  for (const line of LINES) {
    const wanted = line.filter(({ name }) =>
      words.length === 0 || words.includes(name)
    );
    const parts = await Promise.all(wanted.map(({ run }) => run()));
    for (const [index, { name }] of wanted.entries()) {
      const part = parts[index]!;
      console.log(part);
      await writePart("docs/scenarios.md", `deno task scenarios ${name}`, part);
    }
  }
}

if (import.meta.main) await main(Deno.args);
