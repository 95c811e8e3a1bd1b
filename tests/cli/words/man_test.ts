import { assert, assertEquals, assertMatch } from "@std/assert";
import denoJson from "../../../deno.json" with { type: "json" };
import { allCommands, OBJECTS } from "../../../cli/objects.ts";
import {
  form,
  operandRows,
  optionRow,
  sentence,
  synopsis,
} from "../../../cli/words/help.ts";
import { manPage } from "../../../cli/words/man.ts";
import {
  DESCRIPTION,
  ENVIRONMENT,
  EXAMPLES,
  EXIT_STATUS,
  FILES,
  RELEASED,
  SEE_ALSO,
} from "../../../cli/words/manual.ts";
import { optionsOf, readLine } from "../../../cli/words/options.ts";
import { findCommand, readOperands } from "../../../cli/words/parse.ts";
import { root } from "../../helpers/command_line.ts";
import { missingProgram } from "../../helpers/live.ts";
import { run, wordsOf } from "../../helpers/run_main.ts";

const PAGE = await manPage();
const COMMANDS = await allCommands();

/** What roff draws, by how it is written. */
const DRAWN: Readonly<Record<string, string>> = {
  ...{ "-": "-", "e": "\\", "(aq": "'", "(dq": '"', "(ga": "`", "(ha": "^" },
  ...{ "(ti": "~", "fB": "", "fI": "", "fR": "", "&": "" },
};

/** The page as a reader of it sees it: each line of text, with its macro. */
function drawn(): string {
  return PAGE.replaceAll(
    /\\(\[u([0-9A-F]{4,6})\]|\(..|f[BIR]|[-e&])/g,
    (_, name, code) =>
      code === undefined
        ? DRAWN[name]!
        : String.fromCodePoint(parseInt(code, 16)),
  );
}

/** Without the places where lines are broken. */
function joined(): string {
  return drawn().replaceAll(/\n(?!\.[A-Z])/g, " ").replaceAll("\n", " \n");
}

Deno.test("`manPage()` has nothing that roff could mistake", () => {
  assert(!/^\.S[HS].*\n\.PP/m.test(PAGE), "mandoc skips it");
  for (const line of PAGE.trimEnd().split("\n")) {
    assertMatch(line, /^[ -~]{1,80}$/, "printable ASCII, as mandoc wants it");
    if (line.startsWith(".")) {
      assertMatch(line, /^\.(TH|SH|SS|PP|TP|RS 4|RE|br|nh|ad l)\b/);
      continue;
    }
    assertMatch(line, /^[^']/);
    const rest = line.replaceAll(
      /\\(\[u[0-9A-F]{4,6}\]|\((aq|dq|ga|ha|ti)|f[BIR]|[-e&])/g,
      "",
    );
    assertMatch(rest, /^[^-\\'"`^~]*$/, line);
  }
});

Deno.test("`manPage()` has the sections of a manual page, in their order", () => {
  assertEquals(
    Array.from(PAGE.matchAll(/^\.SH (.*)$/gm), ([, title]) => title),
    [
      ...["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS"],
      ...["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"],
    ],
  );
  assertEquals(
    Array.from(PAGE.matchAll(/^\.SS mptcp (.*)$/gm), ([, word]) => word)
      .toSorted(),
    OBJECTS.map(({ word }) => word).toSorted(),
  );
});

Deno.test("`manPage()` explains all that the tables have", () => {
  const page = joined();
  const rows = [
    ...optionsOf().map(optionRow),
    ...COMMANDS.flatMap(({ command }) => [
      ...operandRows(command),
      ...(command.options ?? []).map(optionRow),
    ]),
    ...EXIT_STATUS,
    ...ENVIRONMENT,
    ...FILES,
    ...EXAMPLES,
  ].map(([word, help]) => `.TP ${`${word}`.trim()} ${help} `);
  const texts = [
    ...synopsis(),
    ...OBJECTS.filter(({ word }) =>
      COMMANDS.some(({ path }) => path[1] && path[0] === word)
    ).map(({ word, about }) => `.SS mptcp ${word} ${sentence(about)} `),
    ...DESCRIPTION,
    ...COMMANDS.map(({ path, command }) =>
      ` ${["mptcp", ...path, form(command)].flat().join(" ")} \n` +
      `.RS 4 ${sentence(command.summary)} \n`
    ),
    SEE_ALSO.join(", "),
  ];
  for (const text of [...rows, ...texts]) assert(page.includes(text), text);
});

for (
  const [program, version, ...options] of [
    ["mandoc", "/dev/null", "-Tlint", "-Wall"],
    ["groff", "--version", "-man", "-Tutf8", "-ww", "-z"],
    ["man", "--version", "--warnings=w", "-l", "-P", "cat", "-"],
  ] as const
) {
  const missing = missingProgram(program, version);
  Deno.test({
    name: `\`${program}\` has nothing to say against \`manPage()\``,
    ignore: missing !== undefined,
    async fn() {
      const child = new Deno.Command(program, {
        args: options,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(PAGE));
      await writer.close();
      const { code, stdout, stderr } = await child.output();
      const [out, err] = [stdout, stderr].map((bytes) =>
        new TextDecoder().decode(bytes)
      );
      assertEquals([code, err], [0, ""]);
      if (program === "man") assertMatch(out!, /mptcp endpoint add ADDR/);
      else assertEquals(out, "");
    },
  });
}

Deno.test("the page, deno.json and CHANGELOG.md are of one release", () => {
  const changes = Deno.readTextFileSync(`${root}CHANGELOG.md`);
  assertEquals(
    changes.match(/^## (.*)$/m)?.[1],
    `${denoJson.version} (${RELEASED})`,
  );
});

Deno.test("`mptcp man` prints the page, with -j as a text", async () => {
  const { code, out, err } = await run("man");
  assertEquals([code, out, err], [0, PAGE, ""]);
  assertEquals(JSON.parse((await run("-j man")).out), PAGE);
});

Deno.test("the lines of the examples can be typed", async () => {
  for (const [example] of EXAMPLES) {
    const [program, ...args] = wordsOf(example);
    assertEquals(program, "mptcp");
    const { words, given } = await readLine(args);
    const { command, rest, path } = await findCommand(words);
    readOperands(command!, rest, path[0]);
    const known = optionsOf(command);
    assertEquals([...given].filter((name) => !known.includes(name)), []);
  }
});
