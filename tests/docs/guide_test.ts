/** What README.md and the guide show, held against the command line. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { UsageError } from "../../cli/words/grammar.ts";
import { optionsOf, readLine } from "../../cli/words/options.ts";
import { findCommand, readOperands } from "../../cli/words/parse.ts";
import { parseConfig } from "../../config/mod.ts";
import { blocks, documents, textOf } from "../helpers/shell_lines.ts";

const pages = documents().filter((name) => name.endsWith(".md"));

/** Pages that one looks things up in. */
const REFERENCE = [
  ...["README", "commands", "configuration", "ip-mptcp", "json", "scenarios"],
];

Deno.test("README.md is one screen and a half", () => {
  const lines = textOf("README.md").split("\n").length - 1;
  assertEquals(lines <= 150, true, `${lines} lines`);
});

Deno.test("each page of the guide ends with a check that it worked", () => {
  const without = pages.filter((page) =>
    page.startsWith("docs/") &&
    !REFERENCE.some((name) => page === `docs/${name}.md`) &&
    textOf(page).split("\n## ").at(-1)?.split("\n")[0] !==
      "Check that it worked"
  );
  assertEquals(without, []);
});

/** A command line of a console block, and what it shows behind it. */
interface Shown {
  readonly page: string;
  readonly words: readonly string[];
  readonly output: string;
}

/** The words of a line that are not quoted as one. */
function split(line: string): string[] {
  return Array.from(
    line.matchAll(/'([^']*)'|"([^"]*)"|(\|\||&&|[|;&])|([^\s|;&]+)/g),
    ([, single, double, operator, word]) =>
      single ?? double ?? (operator === undefined ? word! : "\n"),
  );
}

/** The commands of this program in a line. */
function* commandsOf(line: string): Generator<readonly string[]> {
  const words = [...split(line.replaceAll(/\\\n\s*/g, "")), "\n"];
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== "mptcp" || words[at - 1] === "ip") continue;
    // A comparison, and what a function of the shell is called with.
    if (words[at - 1] === "=" || words[at + 1] === "$@") continue;
    const end = words.findIndex((word, index) =>
      index > at && /^(\n|#|\d?[<>].*)$/.test(word)
    );
    yield words.slice(at + 1, end);
    at = end;
  }
}

const shown: readonly Shown[] = pages.flatMap((page) =>
  blocks(textOf(page), "console").flatMap(([, block]) =>
    Array.from(
      block!.matchAll(/^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)/gm),
      ([, line, output]) => ({ line: line!, output: output! }),
    ).flatMap(({ line, output }) =>
      Array.from(commandsOf(line), (words) => ({ page, words, output }))
    )
  )
);

/** What is wrong with a command line, as far as no kernel is needed to see it. */
async function faultOf(words: readonly string[]): Promise<string | undefined> {
  try {
    const line = await readLine(words);
    const { command, rest, path } = await findCommand(line.words);
    if (line.values.batch !== undefined || command === undefined) {
      return undefined;
    }
    const known = optionsOf(command);
    const odd = [...line.given].find((name) => !known.includes(name));
    if (odd !== undefined) return `misplaced option --${odd}`;
    readOperands(command, rest, path[0]);
    return undefined;
  } catch (error) {
    if (error instanceof UsageError || error instanceof RangeError) {
      return error.message;
    }
    throw error;
  }
}

Deno.test("the commands of the console blocks are taken, or refused as shown", async () => {
  assertNotEquals(shown, []);
  const wrong: string[] = [];
  for (const { page, words, output } of shown) {
    const fault = await faultOf(words);
    if (fault !== undefined && !output.replaceAll('\\"', '"').includes(fault)) {
      wrong.push(`${page}: mptcp ${words.join(" ")}: ${fault}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("the configuration files of the guide are right", async () => {
  const files = pages.flatMap((page) =>
    blocks(textOf(page), "yaml").map(([, file]) => [page, file!] as const)
  );
  assertNotEquals(files, []);
  for (const [page, file] of files) await parseConfig(file, page);
});

Deno.test("docs/own-path-manager.md names each callback and each method", () => {
  const page = textOf("docs/own-path-manager.md");
  const names = [
    ...textOf("policy/policy.ts").matchAll(/^ {2}(\w+)\?\(/gm),
    ...textOf("policy/managed_connection.ts")
      .matchAll(/^ {2}(?!constructor)(\w+)\([^]*?\): \w+ \{$/gm),
  ].map(([, name]) => name!);
  assertEquals(names.includes("tick") && names.includes("setBackup"), true);
  const missing = names.filter((name) =>
    !page.includes("`" + name + "`") && !page.includes("`" + name + "(")
  );
  assertEquals(missing, []);
});

/** What stands for a value in a command that a text names. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  ADDR: "10.0.2.1",
  DEV: "eth1",
  FILE: "mptcp.yaml",
  "HOST:PORT": "192.0.2.1:443",
  N: "2",
  T: "0x1a6d021d",
  TIME: "10s",
};

Deno.test("the commands that the text names are taken", async () => {
  const wrong: string[] = [];
  for (const page of pages) {
    const text = textOf(page).replaceAll(/^```[^]*?^```$/gm, "");
    for (const [, line] of text.matchAll(/`mptcp\s+([^`]+)`/g)) {
      // Something is left out there.
      if (/[…[\]{}]/.test(line!)) continue;
      const [words = []] = commandsOf(`mptcp ${line!.replaceAll("\n", " ")}`);
      const fault = await faultOf(
        words.map((word) => PLACEHOLDERS[word] ?? word),
      );
      // The name of a command alone is the beginning of one.
      if (fault?.startsWith("Incomplete ") === false) {
        wrong.push(`${page}: mptcp ${line}: ${fault}`);
      }
    }
  }
  assertEquals(wrong, []);
});
