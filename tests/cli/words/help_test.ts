import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { allCommands, OBJECTS } from "../../../cli/objects.ts";
import { UsageError } from "../../../cli/words/grammar.ts";
import { help, usage } from "../../../cli/words/help.ts";
import {
  type OptionName,
  OPTIONS,
  optionsOf,
} from "../../../cli/words/options.ts";
import { findCommand, readOperands } from "../../../cli/words/parse.ts";
import { kernelWith, run, wordsOf } from "../../helpers/run_main.ts";

const objects = OBJECTS.map(({ word }) => word);
const COMMANDS = await allCommands();

/** Asserts that a line prints help, on stdout and with success. */
async function assertHelp(line: string, expected: string): Promise<void> {
  assertEquals([line, await run(line)], [line, {
    code: 0,
    out: expected,
    err: "",
    opened: [],
  }]);
}

Deno.test("`--help`, `-h` and `help` explain everything, an object or a command", async () => {
  const paths = [
    [],
    ...objects.map((object) => [object]),
    ...COMMANDS.map(({ path }) => path),
  ];
  for (const path of paths) {
    const line = path.join(" ");
    const expected = await help(path);
    await assertHelp(`help ${line}`.trim(), expected);
    await assertHelp(`${line} help`.trim(), expected);
    for (const option of ["--help", "-h"]) {
      await assertHelp(`${line} ${option}`.trim(), expected);
      await assertHelp(`${option} -j ${line}`.trim(), expected);
    }
  }
  for (const { path } of COMMANDS) {
    // A user who does not know how to go on has begun already.
    await assertHelp(
      `${path.join(" ")} 10.0.0.1 --help id`,
      await help(path),
    );
  }
});

Deno.test("`--help` takes abbreviations, and refuses what is unknown", async () => {
  await assertHelp("e a --help", await help(["endpoint", "add"]));
  await assertHelp("l -h", await help(["limits"]));
  for (const line of ["foo --help", "endpoint foo --help", "l x --help"]) {
    const { code, out, err } = await run(line);
    assertEquals([code, out], [255, ""]);
    assertStringIncludes(err, "Unknown");
  }
});

/** The rows of tables, the columns apart. */
function rowsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("  "))
    .map((line) => line.trim().split(/  +/));
}

/** The row of an option. */
function optionRow(name: OptionName): string[] {
  const { short, metavar, help } = OPTIONS[name];
  const words = [...short === undefined ? [] : [`-${short}`], `--${name}`];
  return [[words.join(", "), metavar ?? []].flat().join(" "), help];
}

function assertRow(rows: readonly string[][], row: string[]): void {
  assert(rows.some((one) => one.join("|") === row.join("|")), row.join("|"));
}

Deno.test("`help()` lists all objects, commands, and options of every command", async () => {
  const overview = await help([]);
  const rows = rowsOf(overview);
  for (const { word, about, group } of OBJECTS) {
    assertRow(rows, [word, about]);
    assertStringIncludes(overview, `\n${group}:\n`);
  }
  for (const name of optionsOf()) assertRow(rows, optionRow(name));
  for (const { path, command } of COMMANDS) {
    assertRow(rows, [usage(path, command).slice("usage: ".length).trim()]);
  }
  for (const code of ["0 ", "1 ", "2 ", "255 "]) {
    assertStringIncludes(overview.split("exit codes: ")[1]!, code);
  }
});

Deno.test("`help()` on an object lists its commands, and what each does", async () => {
  for (const { path, command: { summary } } of COMMANDS) {
    const text = await help(path.slice(0, 1));
    assertStringIncludes(text, summary);
    assertStringIncludes(text, path.join(" "));
  }
});

Deno.test("`help()` on a command explains every operand, word and option", async () => {
  for (const { path, command } of COMMANDS) {
    const rows = rowsOf(await help(path));
    const { operands, options = [] } = command;
    for (const { usage, help, words, takesValue } of Object.values(operands)) {
      if (takesValue || words.length === 0) assertRow(rows, [usage, help]);
      else for (const row of words) assertRow(rows, [...row]);
    }
    for (const name of [...options, "json", "netns"] as const) {
      assertRow(rows, optionRow(name));
    }
    for (const row of rows) assertEquals(row.length, 2, row.join());
    const explained = rows.map(([word]) => word);
    assertEquals(new Set(explained).size, explained.length);
  }
});

Deno.test("`help()` begins each help text in lower case, each summary in upper case", () => {
  for (const { command: { summary, operands } } of COMMANDS) {
    assert(/^[A-Z].*[^.]$/.test(summary), summary);
    for (const { help, words } of Object.values(operands)) {
      for (const text of [help, ...words.map(([, help]) => help)]) {
        assert(/^(I[Pp]v|TCP|[a-z]).*[^.]$/.test(text), text);
      }
    }
  }
});

/**
 * All lines that a usage line allows: `a [b] (c | d)` is `a c`, `a d`, `a b c`
 * and `a b d`.
 */
function linesOf(usage: string): string[] {
  const tokens = usage.match(/[[\]()|]|[^\s[\]()|]+(\|[^\s[\]()|]+)*/g)!
    .filter((token) => token !== "…");
  const alternatives = (): string[] => {
    const all: string[] = [];
    let lines = [""];
    for (;;) {
      const token = tokens.shift();
      if (token === undefined || token === "]" || token === ")") {
        return [...all, ...lines];
      }
      if (token === "|") {
        all.push(...lines);
        lines = [""];
        continue;
      }
      const next = token === "["
        ? ["", ...alternatives()]
        : token === "("
        ? alternatives()
        : [token];
      lines = lines.flatMap((line) =>
        next.map((part) => `${line} ${part}`.trim())
      );
    }
  };
  return alternatives();
}

const EXAMPLES: { readonly [metavar: string]: string } = {
  "ADDR": "10.0.0.1",
  "IF": "eth2",
  "N": "1",
  "T": "5",
  "S": "established",
  "SECONDS": "1",
  "TIME": "500ms",
  "GLOB": "eth*",
  "FILE.ts": "tests/programs/own_policy.ts",
  "A": "10.0.0.1",
  "B": "10.0.0.2",
  "HOST:PORT": "10.0.0.1:443",
  "ADDR…": "10.0.0.1",
  "FLAG…": "signal",
  "CHANGE…": "backup",
  "NAME…": "created",
  "WORD…": "limits",
  "backup|nobackup": "nobackup",
  "to|from": "from",
};

/** The command lines that the usage of a command allows, without `mptcp`. */
function examplesOf({ path, command }: typeof COMMANDS[number]): string[] {
  return linesOf(usage(path, command).slice("usage: mptcp ".length)).map((
    line,
  ) => wordsOf(line).map((word) => EXAMPLES[word] ?? word).join(" "));
}

Deno.test("`usage()` shows lines that can be typed like that", async () => {
  assertEquals(linesOf("a [b] (c | d)"), ["a c", "a d", "a b c", "a b d"]);
  for (const expected of COMMANDS) {
    const lines = examplesOf(expected);
    const seen = new Set<string>();
    for (const line of lines) {
      const { command, rest } = await findCommand(wordsOf(line));
      assertEquals(command, expected.command);
      const values = readOperands(expected.command, rest);
      for (const name of Object.keys(values)) seen.add(name);
    }
    assertEquals(seen, new Set(Object.keys(expected.command.operands)));
  }
});

/** What can be given again of an operand that is more than one. */
const AGAIN: { readonly [usage: string]: string } = {
  "to|from ADDR [port N] …": "to 10.0.0.1",
};

Deno.test("`usage()` shows what may be given again, and all words", () => {
  for (const { path, command: { operands } } of COMMANDS) {
    for (const [name, operand] of Object.entries(operands)) {
      const { usage, words, takesValue, repeats = false } = operand;
      const given = (line: string) =>
        wordsOf(line).map((word) => EXAMPLES[word] ?? word);
      const sample = given(linesOf(usage).at(-1)!);
      const again = AGAIN[usage] === undefined ? sample : given(AGAIN[usage]);
      const only = { operands: { [name]: operand } };
      const readsAgain = () => {
        try {
          readOperands(only, [...sample, ...again]);
          return true;
        } catch (error) {
          if (error instanceof UsageError) return false;
          throw error;
        }
      };
      readOperands(only, sample);
      const where = `${path.join(" ")}: ${usage}`;
      assertEquals([where, readsAgain()], [
        where,
        repeats || usage.endsWith("…"),
      ]);
      if (!takesValue) continue;
      for (const [word] of words) {
        assertEquals([where, usage.match(/[\w-]+/g)!.includes(word)], [
          where,
          true,
        ]);
      }
    }
  }
});

Deno.test("`usage()` shows no alternative that is refused", async () => {
  for (const one of COMMANDS.filter(({ command }) => command.form)) {
    for (const line of examplesOf(one)) {
      const kernel = await kernelWith("10.0.0.1 signal port 1 dev eth2");
      assertEquals(await run(line, kernel).then(({ err }) => [line, err]), [
        line,
        "",
      ]);
    }
  }
});

Deno.test("`usage()` leaves nothing out that is required", () => {
  for (const { command } of COMMANDS) {
    const { operands, form } = command;
    const required = Object.values(operands).filter((one) => one.required);
    for (const { usage: missing } of required) {
      const others = required.filter(({ usage }) => usage !== missing)
        .flatMap(({ usage }) => wordsOf(usage))
        .map((word) => EXAMPLES[word] ?? word);
      assertThrows(
        () => readOperands(command, others),
        UsageError,
        missing,
      );
      if (form !== undefined) assertStringIncludes(form, missing);
    }
  }
});
