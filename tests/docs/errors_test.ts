/** docs/errors.md names each error and each hint that there is. */
import { assertEquals, assertNotEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { CLASSES } from "../../tools/errors_page.ts";
import { root } from "../helpers/command_line.ts";
import { textOf } from "../helpers/shell_lines.ts";

const page = textOf("docs/errors.md");

Deno.test("docs/errors.md names each class of errors that is exported", async () => {
  const classes = new Set<string>();
  for (const [name, file] of Object.entries(denoJson.exports)) {
    if (name === "./cli") continue;
    const exported = await import(`../../${file.slice(2)}`);
    for (const [name, value] of Object.entries(exported)) {
      const isError = typeof value === "function" &&
        value.prototype instanceof Error;
      if (isError) classes.add(name);
    }
  }
  assertNotEquals(classes.size, 0);
  // The one that all of them extend is explained in the text.
  assertEquals(page.includes("All\nothers extend `MptcpError`"), true);
  classes.delete("MptcpError");
  assertEquals(Object.keys(CLASSES).toSorted(), [...classes].toSorted());
});

Deno.test("docs/errors.md names each hint of a command that succeeds", () => {
  const section = page.split("\n## Hints of commands")[1]!.split("\n## ")[0]!;
  const source = Deno.readTextFileSync(`${root}ops/advice.ts`)
    .replace(/^[^]*?\n\n\/\*\* /, "").replaceAll(/"\s*\+\s*"/g, "")
    .replaceAll(/^ *\*.*$|\/\*.*$/gm, "");
  // The pieces of its sentences, between what differs.
  const pieces = Array.from(
    source.matchAll(/`([^`]*)`|"([^"]*)"/g),
    ([, template = "", text = ""]) => [...template.split(/\$\{[^}]*\}/), text],
  ).flat().map((piece) => piece.trim()).filter((piece) => / /.test(piece));
  assertNotEquals(pieces, []);
  assertEquals(pieces.filter((piece) => !section.includes(piece)), []);
});
