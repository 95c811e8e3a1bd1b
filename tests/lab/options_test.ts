import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readOptions, USAGE } from "../../lab/options.ts";

Deno.test("`readOptions()` reads what the laboratory is to be like", () => {
  const rows: [line: string, expected: object][] = [
    ["", {}],
    ["--paths 3", { paths: 3 }],
    ["--paths=3 --traffic", { paths: 3, traffic: true }],
    ["--rate 0.5 --delay=20 --loss 1.5", {
      ...{ rate: 0.5, delayMs: 20, lossPercent: 1.5 },
    }],
    ["--paths 3 --paths 0", { paths: 0 }],
  ];
  for (const [line, expected] of rows) {
    assertEquals(
      readOptions(line.split(" ").filter((word) => word !== "")),
      { paths: 2, rate: 40, traffic: false, ...expected },
      line,
    );
  }
  assertEquals(readOptions(["--paths", "3", "--help"]), undefined);
  assertEquals(readOptions(["-h"]), undefined);
});

Deno.test("`readOptions()` refuses what it does not know", () => {
  const rows: [line: string, message: string][] = [
    ["paths 3", 'unknown option "paths"'],
    ["--path 3", 'unknown option "--path"'],
    ["--constructor 3", 'unknown option "--constructor"'],
    ["--traffic=1", 'unknown option "1"'],
    ["--paths", "--paths takes a number: --paths N"],
    ["--paths --traffic", "--paths takes a number"],
    ["--delay=", "--delay takes a number: --delay MS"],
    ["--loss -1", "--loss takes a number"],
    ["--rate 40mbit", "--rate takes a number: --rate MBIT"],
  ];
  for (const [line, message] of rows) {
    assertThrows(() => readOptions(line.split(" ")), TypeError, message);
  }
});

Deno.test("the help lists every option that is read", () => {
  for (const name of ["paths", "rate", "delay", "loss"]) {
    assertStringIncludes(USAGE, `--${name} `);
    assertThrows(() => readOptions([`--${name}`]), TypeError, "takes a number");
  }
  for (const word of ["--traffic", "--help"]) {
    assertStringIncludes(USAGE, word);
    readOptions([word]);
  }
});
