import { assertEquals, assertThrows } from "@std/assert";
import { type EndpointFlag, flagBits, flagWords } from "../../ops/flags.ts";

const rows: readonly (readonly [number, EndpointFlag[]])[] = [
  [0, []],
  [1, ["signal"]],
  [2, ["subflow"]],
  [4, ["backup"]],
  [8, ["fullmesh"]],
  [16, ["implicit"]],
  [32, ["laminar"]],
  [6, ["subflow", "backup"]],
  [0x40, ["0x40"]],
  [0xc2, ["subflow", "0xc0"]],
  [0x80000000, ["0x80000000"]],
  [0xffffffff, [
    "signal",
    "subflow",
    "backup",
    "fullmesh",
    "implicit",
    "laminar",
    "0xffffffc0",
  ]],
];

Deno.test("`flagWords()` and `flagBits()` lose no bit", () => {
  for (const [bits, words] of rows) {
    assertEquals(flagWords(bits), words);
    assertEquals(flagBits(words), bits);
  }
});

Deno.test("`flagBits()` takes words in any order, twice, and as numbers", () => {
  assertEquals(flagBits(["backup", "subflow", "backup"]), 6);
  assertEquals(flagBits(["0x6", "0X1" as "0x1", "0x00000008"]), 15);
});

Deno.test("`flagBits()` refuses what is neither a word nor 32 bits", () => {
  const words = ["", "Signal", "signal ", "0x", "0x1g", "0x100000000", "1"];
  for (const word of words as EndpointFlag[]) {
    const error = assertThrows(() => flagBits([word]), TypeError);
    assertEquals(
      error.message,
      `Unknown flag "${word}": known are signal, subflow, backup, fullmesh, ` +
        "implicit, laminar",
    );
  }
});
