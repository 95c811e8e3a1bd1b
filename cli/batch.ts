/**
 * The lines of a file, run one after the other as `ip -batch` does.
 *
 * @module
 */

import type { Io } from "./context.ts";
import { EXIT } from "./exit.ts";
import { jsonLine, printable } from "./printable.ts";
import { UsageError } from "./words/grammar.ts";
import { type Line, OPTIONS } from "./words/options.ts";

/** A command of the file, and the number of its last line. */
type Numbered = readonly [number: number, words: readonly string[]];

/**
 * Runs each line, until one fails or, with `--force`, to the end.
 *
 * @param line What was read of the command line.
 * @param io The world around the run.
 * @param run Runs the words of one line.
 * @returns The exit code of the first line that failed.
 */
export async function runBatch(
  { values: { batch: file = "-", ...values }, given, words }: Line,
  io: Io,
  run: (words: readonly string[], io: Io) => Promise<number>,
): Promise<number> {
  if (io.isBatch) {
    throw new UsageError('Misplaced option "-b": this is a line of a file');
  }
  if (words.length > 0) {
    throw new UsageError(
      `Unknown word "${words[0]}": ${file} has the commands`,
    );
  }
  const options = [
    ...[...given].filter((name) =>
      name !== "force" && OPTIONS[name].metavar === undefined
    ).map((name) => `--${name}`),
    ...Object.entries(values).map(([name, value]) => `--${name}=${value}`),
  ];
  let code: number = EXIT.done;
  for await (const [number, [first, ...others]] of commands(io.lines(file))) {
    // `ip` takes the object's name from two letters on.
    const isNamed = /^mp(t(cp?)?)?$/.test(first!);
    const ended = await run([
      ...options,
      ...isNamed ? others : [first!, ...others],
    ], { ...io, isBatch: true, lines: linesBeside(file, io) });
    if (ended === EXIT.done) continue;
    code ||= ended;
    const error = `Command failed ${file}:${number}`;
    io.err(given.has("json") ? jsonLine({ error }) : printable(`${error}\n`));
    if (!given.has("force")) break;
  }
  return code;
}

/** The lines of other files than the one that the commands are in. */
function linesBeside(file: string, { lines }: Io): Io["lines"] {
  return (name) => {
    if (name !== "-" || file !== "-") return lines(name);
    throw new UsageError('Misplaced file "-": the commands are in it');
  };
}

/** The commands of some lines: what "#" begins is no part of them. */
async function* commands(
  lines: AsyncIterable<string>,
): AsyncIterable<Numbered> {
  let number = 0;
  let begun = "";
  for await (const line of lines) {
    number++;
    const text = begun + line.replace(/#.*/s, "");
    begun = "";
    if (text.endsWith("\\")) {
      begun = text.slice(0, -1);
      continue;
    }
    const words = wordsOf(text, number);
    if (words.length > 0) yield [number, words];
  }
  if (begun !== "") throw new UsageError(`Incomplete line ${number}`);
}

/** The words of a line; quotes may be around a whole word. */
function wordsOf(line: string, number: number): string[] {
  const found = line.matchAll(/\s*(?:"([^"]*)"|'([^']*)'|([^\s"']\S*))/gy);
  const words: string[] = [];
  let end = 0;
  for (const match of found) {
    words.push(match[1] ?? match[2] ?? match[3]!);
    end = match.index + match[0].length;
  }
  if (/\S/.test(line.slice(end))) {
    throw new UsageError(
      `Invalid line ${number}: a quoted string does not end`,
    );
  }
  return words;
}
