import { assert } from "@std/assert";
import { ticks } from "../../cli/ticks.ts";

Deno.test("`ticks()` comes once for each interval", async () => {
  const controller = new AbortController();
  const begin = performance.now();
  let count = 0;
  for await (const _ of ticks(0.1, controller.signal)) {
    count++;
    const passed = performance.now() - begin;
    // A timer may fire a fraction early.
    assert(count * 100 <= passed + 5, `${count} after ${passed} ms`);
    if (count >= 15) controller.abort();
  }
});
