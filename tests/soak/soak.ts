/**
 * Mixed work for a long time: cycle after cycle in labs of its own, and after
 * each this process must have what it had before.
 *
 * @module
 */

import { within } from "../helpers/within.ts";
import { type Allowance, judge, PARTS } from "./flatness.ts";
import { Random } from "./random.ts";
import {
  difference,
  type Memory,
  possessions,
  threadCount,
  weigh,
} from "./vitals.ts";
import { type Actions, World } from "./world.ts";

/** How to soak. */
export interface SoakOptions {
  /** What is done. */
  readonly actions: Actions;
  /** How long, without the warm-up. */
  readonly minutes: number;
  /** Of the random choices of the first cycle; the next has the next. */
  readonly seed: number;
  /** Ends it early. */
  readonly stop: AbortSignal;
}

const ACTIONS_PER_WORLD = 20;
/** No action may take longer, and all is at rest before. */
const ACTION_TIMEOUT_MS = 60_000;
const REST_TIMEOUT_MS = 5000;
const SETTLING_MS = 200;
const REPORT_EVERY_MS = 15_000;

/**
 * With each cycle: a stream or a path manager that is left behind weighs
 * 64 KiB, for its buffer; a listener of a signal, or an entry of a list, some
 * hundred bytes, and there are sixty actions in a cycle of three worlds. Once:
 * the heap was seen to grow by 1.6 MB, two thirds of that in the first fifty
 * cycles, and the other pages by 60 MB in the first hundred.
 */
const ALLOWANCES: Readonly<Record<keyof Memory, Allowance>> = {
  heap: { once: 2 ** 21, perCycle: 512 },
  anonymous: { once: 2 ** 26, perCycle: 4096 },
};

/** Soaks, and prints what comes of it. */
export async function soak(options: SoakOptions): Promise<boolean> {
  return await new Soak(options).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #names: readonly string[];
  /** How often each action was done, and how long it took in all. */
  readonly #done = new Map<string, { count: number; ms: number }>();
  readonly #memory: Memory[] = [];
  readonly #start = performance.now();
  #reported = this.#start;
  #actions = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    // Each as often as it weighs.
    this.#names = Object.entries(options.actions)
      .flatMap(([name, [, weight]]) => new Array(weight).fill(name));
  }

  async run(): Promise<boolean> {
    const { actions, minutes, seed, stop } = this.#options;
    let cycle: number | undefined;
    try {
      // What is opened, bound and compiled once is not counted.
      await this.#live(new Random(0), 2, Object.keys(actions));
      const before = await settled();
      console.log(`seed ${seed}; ${describe(before)}\n`);
      console.log("   time  cycles  actions  threads   heap MB  anonymous MB");
      const end = this.#start + minutes * 60_000;
      for (cycle = 0; cycle < PARTS || performance.now() < end; cycle++) {
        await this.#cycle(seed + cycle);
        if (stop.aborted) return false;
        await atRest(before);
        this.#memory.push(await weigh());
        this.#reportNowAndThen();
      }
    } catch (error) {
      // What a signal ends may well fail.
      if (stop.aborted) return false;
      console.error(error);
      if (cycle !== undefined) {
        console.error(`The first cycle with --seed ${seed + cycle} does it.`);
      }
      return false;
    }
    this.#printActions();
    return this.#judge();
  }

  /** Makes some worlds, works now in this one and now in that one. */
  async #cycle(seed: number): Promise<void> {
    const random = new Random(seed);
    const count = 1 + random.below(3);
    await this.#live(
      random,
      count,
      Array.from(
        { length: count * ACTIONS_PER_WORLD },
        () => random.pick(this.#names),
      ),
    );
  }

  async #live(
    random: Random,
    count: number,
    names: readonly string[],
  ): Promise<void> {
    await using stack = new AsyncDisposableStack();
    const worlds: World[] = [];
    for (let times = 0; times < count; times++) {
      const open = () => stack.use(World.open(random));
      worlds.push(await this.#do("make namespaces", open));
    }
    for (const name of names) {
      const [act] = this.#options.actions[name]!;
      await this.#do(name, () => act(random.pick(worlds)));
      // Streams that wait have their turn.
      await pause(0);
      if (this.#options.stop.aborted) return;
    }
    for (const world of random.some(worlds)) {
      await this.#do("remove namespaces in use", () => world.outlive());
    }
  }

  /** Does something in time, and counts it. */
  async #do<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await within(
        Promise.try(act),
        () => "its end",
        ACTION_TIMEOUT_MS,
      );
    } catch (error) {
      throw new Error(`Cannot ${name}`, { cause: error });
    } finally {
      const done = this.#done.get(name) ?? { count: 0, ms: 0 };
      done.count++;
      done.ms += performance.now() - start;
      this.#done.set(name, done);
      this.#actions++;
    }
  }

  #reportNowAndThen(): void {
    const now = performance.now();
    if (now - this.#reported < REPORT_EVERY_MS) return;
    this.#reported = now;
    const seconds = Math.floor((now - this.#start) / 1000);
    const { heap, anonymous } = this.#memory.at(-1)!;
    const columns = [
      [`${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`, 7],
      [`${this.#memory.length}`, 8],
      [`${this.#actions}`, 9],
      [`${threadCount()}`, 9],
      [megabytes(heap), 10],
      [megabytes(anonymous), 14],
    ] as const;
    console.log(columns.map(([text, width]) => text.padStart(width)).join(""));
  }

  #printActions(): void {
    console.log("\naction                          times   ms each");
    for (const [name, { count, ms }] of this.#done) {
      console.log(
        name.padEnd(28) + `${count}`.padStart(9) +
          (ms / count).toFixed(1).padStart(10),
      );
    }
  }

  #judge(): boolean {
    console.log(
      "\ndescriptors, threads, processes, namespaces: the same after each of " +
        `${this.#memory.length} cycles`,
    );
    const results = Object.entries(ALLOWANCES).map(([name, allowance]) => {
      const series = this.#memory.map((memory) => memory[name as keyof Memory]);
      const { growth, limit, isFlat } = judge(series, allowance);
      console.log(
        `${name}: ${megabytes(series[0]!)} to ${
          megabytes(series.at(-1)!)
        } MB, ` +
          `${Math.round(growth)} bytes more with each cycle ` +
          `(at most ${Math.round(limit)}): ${isFlat ? "flat" : "NOT FLAT"}`,
      );
      return isFlat;
    });
    return results.every((isFlat) => isFlat);
  }
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(2);

function describe(things: readonly string[]): string {
  const kinds = Object.groupBy(things, (thing) => thing.split(" ")[0]!);
  return Object.entries(kinds)
    .map(([kind, { length = 0 } = []]) => `${kind}s: ${length}`).join(", ");
}

/** What this process has once that does not change any more. */
async function settled(): Promise<string[]> {
  for (let before = possessions();;) {
    await pause(SETTLING_MS);
    const now = possessions();
    if (difference(before, now).length === 0) return now;
    before = now;
  }
}

/** Waits until this process has what it had before, no more and no less. */
async function atRest(before: readonly string[]): Promise<void> {
  const end = performance.now() + REST_TIMEOUT_MS;
  for (;;) {
    const changes = difference(before, possessions());
    if (changes.length === 0) return;
    if (performance.now() > end) {
      throw new Error(`Not as before:\n  ${changes.join("\n  ")}`);
    }
    await pause(5);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
