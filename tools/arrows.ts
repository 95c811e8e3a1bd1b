/**
 * Writes the directories and what they import into CONTRIBUTING.md, or checks
 * that it is there.
 *
 * usage: deno task arrows [--check]
 *
 * @module
 */

import { type Import, readImports, unitOf, UNITS } from "./imports.ts";

const FILE = new URL("../CONTRIBUTING.md", import.meta.url);
const [START, END] = ["<!-- made by `deno task arrows` -->\n", "<!-- end -->"];
const WIDTH = 100;

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

/** A document with the drawing between its marks. */
export function withDrawing(document: string, drawing: string): string {
  const [before, rest] = document.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`There is no ${START.trim()}`);
  return `${before}${START}\n\`\`\`text\n${drawing}\n\`\`\`\n\n${END}${after}`;
}

if (import.meta.main) {
  const present = Deno.readTextFileSync(FILE);
  const wanted = withDrawing(present, draw(readImports()));
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(FILE, wanted);
  else if (wanted !== present) {
    console.error("CONTRIBUTING.md is out of date: run `deno task arrows`");
    Deno.exitCode = 1;
  }
}
