/** What docs/scenarios.md is made of. */
import { assert, assertEquals } from "@std/assert";
import { SCENARIOS } from "../../tools/scenarios.ts";
import { partOf } from "../../tools/scenarios/part.ts";
import { quantile } from "../../tools/scenarios/scene.ts";
import { deno, root, run } from "../helpers/command_line.ts";

const page = Deno.readTextFileSync(`${root}docs/scenarios.md`);

Deno.test("each scenario has figures and pictures in docs/scenarios.md", () => {
  for (const { name } of SCENARIOS) {
    const [, rest = ""] = page.split(
      `<!-- made by \`deno task scenarios ${name}\` -->`,
    );
    const [part = ""] = rest.split("<!-- end -->");
    assert(/^\|.*\d/m.test(part), name);
    const pictures = [
      ...part.matchAll(/^!\[(.+)\]\((scenarios\/\w+\.svg)\)$/gm),
    ];
    assert(pictures.length > 0, name);
    for (const [, , file] of pictures) {
      const svg = Deno.readTextFileSync(`${root}docs/${file}`);
      assert(svg.startsWith("<svg ") && svg.endsWith("</svg>\n"), file);
    }
  }
});

Deno.test("a scenario that there is not is told", () => {
  const { code, err } = run([
    ...[...deno, "-A", `${root}tools/scenarios.ts`, "nothing"],
  ]);
  assertEquals(code, 2, err);
  assertEquals(err.startsWith('There is no scenario "nothing": keep'), true);
});

Deno.test("`quantile()` lies between the values", () => {
  const values = [40, 10, 30, 20];
  const rows = [[0, 10], [0.5, 25], [1, 40], [0.9, 37]] as const;
  for (const [share, expected] of rows) {
    assertEquals(Math.round(quantile(values, share)), expected);
  }
});

Deno.test("`partOf()` shows commands, what they said, figures and pictures", () => {
  const part = partOf({
    console: [["manage keep", "[now] open\n"]],
    head: ["", "with"],
    rows: [["median", "3 s"]],
    pictures: [["keep.svg", "messages"]],
  });
  assertEquals(
    part.split("\n").slice(0, -2),
    [
      "```console",
      "$ mptcp -n client manage keep",
      "[now] open",
      "```",
      "",
      "|  | with |",
      "| --- | --- |",
      "| median | 3 s |",
      "",
      "![messages](scenarios/keep.svg)",
      "",
    ],
  );
});
