/**
 * Help and usage lines, from the tables.
 *
 * @module
 */

import { COMMANDS, OBJECTS, OPTIONS } from "../objects/commands.ts";
import type { Candidate, Command } from "./grammar.ts";

const USAGE =
  "usage: mptcp [-j] [-n NAME|PATH|PID] OBJECT { COMMAND | help }\n";

/** The usage line of a command. */
export function usage({ words, form, operands }: Command): string {
  const parts = Object.values(operands).map(({ usage, required }) =>
    required ? usage : `[${usage}]`
  );
  return `usage: mptcp ${[...words, form ?? parts].flat().join(" ")}\n`;
}

/** Help on everything, on an object, or on one command. */
export function help(path: readonly string[]): string {
  const commands = COMMANDS.filter(({ words }) =>
    path.every((word, index) => words[index] === word)
  );
  if (path.length === 0) return overview();
  if (path[0] === "completion") return completion();
  if (commands.length === 1) return explained(commands[0]!);
  const about = OBJECTS.find(([word]) => word === path[0])![1];
  return `mptcp ${path[0]}: ${about}\n\n` +
    commands.map((command) => `${command.summary}:\n  ${invocation(command)}`)
      .join("\n") +
    `\n"mptcp ${path[0]} COMMAND --help" explains the operands of one.\n`;
}

function overview(): string {
  return "mptcp: controls Multipath TCP on Linux\n\n" + USAGE + "\n" +
    "objects:\n" + table(OBJECTS) + "\noptions, anywhere:\n" +
    table(
      OPTIONS.map(([word, help]) => [(SHORT[word] ?? "    ") + word, help]),
    ) +
    "\ncommands:\n" +
    COMMANDS.map((command) => `  ${invocation(command)}`).join("") +
    "\nexit codes: 0 done, 1 cannot talk to mptcp_pm, 2 the kernel refused, " +
    "255 usage\n";
}

/** The short forms, as the help puts them in front. */
const SHORT: { readonly [option: string]: string } = {
  "--json": "-j, ",
  "--netns": "-n, ",
  "--timestamp": "-t, ",
  "--help": "-h, ",
  "--version": "-V, ",
};

function invocation(command: Command): string {
  return usage(command).slice("usage: ".length);
}

function explained(command: Command): string {
  const rows = Object.values(command.operands).flatMap((
    { usage, help, words, takesValue },
  ) => takesValue || words.length === 0 ? [[usage, help] as const] : words);
  return `${command.summary}.\n\n${usage(command)}` +
    (rows.length === 0 ? "" : `\n${table(rows)}`);
}

function completion(): string {
  return `Print a script that completes mptcp's words in a shell.

usage: mptcp completion bash|zsh|fish

  bash  eval "$(mptcp completion bash)"      in ~/.bashrc
  zsh   eval "$(mptcp completion zsh)"       in ~/.zshrc, after compinit
  fish  mptcp completion fish | source       in ~/.config/fish/config.fish
`;
}

function table(rows: readonly Candidate[]): string {
  const width = Math.max(...rows.map(([word]) => word.length));
  return rows.map(([word, help]) => `  ${word.padEnd(width)}  ${help}\n`)
    .join("");
}
