import { assert, assertEquals } from "@std/assert";
import { cellsOf, cutEnd, cutMiddle, folded, widest } from "../../cli/cells.ts";

Deno.test("`cellsOf()` counts what a terminal needs", () => {
  const rows: [text: string, cells: number][] = [
    ["", 0],
    ["eth0", 4],
    ["été", 3],
    ["e\u0301", 1],
    ["網卡1", 5],
    ["ｅｔｈ", 6],
    ["📶", 2],
    ["█▌…", 3],
    ["a\u200db", 2],
  ];
  for (const [text, cells] of rows) {
    assertEquals([text, cellsOf(text)], [text, cells]);
  }
});

Deno.test("`cutMiddle()` and `cutEnd()` fit, and say what they cut", () => {
  const rows: [text: string, width: number, middle: string, end: string][] = [
    ["10.0.0.1:443", 12, "10.0.0.1:443", "10.0.0.1:443"],
    ["10.0.0.1:443", 9, "10.0…:443", "10.0.0.1…"],
    ["10.0.0.1:443", 2, "…3", "1…"],
    ["10.0.0.1:443", 1, "…", "…"],
    ["10.0.0.1:443", 0, "", ""],
    // Half a character cannot be shown.
    ["網卡網卡", 7, "網…網卡", "網卡網…"],
    ["網卡網卡", 6, "網…卡", "網卡…"],
  ];
  for (const [text, width, middle, end] of rows) {
    assertEquals(
      [text, width, cutMiddle(text, width), cutEnd(text, width)],
      [text, width, middle, end],
    );
  }
  const long = "fd77:1::1 網卡 fd77:2::1";
  for (let width = 0; width < 40; width++) {
    for (const cut of [cutMiddle(long, width), cutEnd(long, width)]) {
      assert(cellsOf(cut) <= width);
      assertEquals(cut.includes("…"), width > 0 && width < cellsOf(long));
    }
  }
});

Deno.test("`widest()` takes no texts, and more than a call takes arguments", () => {
  assertEquals(widest([]), 0);
  assertEquals(widest([...Array(200_000).fill("a"), "網卡"]), 4);
});

Deno.test("`folded()` breaks lines by the cells of their words", () => {
  assertEquals(folded("dev 網卡 up", 9), ["dev 網卡", "  up"]);
  assertEquals(folded("dev 網卡 up", 8), ["dev 網卡", "  up"]);
  assertEquals(folded("dev 網卡 up", 7), ["dev", "  網卡", "  up"]);
});
