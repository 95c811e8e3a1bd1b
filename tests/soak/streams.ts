/**
 * Streams of events: opened, read, and ended in each way that there is.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { EventStream, PathManagerEvent } from "../../mod.ts";
import { within } from "../helpers/within.ts";
import { type Actions, attend, hear, isKnock, type World } from "./world.ts";

/** More than the kernel queues for a reader that is busy, see SO_RCVBUF. */
const FLOOD = 3000;

/** Aborts with the program: nothing of a stream may stay at its signal. */
const lifetime = new AbortController();

/** Asserts that a stream has ended. */
async function assertEnded(stream: EventStream): Promise<void> {
  const { done } = await within(stream.next(), () => "the end of a stream");
  assert(done, "the stream goes on");
}

/** Takes what still comes before a stream ends. */
function end(stream: EventStream): Promise<void> {
  return within(attend(stream), () => "the end of a stream");
}

function open({ side }: World): void {
  const controller = new AbortController();
  const stream = side.pm.events({ signal: controller.signal });
  side.listen({ stream, controller });
}

/** What there is, in its order; the stream goes on. */
async function read({ random, side }: World): Promise<void> {
  const listening = side.take();
  for (let times = random.below(5); times > 0; times--) {
    const port = side.knock();
    await hear(listening.stream, "listener-created", port);
    await hear(listening.stream, "listener-closed", port);
  }
  side.listen(listening);
}

async function breakOut({ side }: World): Promise<void> {
  const { stream } = side.take();
  const port = side.knock();
  for await (const event of stream) {
    if (isKnock(event, "listener-closed", port)) break;
  }
  await assertEnded(stream);
}

async function throwOut({ side }: World): Promise<void> {
  const { stream } = side.take();
  side.knock();
  try {
    for await (const { type } of stream) throw new SyntaxError(type);
  } catch (error) {
    assert(error instanceof SyntaxError);
  }
  await assertEnded(stream);
}

async function abort({ random, side }: World): Promise<void> {
  const { stream, controller } = side.take();
  await hear(stream, "listener-closed", side.knock());
  const waiting = random.oneIn(2) ? end(stream) : undefined;
  controller.abort();
  await waiting;
  await assertEnded(stream);
}

/** Several at once, in all of the states. */
async function closeWhileWaiting({ random, side }: World): Promise<void> {
  const streams = Array.from(
    { length: 1 + random.below(8) },
    () => side.pm.events({ signal: lifetime.signal }),
  );
  const ends = streams.flatMap((stream) =>
    Array.from({ length: random.below(3) }, () => end(stream))
  );
  // By then they may wait, or be about to.
  if (random.oneIn(2)) await new Promise((resolve) => setTimeout(resolve));
  for (const stream of streams) {
    if (random.oneIn(2)) stream.close();
    else assert((await stream.return()).done);
  }
  await Promise.all(ends);
  await Promise.all(streams.map(assertEnded));
}

/** Nobody ever reads them. */
function leaveBacklog({ random, side }: World): void {
  using stream = side.pm.events();
  for (let times = random.below(100); times > 0; times--) side.knock();
  if (random.oneIn(2)) stream.close();
}

async function beginAborted({ side }: World): Promise<void> {
  await assertEnded(side.pm.events({ signal: AbortSignal.abort() }));
}

async function filter({ random, side }: World): Promise<void> {
  const { signal } = lifetime;
  using closed = side.pm.events({ types: ["listener-closed"], signal });
  using never = side.pm.events({ token: 1 + random.below(2 ** 31), signal });
  const nothing = assertEnded(never);
  for (let times = 1 + random.below(5); times > 0; times--) {
    const port = side.knock();
    const { value } = await within(closed.next(), () => "listener-closed");
    assertEquals(value, {
      type: "listener-closed",
      local: { address: "0.0.0.0", port },
    });
  }
  never.close();
  await nothing;
}

/** One word says that events were lost, and the stream goes on. */
async function overrun({ side }: World): Promise<void> {
  using stream = side.pm.events();
  // These do not hear all that comes now: their backlog goes with them.
  for (const { stream } of side.streams.splice(0)) stream.close();
  for (let times = 0; times < FLOOD; times++) side.knock();
  const { events, next } = await drain(stream);
  // Behind all that was kept.
  const at = (type: string) => events.findLastIndex((one) => one.type === type);
  assertGreater(at("overrun"), at("listener-created"));
  const byType = Object.groupBy(events, ({ type }) => type);
  assertEquals(byType.overrun?.length, 1);
  // What connections tell late may be among the others.
  const created = byType["listener-created"]?.length ?? 0;
  assertGreater(created, 1000);
  assertLess(created, FLOOD);
  const port = side.knock();
  const { value } = await within(next, () => "an event after an overrun");
  if (!isKnock(value, "listener-created", port)) {
    await hear(stream, "listener-created", port);
  }
}

/** Takes all that is there; what comes after it is asked for already. */
async function drain(stream: EventStream) {
  // What is there comes before the next turn of the event loop.
  const turn = new Promise<undefined>((resolve) =>
    setTimeout(resolve, 0, undefined)
  );
  const events: PathManagerEvent[] = [];
  for (;;) {
    const next = stream.next();
    const result = await Promise.race([next, turn]);
    if (result === undefined) return { events, next };
    events.push(result.value!);
  }
}

/** By name: what it does, and how often it is chosen. */
export const STREAMS: Actions = {
  "stream: open": [open, 6],
  "stream: read": [read, 6],
  "stream: break": [breakOut, 2],
  "stream: throw": [throwOut, 1],
  "stream: abort": [abort, 4],
  "stream: close while waiting": [closeWhileWaiting, 4],
  "stream: leave a backlog": [leaveBacklog, 2],
  "stream: begin aborted": [beginAborted, 1],
  "stream: filter": [filter, 2],
  "stream: overrun": [overrun, 1],
};
