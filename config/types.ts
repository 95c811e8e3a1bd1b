/**
 * The types of what a document says. Each reads a value and names what is wrong
 * with it, and describes itself for people and as JSON Schema (draft-07).
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { nearest } from "../codec/nearest.ts";

/**
 * What YAML says by itself (its failsafe schema): each scalar is a text, and
 * what is not written is null.
 */
export type Tree =
  | string
  | null
  | readonly Tree[]
  | { readonly [key: string]: Tree };

/** The way to a value in a document: keys and list indexes. */
export type Path = readonly (string | number)[];

/** Something that is wrong in a document. */
export interface Fault {
  /** Where. */
  readonly path: Path;
  /** What. */
  readonly message: string;
  /** Whether it is the key that is wrong, not what it stands for. */
  readonly isKey?: boolean;
}

/** Collects a fault. */
export type Report = (path: Path, message: string, isKey?: boolean) => void;

/** A JSON Schema, draft-07. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Values of one type. */
export interface Type<T> {
  /** Such a value, in a few words. */
  readonly what: string;
  /** The same for an editor. */
  readonly schema: JsonSchema;
  /** What it is for, where it stands. */
  readonly doc?: string;
  /** The keys of a mapping. */
  readonly keys?: readonly Key[] | undefined;
  /** Reads a value; `undefined`: what is wrong with it is reported. */
  read(value: Tree, path: Path, report: Report): T | undefined;
}

/** A key of a mapping. */
export interface Key {
  readonly name: string;
  readonly type: Type<unknown>;
  readonly isRequired: boolean;
}

/** Says what a value is for, where it stands. */
export function doc<T>(text: string, type: Type<T>): Type<T> {
  return { ...type, doc: text, schema: { description: text, ...type.schema } };
}

/** A text in quotes and on one line, cut where it is long; a number as it is. */
export function quote(text: string): string {
  if (/^-?\d{1,20}$/.test(text)) return text;
  const short = Array.from(text.slice(0, 100));
  return JSON.stringify(
    short.length > 60 || text.length > 100
      ? `${short.slice(0, 60).join("")}…`
      : text,
  );
}

/** What a value is, where another one is needed. */
function shown(value: Tree): string {
  if (typeof value === "string") return quote(value);
  return Array.isArray(value) ? "a list" : "a mapping";
}

/** Reports that a value is not of a type. */
export function reportType(
  { what }: { readonly what: string },
  value: Tree,
  path: Path,
  report: Report,
): undefined {
  report(
    path,
    value === null
      ? `nothing is written here: ${what} is needed`
      : `must be ${what}, not ${shown(value)}`,
  );
}

/** Reports a word that is not one of those that are known. */
export function unknownWord(
  what: string,
  given: string,
  known: readonly string[],
): string {
  const near = nearest(given, known).map((word) => `"${word}"`);
  return `unknown ${what} ${quote(given)}` +
    (near.length > 0
      ? ` (did you mean ${near.join(" or ")}?)`
      : `: known are ${known.join(", ")}`);
}

/**
 * A scalar, made of its text.
 *
 * @param parse Makes a value of the text; `undefined` or an
 * `ArgumentTypeError` says that
 * it is wrong.
 */
export function scalar<T>(
  what: string,
  schema: JsonSchema,
  parse: (text: string) => T | undefined,
): Type<T> {
  return {
    what,
    schema,
    read(value, path, report) {
      if (typeof value !== "string") {
        return reportType(this, value, path, report);
      }
      try {
        return parse(value) ?? reportType(this, value, path, report);
      } catch (error) {
        if (!(error instanceof ArgumentTypeError)) throw error;
        report(path, asFault(error.message));
        return undefined;
      }
    },
  };
}

/** The message of an error as it stands behind a place: on one line. */
function asFault(message: string): string {
  return message.replace(/^[A-Z]/, (one) => one.toLowerCase())
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\0-\x1f]/g, (one) => JSON.stringify(one).slice(1, -1));
}

/** A text; `pattern` is what it has to look like. */
export function textOf(what: string, pattern: RegExp): Type<string> {
  return scalar(
    what,
    { type: "string", pattern: pattern.source },
    (text) => pattern.test(text) ? text : undefined,
  );
}

/** Any text. */
export const text: Type<string> = scalar(
  "a text",
  { type: "string" },
  (text) => text,
);

/** `true` or `false`. */
export const bool: Type<boolean> = scalar(
  "true or false",
  { type: "boolean" },
  (text) => text === "true" ? true : text === "false" ? false : undefined,
);

/** A whole number, written in decimal. */
export function integer(
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): Type<number> {
  const isBounded = maximum < Number.MAX_SAFE_INTEGER;
  const range = isBounded
    ? ` from ${minimum} to ${maximum}`
    : minimum === 0
    ? " of 0 or more"
    : "";
  return scalar(
    `a whole number${range}`,
    {
      type: "integer",
      ...Number.isSafeInteger(minimum - 1) && { minimum },
      ...isBounded && { maximum },
    },
    (text) => {
      if (/^0\d+$/.test(text)) {
        throw new ArgumentTypeError(
          `${quote(text)} has a leading 0, which may be read as octal: ` +
            `a whole number${range} is needed`,
        );
      }
      const number = Number(text);
      return /^(0|-?[1-9]\d*)$/.test(text) && number >= minimum &&
          number <= maximum
        ? number
        : undefined;
    },
  );
}

/** One of some words. */
export function oneOf<Word extends string>(
  what: string,
  ...words: readonly Word[]
): Type<Word> {
  return scalar(
    words.length > 1
      ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`
      : `${words[0]}`,
    { enum: words },
    (text) => {
      const word = words.find((word) => word === text);
      if (word === undefined) {
        throw new ArgumentTypeError(unknownWord(what, text, words));
      }
      return word;
    },
  );
}

/** A list; elements that are wrong are `undefined`. */
export function listOf<T>(item: Type<T>): Type<(T | undefined)[]> {
  return {
    what: "a list",
    get keys() {
      return item.keys;
    },
    schema: { type: "array", items: item.schema },
    read(value, path, report) {
      return Array.isArray(value)
        ? value.map((one, index) => item.read(one, [...path, index], report))
        : reportType(this, value, path, report);
    },
  };
}

/** One, or a list of at least so many; those that are wrong are left out. */
export function someOf<T>(item: Type<T>, minItems = 1): Type<T[]> {
  const list = listOf(item);
  return {
    what: `${item.what}, or a list`,
    schema: { anyOf: [item.schema, { ...list.schema, minItems }] },
    read(value, path, report) {
      if (!Array.isArray(value)) {
        const one = item.read(value, path, report);
        return one === undefined ? undefined : [one];
      }
      if (value.length < minItems) {
        report(path, `the list is empty: ${item.what} is needed`);
      }
      return list.read(value, path, report)?.filter((one) => one !== undefined);
    },
  };
}

/** What the types of a mapping's keys read; a key with `!` is required. */
export type Fields<Shape> =
  & {
    readonly [
      K in keyof Shape as K extends `${infer Name}!` ? Name : never
    ]: ValueOf<Shape[K]> | undefined;
  }
  & {
    readonly [K in keyof Shape as K extends `${string}!` ? never : K]?:
      | ValueOf<Shape[K]>
      | undefined;
  };

type ValueOf<T> = T extends Type<infer Value> ? Value : never;

/**
 * A mapping with these keys; those that end in `!` are required. A key whose
 * value is wrong is there and is `undefined`.
 */
export function mapOf<Shape extends Readonly<Record<string, Type<unknown>>>>(
  shape: Shape,
): Type<Fields<Shape>> & { readonly keys: readonly Key[] } {
  const keys = Object.entries(shape).map(([key, type]) => ({
    name: key.replace("!", ""),
    type,
    isRequired: key.endsWith("!"),
  }));
  const types = new Map(keys.map(({ name, type }) => [name, type]));
  const required = keys.filter((key) => key.isRequired).map((key) => key.name);
  return {
    what: "a mapping",
    keys,
    schema: {
      type: "object",
      properties: Object.fromEntries(
        keys.map(({ name, type }) => [name, type.schema]),
      ),
      ...required.length > 0 && { required },
      additionalProperties: false,
    },
    read(value, path, report) {
      if (!isMap(value)) return reportType(this, value, path, report);
      const found: Record<string, unknown> = {};
      for (const [key, one] of Object.entries(value)) {
        const type = types.get(key);
        if (type === undefined) {
          const message = unknownWord("key", key, [...types.keys()]);
          report([...path, key], message, true);
        } else found[key] = type.read(one, [...path, key], report);
      }
      for (const name of required) {
        if (!(name in found)) report(path, `missing key "${name}"`);
      }
      return found as Fields<Shape>;
    },
  };
}

/** Whether a value is a mapping. */
export function isMap(
  value: Tree,
): value is { readonly [key: string]: Tree } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
