/**
 * From words to a command and its values, by the tables.
 *
 * @module
 */

import type { Context } from "../context.ts";
import { nearest } from "../../codec/nearest.ts";
import { allCommands, OBJECTS } from "../objects.ts";
import {
  type Command,
  type Later,
  type Operand,
  type Operands,
  UsageError,
} from "./grammar.ts";
import { type OptionName, optionsOf } from "./options.ts";

/**
 * The words that may be abbreviated, by what is in front of them: those of `ip
 * mptcp`, in the order in which `matches()` in its `ip/ipmptcp.c` tries them.
 * No others, so that a new word never breaks a script.
 */
const OF_IP: { readonly [object: string]: readonly string[] } = {
  "": ["help", "endpoint", "limits", "monitor"],
  "endpoint": ["add", "change", "delete", "show", "flush"],
  "limits": ["set", "show"],
};

/** The keywords that may be abbreviated, likewise. */
const KEYWORDS_OF_IP: { readonly [object: string]: readonly string[] } = {
  "endpoint": ["id", "dev", "port"],
  "limits": ["subflows", "add_addr_accepted"],
};

/** What the first words mean. */
export interface Found {
  /** The words in full: `["endpoint", "add"]`; `["endpoint"]` for its help. */
  readonly path: readonly string[];
  /** The command; absent: an object alone, or nothing at all. */
  readonly command?: Command;
  /** The words behind them. */
  readonly rest: readonly string[];
  /** Whether they ask for help. */
  readonly help: boolean;
}

/**
 * Finds the command that the first words name; an object alone shows, and no
 * words at all are `status`.
 *
 * @param given The words.
 * @param asked Whether an option asks for help already.
 * @param plain How many of the words may ask for it.
 * @throws {UsageError} There is no such command.
 */
export async function findCommand(
  given: readonly string[],
  asked = false,
  plain: number = given.length,
): Promise<Found> {
  if (given.length === 0) {
    return asked
      ? { path: [], rest: [], help: true }
      : findCommand(["status"], false, plain);
  }
  const objects = OBJECTS.map(({ word }) => word);
  const named = OBJECTS.find(({ aliases }) => aliases?.includes(given[0]!));
  const first = named?.word ??
    inFull("", given[0]!, objects) ??
    await unknownObject(given, objects);
  if (first === "help") return findCommand(given.slice(1), true, plain - 1);
  const { COMMANDS: commands } = await OBJECTS.find(({ word }) =>
    word === first
  )!.load();
  const found = (used: number, command?: Command): Found => ({
    path: [first, ...command?.word === undefined ? [] : [command.word]],
    ...command !== undefined && { command },
    rest: given.slice(used),
    help: asked || used < plain && given[used] === "help",
  });
  const words = commands.flatMap(({ word = [] }) => word);
  if (words.length === 0) return found(1, commands[0]);
  const find = (verb: string) => commands.find(({ word }) => word === verb);
  const second = given[1];
  if (second === "help" && plain > 1 || second === undefined && asked) {
    return found(1);
  }
  const [only, ...others] = commands;
  // Where all there is to do is to show, the word may be left out.
  if (others.length === 0 && operandWords(only!.operands).includes(second!)) {
    return found(1, only);
  }
  const meant = second === undefined
    ? undefined
    : commands.find(({ isMeantBy }) => isMeantBy?.(second));
  if (meant !== undefined) return found(1, meant);
  if (second !== undefined) {
    const verb = inFull(first, second, words);
    if (verb !== undefined) return found(2, find(verb));
    const operands = others.length === 0 ? only!.operands : {};
    const [keyword, ...value] = second.split("=");
    // It may stand at the end.
    const later = given.find((word) => words.includes(word));
    const meant = later === undefined ? sameAs(second, words) : [
      ...[first, later],
      ...given.slice(1).filter((word) => word !== later),
    ].join(" ");
    const asValue = valuesIn(operands, second);
    throw unknown("command", second, [...words, ...operandWords(operands)], {
      usages: asValue.length > 0 ? [] : usagesOf(operands),
      others: [
        ...asValue,
        ...commands.filter(({ operands }) =>
          operandWords(operands).includes(keyword!)
        ).map(({ word }) => [first, word, keyword, ...value].join(" ")),
      ],
      ...meant !== undefined && { hint: `did you mean "${meant}"?` },
    });
  }
  const show = find("show");
  if (show !== undefined) return found(1, show);
  throw new UsageError(
    `Incomplete command "${first}": one of ${words.join(", ")} is needed`,
  );
}

/** What other programs call the same. */
const SAME = [
  ["show", "list", "ls", "get"],
  ["add", "create", "new"],
  ["delete", "destroy", "remove", "rm"],
  ["change", "set", "modify"],
  ["flush", "clear"],
];

/** The known word for what is called something else elsewhere. */
function sameAs(given: string, known: readonly string[]): string | undefined {
  const same = SAME.find((words) => words.includes(given)) ?? [given];
  return same.find((word) => known.includes(word));
}

/** The operands that have the word as a value. */
function valuesIn(operands: Operands, given: string): string[] {
  return Object.values(operands)
    .filter(({ values }) => values.some(([value]) => value === given))
    .map(({ words }) => `${words[0]![0]} ${given}`);
}

/** The words that operands begin with. */
function operandWords(operands: Operands): string[] {
  return Object.values(operands)
    .flatMap(({ words }) => words.map(([word]) => word));
}

/** What follows in a usage makes sense behind its beginning only. */
function usagesOf(
  operands: Operands,
  values: Readonly<Record<string, unknown>> = {},
): string[] {
  return Object.entries(operands).map(([name, { usage }]) =>
    values[name] === undefined ? usage.replace(/ (\[|\| ).*/, "") : usage
  );
}

/** The word that is meant. */
function inFull(
  object: string,
  given: string,
  known: readonly string[],
): string | undefined {
  if (known.includes(given)) return given;
  return given === ""
    ? undefined
    : OF_IP[object]?.find((word) => word.startsWith(given));
}

function unknown(
  what: string,
  given: string,
  known: readonly string[],
  advice: ConstructorParameters<typeof UsageError>[1],
): UsageError {
  const message = `Unknown ${what} "${given}": known are ${known.join(", ")}`;
  return new UsageError(message, { given, known, ...advice });
}

/** Throws; the word may be a command of an object that was left out. */
async function unknownObject(
  [first, second]: readonly string[],
  objects: readonly string[],
): Promise<never> {
  const given = first!;
  const paths = (await allCommands()).map(({ path }) => path)
    .filter(([, verb]) => verb !== undefined && sameAs(given, [verb]));
  // Or of one that stands behind it.
  const swapped = paths.filter(([object]) =>
    nearest(second ?? "", [object!]).length > 0
  );
  const found = swapped.length > 0 ? swapped : paths;
  throw unknown("object", given, objects, {
    known: [...objects, ...OBJECTS.flatMap(({ aliases = [] }) => aliases)],
    others: [
      ...found.map((path) => path.join(" ")),
      ...optionsOf().filter((name) => name === given)
        .map((name) => `--${name}`),
    ],
    ...["ip", "mptcp"].includes(given) &&
      { hint: `leave "${given}" out, as in mptcp endpoint show` },
  });
}

/**
 * Reads the operands of a command, in any order.
 *
 * @param command The command.
 * @param given The words.
 * @param object The object that the command is one of.
 * @throws {UsageError} A word is unknown, or an operand is missing.
 */
export function readOperands(
  { operands, hints = {}, options = [] }: Pick<
    Command,
    "operands" | "hints" | "options"
  >,
  given: readonly string[],
  object = "",
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (let index = 0; index < given.length; index++) {
    const word = keyword(object, operands, given[index]!);
    const value = () => {
      const next = given[++index];
      if (next !== undefined) return next;
      throw new UsageError(
        `Incomplete command: "${word}" needs a value, as in ` +
          Object.values(operands).find(({ words }) =>
            words.some(([known]) => known === word)
          )!.usage,
      );
    };
    const name = Object.keys(operands).find((name) => {
      const read = operands[name]!.read(word, value, values[name]);
      if (read !== undefined) values[name] = read;
      return read !== undefined;
    });
    if (name === undefined) {
      throw unknownWord(
        operands,
        word,
        Object.hasOwn(hints, word) ? hints[word] : undefined,
        options,
        values,
      );
    }
  }
  const missing = Object.entries(operands)
    .filter(([name, { required }]) => required && values[name] === undefined)
    .map(([, { usage }]) => usage);
  if (missing.length > 0) {
    throw new UsageError(
      `Incomplete command: ${missing.join(", ")} ` +
        (missing.length > 1 ? "are missing" : "is missing"),
    );
  }
  return values;
}

/** Finds the values that depend on what is there. */
export function settle(
  values: Readonly<Record<string, unknown>>,
  context: Context,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "function" ? (value as Later<unknown>)(context) : value,
    ]),
  );
}

/** The keyword that is meant. */
function keyword(object: string, operands: Operands, given: string): string {
  const known = operandWords(operands);
  if (given === "" || known.includes(given)) return given;
  return KEYWORDS_OF_IP[object]?.find((word) =>
    word.startsWith(given) && known.includes(word)
  ) ?? given;
}

/** What to do with the name of a value that stands alone, as `address`. */
function superfluous(
  operands: readonly Operand<unknown>[],
  given: string,
): string | undefined {
  const isName = operands.some(({ usage, takesValue }) => {
    const [, name] = usage.match(/^([A-Z]{3,})…?$/) ?? [];
    return !takesValue && name !== undefined &&
      given.toUpperCase().startsWith(name);
  });
  return isName ? `leave "${given}" out` : undefined;
}

function unknownWord(
  operands: Operands,
  given: string,
  hint: string | undefined,
  options: readonly OptionName[],
  values: Readonly<Record<string, unknown>>,
): UsageError {
  const all = Object.values(operands);
  const usages = all.flatMap(({ usage, words, takesValue }) =>
    takesValue || words.length === 0 ? usage : words.map(([word]) => word)
  );
  const asValue = valuesIn(operands, given);
  return new UsageError(
    `Unknown word "${given}": ` +
      (usages.length === 0
        ? "nothing can follow here"
        : `what can stand here is ${usages.join(", ")}`),
    {
      hint: hint ?? superfluous(all, given) ??
        (usages.length === 0 && /\/|\.[a-z]+$/.test(given)
          ? '"> FILE" at the end writes what it prints into a file'
          : undefined),
      given,
      known: operandWords(operands),
      usages: asValue.length > 0 ? [] : usagesOf(operands, values),
      others: [
        ...asValue,
        ...optionsOf({ options }).filter((name) => name === given)
          .map((name) => `--${name}`),
      ],
    },
  );
}
