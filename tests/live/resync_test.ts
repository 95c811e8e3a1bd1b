import { assert, assertEquals } from "@std/assert";
import {
  type EventStream,
  PathManager,
  type PathManagerEvent,
} from "../../mod.ts";
import { EVENT_TYPES } from "../../ops/event.ts";
import { KnownConnections } from "../../ops/known_connections.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { churn, churnAside } from "../helpers/churn.ts";
import { KINDS } from "../helpers/connection_kinds.ts";
import { knownLines, presentLines } from "../helpers/known.ts";
import { liveTest } from "../helpers/live.ts";
import { ownedConnections } from "../helpers/owned.ts";
import { untilSame } from "../helpers/until_same.ts";

/** Follows a stream; `taken` are the events so far. */
function follow(stream: EventStream) {
  const taken: PathManagerEvent[] = [];
  const known = new KnownConnections();
  const reading = (async () => {
    for await (const event of stream) {
      taken.push(event);
      known.take(event);
    }
  })();
  return {
    taken,
    known,
    async [Symbol.asyncDispose]() {
      stream.close();
      await reading;
    },
  };
}

/** What there is on a host that its program has not closed. */
const look = (host: Host) => presentLines(ownedConnections(host));

/** What a late starter learns of an event; older kernels flag no server. */
function plain(event: PathManagerEvent): PathManagerEvent {
  return {
    ...event,
    synthetic: true,
    ..."flags" in event && { flags: event.serverSide ? 2 : 0 },
  } as PathManagerEvent;
}

for (const { name, options, at } of KINDS) {
  liveTest(
    `a late starter is told what an early one was: ${name}`,
    async () => {
      using lab = Lab.open({ paths: 2 });
      const { client, server } = lab;
      using near = PathManager.open({ netns: client.netns });
      using far = PathManager.open({ netns: server.netns });
      const types = EVENT_TYPES.filter((type) => !type.startsWith("listener"));
      await using early = follow(near.events({ types }));
      await using earlyFar = follow(far.events({ types }));
      for (const pm of [near, far]) pm.setLimits({ subflows: 2 });
      const { id } = near.addAddr({
        address: at(client, 2),
        // An IPv6 socket that is bound to it has no route.
        ...options.family === 4 && { dev: client.dev(2) },
        flags: ["subflow", "backup"],
      });
      using one = lab.connect(options);
      using _two = lab.connect(options);
      one.transfer(1000);
      const { token } = one.server;
      const joins = (
        { taken }: { readonly taken: readonly PathManagerEvent[] },
      ) => taken.filter(({ type }) => type === "sub-established").length;
      await until(
        () => joins(early) + joins(earlyFar) === 2,
        "a second subflow on both hosts",
      );
      for (
        const [pm, host, first] of [
          [near, client, early],
          [far, server, earlyFar],
        ] as const
      ) {
        await using late = follow(pm.events({ types, resync: true }));
        const told = [...first.taken];
        await until(() => late.taken.length >= told.length, "the resync");
        // Each connection in its order; they are listed in any.
        for (const { token } of late.known) {
          const of = (events: readonly PathManagerEvent[]) =>
            events.filter((event) => "token" in event && event.token === token);
          assertEquals(of(late.taken), of(told).map(plain));
        }
        assertEquals(late.taken.length, told.length);
        await untilSame(() => knownLines(late.known), () => look(host));
        assertEquals([...late.known].length, 2);
        // What happens now is told by the kernel, and once.
        const before = late.taken.length;
        if (host === client) continue;
        near.setFlags({ id, backup: false });
        await until(() => late.taken.length > before, "a new priority");
        const priority = late.taken[before]!;
        assert(priority.type === "sub-priority" && !priority.backup);
        assert(!("synthetic" in priority));
        one.close();
        await until(() => late.taken.length > before + 1, "the end");
        assertEquals(
          late.taken.slice(before + 1),
          [{ type: "closed", token }] as PathManagerEvent[],
        );
      }
      await untilSame(() => knownLines(early.known), () => look(client));
      // The one without data is not yet established on the client.
      assertEquals(
        early.taken.filter(({ type }) => type === "established").length,
        1,
      );
    },
  );
}

liveTest(
  "who follows a stream with `resync` knows all after an overrun",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client, server } = lab;
    using near = PathManager.open({ netns: client.netns });
    using far = PathManager.open({ netns: server.netns });
    for (const pm of [near, far]) pm.setLimits({ subflows: 2 });
    near.addAddr({ address: client.address(2), flags: ["subflow"] });
    const connect = () => {
      const connection = lab.connect();
      connection.transfer(1000);
      return connection;
    };
    const old = Array.from({ length: 6 }, connect);
    await using tracker = follow(near.events({ resync: true }));
    await until(() => tracker.taken.length >= 18, "what was there");
    for (let round = 0; round < 2; round++) {
      // Nothing is read meanwhile: the queue holds some 5000 events.
      churn(lab, 2500);
      old.shift()!.close();
      client.exec(
        "ss",
        "-Kt",
        "src",
        client.address(2),
        "dport",
        "=",
        `:${old[0]!.client.remote.port}`,
      );
      connect();
      // It looks while connections come and go.
      await churnAside(lab, 400);
      await untilSame(() => knownLines(tracker.known), () => look(client));
    }
    const overruns = tracker.taken.filter(({ type }) => type === "overrun");
    assertEquals(overruns.length, 2);
    await until(() => [...tracker.known].length === 6, "six connections");
  },
);
