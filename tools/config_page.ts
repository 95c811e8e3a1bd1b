/**
 * Writes the keys of the configuration file into docs/configuration.md, or
 * checks that they are there.
 *
 * usage: deno task config [--check]
 *
 * @module
 */

import { FILE } from "../config/schema.ts";
import type { Key } from "../config/types.ts";
import { code, table, writePart } from "./page.ts";

/** A table of keys, and below it one for each key that has keys itself. */
function section(title: string, keys: readonly Key[], depth: number): string {
  const rows = keys.map(({ name, type: { what, doc = "" }, isRequired }) => [
    code(name) + (isRequired ? ", required" : ""),
    what,
    doc,
  ]);
  const inner = keys.map(({ name, type }) =>
    type.keys === undefined ? "" : section(code(name), type.keys, depth + 1)
  );
  return `${"#".repeat(depth)} ${title}\n\n` +
    `${table(["key", "value", "meaning"], rows)}\n${inner.join("")}`;
}

if (import.meta.main) {
  await writePart(
    "docs/configuration.md",
    "deno task config",
    section("Keys", FILE.keys!, 2),
  );
}
