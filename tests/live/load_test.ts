import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  type EventStream,
  PathManager,
  type PathManagerEvent,
} from "../../mod.ts";
import { run } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import { churn, churnAside, EVENTS_OF_CLIENT } from "../helpers/churn.ts";
import { liveTest } from "../helpers/live.ts";
import type { Replay } from "../helpers/replay.ts";
import { within } from "../helpers/within.ts";

/** As much as a slow machine may need. */
const TIMEOUT_MS = 60_000;

/** Takes a number of events. */
function take(
  stream: EventStream,
  count: number,
): Promise<PathManagerEvent[]> {
  const taken: PathManagerEvent[] = [];
  const taking = async () => {
    while (taken.length < count) taken.push((await stream.next()).value!);
    return taken;
  };
  return within(
    taking(),
    () => `${count} events, of which ${taken.length} came`,
    TIMEOUT_MS,
  );
}

/** How many there are of each type. */
function countByType(events: readonly PathManagerEvent[]) {
  const byType = Object.groupBy(events, ({ type }) => type);
  return Object.fromEntries(
    Object.entries(byType).map(([type, { length }]) => [type, length]),
  );
}

/** What is seen of a number of connections, if nothing is lost. */
const all = (made: number) =>
  Object.fromEntries(EVENTS_OF_CLIENT.map((type) => [type, made]));

liveTest(
  "a reader that is too slow gets one `overrun`, and goes on",
  async () => {
    using lab = Lab.open();
    using pm = PathManager.open({ netns: lab.client.netns });
    using stream = pm.events();
    churn(lab, 3000);

    const kept: PathManagerEvent[] = [];
    let next = stream.next();
    for (;;) {
      // What is there comes before the next turn of the event loop.
      const turn = new Promise<void>((resolve) => setTimeout(resolve, 0));
      const result = await Promise.race([next, turn]);
      if (result === undefined) break;
      kept.push(result.value!);
      next = stream.next();
    }
    // What was lost would have come behind what is kept.
    assertEquals(kept.pop(), { type: "overrun" });
    // The oldest are kept, and in their order.
    assertEquals(
      kept.slice(0, 30).map(({ type }) => type),
      Array.from({ length: 10 }, () => EVENTS_OF_CLIENT).flat(),
    );
    const { created, established, closed, ...others } = countByType(kept);
    assertEquals(others, {});
    assertGreater(created! + established! + closed!, 2000);
    assertLess(closed!, 3000);

    churn(lab, 10);
    const later = [(await next).value!, ...await take(stream, 29)];
    assertEquals(countByType(later), all(10));
  },
);

liveTest("a reader that keeps up misses none of 3000 connections", async () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  using stream = pm.events();
  const made = 3000;
  const [events] = await Promise.all([
    take(stream, 3 * made),
    churnAside(lab, made),
  ]);
  assertEquals(countByType(events), all(made));
  const ofToken = Object.groupBy(
    events,
    (event) => "token" in event ? event.token : "none",
  );
  // Of 3000 random tokens two are equal once in a thousand runs.
  for (const [token, events] of Object.entries(ofToken)) {
    const times = Math.ceil(events!.length / EVENTS_OF_CLIENT.length);
    assertEquals(
      events!.map(({ type }) => type),
      Array.from({ length: times }, () => EVENTS_OF_CLIENT).flat(),
      token,
    );
  }
});

Deno.test("a million events leave nothing in the heap", () => {
  const program = new URL("../programs/replay.ts", import.meta.url).pathname;
  const { events, unknown, heap }: Replay = JSON.parse(run(
    ...["env", "DENO_NO_UPDATE_CHECK=1", Deno.execPath(), "run", "--quiet"],
    ...["--v8-flags=--expose-gc", program, "1000000"],
  ));
  assertGreater(events, 999_999);
  assertEquals(unknown, 0);
  // Two million bytes would be three for each of the last 666,000 events.
  assertLess(heap.at(-1)! - heap[0]!, 2_000_000, heap.join(", "));
});
