import { assert, assertEquals, assertThrows } from "@std/assert";
import { until } from "../../testing/lab.ts";
import { deno, environment, root } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { growthOf, judge } from "./flatness.ts";
import { Random } from "./random.ts";
import { difference, possessions } from "./vitals.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** A weight after each of some cycles, give or take up to 100 KiB. */
function series(
  length: number,
  weight: (cycle: number) => number,
): number[] {
  const random = new Random(length);
  return Array.from(
    { length },
    (_, cycle) => 8 * MIB + weight(cycle) + random.below(200 * KIB) - 100 * KIB,
  );
}

const allowance = { once: 2 * MIB, perCycle: KIB };

const FLAT: Readonly<Record<string, (cycle: number) => number>> = {
  "noise": () => 0,
  "less and less": (cycle) => -KIB * cycle,
  "a step in the middle": (cycle) => cycle < 2000 ? 0 : 64 * MIB,
  "three steps": (cycle) => 10 * MIB * Math.floor(cycle / 1100),
  "what is compiled at first": (cycle) => MIB * Math.log(cycle + 1),
  "cycles that stand out": (cycle) => cycle % 3 === 0 ? 64 * MIB : 0,
  "a leak that is allowed": (cycle) => KIB / 2 * cycle,
};

for (const [name, weight] of Object.entries(FLAT)) {
  Deno.test(`memory is flat: ${name}`, () => {
    const { growth, limit, isFlat } = judge(series(4000, weight), allowance);
    assert(isFlat, `${growth} of ${limit}`);
  });
}

const LEAKS: Readonly<Record<string, (cycle: number) => number>> = {
  "2 KiB with each cycle": (cycle) => 2 * KIB * cycle,
  "64 KiB with each twentieth cycle": (cycle) =>
    64 * KIB * Math.floor(cycle / 20),
  "a leak, and what stands out": (cycle) =>
    2 * KIB * cycle + (cycle % 3 === 0 ? 64 * MIB : 0),
  "a leak, and pages given back": (cycle) =>
    2 * KIB * cycle - 10 * MIB * Math.floor(cycle / 1700),
};

for (const [name, weight] of Object.entries(LEAKS)) {
  Deno.test(`memory is not flat: ${name}`, () => {
    const { growth, limit, isFlat } = judge(series(4000, weight), allowance);
    assert(!isFlat, `${growth} of ${limit}`);
  });
}

Deno.test("`growthOf()` finds what a series grows by", () => {
  const bare = Array.from({ length: 100 }, (_, cycle) => 7 + 3 * cycle);
  assertEquals(Math.round(growthOf(bare)), 3);
  const growth = growthOf(series(4000, (cycle) => 2 * KIB * cycle));
  assert(Math.abs(growth - 2 * KIB) < 100, `${growth}`);
  assertThrows(() => growthOf([1, 2, 3]), RangeError, "Too few values: 3");
});

Deno.test("a short run may grow by what happens once", () => {
  const weight = (cycle: number) => 100 * KIB * cycle;
  assert(judge(series(16, weight), allowance).isFlat);
  assert(!judge(series(64, weight), allowance).isFlat);
});

Deno.test("`difference()` counts what is there several times", () => {
  const rows: [before: string[], after: string[], expected: string[]][] = [
    [["a", "b"], ["b", "a"], []],
    [["a"], ["a", "a"], ["+ a"]],
    [["a", "a"], ["a"], ["- a"]],
    [["a", "b"], ["b", "c"], ["+ c", "- a"]],
  ];
  for (const [before, after, expected] of rows) {
    assertEquals(difference(before, after), expected);
  }
});

liveTest("`possessions()` shows what a process has", async () => {
  const before = possessions();
  {
    using _file = Deno.openSync("/dev/zero");
    await using child = new Deno.Command("sleep", { args: ["60"] }).spawn();
    const now = () => difference(before, possessions());
    assert(now().includes("+ descriptor /dev/zero"), `${now()}`);
    // The kernel names it a moment after spawn() has returned.
    await until(() => now().includes("+ process sleep"), "a process");
    child.kill();
  }
  const after = difference(before, possessions());
  assertEquals(after.filter((one) => /zero|sleep/.test(one)), []);
});

/** Soaks for some seconds. */
function spawn(program: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(deno[0]!, {
    args: [
      ...deno.slice(1),
      ...["--quiet", "-A", "--v8-flags=--expose-gc"],
      `${root}tests/soak/${program}`,
      ...args,
    ],
    env: environment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What came of it; nothing is left. */
async function end(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  const left = Array.from(Deno.readDirSync("/run/netns"), ({ name }) => name)
    .filter((name) => name.startsWith(`mptcp-${child.pid}-`));
  assertEquals(left, []);
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

const FAILURES: Readonly<Record<string, string>> = {
  descriptor: "\\+ descriptor socket",
  memory: "heap: .* NOT FLAT",
  rejection: "which nobody expects",
};

for (const [leak, expected] of Object.entries(FAILURES)) {
  liveTest(`a soak fails by a ${leak} too many`, async () => {
    const { code, out, err } = await end(
      spawn("leaky.ts", leak, "--minutes", "0"),
    );
    assertEquals(code, 1, out + err);
    assert(new RegExp(expected).test(out + err), out + err);
  });
}

for (const [signal, number] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  liveTest(`${signal} ends a soak early, and nothing is left`, async () => {
    const child = spawn("main.ts");
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    child.kill(signal);
    const { code, err } = await end(child);
    assertEquals([code, err], [number, ""]);
  });
}
