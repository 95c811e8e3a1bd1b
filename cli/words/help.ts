/**
 * Help and usage lines, from the tables.
 *
 * @module
 */

import { allCommands, OBJECTS } from "../objects.ts";
import type { Candidate, Command } from "./grammar.ts";
import { EXIT_STATUS } from "./manual.ts";
import { type OptionName, OPTIONS, optionsOf } from "./options.ts";

/** What goes without a command. */
const ALONE: readonly OptionName[] = ["batch", "force", "help", "version"];

/** What the program is for. */
export const PURPOSE = "controls Multipath TCP on Linux";

/** The usage line of a command. */
export function usage(
  path: readonly string[],
  command: Pick<Command, "form" | "operands">,
): string {
  return `usage: ${["mptcp", ...path, form(command)].flat().join(" ")}\n`;
}

/** What stands behind the words of a command. */
export function form(
  { form, operands }: Pick<Command, "form" | "operands">,
): string | readonly string[] {
  return form ??
    Object.values(operands).map(({ usage, required, repeats }) =>
      (required ? usage : `[${usage}]`) + (repeats ? "…" : "")
    );
}

/** The forms of all command lines. */
export function synopsis(): readonly string[] {
  const options = optionsOf().filter((name) => !ALONE.includes(name))
    .map((name) => {
      const { short, metavar } = OPTIONS[name];
      const word = short === undefined ? `--${name}` : `-${short}`;
      return metavar === undefined ? `[${word}]` : `[${word} ${metavar}]`;
    });
  return [
    `mptcp ${options.join(" ")} OBJECT { COMMAND | help }`,
    "mptcp [--force] -b FILE",
  ];
}

/** Help on everything, on an object, or on one command. */
export async function help(path: readonly string[]): Promise<string> {
  const commands = (await allCommands()).filter(({ path: words }) =>
    path.every((word, index) => words[index] === word)
  );
  const invocations = commands.map(({ path, command }) =>
    `  ${usage(path, command).slice("usage: ".length)}`
  );
  if (path.length === 0) return overview(invocations);
  const [first] = commands;
  if (commands.length === 1) return explained(first!.path, first!.command);
  const { about } = OBJECTS.find(({ word }) => word === path[0])!;
  return `mptcp ${path[0]}: ${about}\n\n` +
    commands.map(({ command }, index) =>
      `${command.summary}:\n${invocations[index]}`
    ).join("\n") +
    `\n"mptcp ${path[0]} COMMAND --help" explains the operands of one.\n`;
}

function overview(invocations: readonly string[]): string {
  const width = Math.max(...OBJECTS.map(({ word }) => word.length));
  const groups = Map.groupBy(OBJECTS, ({ group }) => group);
  return `mptcp: ${PURPOSE}\n\nusage: ${synopsis().join("\n       ")}\n` +
    Array.from(groups, ([group, objects]) =>
      `\n${group}:\n` +
      table(objects.map(({ word, about }) => [word, about]), width)).join("") +
    `\noptions, anywhere; some commands have more, and what \`ip\` takes is taken:\n${
      table(optionsOf().map(optionRow))
    }` +
    `\ncommands:\n${invocations.join("")}` +
    `\nexit codes: ${
      EXIT_STATUS.map(([code, meaning]) => `${code} ${meaning}`).join(", ")
        .replace(", 3 ", ",\n3 ")
    }\n`;
}

function explained(path: readonly string[], command: Command): string {
  const rows = operandRows(command);
  const options = optionsOf(command).filter((name) => !ALONE.includes(name));
  return `${command.summary}.\n\n${usage(path, command)}` +
    (rows.length === 0 ? "" : `\n${table(rows)}`) +
    `\noptions:\n${table(options.map(optionRow))}`;
}

/** The operands of a command, or the words that one is, and what they mean. */
export function operandRows(
  { operands }: Pick<Command, "operands">,
): readonly Candidate[] {
  return Object.values(operands).flatMap((
    { usage, help, words, takesValue },
  ) => takesValue || words.length === 0 ? [[usage, help] as const] : words);
}

/** An option, and what it means. */
export function optionRow(name: OptionName): Candidate {
  const { short, metavar, help } = OPTIONS[name];
  return [
    (short === undefined ? "    " : `-${short}, `) + `--${name}` +
    (metavar === undefined ? "" : ` ${metavar}`),
    help,
  ];
}

function table(
  rows: readonly Candidate[],
  width: number = Math.max(...rows.map(([word]) => word.length)),
): string {
  return rows.map(([word, help]) => `  ${word.padEnd(width)}  ${help}\n`)
    .join("");
}

/** A text of the tables on its own. */
export function sentence(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1) +
    (text.endsWith("?") ? "" : ".");
}
