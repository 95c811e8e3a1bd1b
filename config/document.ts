/**
 * YAML documents, and the line of each fault in them.
 *
 * @module
 */

import type { Check, Fault, Path } from "./checks.ts";

const KEY = /^(?:"([^"]+)"|'([^']+)'|([^\s#"'[{&*!|>][^#]*?)) *:(?= |$)(.*)$/;

/** The faults of a document, each on a line `FILE:LINE: text`. */
export class DocumentError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name = "DocumentError";
}

/**
 * Reads a document and checks its shape.
 *
 * @param text The document.
 * @param file Its name in errors.
 * @param check What its value must be.
 * @param resolve Makes the result of a value of the right shape, and finds
 * what else is wrong.
 * @throws {DocumentError} It is not YAML, or not what is wanted.
 */
export async function readDocument<T>(
  text: string,
  file: string,
  check: Check,
  resolve: (value: unknown) => { result: T; faults: readonly Fault[] },
): Promise<T> {
  const { parse } = await import("@std/yaml");
  let value: unknown;
  try {
    value = parse(text) ?? null;
  } catch (error) {
    const message = (error as Error).message.split(/:?\n/)[0]!;
    const [, a, b] = /line (\d+)|\((\d+):\d+\)/.exec(message) ?? [];
    throw new DocumentError(`${file}:${a ?? b ?? 1}: ${message}`);
  }
  const lineOf = locator(text);
  const demand = (faults: readonly Fault[]) => {
    const lines = faults
      .map(({ path, message }) => ({ line: lineOf(path), message }))
      .toSorted((one, other) => one.line - other.line)
      .map(({ line, message }) => `${file}:${line}: ${message}`);
    if (lines.length > 0) throw new DocumentError(lines.join("\n"));
  };
  const shape: Fault[] = [];
  check(value, [], (path, message) => shape.push({ path, message }));
  demand(shape);
  const { result, faults } = resolve(value);
  demand(faults);
  return result;
}

/**
 * Finds the lines of a block-style YAML document, since the parser has no
 * positions: returns a function from a path to the 1-based line where it, or
 * the innermost part of it that has a line of its own, begins.
 */
export function locator(text: string): (path: Path) => number {
  const lines = new Map<string, number>();
  const lengths = new Map<string, number>();
  // What encloses the current line, outermost first. A dash counts as half a
  // column further in, because a list may stand in the column of its key.
  const open: { column: number; part: string | number }[] = [];
  const enter = (column: number, line: number, name?: string) => {
    while (open.length > 0 && open.at(-1)!.column >= column) open.pop();
    const parent = open.map(({ part }) => part).join("\n");
    const index = lengths.get(parent) ?? 0;
    if (name === undefined) lengths.set(parent, index + 1);
    open.push({ column, part: name ?? index });
    lines.set(open.map(({ part }) => part).join("\n"), line);
  };

  // Lines further in than this belong to a block scalar (`|` or `>`).
  let scalar = Infinity;
  for (const [index, full] of text.split(/\r?\n/).entries()) {
    let rest = full.trimStart();
    let column = full.length - rest.length;
    if (rest === "" || column > scalar) continue;
    scalar = Infinity;
    if (rest.startsWith("#")) continue;
    for (let dash; (dash = /^- +|^-$/.exec(rest)) !== null;) {
      enter(column + 0.5, index + 1);
      rest = rest.slice(dash[0].length);
      column += dash[0].length;
    }
    const key = KEY.exec(rest);
    if (key === null) continue;
    enter(column, index + 1, key[1] ?? key[2] ?? key[3]!);
    if (/^ *[|>]/.test(key[4]!)) scalar = column;
  }

  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(path.slice(0, length).join("\n"));
      if (line !== undefined) return line;
    }
    return 1;
  };
}
