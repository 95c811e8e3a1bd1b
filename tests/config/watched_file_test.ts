import { assertEquals } from "@std/assert";
import { type FileNews, WatchedFile } from "../../config/watched_file.ts";

/** What a look finds: a text, nothing, or an error; `!` says that it is whole. */
type Look = string | undefined | Error;

const changed = (text: string): FileNews => ({ state: "changed", text });
const unreadable = (why: string): FileNews => ({
  ...{ state: "unreadable", error: new Error(why) },
});
const same: FileNews = { state: "same" };
const missing = unreadable("there is no such file");

const ROWS: readonly (readonly [string, Look[], (FileNews | undefined)[]])[] = [
  [
    "the first whole text counts at once, a change when it is calm",
    ["a!", "a", "b", "b", "b"],
    [changed("a"), undefined, undefined, changed("b"), undefined],
  ],
  [
    "what is half written never counts",
    ["a!", "", "b", "bc", "bcd", "bcd"],
    [changed("a"), ...Array(4), changed("bcd")],
  ],
  [
    "what is changed and changed back is as it was",
    ["a!", "b", "a", "b", "a"],
    [changed("a"), ...Array(4)],
  ],
  [
    "an empty file is a text, too",
    ["a!", "", ""],
    [changed("a"), undefined, changed("")],
  ],
  [
    "that it is gone is told once, and that it is back",
    ["a!", undefined, undefined, "a", "a", undefined, "b", "b"],
    [
      ...[changed("a"), missing, undefined, same],
      ...[undefined, missing, undefined, changed("b")],
    ],
  ],
  [
    "each reason is told once",
    ["a!", new Error("no"), new Error("no"), undefined, new Error("no"), "a"],
    [
      ...[changed("a"), unreadable("no"), undefined, missing],
      ...[unreadable("no"), same],
    ],
  ],
  [
    "what somebody says is whole counts, and there is news of it",
    ["a!", "b!", "b!", "c", "c!"],
    [changed("a"), changed("b"), same, undefined, changed("c")],
  ],
];

for (const [what, looks, news] of ROWS) {
  Deno.test(`a watched file: ${what}`, () => {
    let found: Look;
    const file = new WatchedFile(() => {
      if (typeof found === "string") return found;
      throw found ?? new Error("there is no such file");
    });
    const told = looks.map((look) => {
      const isWhole = typeof look === "string" && look.endsWith("!");
      found = isWhole ? look.slice(0, -1) : look;
      const news = file.look(isWhole);
      const isOther = typeof found === "string" && news?.state !== "changed";
      assertEquals(file.isChanging && !isOther, false);
      return news;
    });
    assertEquals(told, news);
    assertEquals(file.isChanging, false);
  });
}
