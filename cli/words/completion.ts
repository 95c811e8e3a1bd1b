import { OBJECTS } from "../objects.ts";
import type { Candidate, Command, Operand } from "./grammar.ts";
import { OPTION_NAMES, OPTIONS, optionsOf, readLine } from "./options.ts";
import { findCommand, type Found } from "./parse.ts";

/**
 * The words that can stand where the last of `given` is, with their help. A
 * word `@/folder` stands for the names in that folder; `@check` for the checks
 * of the doctor; `@dev`, `@id`, `@address` and `@token` for what is in the
 * namespace of {@linkcode netnsOf}.
 */
export async function candidates(
  given: readonly string[],
): Promise<Candidate[]> {
  const typed = given.at(-1) ?? "";
  const before = given.slice(0, -1);
  const possible = typed.startsWith("-")
    ? options((await understood(before))?.command)
    : await next(before);
  return possible.filter(([word]) =>
    word.startsWith(typed) || word.startsWith("@")
  );
}

/** The namespace that a line chooses. */
export async function netnsOf(
  given: readonly string[],
): Promise<string | undefined> {
  // Bash makes three words of `--netns=blue`.
  const words = given.slice(0, -1).join("\0").replaceAll("\0=\0", "=");
  try {
    return (await readLine(words.split("\0"))).values.netns;
  } catch {
    return undefined;
  }
}

function options(command?: Command): Candidate[] {
  return optionsOf(command).map((name) => [`--${name}`, OPTIONS[name].help]);
}

/** What the words so far mean; absent: nothing. */
async function understood(
  before: readonly string[],
): Promise<Found | undefined> {
  const words = withoutOptions(before);
  try {
    // As if for help, since an object alone is not complete yet.
    return await findCommand(words, words.length < 2);
  } catch {
    return undefined;
  }
}

async function next(before: readonly string[]): Promise<readonly Candidate[]> {
  const last = before.findLast((word) => word !== "=") ?? "";
  const option = OPTION_NAMES.find((name) => isOption(last, name));
  const { metavar, values = [] } = option === undefined ? {} : OPTIONS[option];
  if (metavar !== undefined) return values;
  const found = await understood(before);
  if (found === undefined) return [];
  const { path: [object], command, rest } = found;
  if (object === undefined) {
    const words = OBJECTS.map(({ word, about }) => [word, about] as const);
    return [...words, ...options()];
  }
  if (command === undefined) {
    const { COMMANDS } = await OBJECTS.find(({ word }) => word === object)!
      .load();
    const words = COMMANDS.map(({ word, summary }) =>
      [word!, summary] as const
    );
    const only = COMMANDS.length === 1 ? COMMANDS[0]!.operands : {};
    return [...words, ...operandWords(Object.values(only), [])];
  }
  const operands = Object.values(command.operands);
  const asked = operands.find(({ words, takesValue }) =>
    takesValue && words.some(([word]) => word === last)
  );
  if (asked !== undefined) return asked.values;
  return operandWords(operands, rest);
}

function operandWords(
  operands: readonly Operand<unknown>[],
  rest: readonly string[],
): Candidate[] {
  return operands.flatMap(({ words, values, takesValue, repeats }) => [
    ...words.filter(([word]) => repeats || !rest.includes(word)),
    ...takesValue ? [] : values,
  ]);
}

function isOption(word: string, name: (typeof OPTION_NAMES)[number]): boolean {
  const { short } = OPTIONS[name];
  return word === `--${name}` || short !== undefined && word === `-${short}`;
}

/** Bash makes three words of `--netns=blue`. */
function withoutOptions(words: readonly string[]): string[] {
  const takesValue = (word = "") =>
    word === "=" ||
    OPTION_NAMES.some((name) =>
      OPTIONS[name].metavar !== undefined && isOption(word, name)
    );
  return words.filter((word, index) =>
    !/^(-|=$)/.test(word) && !takesValue(words[index - 1])
  );
}
