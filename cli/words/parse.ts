/**
 * From words to a command and its values, by the tables.
 *
 * @module
 */

import { COMMANDS, OBJECTS } from "../objects/commands.ts";
import { type Command, type Operands, UsageError } from "./grammar.ts";

/** What the first words mean. */
export interface Found {
  /** The words in full: `["endpoint", "add"]`; `["endpoint"]` for its help. */
  readonly path: readonly string[];
  /** The command; absent: an object alone, nothing at all, or completion. */
  readonly command?: Command;
  /** The words behind them. */
  readonly rest: readonly string[];
  /** Whether they ask for help. */
  readonly help: boolean;
}

/**
 * Finds the command that the first words name. Objects and verbs may be cut
 * short as far as they stay unambiguous; `endpoint` and `limits` alone show.
 *
 * @param given The words.
 * @param asked Whether an option asks for help already.
 * @throws {UsageError} No command, or several, begin like that.
 */
export function findCommand(given: readonly string[], asked = false): Found {
  const [first, second] = given;
  if (first === undefined) return { path: [], rest: [], help: asked };
  if (first === "help") return findCommand(given.slice(1), true);
  const object = complete("object", first, OBJECTS.map(([word]) => word));
  const commands = COMMANDS.filter(({ words }) => words[0] === object);
  const found = (command: Command | undefined, used: number): Found => ({
    path: used === 1 ? [object] : command!.words,
    ...command !== undefined && { command },
    rest: given.slice(used),
    help: asked || given[used] === "help",
  });
  const hasVerbs = commands.some(({ words }) => words.length > 1);
  if (!hasVerbs) return found(commands[0], 1);
  const verbs = commands.map(({ words }) => words[1]!);
  const find = (verb: string) =>
    commands.find(({ words }) => words[1] === verb);
  if (second === "help" || second === undefined && asked) {
    return found(undefined, 1);
  }
  if (second !== undefined) {
    return found(find(complete("command", second, verbs)), 2);
  }
  const show = find("show");
  if (show !== undefined) return found(show, 1);
  throw new UsageError(
    `Incomplete command "${object}": one of ${verbs.join(", ")} is needed`,
  );
}

/** The one word that begins like that. */
function complete(
  what: string,
  given: string,
  known: readonly string[],
): string {
  if (known.includes(given)) return given;
  const candidates = given === ""
    ? []
    : known.filter((word) => word.startsWith(given));
  if (candidates.length === 1) return candidates[0]!;
  throw new UsageError(
    candidates.length === 0
      ? `Unknown ${what} "${given}": known are ${known.join(", ")}`
      : `Ambiguous ${what} "${given}": it may be ${candidates.join(" or ")}`,
  );
}

/**
 * Reads the operands of a command, in any order.
 *
 * @throws {UsageError} A word is unknown, or an operand is missing.
 */
export function readOperands(
  operands: Operands,
  given: readonly string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (let index = 0; index < given.length; index++) {
    const word = given[index]!;
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
    if (name === undefined) throw unknownWord(operands, word);
  }
  const missing = Object.entries(operands)
    .filter(([name, { required }]) => required && values[name] === undefined)
    .map(([, { usage }]) => usage);
  if (missing.length > 0) {
    throw new UsageError(
      `Incomplete command: ${missing.join(", ")} is missing`,
    );
  }
  return values;
}

function unknownWord(operands: Operands, word: string): UsageError {
  const known = Object.values(operands).flatMap((
    { usage, words, takesValue },
  ) => takesValue || words.length === 0 ? usage : words.map(([word]) => word));
  return new UsageError(
    `Unknown word "${word}": ` +
      (known.length === 0
        ? "nothing can follow here"
        : `what can stand here is ${known.join(", ")}`),
  );
}
