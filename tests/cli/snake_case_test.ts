import { assertEquals } from "@std/assert";
import {
  snakeCase,
  snakeJson,
  snakeJsonLine,
  snakeKeys,
} from "../../cli/snake_case.ts";
import { generator, type Random } from "../helpers/random.ts";

const TEXTS = ["", "eth0", 'a"b\\c', "ä漢\u{1f600}", "\n\t", "aB", "\u2028"];
const NAMES = ["rttUs", "address", "bytesSent", "lastAckReceivedMs", 'a"b'];
const OTHERS = [
  ...[null, true, false, undefined, NaN, Infinity, 9, 10, -0, -1, 2 ** 31 - 1],
  ...[2 ** 31, 2 ** 32, 2 ** 53, 1e21],
];

/** Any value that JSON has, and some that it has not. */
function randomValue(random: Random, depth = 3): unknown {
  const kind = random(depth === 0 ? 3 : 5);
  if (kind === 0) return TEXTS[random(TEXTS.length)];
  if (kind === 1) return OTHERS[random(OTHERS.length)];
  if (kind === 2) return random(1e9) / (random(2) === 0 ? 1 : 7);
  const length = random(4);
  if (kind === 3) {
    return Array.from(
      { length },
      () => randomValue(random, depth - 1) ?? null,
    );
  }
  return Object.fromEntries(
    Array.from({ length }, () => [
      NAMES[random(NAMES.length)],
      randomValue(random, depth - 1),
    ]),
  );
}

/** The same, one object after the other. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      snakeCase(name),
      renamed(field),
    ]),
  );
}

Deno.test("`snakeJson()` writes what `JSON.stringify()` does, with other names", () => {
  assertEquals(snakeCase("lastAckReceivedMs"), "last_ack_received_ms");
  const random = generator(7);
  for (let round = 0; round < 2000; round++) {
    const value = { value: randomValue(random) };
    const expected = JSON.stringify(renamed(value));
    assertEquals(snakeJson(value), expected);
    assertEquals(snakeKeys(value), JSON.parse(expected));
  }
  // What a terminal may obey, as in all JSON of the command line.
  assertEquals(snakeJson({ dev: "a\x7f\x9bb" }), '{"dev":"a\\u007f\\u009bb"}');
});

Deno.test("`snakeJsonLine()` writes values of any length, in pieces", () => {
  const lineOf = (values: unknown[]) => {
    const decoder = new TextDecoder();
    let line = "";
    for (const piece of snakeJsonLine(values)) line += decoder.decode(piece);
    return line;
  };
  const lists = [
    ...[[], [1], [{}, "a"], ["x".repeat(1_000_000), 1]],
    ...[0, 1, 2, 3].map((more) => ["x".repeat(2 ** 16 - 4 + more), "漢", null]),
    Array.from({ length: 1000 }, (_, at) => ({ text: "é".repeat(at) })),
  ];
  for (const list of lists) {
    assertEquals(lineOf(list), `${JSON.stringify(list)}\n`);
  }
});
