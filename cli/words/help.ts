/**
 * Help and usage lines, from the tables.
 *
 * @module
 */

import { allCommands, OBJECTS } from "../objects.ts";
import type { Candidate, Command } from "./grammar.ts";
import { type OptionName, OPTIONS, optionsOf } from "./options.ts";

/** What goes without a command. */
const ALONE: readonly OptionName[] = ["batch", "force", "help", "version"];

/** The usage line of a command. */
export function usage(
  path: readonly string[],
  { form, operands }: Pick<Command, "form" | "operands">,
): string {
  const parts = Object.values(operands).map(({ usage, required }) =>
    required ? usage : `[${usage}]`
  );
  return `usage: mptcp ${[...path, form ?? parts].flat().join(" ")}\n`;
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
  const options = optionsOf().filter((name) => !ALONE.includes(name))
    .map((name) => {
      const { short, metavar } = OPTIONS[name];
      const word = short === undefined ? `--${name}` : `-${short}`;
      return metavar === undefined ? `[${word}]` : `[${word} ${metavar}]`;
    });
  const width = Math.max(...OBJECTS.map(({ word }) => word.length));
  const groups = Map.groupBy(OBJECTS, ({ group }) => group);
  return "mptcp: controls Multipath TCP on Linux\n\n" +
    `usage: mptcp ${options.join(" ")} OBJECT { COMMAND | help }\n` +
    "       mptcp [--force] -b FILE\n" +
    Array.from(groups, ([group, objects]) =>
      `\n${group}:\n` +
      table(objects.map(({ word, about }) => [word, about]), width)).join("") +
    `\noptions, anywhere; some commands have more, and what \`ip\` takes is taken:\n${
      table(optionsOf().map(optionRow))
    }` +
    `\ncommands:\n${invocations.join("")}` +
    "\nexit codes: 0 done, 1 cannot talk to mptcp_pm, 2 refused, 3 a problem " +
    "was found,\n4 timed out, 5 there is something to do, 255 usage\n";
}

function explained(path: readonly string[], command: Command): string {
  const rows = Object.values(command.operands).flatMap((
    { usage, help, words, takesValue },
  ) => takesValue || words.length === 0 ? [[usage, help] as const] : words);
  const options = optionsOf(command).filter((name) => !ALONE.includes(name));
  return `${command.summary}.\n\n${usage(path, command)}` +
    (rows.length === 0 ? "" : `\n${table(rows)}`) +
    `\noptions:\n${table(options.map(optionRow))}`;
}

function optionRow(name: OptionName): Candidate {
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
