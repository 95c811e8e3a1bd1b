/**
 * Runs of random steps, and the fewest of them that show a difference.
 *
 * @module
 */

import { generatorAt } from "../helpers/random.ts";
import { Generator, type Step } from "./generate.ts";
import type { Outcome, World } from "./world.ts";

/** How many steps are done before all is forgotten. */
export const STEPS_PER_RUN = 500;
/** How many steps there are between two looks at all that is there. */
const STEPS_PER_LOOK = 10;
/** How long events may take while steps are left out, in milliseconds. */
const SHRINKING_MS = 100;

/** Steps after which the kernels differ, and how. */
export interface Difference extends Outcome {
  readonly steps: readonly Step[];
}

/** The steps of a run, the same on every machine. */
export function stepsOf(seed: number, run: number, count: number): Step[] {
  const generator = new Generator(generatorAt(seed, "model", run));
  return Array.from({ length: count }, () => generator.step());
}

/** Does steps, and returns the first difference. */
export function findDifference(
  world: World,
  steps: readonly Step[],
  stepsPerLook: number = STEPS_PER_LOOK,
): Difference | undefined {
  world.reset();
  for (const [index, step] of steps.entries()) {
    const count = index + 1;
    const outcome = world.perform(step);
    const isLook = count === steps.length || count % stepsPerLook === 0;
    for (const one of isLook ? [outcome, world.state()] : [outcome]) {
      if (one.real.join("\n") !== one.fake.join("\n")) {
        return { steps: steps.slice(0, count), ...one };
      }
    }
  }
  return undefined;
}

/** Leaves out what a difference does not need. */
export function shrink(world: World, difference: Difference): Difference {
  const { patienceMs } = world;
  world.patienceMs = SHRINKING_MS;
  let least = findDifference(world, difference.steps, 1) ?? difference;
  for (let size = least.steps.length >> 1; size > 0; size >>= 1) {
    for (let at = least.steps.length - size; at >= 0; at -= size) {
      const fewer = least.steps.toSpliced(at, size);
      least = findDifference(world, fewer, 1) ?? least;
      at = Math.min(at, least.steps.length);
    }
  }
  world.patienceMs = patienceMs;
  return least;
}

/** A difference in words. */
export function describe({ steps, real, fake }: Difference): string {
  const at = real.findIndex((line, index) => line !== fake[index]);
  const from = at < 0 ? real.length : at;
  return [
    ...steps.map((step) => JSON.stringify(step)),
    ...real.slice(from).map((line) => `running kernel: ${line}`),
    ...fake.slice(from).map((line) => `fake: ${line}`),
  ].join("\n");
}
