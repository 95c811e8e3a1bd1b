/**
 * The fake kernel is a model of the running one: a short form of
 * `deno task model`.
 */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { FakeKernel } from "../../testing/mod.ts";
import { liveTest } from "../helpers/live.ts";
import {
  describe,
  findDifference,
  shrink,
  STEPS_PER_RUN,
  stepsOf,
} from "../model/run.ts";
import { World } from "../model/world.ts";

const SEED = 1;

liveTest(
  "thousands of random commands do the same to the running kernel and to `FakeKernel`",
  () => {
    using world = new World();
    for (let run = 0; run < 6; run++) {
      const difference = findDifference(
        world,
        stepsOf(SEED, run, STEPS_PER_RUN),
      );
      if (difference === undefined) continue;
      throw new Error(
        `deno task model --seed ${SEED} --run ${run}\n` +
          describe(shrink(world, difference)),
      );
    }
    // They were not refused all for the same reason.
    assertGreater(world.answers.size, 120);
  },
);

liveTest("the fewest commands that show a difference are found", () => {
  using world = new World(() => Object.assign(new FakeKernel(), { max: 1 }));
  const found = findDifference(world, stepsOf(SEED, 0, STEPS_PER_RUN))!;
  const least = shrink(world, found);
  assertGreater(found.steps.length, 3);
  assertEquals(least.steps.length, 1);
  const lines = describe(least).split("\n");
  assertEquals(lines[0], JSON.stringify(least.steps[0]));
  const refusal = "ack EINVAL limit greater than maximum";
  assertStringIncludes(lines[1]!, `running kernel: ${refusal} (8)`);
  assertStringIncludes(lines[2]!, `fake: ${refusal} (1)`);
});
