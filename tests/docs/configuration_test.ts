/** What docs/configuration.md shows of a file, held against what is said of it. */
import { assertEquals } from "@std/assert";
import { parseConfig } from "../../config/mod.ts";
import { blocks, textOf } from "../helpers/shell_lines.ts";

const page = textOf("docs/configuration.md");
const example = blocks(page, "yaml")[0]![1]!;
const shown = blocks(page, "console")[0]![1]!;

Deno.test("the file of docs/configuration.md is right", async () => {
  const { limits, endpoints, governs } = await parseConfig(example);
  assertEquals(limits, { subflows: 4, addAddrAccepted: 2 });
  assertEquals([endpoints?.length, governs], [2, "all"]);
});

Deno.test("docs/configuration.md shows what is said of a wrong file", async () => {
  const wrong = [
    ["path_manager", "path-manager"],
    ["[subflow, backup]", "[subflow, bakup]"],
    ["192.168.0.0/16", "192.168.1.0/16"],
  ].reduce((text, [right, wrong]) => text.replace(right!, wrong!), example);
  const { message } = await parseConfig(wrong, "mptcp.yaml")
    .then(() => ({ message: "nothing is wrong" }), (error: Error) => error);
  assertEquals(shown, `$ mptcp plan mptcp.yaml\n${message}\n`);
});
