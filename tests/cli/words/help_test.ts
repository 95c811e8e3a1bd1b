import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { COMMANDS, OBJECTS, OPTIONS } from "../../../cli/objects/commands.ts";
import { type Command, UsageError } from "../../../cli/words/grammar.ts";
import { help, usage } from "../../../cli/words/help.ts";
import { findCommand, readOperands } from "../../../cli/words/parse.ts";
import { kernelWith, run, wordsOf } from "../run.ts";

const objects = OBJECTS.map(([word]) => word);

/** Asserts that a line prints help, on stdout and with success. */
async function assertHelp(line: string, expected: string): Promise<void> {
  assertEquals([line, await run(line)], [line, {
    code: 0,
    out: expected,
    err: "",
    opened: [],
  }]);
}

Deno.test("`--help` explains everything, an object or a command, wherever it stands", async () => {
  for (const option of ["--help", "-h"]) {
    await assertHelp(option, help([]));
    await assertHelp(`${option} -j`, help([]));
    for (const object of objects) {
      await assertHelp(`${object} ${option}`, help([object]));
      await assertHelp(`${option} ${object}`, help([object]));
    }
    for (const { words } of COMMANDS) {
      const line = words.join(" ");
      await assertHelp(`${line} ${option}`, help(words));
      await assertHelp(`${option} ${line}`, help(words));
      // Whoever does not know how to go on has begun already.
      await assertHelp(`${line} 10.0.0.1 ${option} id`, help(words));
    }
  }
});

Deno.test("`help` does what `--help` does, at each level", async () => {
  await assertHelp("help", help([]));
  for (const object of objects) {
    await assertHelp(`${object} help`, help([object]));
  }
});

Deno.test("`help` does what `--help` does behind a command", async () => {
  for (const { words } of COMMANDS) {
    await assertHelp(`${words.join(" ")} help`, help(words));
  }
});

Deno.test("`help` in front explains what follows", async () => {
  for (const object of objects) {
    await assertHelp(`help ${object}`, help([object]));
  }
  for (const { words } of COMMANDS) {
    await assertHelp(`help ${words.join(" ")}`, help(words));
  }
});

Deno.test("`--help` takes abbreviations, and refuses what is unknown", async () => {
  await assertHelp("e a --help", help(["endpoint", "add"]));
  await assertHelp("l -h", help(["limits"]));
  for (const line of ["foo --help", "endpoint foo --help", "l s --help"]) {
    const { code, out, err } = await run(line);
    assertEquals([code, out], [255, ""]);
    assert(/Unknown|Ambiguous/.test(err), err);
  }
});

Deno.test("`help()` lists all objects, options and commands", () => {
  const overview = help([]);
  for (const [word, about] of [...OBJECTS, ...OPTIONS]) {
    assert(
      overview.split("\n").some((line) =>
        line.startsWith("  ") && line.trimEnd().endsWith(`  ${about}`) &&
        line.split(/[ ,]+/).includes(word)
      ),
      `${word} is not explained`,
    );
  }
  for (const command of COMMANDS) {
    assertStringIncludes(overview, usage(command).slice("usage: ".length));
  }
  for (const code of ["0 ", "1 ", "2 ", "255 "]) {
    assertStringIncludes(overview.split("exit codes: ")[1]!, code);
  }
});

Deno.test("`help()` on an object lists its commands, and what each does", () => {
  for (const object of objects) {
    for (const command of COMMANDS.filter(({ words }) => words[0] === object)) {
      assertStringIncludes(help([object]), command.summary);
      assertStringIncludes(help([object]), command.words.join(" "));
    }
  }
});

Deno.test("`help()` on a command explains every operand and every word", () => {
  for (const { words, operands } of COMMANDS) {
    const rows = help(words).split("\n").filter((line) => line.startsWith("  "))
      .map((line) => line.trim().split(/  +/));
    const explained = rows.map(([word]) => word);
    for (const { usage, words, takesValue } of Object.values(operands)) {
      const needed = takesValue || words.length === 0
        ? [usage]
        : words.map(([word]) => word);
      for (const word of needed) {
        assert(explained.includes(word), `${word} is not explained`);
      }
    }
    for (const row of rows) assertEquals(row.length, 2, row.join());
    assertEquals(new Set(explained).size, explained.length);
  }
});

Deno.test("`help()` begins each help text in lower case, each summary in upper case", () => {
  for (const { summary, operands } of COMMANDS) {
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
  const tokens = usage.match(/[[\]()|]|[^\s[\]()|]+(\|[^\s[\]()|]+)*/g)!;
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
  "A": "10.0.0.1",
  "B": "10.0.0.2",
  "FLAG…": "signal",
  "CHANGE…": "backup",
  "NAME…": "created",
  "backup|nobackup": "nobackup",
};

/** The command lines that the usage of a command allows, without `mptcp`. */
function examplesOf(command: Command): string[] {
  return linesOf(usage(command).slice("usage: mptcp ".length)).map((line) =>
    wordsOf(line).map((word) => EXAMPLES[word] ?? word).join(" ")
  );
}

Deno.test("`usage()` shows lines that can be typed like that", () => {
  assertEquals(linesOf("a [b] (c | d)"), ["a c", "a d", "a b c", "a b d"]);
  for (const expected of COMMANDS) {
    const lines = examplesOf(expected);
    const seen = new Set<string>();
    for (const line of lines) {
      const { command, rest } = findCommand(wordsOf(line));
      assertEquals(command, expected);
      const values = readOperands(expected.operands, rest);
      for (const name of Object.keys(values)) seen.add(name);
    }
    assertEquals(seen, new Set(Object.keys(expected.operands)));
  }
});

Deno.test("`usage()` shows no alternative that is refused", async () => {
  for (const command of COMMANDS.filter(({ form }) => form !== undefined)) {
    for (const line of examplesOf(command)) {
      const kernel = await kernelWith("10.0.0.1 signal port 1 dev eth2");
      assertEquals(await run(line, kernel).then(({ err }) => [line, err]), [
        line,
        "",
      ]);
    }
  }
});

Deno.test("`usage()` leaves nothing out that is required", () => {
  for (const { words, operands, form } of COMMANDS) {
    const required = Object.values(operands).filter((one) => one.required);
    for (const { usage: missing } of required) {
      const others = required.filter(({ usage }) => usage !== missing)
        .flatMap(({ usage }) => wordsOf(usage))
        .map((word) => EXAMPLES[word] ?? word);
      const { command, rest } = findCommand([...words, ...others]);
      assertThrows(
        () => readOperands(command!.operands, rest),
        UsageError,
        missing,
      );
      if (form !== undefined) assertStringIncludes(form, missing);
    }
  }
});
