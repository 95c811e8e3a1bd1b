import { preload } from "../../mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { deno, root, run } from "../helpers/command_line.ts";
import { golden, goldenLines, goldenNames } from "../helpers/golden.ts";
import { TARGETS as BROKEN } from "./broken_targets.ts";
import found from "./found.jsonl" with { type: "text" };
import { fuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

// Some command lines read files: within a test the library would be a leak.
preload();

/** A row of `found.jsonl`. */
interface Row {
  readonly target: string;
  readonly problem: string;
  readonly hex: string;
}

/** The first line says what the file is. */
for (const { target, problem, hex } of goldenLines<Row>(found)) {
  Deno.test(`${target} no longer does this: ${problem}`, async () => {
    assert(await TARGETS[target]!.run(Uint8Array.fromHex(hex)) !== "");
  });
}

const INPUTS = 500;
const SEED = 8684;

for (const [name, target] of Object.entries(TARGETS)) {
  Deno.test(`${INPUTS} random inputs find nothing in ${name}`, async () => {
    const report = await fuzz(name, target, { seed: SEED, inputs: INPUTS });
    assertEquals(report.found, undefined);
    assertEquals(report.inputs, INPUTS);
  });
}

/** What the `DecodeError`s of the codec say: each place that makes one. */
function refusals(): string[] {
  const folder = new URL("../../codec/", import.meta.url);
  return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
    .flatMap(({ name }) =>
      Array.from(
        Deno.readTextFileSync(new URL(name, folder)).matchAll(
          /new DecodeError\(\s*(["`])([^]*?)\1,/g,
        ),
        ([, , text]) => text!,
      )
    );
}

Deno.test("random inputs come to each place that refuses bytes", async () => {
  const reached = new Set<string>();
  for (const name of Object.keys(TARGETS)) {
    if (!/^decode(?!Event|Attrs [^e])/.test(name)) continue;
    const { outcomes } = await fuzz(name, TARGETS[name]!, {
      seed: SEED,
      inputs: 3_000,
    });
    for (const outcome of Object.keys(outcomes)) reached.add(outcome);
  }
  const texts = [...reached].join("\n");
  const places = refusals();
  assert(places.length >= 8, `${places.length} places are found`);
  for (const place of places) {
    const pattern = place.split(/\$\{[^}]*\}/).map((part) =>
      part.replaceAll(/\d+/g, "N").replaceAll(/[^\w ]/g, "\\$&")
    ).join(".*");
    assertMatch(texts, new RegExp(`: ${pattern} at byte N$`, "m"));
  }
});

Deno.test("every prefix of a capture is read or refused", async () => {
  const captures = Map.groupBy(
    goldenNames().map((name) => golden(name).bytes),
    ({ length }) => length,
  );
  const targets = Object.entries(TARGETS)
    .filter(([name]) => /^decode(?!Attrs)/.test(name));
  const whole = new Set<string>();
  for (const [bytes] of captures.values()) {
    for (let end = 0; end <= bytes!.length; end++) {
      const cut = bytes!.slice(0, end);
      const right = cut.slice();
      if (end >= 4) new DataView(right.buffer).setUint32(0, end, true);
      for (const [name, { run }] of targets) {
        const outcomes = [await run(cut), await run(right)];
        if (end === bytes!.length) whole.add(`${name}: ${outcomes[0]}`);
      }
    }
  }
  for (const name of ["NlMessages", "GenlPayload", "Ack", "Family"]) {
    assert(whole.has(`decode${name}: decoded`), name);
  }
});

/** Runs the program on targets that are wrong on purpose, or on the right ones. */
function fuzzAside(...args: string[]) {
  return run([
    ...deno,
    ...["-A", "--quiet", "--v8-flags=--expose-gc"],
    `${root}tests/fuzz/main.ts`,
    ...args,
  ]);
}

const broken = ["--from", new URL("./broken_targets.ts", import.meta.url).href];

const problems = {
  "throws another error": /^RangeError: Offset \d+ is outside\n +at /,
  "trusts a length": /^RangeError: Offset is outside/,
  "multiplies its input": /^Finding: \d+ bytes became \d+ values/,
  "takes long": /^it takes \d+ ms$/,
};
for (const [name, problem] of Object.entries(problems)) {
  Deno.test(`the fuzzer finds what ${name}, and finds it again`, async () => {
    const target = BROKEN[name]!;
    const { found } = await fuzz(name, target, { seed: 1, inputs: 10_000 });
    assertMatch(found!.problem, problem);
    const input = Uint8Array.fromHex(found!.hex!);
    if (name !== "takes long") {
      await assertRejects(async () => {
        await target.run(input);
      });
    }
    const again = await fuzz(name, target, {
      seed: 1,
      inputs: found!.index! + 1,
    });
    assertEquals(again.found!.hex, found!.hex);
  });
}

Deno.test("the fuzzer finds what does not end, and says with which input", () => {
  const name = "does not end";
  const { code, out } = fuzzAside(
    ...broken,
    ...["--target", name, "--seed", "1", "--inputs", "10000"],
    ...["--patience", "2"],
  );
  assertEquals(code, 1, out);
  assertMatch(out, /^it hangs: no end in 2000 ms$/m);
  const { hex } = JSON.parse(out.match(/^\{.*\}$/m)![0]);
  // What makes it go on for ever, by its definition.
  assertEquals(Uint8Array.fromHex(hex).length % 97, 60);
});

Deno.test("the fuzzer finds what grows", () => {
  const { code, out } = fuzzAside(
    ...broken,
    ...["--target", "keeps its input", "--inputs", "20000"],
  );
  assertEquals(code, 1, out);
  assertMatch(out, /^the heap grew by \d{7,} bytes$/m);
});

Deno.test("the fuzzer does the same for the same seed, and finds nothing", () => {
  const [one, other] = [1, 2].map(() => {
    const { code, out } = fuzzAside(
      ...["--target", "decodeNlMessages", "--seed", "7", "--inputs", "5000"],
    );
    assertEquals(code, 0, out);
    assertMatch(out, /^5,000 inputs in .*: nothing found$/m);
    assertMatch(out, /heap -?[\d,]+ bytes$/m);
    return out.match(/^ +[\d,]+ {2}\w.*$/gm);
  });
  assertEquals(one, other);
  assert(one!.length >= 3);
});
