import { assert, assertEquals } from "@std/assert";
import { PathManager, type PathManagerEvent } from "../../mod.ts";
import {
  type TrackedConnection,
  type TrackedSubflow,
  Tracker,
  type TrackerObserver,
} from "../../policy/mod.ts";
import { FakeKernel } from "../../testing/mod.ts";
import { look, step } from "../helpers/fake_life.ts";
import { generatorAt, type Random } from "../helpers/random.ts";
import { seenLines, trackedLines } from "../helpers/tracked.ts";

/** A kernel, and its events so far. */
function openKernel() {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ namespace: kernel });
  const stream = pm.events();
  return {
    kernel,
    /** The events since the last call. */
    async events(): Promise<PathManagerEvent[]> {
      const end = { token: 99, local: { address: "10.9.9.9", port: 9 } };
      kernel.emitEvent("closed", end);
      const events: PathManagerEvent[] = [];
      for (;;) {
        const { value } = await stream.next();
        if (value?.type === "closed" && value.token === 99) return events;
        events.push(value!);
      }
    },
    close: () => pm.close(),
  };
}

/** Checks that what is told is whole: nothing is told twice, or of the dead. */
class Told implements TrackerObserver<TrackedConnection> {
  readonly open = new Map<TrackedConnection, Set<TrackedSubflow>>();
  calls = 0;

  #of(connection: TrackedConnection): Set<TrackedSubflow> {
    this.calls++;
    assert(!connection.closed);
    const open = this.open.get(connection) ?? new Set();
    this.open.set(connection, open);
    return open;
  }
  established(connection: TrackedConnection): void {
    this.#of(connection);
    assert(connection.established);
  }
  subflowOpened(connection: TrackedConnection, subflow: TrackedSubflow): void {
    const open = this.#of(connection);
    assert(!open.has(subflow) && subflow.state === "established");
    open.add(subflow);
  }
  subflowClosed(connection: TrackedConnection, subflow: TrackedSubflow): void {
    this.#of(connection).delete(subflow);
    assert(subflow.state === "closed");
  }
  closed(connection: TrackedConnection): void {
    this.calls++;
    assert(connection.closed);
    this.open.delete(connection);
  }
  /** The subflows that were told of are those that are there. */
  check(connections: ReadonlyMap<number, TrackedConnection>): void {
    for (const connection of this.open.keys()) {
      assertEquals(connections.get(connection.token), connection);
    }
    for (const connection of connections.values()) {
      const there = connection.subflows.filter(({ state, initial }) =>
        state === "established" && !initial
      );
      const open = this.open.get(connection) ?? new Set();
      assertEquals([...open].map(text).sort(), there.map(text).sort());
    }
  }
}

const text = ({ local, remote }: TrackedSubflow) =>
  JSON.stringify([local, remote]);

/** Loses events, doubles them, and lets them come later. */
function distort(
  events: readonly PathManagerEvent[],
  random: Random,
): PathManagerEvent[] {
  const late: PathManagerEvent[] = [];
  return [
    ...events.flatMap((event) => {
      switch (random(6)) {
        case 0:
          return [];
        case 1:
          return [event, event];
        case 2:
          late.push(event);
          return [];
        case 3:
          return [event, ...late.splice(0)];
        default:
          return [event];
      }
    }),
    ...late,
  ];
}

Deno.test("after any events, lost, doubled and late, a resync shows what is there", async () => {
  for (let round = 0; round < 60; round++) {
    const random = generatorAt(13, "tracker", round);
    const { kernel, events, close } = openKernel();
    const told = new Told();
    const tracker = new Tracker(told);
    for (let looks = 0; looks < 5; looks++) {
      for (let steps = random(25); steps > 0; steps--) step(kernel, random);
      for (const event of distort(await events(), random)) tracker.take(event);
      tracker.resync(look(kernel));
      const known = () => trackedLines(tracker.connections.values());
      assertEquals(known(), seenLines(look(kernel)), `round ${round}`);
      told.check(tracker.connections);
      const { calls } = told;
      tracker.resync(look(kernel));
      assertEquals([told.calls, known()], [calls, seenLines(look(kernel))]);
    }
    close();
  }
});

Deno.test("a connection that is made while it is looked at has its initial subflow", async () => {
  const { kernel, events, close } = openKernel();
  const tracker = new Tracker();
  kernel.connect(5);
  // The TCP sockets were read before the peer answered, and the others after.
  tracker.resync(
    look(kernel).map((connection) => ({
      ...connection,
      subflows: connection.subflows.map((subflow) => ({
        ...subflow,
        ...{ state: "syn-sent" as const, flags: ["mcap-loc"] as const },
      })),
    })),
  );
  for (const event of await events()) tracker.take(event);
  const [known] = tracker.connections.values();
  assertEquals(known?.established, true);
  assertEquals(known?.subflows.map(({ state }) => state), ["established"]);
  close();
});

Deno.test("events alone show what is there, but what is being opened", async () => {
  for (let round = 0; round < 50; round++) {
    const random = generatorAt(13, "events", round);
    const { kernel, events, close } = openKernel();
    const told = new Told();
    const tracker = new Tracker(told);
    for (let steps = 60; steps > 0; steps--) {
      step(kernel, random);
      for (const event of await events()) tracker.take(event);
    }
    const { calls } = told;
    // What no event tells of a subflow, and who has opened it.
    const plain = (lines: string[]) =>
      lines.filter((line) => !line.includes(" opening "))
        .map((line) => line.replace(/ established (true|false)/, ""));
    assertEquals(
      plain(trackedLines(tracker.connections.values())),
      plain(seenLines(look(kernel))),
    );
    tracker.resync(look(kernel));
    assertEquals(told.calls, calls);
    close();
  }
});
