/** docs/keep.md shows what `plan`, `apply` and `export` print. */
import { assertEquals } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { freshPage } from "../../tools/guide_page.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";
import { textOf } from "../helpers/shell_lines.ts";

/** Ansible is too much to install for this. */
const ANSIBLE = /^## With Ansible$[^]*?(?=^## )/m;
/** What another kernel changes, and spaces that the formatter removes. */
const CHANCE = /(?<=on Linux )\S+|(?<=nothing to do: )\d+| +$/gm;

liveTest("docs/keep.md is what the commands print", async () => {
  const page = textOf("docs/keep.md").replace(ANSIBLE, "");
  assertEquals(
    (await freshPage(page)).replaceAll(CHANCE, ""),
    page.replaceAll(CHANCE, ""),
  );
}, Lab.missing() ?? missingProgram("jq", "--version"));
