import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fit } from "../../bench/fit.ts";

Deno.test("`fit()` finds the line that points lie on", () => {
  const { slope, intercept, r2 } = fit([[1, 5], [2, 7], [10, 23]]);
  assertAlmostEquals(slope, 2);
  assertAlmostEquals(intercept, 3);
  assertAlmostEquals(r2, 1);
});

Deno.test("`fit()` finds the line that is nearest", () => {
  // By hand: means 2 and 3, sums of squares 2, 1 and 6.
  const { slope, intercept, r2 } = fit([[1, 3], [2, 2], [3, 4]]);
  assertAlmostEquals(slope, 0.5);
  assertAlmostEquals(intercept, 2);
  assertAlmostEquals(r2, 0.25);
});

Deno.test("`fit()` takes points of one height for a line", () => {
  assertEquals(fit([[1, 4], [2, 4]]), { slope: 0, intercept: 4, r2: 1 });
});
