/** Several path managers, streams and threads at once. */
import { assert, assertEquals } from "@std/assert";
import {
  type EventStream,
  PathManager,
  type PathManagerEvent,
  SyscallError,
} from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { listenBriefly } from "../helpers/listen.ts";
import { liveTest } from "../helpers/live.ts";
import { openFiles, polling, sockets } from "../helpers/proc.ts";
import { Program } from "../helpers/program.ts";
import { within } from "../helpers/within.ts";

/** What is seen of listeners on these ports. */
const seenOf = (ports: readonly number[]): string[] =>
  ports.flatMap((
    port,
  ) => [`listener-created ${port}`, `listener-closed ${port}`]);

const textOf = (event: PathManagerEvent): string =>
  "local" in event ? `${event.type} ${event.local.port}` : event.type;

/** Takes a number of events. */
function take(stream: EventStream, count: number): Promise<string[]> {
  const taken: string[] = [];
  const taking = async () => {
    while (taken.length < count) {
      taken.push(textOf((await stream.next()).value!));
    }
    return taken;
  };
  return within(taking(), () => `${count} events; ${taken.length} came`);
}

liveTest(
  "path managers share the state of their namespace, and nothing else",
  () => {
    using lab = Lab.open({ paths: 0 });
    using stack = new DisposableStack();
    const open = ({ netns }: Host) =>
      Array.from({ length: 5 }, () => stack.use(PathManager.open({ netns })));
    const [near, far] = [open(lab.client), open(lab.server)];
    for (const [index, pm] of near.entries()) {
      pm.addAddr({ address: `10.0.0.${index}`, flags: ["subflow"] });
      far[index]!.addAddr({ address: `10.0.1.${index}`, flags: ["signal"] });
      far[index]!.setLimits({ subflows: index });
    }
    for (
      const [pms, host, prefix, subflows] of [
        [near, lab.client, "10.0.0.", 2],
        [far, lab.server, "10.0.1.", 4],
      ] as const
    ) {
      const addresses = [0, 1, 2, 3, 4].map((last) => `${prefix}${last}`);
      const theirs = host.endpoints().map(({ address }) => address);
      assertEquals(theirs, addresses);
      for (const pm of pms) {
        assertEquals(pm.dumpAddrs().map(({ address }) => address), addresses);
        assertEquals(pm.getLimits().subflows, subflows);
      }
    }
  },
);

liveTest("each of many streams gets all events in their order", async () => {
  using lab = Lab.open({ paths: 0 });
  const { netns } = lab.client;
  using one = PathManager.open({ netns });
  using other = PathManager.open({ netns });
  using stack = new DisposableStack();
  const streams = Array.from(
    { length: 20 },
    (_, index) => stack.use((index % 2 === 0 ? one : other).events()),
  );
  const all = Promise.all(streams.map((stream) => take(stream, 200)));
  const ports = Array.from({ length: 100 }, () => listenBriefly(lab.client));
  for (const seen of await all) assertEquals(seen, seenOf(ports));
});

liveTest(
  "a stream that is not read delays no other, and loses nothing",
  async () => {
    using lab = Lab.open({ paths: 0 });
    using pm = PathManager.open({ netns: lab.client.netns });
    using slow = pm.events();
    using fast = pm.events();
    const ports = Array.from({ length: 100 }, () => listenBriefly(lab.client));
    assertEquals(await take(fast, 200), seenOf(ports));
    assertEquals(await take(slow, 200), seenOf(ports));
  },
);

liveTest("an event goes to exactly one of several `next()` calls", async () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const stream = pm.events();
  const seen: string[] = [];
  const shares = Array.from({ length: 4 }, async () => {
    let count = 0;
    for (;;) {
      const { value, done } = await stream.next();
      if (done) return count;
      seen.push(textOf(value));
      count++;
    }
  });
  const ports: number[] = [];
  for (let round = 0; round < 50; round++) {
    ports.push(listenBriefly(lab.client));
    // All wait again, or what comes is shared out while they wait.
    if (round % 2 === 0) {
      await until(() => seen.length === 2 * ports.length, "both events");
    }
  }
  await until(() => seen.length === 100, "all events");
  assertEquals(seen, seenOf(ports));
  stream.close();
  const counts = await within(Promise.all(shares), () => "the end of all");
  assertEquals(counts.reduce((sum, count) => sum + count), 100);
  assert(counts.every((count) => count > 0), counts.join(", "));
});

liveTest(
  "a hundred path managers and a hundred streams need one thread",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { client, server } = lab;
    const before = openFiles().length;
    using stack = new DisposableStack();
    const streams = Array.from({ length: 100 }, (_, index) => {
      const { netns } = index % 2 === 0 ? client : server;
      return stack.use(stack.use(PathManager.open({ netns })).events());
    });
    // A socket for commands and one for events.
    assertEquals([sockets(client).length, sockets(server).length], [100, 100]);
    const all = streams.map((stream) => take(stream, 2));
    await until(() => polling() === 1, "one thread to wait");
    // And the namespace of each, and what ends the wait.
    assertEquals(openFiles().length, before + 300 + 1);
    const ports = [listenBriefly(client), listenBriefly(server)];
    for (const [index, seen] of (await Promise.all(all)).entries()) {
      assertEquals(seen, seenOf([ports[index % 2]!]));
    }
    const ends = streams.map((stream) => stream.next());
    await until(() => polling() === 1, "one thread to wait");
    stack.dispose();
    for (const { done } of await within(Promise.all(ends), () => "ends")) {
      assert(done);
    }
    assertEquals([openFiles().length, polling()], [before, 0]);
    assertEquals([sockets(client).length, sockets(server).length], [0, 0]);
  },
);

/** As much as starting threads may take: Deno checks their types. */
const TIMEOUT_MS = 300_000;

/** What a worker does, where, and how often. */
export interface Job {
  readonly kind: "listen" | "fail" | "open";
  readonly netns: string;
  readonly count: number;
}

/** Starts a worker. */
function work(job: Job) {
  const url = new URL("../programs/concurrent_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const opened = Promise.withResolvers<void>();
  const result = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => {
    if (data === "open") opened.resolve();
    else result.resolve(data.result);
  };
  worker.onerror = ({ message }) => result.reject(new Error(message));
  worker.postMessage(job);
  return {
    opened: opened.promise,
    result: result.promise,
    [Symbol.dispose]: () => worker.terminate(),
  };
}

liveTest("workers get events while other threads send commands", async () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  const { netns } = client;
  using pm = PathManager.open({ netns });
  using stack = new DisposableStack();
  const workers = [];
  for (let count = 0; count < 4; count++) {
    const worker = stack.use(work({ kind: "listen", netns, count: 50 }));
    // One after the other: the first has the types checked, for all.
    await within(worker.opened, () => "a stream in a worker", TIMEOUT_MS);
    workers.push(worker);
  }
  const ports: number[] = [];
  for (let round = 0; round < 50; round++) {
    const subflows = round % 8;
    pm.setLimits({ subflows });
    const { id } = pm.addAddr({ address: `10.0.0.${round}` });
    ports.push(listenBriefly(client));
    assertEquals(pm.getLimits().subflows, subflows);
    assertEquals(pm.delAddr({ id }).length, 1);
  }
  const results = Promise.all(workers.map(({ result }) => result));
  for (const seen of await within(results, () => "all events", TIMEOUT_MS)) {
    assertEquals(seen, ports);
  }
});

liveTest("each thread has an errno of its own", async () => {
  using lab = Lab.open({ paths: 0 });
  const cases = [
    ["no-such-namespace", "ENOENT"],
    ["/dev/null", "EINVAL"],
    ["/dev/null/x", "ENOTDIR"],
    [`/${"x".repeat(5000)}`, "ENAMETOOLONG"],
    [lab.client.netns, "none"],
  ] as const;
  using stack = new DisposableStack();
  const workers = cases.map(([netns]) =>
    stack.use(work({ kind: "fail", netns, count: 2000 }))
  );
  const results = workers.map(({ result }) => result);
  let isOver = false;
  const all = Promise.all(results).finally(() => isOver = true);
  while (!isOver) {
    // This thread too, whose calls fail with another one.
    for (let count = 0; count < 100; count++) {
      try {
        PathManager.open({ netns: "/proc/self/ns/uts/" });
        throw new Error("opened");
      } catch (error) {
        assert(error instanceof SyscallError, `${error}`);
        assertEquals(error.code, "ENOTDIR");
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(await all, cases.map(([, code]) => [code]));
});

liveTest("opening and closing in many workers leaves nothing", async () => {
  using lab = Lab.open({ paths: 0 });
  const { netns } = lab.client;
  using stack = new DisposableStack();
  const results = Array.from(
    { length: 8 },
    () => stack.use(work({ kind: "open", netns, count: 40 })).result,
  );
  assertEquals(
    await within(Promise.all(results), () => "the workers", TIMEOUT_MS),
    Array(8).fill(40),
  );
  assertEquals([sockets(lab.client).length, polling()], [0, 0]);
});

liveTest("terminating a worker does not affect other threads", async () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  await using program = new Program(
    "terminate_workers",
    [client.netns, "3"],
    "--allow-read",
  );
  assertEquals(await program.text(), "terminated\n");
  listenBriefly(client);
  assertEquals(await program.text(), "listener-created 2\n");
  const { code } = await program.end();
  assertEquals([code, sockets(client).length], [0, 0]);
});
