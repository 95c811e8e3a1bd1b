/**
 * The shape of a command line. One table of operands serves parsing, help and
 * completion.
 *
 * @module
 */

import type { PathManager } from "../../mod.ts";

/** A command line that does not make sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A word that can come next, and what it means. */
export type Candidate = readonly [word: string, help: string];

/** One operand: an address, a keyword with a value, or a set of words. */
export interface Operand<T, Required extends boolean = boolean> {
  /** As the usage line shows it: `dev IF`. */
  readonly usage: string;
  readonly help: string;
  readonly required: Required;
  /** The words that start it. */
  readonly words: readonly Candidate[];
  /** What can follow the keyword. */
  readonly values: readonly Candidate[];
  /** Whether the keyword takes a value. */
  readonly takesValue: boolean;
  /**
   * Reads the operand from a word and, with `takesValue`, the next one.
   * `before` is what was read so far; `undefined` says that the word is not
   * one of this operand.
   */
  read(
    word: string,
    value: () => string,
    before: T | undefined,
  ): T | undefined;
}

/** The operands of a command, by the names of their values. */
export type Operands = { readonly [name: string]: Operand<unknown> };

/** What was read, by the same names. */
export type Values<O extends Operands> =
  & {
    [K in keyof O as O[K]["required"] extends true ? K : never]: O[K] extends
      Operand<infer T> ? T : never;
  }
  & {
    [K in keyof O as O[K]["required"] extends true ? never : K]?: O[K] extends
      Operand<infer T> ? T : never;
  };

/** What a command has to say. */
export interface Output {
  /** For people, as `ip mptcp` writes it. */
  readonly text: string;
  /** For programs. */
  readonly json: unknown;
}

/** One command. */
export interface Command {
  /** Its words: `["endpoint", "add"]`. */
  readonly words: readonly string[];
  readonly summary: string;
  /** The operands of the usage line, where some exclude others. */
  readonly form?: string;
  readonly operands: Operands;
  /** What it does, given the values of its operands. */
  run(pm: PathManager, values: never, how: How): Output | AsyncIterable<Output>;
}

/** How to run a command that goes on until it is stopped. */
export interface How {
  /** Starts to look out for what stops it. */
  readonly stop: () => Stop;
  /** Whether to say when. */
  readonly timestamp: boolean;
  /** Whether to say why. */
  readonly explain: boolean;
}

/** What stops a command that goes on. */
export interface Stop extends Disposable {
  /** Aborts when the user stops the program or nobody reads its output. */
  readonly signal: AbortSignal;
  /**
   * Settles when a line can be written, or the signal has aborted. Who writes
   * without it waits for a slow reader, and does not notice the signal.
   */
  readonly writable: () => Promise<void>;
}

/** Checks a command's types, and forgets the operands' for the table. */
export function command<O extends Operands>(definition: {
  readonly words: readonly string[];
  readonly summary: string;
  readonly form?: string;
  readonly operands: O;
  run(
    pm: PathManager,
    values: Values<O>,
    how: How,
  ): Output | AsyncIterable<Output>;
}): Command {
  return definition;
}

/** Makes an operand mandatory. */
export function required<T>(operand: Operand<T>): Operand<T, true> {
  return { ...operand, required: true };
}

/** An address, known by its dots or colons. */
export function address(help: string): Operand<string, false> {
  return {
    usage: "ADDR",
    help,
    required: false,
    words: [],
    values: [],
    takesValue: false,
    read(word, _value, before) {
      if (!/[.:]/.test(word)) return undefined;
      if (before !== undefined) {
        throw new UsageError(
          `Two addresses, "${before}" and "${word}": one is needed`,
        );
      }
      return word;
    },
  };
}

/** A keyword and its value. */
export function option<T>(
  keyword: string,
  metavar: string,
  help: string,
  parse: (keyword: string, text: string) => T,
  values: readonly Candidate[] = [],
): Operand<T, false> {
  return {
    usage: `${keyword} ${metavar}`,
    help,
    required: false,
    words: [[keyword, help]],
    values,
    takesValue: true,
    read(word, value, before) {
      if (word !== keyword) return undefined;
      if (before !== undefined) {
        throw new UsageError(`"${keyword}" is given twice`);
      }
      return parse(keyword, value());
    },
  };
}

/** Any of some words; `canonical` turns other names for them into them. */
export function words<Word extends string>(
  metavar: string,
  help: string,
  entries: readonly (readonly [Word, string])[],
  canonical: (word: string) => string = (word) => word,
): Operand<readonly Word[], false> {
  return {
    usage: metavar,
    help,
    required: false,
    words: entries,
    values: [],
    takesValue: false,
    read(word, _value, before = []) {
      const wanted = canonical(word);
      const entry = entries.find(([known]) => known === wanted);
      return entry && [...before, entry[0]];
    },
  };
}

/** Takes any text. */
export function text(_keyword: string, value: string): string {
  return value;
}

/**
 * Reads a whole number, decimal or hexadecimal. `ip` takes a leading zero for
 * octal, most people do not: it is refused.
 */
export function integer(
  min: number,
  max: number,
): (keyword: string, value: string) => number {
  return (keyword: string, value: string): number => {
    const number = /^(0|[1-9][0-9]*|0x[0-9a-f]+)$/i.test(value)
      ? Number(value)
      : NaN;
    if (number >= min && number <= max) return number;
    throw new UsageError(
      `Invalid ${keyword} "${value}": a whole number from ${min} to ${max} ` +
        "is needed, decimal or 0x…",
    );
  };
}

/** Reads a connection's token. */
export function token(keyword: string, value: string): number {
  // Event lines have 8 hexadecimal digits without 0x.
  if (/^[0-9a-f]{1,8}$/i.test(value) && /^0.|[a-f]/i.test(value)) {
    throw new UsageError(
      `Ambiguous token "${value}": write 0x${value} if it is hexadecimal`,
    );
  }
  return integer(1, 0xffffffff)(keyword, value);
}
