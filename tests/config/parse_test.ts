import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { DocumentError, parseConfig } from "../../config/mod.ts";
import { ArgumentTypeError } from "../../mod.ts";
import { BAD_FILES } from "./bad_files.ts";
import { GOOD_FILES } from "./good_files.ts";
import { assertInTime, bestOf } from "../helpers/in_time.ts";

/** What is wrong in a text. */
async function errorOf(text: string): Promise<DocumentError> {
  return await assertRejects(() => parseConfig(text, "f"), DocumentError);
}

Deno.test("each bad file is refused with all that is wrong in it", async () => {
  assert(BAD_FILES.length > 180);
  for (const [text, ...faults] of BAD_FILES) {
    const { message } = await errorOf(text);
    assertEquals(
      [text, ...message.split("\n").map((line) => line.replace(/^f:? ?/, ""))],
      [text, ...faults],
    );
  }
});

Deno.test("a fault has line, column, path and message", async () => {
  const error = await errorOf("limits:\n  subflow: 3\nendpoints: [1]\n");
  assertEquals(error.name, "DocumentError");
  assertEquals(error.file, "f");
  assertEquals(error.faults, [
    {
      line: 2,
      column: 3,
      path: "limits.subflow",
      message: 'unknown key "subflow" (did you mean "subflows"?)',
    },
    {
      line: 3,
      column: 13,
      path: "endpoints[0]",
      message: "must be a mapping with address or match, not 1",
    },
  ]);
  await assertRejects(
    () => parseConfig(undefined as never),
    ArgumentTypeError,
    "Invalid configuration undefined: a text is needed",
  );
  const { message } = await assertRejects(() => parseConfig(""), DocumentError);
  assertMatch(message, /^configuration: there is nothing in it/);
});

Deno.test("a good file means what is written", async () => {
  for (const [text, config] of GOOD_FILES) {
    assertEquals<unknown>(await parseConfig(text), config, text);
  }
});

const MEGABYTE = 1 << 20;

/** As much of something as a file may hold. */
const full = (part: string, before = "", after = "") =>
  before + part.repeat(
    Math.floor((MEGABYTE - before.length - after.length) / part.length),
  ) + after;

/** A list of ten aliases of a list of ten aliases, and so on. */
const EXPLODING = Array.from(
  { length: 10 },
  (_, at) =>
    `a${at}: &a${at} [${at === 0 ? "x" : `*a${at - 1},`.repeat(10)}]\n`,
).join("");

const TOO_DEEP = /^f(:\d+:\d+)?: lists and mappings are nested too deeply$/;

/** Files that try to take long, or much. */
const HOSTILE: Readonly<
  Record<string, readonly [text: string, message: RegExp]>
> = {
  "10 MB": [
    "limits: {}\n".repeat(MEGABYTE),
    /^f: it is longer than 1048576 ch/,
  ],
  "20,000 brackets": ["[".repeat(20_000), TOO_DEEP],
  "20,000 closed brackets": [
    `limits: ${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    TOO_DEEP,
  ],
  "1,000 brackets": [`a: ${"[".repeat(1000)}${"]".repeat(1000)}`, TOO_DEEP],
  "20,000 dashes": ["- ".repeat(20_000), TOO_DEEP],
  "33 levels of not": [
    `endpoints: [{ match: ${"{ not: ".repeat(33)}x${"}".repeat(34)}]`,
    TOO_DEEP,
  ],
  "exploding aliases": [EXPLODING, /^f:2:10: aliases are not supported/],
  "a list in itself": ["limits: &a [*a]", /^f:1:13: aliases are not supp/],
  "a mapping in itself": [
    "&a\nlimits: *a",
    /^f:2:9: aliases are not supported/,
  ],
  "brackets behind a key that is there twice": [
    `a: 1\na: 2\nb: ${"[".repeat(100_000)}`,
    /^f:2:1: duplicated mapping key$/,
  ],
  "anchors behind a key that is there twice": [
    full("&a ", "a: 1\na: 2\nb: "),
    /^f:2:1: duplicated mapping key$/,
  ],
  "many endpoints": [
    full("- { address: 10.0.0.1 }\n", "endpoints:\n"),
    /^f:2:1: endpoints: 43690 addresses: no .*\nf:3:14: endpoints\[1\].address: duplicate address/,
  ],
  "many ports": [
    `endpoints: [${
      Array.from(
        { length: 20_000 },
        (_, at) => `{address: 1.1.1.1, flags: signal, port: ${at + 1}}`,
      )
    }]`,
    /^f:1:12: endpoints: 20000 addresses: no kernel holds more than 64$/,
  ],
  "many unknown keys": [
    `limits: {${Array.from({ length: 90_000 }, (_, at) => `k${at}: 1`)}}`,
    /^f:1:10: limits.k0: unknown .*\n(f:1:.*\n){49}f: and 89950 more$/,
  ],
  "many ids": [
    full("1-9,", "governs: { ids: [", "x] }"),
    /ids\[\d+\]: must be/,
  ],
  "a long key": [
    full("k", "", ": 1"),
    /^f:1:1: \["k{60}…"\]: unknown key "k{60}…"/,
  ],
  "a long flag": [
    full("backup", "endpoints: [{ address: 10.0.0.1, flags: ", " }]"),
    /: unknown flag "(backup){10}…": known are/,
  ],
  "a long address": [
    full("1:", "endpoints: [{ address: ", "1 }]"),
    /: must be an IPv4 or IPv6 address, not "(1:){30}…"$/,
  ],
  "a long number": [full("9", "limits: { subflows: ", "}"), /from 0 to 64/],
  "spaces": [full(" ", "limits: 1 ", "# x"), /^f:1:9: limits: must be a map/],
  "line breaks": [full("\n", "limits: 1", "x: 1"), /^f:1:9: limits: must/],
  "comments": [full("# #\n", "limits: 1\n"), /^f:1:9: limits: must/],
  "tabs": [full("\t", "limits: 1", "# x"), /^f:1:9: limits: must/],
  "quotes": [full("''", "limits: '", "'"), /^f:1:9: limits: must be a mapping/],
  "escapes": [full("\\\\", 'limits: "', '"'), /^f:1:9: limits: must be a map/],
  "colons": [full(":", "limits: x", "x"), /^f:1:9: limits: must be a mapping/],
  "lines of a scalar": [full("\n x", "limits: x"), /^f:1:9: limits: must be/],
  "lines of a block": [full("\n x", "limits: |"), /^f:1:9: limits: must be/],
  "hashes": [full("#", "limits: x"), /^f:1:9: limits: must be a mapping/],
  "anchors": [full("&a ", "limits: ", "*"), /^f:1:\d+: \S+/],
  "dashes": [full("- x\n", "limits:\n"), /^f:2:1: limits: must be a mapping/],
};

for (const [what, [text, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a file is refused in no time: ${what}`, async () => {
    const error = await bestOf(async () => {
      const start = performance.now();
      const error = await errorOf(text);
      assertInTime(performance.now() - start, 5_000, what);
      return error;
    });
    assertMatch(error.message, message);
    assertLess(error.message.length, 20_000);
  });
}
