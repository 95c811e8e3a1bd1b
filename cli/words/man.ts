/**
 * The manual page, in roff with the macros of man(7), from the tables.
 *
 * @module
 */

import denoJson from "../../deno.json" with { type: "json" };
import { allCommands, OBJECTS } from "../objects.ts";
import type { Candidate, Command } from "./grammar.ts";
import {
  form,
  operandRows,
  optionRow,
  PURPOSE,
  sentence,
  synopsis,
} from "./help.ts";
import {
  DESCRIPTION,
  ENVIRONMENT,
  EXAMPLES,
  EXIT_STATUS,
  FILES,
  RELEASED,
  SEE_ALSO,
} from "./manual.ts";
import { optionsOf } from "./options.ts";

/** The page, in the section of `ip-mptcp`: 8. */
export async function manPage(): Promise<string> {
  const commands = await allCommands();
  const groups = Map.groupBy(OBJECTS, ({ group }) => group);
  const objects = Array.from(groups.values()).flat()
    .flatMap(({ word, about }) => {
      const own = commands.filter(({ path }) => path[0] === word);
      // An object that is a command says itself what it is for.
      const texts = own[0]!.path.length === 1
        ? own.flatMap(described)
        : [paragraph(sentence(about))].concat(
          own.flatMap((one) => [".PP", ...described(one)]),
        );
      return [`.SS mptcp ${text(word)}`, ...texts];
    });
  return [
    `.TH MPTCP 8 ${RELEASED} "mptcp ${denoJson.version}"`,
    // Neither are words broken, nor are lines filled up with spaces.
    ...[".nh", ".ad l"],
    ...section("NAME", [`mptcp \\- ${text(PURPOSE)}`]),
    ...section("SYNOPSIS", synopsis().map(marked).map(fold).join("\n.br\n")),
    ...section("DESCRIPTION", DESCRIPTION.map(paragraph).join("\n.PP\n")),
    ...section("OPTIONS", [
      text("They may stand anywhere on the line."),
      ...optionsOf().map(optionRow).flatMap(row),
    ]),
    ...section("COMMANDS", objects),
    ...section(
      "EXIT STATUS",
      EXIT_STATUS.map(([code, means]) => [`${code}`, means] as const)
        .flatMap(row),
    ),
    ...section("ENVIRONMENT", ENVIRONMENT.flatMap(named)),
    ...section("FILES", FILES.flatMap(named)),
    ...section("EXAMPLES", EXAMPLES.flatMap(named)),
    ...section("SEE ALSO", paragraph(SEE_ALSO.join(", "))),
  ].join("\n") + "\n";
}

function section(title: string, lines: string | readonly string[]): string[] {
  return [`.SH ${title}`, ...[lines].flat()];
}

function described(
  { path, command }: {
    readonly path: readonly string[];
    readonly command: Command;
  },
): string[] {
  const line = ["mptcp", ...path, form(command)].flat().join(" ");
  const options = (command.options ?? []).map(optionRow);
  return [
    fold(marked(line)),
    ".RS 4",
    paragraph(sentence(command.summary)),
    ...[...operandRows(command), ...options].flatMap(row),
    ".RE",
  ];
}

/** A word that is typed, and below it what it means. */
function row([word, help]: Candidate): string[] {
  return [".TP", marked(word.trim()), paragraph(help)];
}

/** A name, and below it what it means. */
function named([name, help]: Candidate): string[] {
  return [".TP", bold(name), paragraph(help)];
}

function paragraph(line: string): string {
  return fold(text(line));
}

/** Words that are typed are bold, those that stand for others italic. */
function marked(line: string): string {
  return line.replaceAll(
    /[^\s[\](){}|,]+/g,
    (word) => /^[A-Z…]/.test(word) ? `\\fI${text(word)}\\fR` : bold(word),
  ).replaceAll("…", text("…"));
}

function bold(line: string): string {
  return `\\fB${text(line)}\\fR`;
}

/** Lines of no more than 80 bytes, as roff is written; none begins with a dot. */
function fold(line: string): string {
  return line.replaceAll(/(.{1,76})(?: |$)/g, "$1\n").trimEnd()
    .replaceAll(/^\./gm, "\\&.");
}

/** What roff has other signs for: else it draws quotes, dashes and accents. */
const SIGNS: Readonly<Record<string, string>> = {
  ...{ "\\": "\\e", "-": "\\-", "'": "\\(aq", '"': "\\(dq" },
  ...{ "`": "\\(ga", "^": "\\(ha", "~": "\\(ti" },
};

function text(line: string): string {
  return line.replaceAll(
    /[^ -\x7e]|[-\\'"`^~]/gu,
    (sign) => SIGNS[sign] ?? `\\[u${code(sign)}]`,
  );
}

function code(sign: string): string {
  return sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
}
