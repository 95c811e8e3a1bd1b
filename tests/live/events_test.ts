import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { inNetns } from "../../ffi/netns.ts";
import {
  type EventsOptions,
  type EventStream,
  PathManager,
  type PathManagerEvent,
} from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { KINDS } from "../helpers/connection_kinds.ts";
import { IpMonitor } from "../helpers/ip_monitor.ts";
import { listen } from "../helpers/listen.ts";
import { liveTest } from "../helpers/live.ts";
import { listeners, openFiles, polling } from "../helpers/proc.ts";
import { Program } from "../helpers/program.ts";
import { Witness } from "../helpers/witness.ts";
import { within } from "../helpers/within.ts";

/** One host of a lab, watched. */
function watch(host: Host, options?: EventsOptions) {
  using stack = new DisposableStack();
  const pm = stack.use(PathManager.open({ netns: host.netns }));
  const events = stack.use(new Witness(pm.events(options)));
  const owned = stack.move();
  return { pm, events, [Symbol.dispose]: () => owned.dispose() };
}

/** Linux before 6.18 has no flag for the server's side. */
function denyOnly<Event extends { readonly flags: number }>(
  event: Event,
): Event {
  return { ...event, flags: event.flags & 1 };
}

for (const { name, options, at, any, prefix } of KINDS) {
  liveTest(
    `the events of a connection are those of \`ip mptcp monitor\`: ${name}`,
    async () => {
      using lab = Lab.open({ paths: 3 });
      const { client, server } = lab;
      using near = watch(client);
      using far = watch(server);
      await using ipNear = IpMonitor.open(client);
      await using ipFar = IpMonitor.open(server);
      near.pm.setLimits({ subflows: 2, addAddrAccepted: 1 });
      far.pm.setLimits({ subflows: 2 });
      const flags = ["subflow"] as const;
      const own = near.pm.addAddr({ address: at(client, 2), flags });
      const signal = { address: at(server, 3), flags: ["signal"] } as const;
      const { id: signalId } = far.pm.addAddr({ ...signal, id: 30 });

      const connection = lab.connect(options);
      const { token, local, remote } = connection.client;
      const peer = connection.server.token;
      const { port } = remote;
      assertEquals(await far.events.take("listener-created"), {
        type: "listener-created",
        local: { address: any, port },
      });
      const made = { locId: 0, remId: 0, denyJoinId0: false, flags: 0 };
      const here = { ...made, token, local, remote, serverSide: false };
      const there = {
        ...made,
        token: peer,
        local: connection.server.local,
        remote: connection.server.remote,
        serverSide: true,
      };
      assertEquals(there.local.address, prefix + at(server, 1));
      connection.transfer(1000);
      for (const type of ["created", "established"] as const) {
        assertEquals(await near.events.take(type), { type, ...here });
        assertEquals(
          denyOnly(await far.events.take(type)),
          { type, ...there },
        );
      }

      // The peer announces an address, and it is connected to.
      assertEquals(await near.events.take("announced"), {
        type: "announced",
        token,
        remId: signalId,
        address: at(server, 3),
        port,
      });
      const both = async (
        type: "sub-established" | "sub-closed",
        to: number,
      ) => {
        const [ours, theirs] = await Promise.all([
          near.events.take(type, (event) => event.remId === to),
          far.events.take(type, (event) => event.locId === to),
        ]);
        return { ours, theirs };
      };
      const state = { backup: false, ifIndex: 0 };
      const opened = {
        announced: await both("sub-established", signalId),
        own: await both("sub-established", 0),
      };
      const { ours, theirs } = opened.own;
      assertEquals(ours, {
        ...state,
        type: "sub-established",
        token,
        local: { address: at(client, 2), port: ours.local.port },
        remote,
        locId: own.id,
        remId: 0,
      });
      assertEquals(theirs, {
        ...state,
        type: "sub-established",
        token: peer,
        local: there.local,
        remote: { address: prefix + at(client, 2), port: ours.local.port },
        locId: 0,
        remId: own.id,
      });
      assertEquals(opened.announced.ours, {
        ...opened.announced.ours,
        ...state,
        token,
        remote: { address: at(server, 3), port },
      });
      assertEquals(opened.announced.theirs, {
        ...state,
        type: "sub-established",
        token: peer,
        local: { address: prefix + at(server, 3), port },
        remote: {
          address: prefix + at(client, 3),
          port: opened.announced.ours.local.port,
        },
        locId: signalId,
        remId: opened.announced.ours.locId,
      });

      // A priority is an event of the peer alone.
      near.pm.setFlags({ id: own.id, backup: true });
      const spare = { ...theirs, backup: true };
      assertEquals(await far.events.take("sub-priority"), {
        ...spare,
        type: "sub-priority",
      });

      // A subflow is reset.
      server.exec("ss", "-Kt", "dport", "=", `:${ours.local.port}`);
      const killed = await both("sub-closed", 0);
      assertEquals(killed.ours, {
        ...ours,
        type: "sub-closed",
        error: {
          errno: 104,
          code: "ECONNRESET",
          message: "Connection reset by peer",
        },
        reset: {
          reason: 0,
          name: "unspec",
          message: killed.ours.reset!.message,
          flags: 0,
          transient: false,
        },
      });
      assertEquals(killed.theirs, {
        ...spare,
        type: "sub-closed",
        error: {
          errno: 103,
          code: "ECONNABORTED",
          message: "Software caused connection abort",
        },
      });

      // The address is taken back.
      far.pm.delAddr({ id: signalId });
      assertEquals(await near.events.take("removed"), {
        type: "removed",
        token,
        remId: signalId,
      });
      assertEquals(await both("sub-closed", signalId), {
        ours: { ...opened.announced.ours, type: "sub-closed" },
        theirs: { ...opened.announced.theirs, type: "sub-closed" },
      });

      connection.close();
      assertEquals(await near.events.take("closed"), { type: "closed", token });
      assertEquals(await far.events.take("closed"), {
        type: "closed",
        token: peer,
      });
      assertEquals(await far.events.take("listener-closed"), {
        type: "listener-closed",
        local: { address: any, port },
      });
      await ipNear.assertSame(near.events.seen);
      await ipFar.assertSame(far.events.seen);
      // Nothing but what was looked at, and each namespace has its own.
      const tokens = (events: readonly PathManagerEvent[]) =>
        new Set(events.flatMap((event) => "token" in event ? event.token : []));
      assertEquals(tokens(near.events.seen), new Set([token]));
      assertEquals(tokens(far.events.seen), new Set([peer]));
      assertEquals([near.events.seen.length, far.events.seen.length], [9, 10]);
    },
  );
}

liveTest(
  "an event shows that the peer wants no joins to its first address",
  async () => {
    using lab = Lab.open();
    lab.server.sysctl("net.mptcp.allow_join_initial_addr_port", 0);
    using near = watch(lab.client);
    using far = watch(lab.server);
    await using ip = IpMonitor.open(lab.client);
    using connection = lab.connect();
    connection.transfer(1000);
    for (const type of ["created", "established"] as const) {
      const { denyJoinId0, flags } = await near.events.take(type);
      assertEquals([denyJoinId0, flags], [true, 1]);
      assertEquals((await far.events.take(type)).denyJoinId0, false);
    }
    await ip.assertSame(near.events.seen);
  },
);

liveTest("a subflow that is refused has an error", async () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  using near = watch(client);
  near.pm.setMode("userspace");
  await using ip = IpMonitor.open(client);
  using connection = lab.connect();
  connection.transfer(1000);
  const { token } = await near.events.take("established");
  const local = { address: client.address(2), id: 7, port: 0 };
  const remote = { address: lab.server.address(2), port: 1 };
  const dev = client.dev(2);
  near.pm.subflowCreate({ token, local, remote, dev });
  const closed = await near.events.take("sub-closed");
  assertEquals(closed, {
    type: "sub-closed",
    token,
    local: { address: local.address, port: closed.local.port },
    remote,
    locId: 7,
    remId: 0,
    backup: false,
    ifIndex: 12,
    dev,
    error: { errno: 111, code: "ECONNREFUSED", message: "Connection refused" },
  });
  await ip.assertSame(near.events.seen);
});

liveTest("events of other namespaces are not seen", async () => {
  using lab = Lab.open();
  using other = Lab.open({ paths: 0 });
  using elsewhere = watch(other.client);
  {
    using connection = lab.connect();
    connection.transfer(1000);
  }
  using listener = listen(other.client);
  assertEquals(await elsewhere.events.take("listener-created"), {
    type: "listener-created",
    local: listener.local,
  });
  assertEquals(elsewhere.events.seen.length, 1);
});

liveTest("an endpoint with a port listens", async () => {
  using lab = Lab.open();
  const { client } = lab;
  using near = watch(client);
  for (const address of [client.address(1), client.address6(1)]) {
    near.pm.addAddr({ address, port: 10100, flags: ["signal"] });
    near.pm.flushAddrs();
    for (const type of ["listener-created", "listener-closed"] as const) {
      const local = { address, port: 10100 };
      assertEquals<unknown>(await near.events.take(type), { type, local });
    }
  }
});

liveTest("nothing is lost before the first `next()`", async () => {
  using lab = Lab.open();
  using near = watch(lab.client);
  const connection = lab.connect();
  const { token } = connection.client;
  connection.transfer(1000);
  connection.close();
  const types = ["created", "established", "closed"] as const;
  for (const type of types) {
    assertEquals((await near.events.take(type)).token, token);
  }
  assertEquals(near.events.seen.map(({ type }) => type), [...types]);
});

liveTest("events are filtered by type and by token", async () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  using byType = new Witness(pm.events({ types: ["closed"] }));
  using first = lab.connect();
  using second = lab.connect();
  const [one, two] = [first.client.token, second.client.token];
  assertNotEquals(one, two);
  using byToken = new Witness(pm.events({ token: two }));
  using byBoth = new Witness(pm.events({ types: ["closed"], token: two }));
  for (const connection of [first, second]) {
    connection.transfer(1000);
    connection.close();
  }
  const closed = (token: number) => ({ type: "closed" as const, token });
  await byType.take("closed", ({ token }) => token === two);
  assertEquals<unknown>(byType.seen, [closed(one), closed(two)]);
  assertEquals((await byToken.take("established")).token, two);
  await byToken.take("closed");
  assertEquals(byToken.seen.map(({ type }) => type), ["established", "closed"]);
  await byBoth.take("closed");
  assertEquals<unknown>(byBoth.seen, [closed(two)]);
});

liveTest(
  "a connection that fell back to TCP has only a `closed` event",
  async () => {
    using lab = Lab.open();
    const { client, server } = lab;
    using near = watch(client);
    using far = watch(server);
    using listener = inNetns(
      server.netns,
      () => Deno.listen({ hostname: "0.0.0.0", port: 0 }),
      (listener) => listener.close(),
    );
    const socket = MptcpSocket.connect(
      client.netns,
      client.address(1),
      { address: server.address(1), port: listener.addr.port },
      20_000,
    );
    (await listener.accept()).close();
    socket.close();
    await near.events.take("closed");
    assertEquals(near.events.seen.length, 1);
    // Plain TCP on the other side: it gets no event of that connection.
    using _fence = listen(server);
    await far.events.take("listener-created");
    assertEquals(far.events.seen.length, 1);
  },
);

/** What a stream takes: a socket, a thread, and a descriptor to wake it. */
function left(host: Host) {
  const eventfds =
    openFiles().filter((file) => file.includes("eventfd")).length;
  return { sockets: listeners(host).length, threads: polling(), eventfds };
}

const ENDINGS: readonly (readonly [
  name: string,
  end: (stream: EventStream, controller: AbortController) => unknown,
])[] = [
  ["an abort", (_, controller) => controller.abort()],
  ["`close()`", (stream) => stream.close()],
  ["`return()`, as of `break`,", (stream) => stream.return()],
  ["`using`", (stream) => stream[Symbol.dispose]()],
];

for (const [name, end] of ENDINGS) {
  liveTest(`${name} ends a stream at once and leaves nothing`, async () => {
    using lab = Lab.open({ paths: 0 });
    using pm = PathManager.open({ netns: lab.client.netns });
    const times: number[] = [];
    const before = left(lab.client);
    for (let round = 0; round < 6; round++) {
      const controller = new AbortController();
      const stream = pm.events({ signal: controller.signal });
      const pending = [stream.next(), stream.next()];
      await until(() => polling() === 1, "a thread to wait");
      const start = performance.now();
      end(stream, controller);
      const results = await within(Promise.all(pending), () => "the end");
      times.push(performance.now() - start);
      for (const { done } of [...results, await stream.next()]) assert(done);
      assertEquals(left(lab.client), before);
    }
    // A busy machine may delay one of them.
    assertLess(times.toSorted((one, other) => one - other)[2]!, 100);
  });
}

liveTest("`break` ends a stream, and so does an exception", async () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const before = left(lab.client);
  {
    const stream = pm.events();
    using _one = listen(lab.client);
    using _two = listen(lab.client);
    for await (const { type } of stream) {
      assertEquals(type, "listener-created");
      break;
    }
    assert((await stream.next()).done);
  }
  {
    const stream = pm.events();
    using _one = listen(lab.client);
    await assertRejects(
      async () => {
        for await (const { type } of stream) throw new SyntaxError(type);
      },
      SyntaxError,
      "listener-created",
    );
    assert((await stream.next()).done);
  }
  assertEquals(left(lab.client), before);
});

liveTest("a stream whose signal has aborted has ended", async () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const before = left(lab.client);
  const stream = pm.events({ signal: AbortSignal.abort() });
  assert((await stream.next()).done);
  assertEquals(left(lab.client), before);
});

liveTest("forty streams share one thread", async () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const before = left(lab.client);
  using stack = new DisposableStack();
  const streams = Array.from({ length: 40 }, () => stack.use(pm.events()));
  const first = streams.map((stream) => stream.next());
  // 32 threads are all that Deno has for this.
  const text = await within(
    Deno.readTextFile(new URL(import.meta.url)),
    () => "a file, which needs a thread",
  );
  assertStringIncludes(text, "forty streams");
  await until(() => polling() === 1, "one thread to wait");
  using listener = listen(lab.client);
  const { local } = listener;
  for (const { value } of await within(Promise.all(first), () => "events")) {
    assertEquals(value, { type: "listener-created", local });
  }
  // Some end, the others go on.
  const second = streams.map((stream) => stream.next());
  for (const stream of streams.slice(0, 39)) stream.close();
  listener.close();
  const results = await within(Promise.all(second), () => "the end of events");
  assertEquals(results.filter(({ done }) => done).length, 39);
  assertEquals(results[39]!.value, { type: "listener-closed", local });
  stack.dispose();
  assertEquals(left(lab.client), before);
});

liveTest("a stream that waits delays no other", async () => {
  using lab = Lab.open({ paths: 0 });
  using quiet = PathManager.open({ netns: lab.server.netns });
  using loud = PathManager.open({ netns: lab.client.netns });
  using one = quiet.events();
  using other = loud.events();
  const never = one.next();
  await until(() => polling() === 1, "a thread to wait");
  const next = other.next();
  using listener = listen(lab.client);
  const { value } = await within(next, () => "an event");
  assertEquals(value, { type: "listener-created", local: listener.local });
  one.close();
  assert((await within(never, () => "the end")).done);
});

/** Starts a process with a stream. */
function spawn(lab: Lab, mode: string): Program {
  return new Program("pending_stream", [lab.client.netns, mode]);
}

liveTest("a process that waits for events ends by SIGINT", async () => {
  using lab = Lab.open({ paths: 0 });
  await using child = spawn(lab, "wait");
  assertEquals(await child.text(), "waiting\n");
  const { process } = child;
  await until(() => polling(process.pid) === 1, "a thread to wait");
  process.kill("SIGINT");
  const { text, signal } = await child.end();
  assertEquals([text, signal], ["", "SIGINT"]);
});

liveTest("a process ends by itself when its streams are closed", async () => {
  using lab = Lab.open({ paths: 0 });
  await using child = spawn(lab, "close");
  assertEquals(await child.text(), "waiting\n");
  const { process } = child;
  await until(() => polling(process.pid) === 1, "a thread to wait");
  // Its second stream must be open too.
  await until(() => listeners(lab.client).length === 2, "two streams");
  using _listener = listen(lab.client);
  const { text, code } = await child.end();
  assertEquals([text, code], ["done: true\n", 0]);
});

liveTest(
  "an open stream does not keep a process running unless `next()` waits",
  async () => {
    using lab = Lab.open({ paths: 0 });
    await using child = spawn(lab, "idle");
    const { text, code } = await child.end();
    assertEquals([text, code], ["idle\n", 0]);
  },
);
