import { assertEquals } from "@std/assert";
import { jsonLine, printable } from "../../cli/printable.ts";

Deno.test("`printable()` shows what a terminal would obey", () => {
  const rows: [text: string, shown: string][] = [
    ["eth0\t網卡\n", "eth0\t網卡\n"],
    ["\x1b[2J\x9b", "\\x1b[2J\\x9b"],
    ...[0x061c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069].map((code) =>
      [
        `a${String.fromCharCode(code)}b`,
        `a\\u${code.toString(16).padStart(4, "0")}b`,
      ] as [string, string]
    ),
  ];
  for (const [text, shown] of rows) assertEquals(printable(text), shown);
  const name = "a\u202eb";
  assertEquals(jsonLine(name), '"a\\u202eb"\n');
  assertEquals(JSON.parse(jsonLine(name)), name);
});
