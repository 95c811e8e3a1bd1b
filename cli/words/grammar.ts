/**
 * The shape of a command line. One table of operands serves parsing, help and
 * completion.
 *
 * @module
 */

import type { Context } from "../context.ts";
import type { Output, OutputList } from "../output.ts";
import type { OptionName, OptionValue } from "./options.ts";

/** What helps somebody whose command line makes no sense. */
interface Advice {
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** A word that is not known, and those that could stand in its place. */
  readonly given?: string;
  readonly known?: readonly string[];
  /** Operands as usage lines show them: the word may be the value of one. */
  readonly usages?: readonly string[];
  /** What means something with the word, if nothing that is near it does. */
  readonly others?: readonly string[];
}

/** A command line that makes no sense; the message says what would. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly advice: Advice;

  /** Made where a line is read. */
  constructor(message: string, advice: Advice = {}) {
    super(message);
    this.advice = advice;
  }
}

/** A word that can come next, and what it means. */
export type Candidate = readonly [word: string, help: string];

/** A value that depends on what is there: found when the line has been read. */
export type Later<T> = (context: Context) => T;

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
  /** Whether it may be given again, where `usage` does not end with `…`. */
  readonly repeats?: true;
  /**
   * Reads the operand from a word and, with `takesValue`, the next one.
   * `before` is what was read so far; `undefined` says that the word is not
   * one of this operand.
   */
  read(
    word: string,
    value: () => string,
    before: T | undefined,
  ): T | Later<T> | undefined;
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

/** What a command ends with: one output, or one after the other. */
type Result =
  | Output
  | Promise<Output>
  | AsyncIterable<Output | OutputList>;

/** One command of an object. */
export interface Command {
  /** The word behind the object's; absent: the object is the command. */
  readonly word?: string;
  /** Whether it is meant by what stands in the place of its word. */
  readonly isMeantBy?: (word: string) => boolean;
  readonly summary: string;
  /** The operands of the usage line, where some exclude others. */
  readonly form?: string;
  readonly operands: Operands;
  /** The options that it has beside those of every command. */
  readonly options?: readonly OptionName[];
  /** Words that make sense elsewhere, and what to do instead. */
  readonly hints?: Readonly<Record<string, string>>;
  /**
   * What an agent says of lines that were lost: it goes on where nobody reads
   * what it prints.
   */
  readonly lost?: (lines: number) => Output;
  /** What it does, given the values of its operands and options. */
  run(context: Context, values: never): Result;
}

/** Checks a command's types, and forgets the operands' for the table. */
export function command<O extends Operands, N extends OptionName = never>(
  definition: Omit<Command, "operands" | "options" | "run"> & {
    readonly operands: O;
    readonly options?: readonly N[];
    run(
      context: Context,
      values: Values<O> & { readonly [Name in N]: OptionValue<Name> },
    ): Result;
  },
): Command {
  return definition;
}

/** Makes an operand mandatory. */
export function required<T>(operand: Operand<T>): Operand<T, true> {
  return { ...operand, required: true };
}

const BARE = {
  required: false,
  words: [],
  values: [],
  takesValue: false,
} as const;

/** An address, known by its dots or colons. */
export function address(help: string): Operand<string, false> {
  return {
    usage: "ADDR",
    help,
    ...BARE,
    read(word, _value, before) {
      if (!/[.:]/.test(word)) return undefined;
      if (before !== undefined) {
        throw new UsageError(
          `Two addresses, "${before}" and "${word}": one is needed`,
        );
      }
      return withoutPort("port")("address", word);
    },
  };
}

/** Takes an address, and sees when a port is written into it. */
export function withoutPort(
  keyword: string,
): (keyword: string, value: string) => string {
  return (_, value) => {
    const [, v6, v4, port] =
      value.match(/^(?:\[(.*)\]|([^:]*\.[^:]*)):(\d+)$/) ?? [];
    if (port === undefined) return value;
    throw new UsageError(`Invalid address "${value}": the port is in it`, {
      hint: `write ${v6 ?? v4} ${keyword} ${port}`,
    });
  };
}

/** A keyword and its value. */
export function option<T>(
  keyword: string,
  metavar: string,
  help: string,
  parse: (keyword: string, text: string) => T | Later<T>,
  values: readonly Candidate[] = [],
): Operand<T, false> {
  return {
    usage: `${keyword} ${metavar}`,
    help,
    ...BARE,
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

/**
 * Any of some words; `canonical` turns other names for them into them. Each may
 * be given again where the metavariable ends with `…`.
 */
export function words<Word extends string>(
  metavar: string,
  help: string,
  entries: readonly (readonly [Word, string])[],
  canonical: (word: string) => string = (word) => word,
): Operand<readonly Word[], false> {
  return {
    usage: metavar,
    help,
    ...BARE,
    words: entries,
    read(word, _value, before = []) {
      const wanted = canonical(word);
      const entry = entries.find(([known]) => known === wanted);
      if (entry === undefined) return undefined;
      if (before.includes(entry[0]) && !metavar.endsWith("…")) {
        throw new UsageError(`"${word}" is given twice`);
      }
      return [...before, entry[0]];
    },
  };
}

/** Takes any text. */
export function text(_keyword: string, value: string): string {
  return value;
}

/** Takes any word. */
export function rest(
  metavar: string,
  help: string,
): Operand<readonly string[], false> {
  return {
    usage: metavar,
    help,
    ...BARE,
    read: (word, _value, before = []) => [...before, word],
  };
}

/**
 * Reads a whole number, decimal or hexadecimal; the library checks its range.
 * `ip` takes a leading zero for octal, most people do not: it is refused.
 */
export function integer(
  keyword: string,
  value: string,
  form = "a whole number is needed, decimal or 0x…",
): number {
  if (/^(0|[1-9][0-9]*|0x[0-9a-f]+)$/i.test(value)) return Number(value);
  throw new UsageError(`Invalid ${keyword} "${value}": ${form}`);
}

/**
 * Reads a connection's token, also as `ss` and events print it: hexadecimal
 * without `0x`, where it has a letter or eight digits. Digits alone have two
 * readings: that of a connection is taken.
 */
export function token(keyword: string, value: string): number | Later<number> {
  const isHex = /^([0-9a-f]{8}|(?=.*[a-f])[0-9a-f]{1,7})$/i.test(value);
  const likely = isHex
    ? parseInt(value, 16)
    : integer(keyword, value, "it is written as mptcp connection shows it");
  if (!/^[1-9]\d{1,7}$/.test(value)) return likely;
  const other = parseInt(value, isHex ? 10 : 16);
  return (context) => context.token(likely, other);
}
