/**
 * From a file to a plan for the namespace of a command.
 *
 * @module
 */

import type { Plan } from "../../config/mod.ts";
import type { Namespace } from "../../mod.ts";
import type { Context } from "../context.ts";

/** Reads a file whole, then what there is, and plans; says what is doubtful. */
export async function readPlan(
  context: Context,
  file: string,
  prune: boolean,
): Promise<{ plan: Plan; namespace: Namespace }> {
  const { parseConfig, plan, readState } = await import("../../config/mod.ts");
  const lines: string[] = [];
  for await (const line of context.lines(file)) lines.push(line);
  const config = await parseConfig(lines.join("\n"), file);
  const namespace = context.place();
  const made = plan(config, readState({ namespace }), { prune });
  for (const warning of made.warnings) context.hint(warning);
  return { plan: made, namespace };
}
