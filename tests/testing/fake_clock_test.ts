import { assertEquals } from "@std/assert";
import { FakeClock } from "../../testing/mod.ts";

Deno.test("what is due is called in order, with all that it makes due", async () => {
  const clock = new FakeClock();
  const calls: string[] = [];
  const note = (name: string) => () => calls.push(`${name} ${clock.now()}`);
  clock.after(30, note("c"));
  clock.after(20, note("a"));
  clock.after(20, note("b"));
  const never = clock.after(25, note("never"));
  clock.after(10, async () => {
    never[Symbol.dispose]();
    for (let hops = 0; hops < 50; hops++) await undefined;
    clock.after(-1, note("at once"));
    clock.after(5, note("later"));
  });
  assertEquals([calls, clock.now()], [[], 0]);
  await clock.advance(20);
  assertEquals(calls.splice(0), ["at once 10", "later 15", "a 20", "b 20"]);
  await clock.advance(9);
  assertEquals([calls, clock.now()], [[], 29]);
  clock.after(3_600_000, note("an hour"));
  await clock.advance(86_400_000);
  assertEquals(calls, ["c 30", "an hour 3600029"]);
});

Deno.test("what waits for promises alone goes on without time", async () => {
  const clock = new FakeClock();
  let hops = 0;
  const go = async () => {
    while (hops < 100) hops = await Promise.resolve(hops + 1);
  };
  const going = go();
  await clock.advance();
  assertEquals([hops, clock.now()], [100, 0]);
  await going;
});
