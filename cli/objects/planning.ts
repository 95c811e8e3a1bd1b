/**
 * From a file to a plan for the namespace of a command.
 *
 * @module
 */

import type { Plan } from "../../config/mod.ts";
import type { Namespace } from "../../mod.ts";
import type { Context } from "../context.ts";

/** No file may have so many characters, and standard input may have no end. */
const ENOUGH = 2 ** 21;

/** Reads a file whole, then what there is, and plans; says what is doubtful. */
export async function readPlan(
  context: Context,
  file: string,
  prune: boolean,
): Promise<{ plan: Plan; namespace: Namespace }> {
  const { parseConfig, plan, readState } = await import("../../config/mod.ts");
  let text = "";
  for await (const line of context.lines(file)) {
    text += `${line}\n`;
    if (text.length > ENOUGH) break;
  }
  const config = await parseConfig(text, file);
  const namespace = context.place();
  const made = plan(config, readState({ namespace }), { prune });
  for (const warning of made.warnings) context.hint(warning);
  return { plan: made, namespace };
}
