/**
 * Writes docs/commands.md, the reference of the command line, from the tables
 * that `--help` and `mptcp man` are made of, or checks that it is there.
 *
 * usage: deno task cli-page [--check]
 *
 * @module
 */

import { allCommands, OBJECTS } from "../cli/objects.ts";
import type { Candidate } from "../cli/words/grammar.ts";
import {
  form,
  operandRows,
  optionRow,
  sentence,
  synopsis,
} from "../cli/words/help.ts";
import {
  ENVIRONMENT,
  EXAMPLES,
  EXIT_STATUS,
  FILES,
} from "../cli/words/manual.ts";
import { optionsOf } from "../cli/words/options.ts";
import { code, table, writePage } from "./page.ts";

const COMMANDS = await allCommands();

function rows(head: string, entries: readonly Candidate[]): string {
  return table(
    [head, "meaning"],
    entries.map(([word, help]) =>
      [code(word.trim()), help].map((cell) => cell.replaceAll("|", "\\|"))
    ),
  );
}

function lines(text: readonly string[]): string {
  return `\`\`\`text\n${text.join("\n")}\n\`\`\`\n`;
}

/** What can be done with an object. */
function object({ word, about }: typeof OBJECTS[number]): string {
  const commands = COMMANDS.filter(({ path }) => path[0] === word);
  const isCommand = commands[0]!.path.length === 1;
  return `### mptcp ${word}\n\n${isCommand ? "" : `${sentence(about)}\n\n`}` +
    commands.map(({ path, command }) => {
      const { summary, options = [] } = command;
      const words = ["mptcp", ...path];
      const entries = [...operandRows(command), ...options.map(optionRow)];
      return (isCommand ? "" : `#### ${words.join(" ")}\n\n`) +
        `${sentence(summary)}\n\n` +
        lines([[...words, form(command)].flat().join(" ")]) +
        (entries.length === 0 ? "\n" : `\n${rows("word", entries)}\n`);
    }).join("");
}

const groups = Array.from(
  Map.groupBy(OBJECTS, ({ group }) => group),
  ([group, objects]) =>
    `## ${sentence(group).slice(0, -1)}\n\n${objects.map(object).join("")}`,
);

if (import.meta.main) {
  await writePage(
    "commands.md",
    `# The command line

<!-- made by \`deno task cli-page\` -->

What \`mptcp --help\` says, on one page; \`mptcp man | man -l -\` shows the same.
Operands stand in any order. What \`ip mptcp\` takes is taken, as short.

${lines(synopsis())}
${
      rows(
        "command",
        EXAMPLES,
      )
    }
## Options

They may stand anywhere on the line. Some commands have more.

${rows("option", optionsOf().map(optionRow))}
${groups.join("")}
## Exit codes

${rows("code", EXIT_STATUS.map(([code, means]) => [`${code}`, means]))}
## Environment

${rows("variable", ENVIRONMENT)}
## Files

${rows("file", FILES)}`,
    "deno task cli-page",
  );
}
