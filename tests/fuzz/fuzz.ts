import { generatorAt } from "../helpers/random.ts";
import type { Target } from "./target.ts";

/** Nothing that is well takes so long, in milliseconds. */
const SLOW_MS = 100;

/** What the heap may grow by from the middle of a run to its end, in bytes. */
const GROWTH = 4_000_000;

/** Outcomes that are told apart; the others are not counted. */
const MAX_OUTCOMES = 500;

/** In how many parts a run is weighed. */
const PARTS = 8;

/** How much to try. */
export interface Amount {
  /** The inputs depend on this, on the target's name and on their number. */
  readonly seed: number;
  /** How many inputs; absent: no limit. */
  readonly inputs?: number;
  /** For how long, in milliseconds; absent: no limit. */
  readonly ms?: number;
}

/** An input that leads to what should not be. */
export interface Found {
  readonly target: string;
  readonly seed: number;
  /** The input's number; absent where it is about all of them. */
  readonly index?: number;
  /** The input in hexadecimal digits. */
  readonly hex?: string;
  /** What should not be, and where it came from. */
  readonly problem: string;
}

/** What came of a target. */
export interface Report {
  readonly target: string;
  readonly inputs: number;
  readonly ms: number;
  /** How often each outcome was. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** By how many bytes the heap grew; absent: it was not weighed. */
  readonly growth?: number;
  readonly found?: Found;
}

/** The input of a number. */
export function inputAt(
  name: string,
  target: Target,
  seed: number,
  index: number,
): ReturnType<Target["make"]> {
  return target.make(generatorAt(seed, name, index));
}

/** The heap without garbage, where there is a collector to call. */
function weigh(): number | undefined {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  // What is freed by the first is counted out by the second.
  gc();
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/**
 * Tries one input after the other, up to the first finding.
 *
 * @param tick Is told each number before it is tried.
 */
export async function fuzz(
  name: string,
  target: Target,
  { seed, inputs = Infinity, ms = Infinity }: Amount,
  tick: (index: number) => void = () => {},
): Promise<Report> {
  const outcomes = new Map<string, number>();
  const weights: (number | undefined)[] = [];
  const start = performance.now();
  // Most of the time would go into stacks that nobody reads.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  let index = 0;
  let problem: string | undefined;
  let now = start;
  for (; index < inputs && now - start < ms; index++) {
    tick(index);
    const input = inputAt(name, target, seed, index);
    const before = now;
    try {
      const outcome = target.run(input);
      const kind = typeof outcome === "string" ? outcome : await outcome;
      const times = outcomes.get(kind) ?? 0;
      if (times > 0 || outcomes.size < MAX_OUTCOMES) {
        outcomes.set(kind, times + 1);
      }
    } catch {
      Error.stackTraceLimit = stackTraceLimit;
      problem = await problemOf(target, inputAt(name, target, seed, index));
      break;
    }
    now = performance.now();
    if (now - before > SLOW_MS) {
      const least = await leastOf(3, target, input);
      if (least > SLOW_MS) {
        problem = `it takes ${least.toFixed()} ms`;
        break;
      }
      now = performance.now();
    }
    const done = Math.max(index / inputs, (now - start) / ms);
    if (done * PARTS >= weights.length + 1) weights.push(weigh());
  }
  Error.stackTraceLimit = stackTraceLimit;
  const report = {
    target: name,
    inputs: index,
    ms: now - start,
    outcomes: Object.fromEntries(outcomes),
  };
  if (problem !== undefined) {
    const hex = inputAt(name, target, seed, index).toHex();
    return { ...report, found: { target: name, seed, index, hex, problem } };
  }
  const [middle, end] = [weights[PARTS / 2 - 1], weigh()];
  if (middle === undefined || end === undefined) return report;
  const growth = end - middle;
  return growth <= GROWTH ? { ...report, growth } : {
    ...report,
    growth,
    found: { target: name, seed, problem: `the heap grew by ${growth} bytes` },
  };
}

/** What is thrown for an input, with its stack. */
async function problemOf(
  target: Target,
  input: ReturnType<Target["make"]>,
): Promise<string> {
  try {
    await target.run(input);
    return "it fails, but not when it is done again";
  } catch (error) {
    return error instanceof Error ? error.stack ?? String(error) : `${error}`;
  }
}

/** The shortest time of several, in milliseconds: others use the machine too. */
async function leastOf(
  times: number,
  target: Target,
  input: ReturnType<Target["make"]>,
): Promise<number> {
  let least = Infinity;
  for (; times > 0; times--) {
    const start = performance.now();
    await target.run(input.slice());
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
