/**
 * Writes the directories and what they import into CONTRIBUTING.md, or checks
 * that it is there.
 *
 * usage: deno task arrows [--check]
 *
 * @module
 */

import { type Import, readImports, unitOf, UNITS } from "./imports.ts";
import { writePart } from "./page.ts";

const WIDTH = 100;

/** The drawing, as CONTRIBUTING.md has it. */
export function drawing(imports: readonly Import[]): string {
  return `\`\`\`text\n${draw(imports)}\n\`\`\`\n`;
}

/**
 * One line for each unit that is there: what is in it, and what it imports; in
 * parentheses what it loads when that is used. None imports what is above it.
 */
export function draw(imports: readonly Import[]): string {
  const units = Object.keys(UNITS)
    .filter((unit) => imports.some(({ from }) => unitOf(from) === unit));
  const rows = units.map((unit) => {
    const targets = new Set(
      imports.filter(({ from }) => unitOf(from) === unit)
        .map(({ to }) => unitOf(to)),
    );
    const [holds, , later = []] = UNITS[unit]!;
    const found = units.filter((one) => one !== unit && targets.has(one))
      .map((one) => later.includes(one) ? `(${one})` : one);
    return { unit, holds, found: found.toReversed() };
  });
  const column = (texts: string[]) =>
    Math.max(...texts.map(({ length }) => length)) + 2;
  const first = column(units);
  const second = first + column(rows.map(({ holds }) => holds));
  return rows.toReversed().map(({ unit, holds, found }) => {
    let line = (unit.padEnd(first) + holds).padEnd(second) + "->";
    const lines = [];
    for (const one of found) {
      if (line.length + one.length >= WIDTH) {
        lines.push(line);
        line = " ".repeat(second + 2);
      }
      line += ` ${one}`;
    }
    return [...lines, found.length === 0 ? line.slice(0, -2).trimEnd() : line]
      .join("\n");
  }).join("\n");
}

if (import.meta.main) {
  await writePart(
    "CONTRIBUTING.md",
    "deno task arrows",
    drawing(readImports()),
  );
}
