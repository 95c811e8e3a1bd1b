import { assert, assertEquals, assertRejects } from "@std/assert";
import { NETLINK_SOCK_DIAG } from "../../codec/sock_diag.gen.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import type { PathManagerEvent } from "../../ops/event.ts";
import type { EventsOptions, EventStream } from "../../ops/events.ts";
import { KnownConnections } from "../../ops/known_connections.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { resync } from "../../ops/resync.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { knownLines, presentLines } from "../helpers/known.ts";
import { LateKernel } from "../../testing/late_kernel.ts";
import { look, step } from "../helpers/fake_life.ts";
import { generatorAt } from "../helpers/random.ts";

function open<Kernel extends FakeKernel>(kernel: Kernel) {
  return { kernel, pm: PathManager.open({ namespace: kernel }) };
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Takes all events that are there, and those of what happens then. */
async function takeAll(
  stream: EventStream,
  happen: () => void = () => {},
): Promise<PathManagerEvent[]> {
  const events: PathManagerEvent[] = [];
  const reading = (async () => {
    for await (const event of stream) events.push(event);
  })();
  await settled(() => events.length);
  happen();
  await settled(() => events.length);
  stream.close();
  await reading;
  return events;
}

/** Waits until a number no longer grows. */
async function settled(size: () => number): Promise<void> {
  for (let before = -1; before < size();) {
    before = size();
    for (let turns = 0; turns < 5; turns++) await turn();
  }
}

/** Events as short texts. */
function texts(events: readonly PathManagerEvent[]): string[] {
  return events.map((event) =>
    ("synthetic" in event ? "(" : "") + event.type +
    ("token" in event ? ` ${event.token}` : "") +
    ("synthetic" in event ? ")" : "")
  );
}

Deno.test("a resync leads from any state to any other, and then to nothing", () => {
  const types = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const random = generatorAt(10, "resync", round);
    const kernel = new FakeKernel();
    const known = new KnownConnections();
    for (let looks = 0; looks < 5; looks++) {
      for (let steps = random(20); steps > 0; steps--) step(kernel, random);
      const present = look(kernel);
      for (const event of known.resync(present)) {
        types.add(event.type);
        assert("synthetic" in event);
      }
      assertEquals(knownLines(known), presentLines(present), `round ${round}`);
      assertEquals(resync(known, present), []);
    }
  }
  assertEquals([...types].toSorted(), [
    ...["closed", "created", "established"],
    ...["sub-closed", "sub-established", "sub-priority"],
  ]);
});

Deno.test("who follows a stream with `resync` ends with what is there", async () => {
  for (let round = 0; round < 60; round++) {
    const random = generatorAt(10, "stream", round);
    const { kernel, pm } = open(new LateKernel());
    for (let steps = random(30); steps > 0; steps--) step(kernel, random);
    kernel.isLate = true;
    using stream = pm.events({ resync: true });
    const known = new KnownConnections();
    let count = 0;
    const reading = (async () => {
      for await (const event of stream) {
        count++;
        const { type } = event;
        const isOpening = type === "created" || type === "established" ||
          type === "sub-established";
        const isKnown = "token" in event &&
          [...known].some(({ token }) => token === event.token);
        // Nothing is told twice.
        const isNews = known.take(event);
        assert(isNews || !isOpening || !isKnown, Deno.inspect(event));
      }
    })();
    for (let steps = 60; steps > 0; steps--) {
      step(kernel, random);
      if (random(4) === 0) kernel.deliver(random(6));
      if (random(25) === 0) kernel.lose();
      if (random(5) === 0) await turn();
    }
    kernel.deliver();
    await settled(() => count);
    assertEquals(knownLines(known), presentLines(look(kernel)), `${round}`);
    stream.close();
    await reading;
  }
});

Deno.test("`resync` says what the kernel would have said", async () => {
  const scenario = (kernel: FakeKernel) => {
    for (const serverSide of [false, true]) {
      const token = serverSide ? 6 : 5;
      const connection = kernel.connect(token, { serverSide });
      connection.openSubflow({
        local: { address: "fd00::1", port: 7 },
        remote: { address: "fd00::2", port: 8 },
        ...{ locId: 3, remId: 4, ifIndex: 3, backupByPeer: true },
        openedHere: !serverSide,
      });
    }
    kernel.connect(7, { established: false });
  };
  const early = open(new FakeKernel());
  const events = early.pm.events();
  scenario(early.kernel);
  const told = await takeAll(events);
  const late = open(new FakeKernel());
  scenario(late.kernel);
  assertEquals(
    await takeAll(late.pm.events({ resync: true })),
    told.map((event) => ({ ...event, synthetic: true })) as typeof told,
  );
  assertEquals(told.length, 7);
});

Deno.test("`resync` tells once what comes between joining and looking", async () => {
  const { kernel, pm } = open(new FakeKernel());
  kernel.connect(5);
  const stream = pm.events({ resync: true });
  assertEquals(kernel.subscriptions.length, 1);
  const connection = kernel.connect(6);
  connection.openSubflow();
  connection.closeSubflow(1);
  kernel.connect(7).close();
  assertEquals(texts(await takeAll(stream)), [
    ...["(created 5)", "(established 5)", "(created 6)", "(established 6)"],
    // What had come and gone is told as it was.
    ...["sub-established 6", "sub-closed 6"],
    ...["created 7", "established 7", "closed 7"],
  ]);
});

Deno.test("an `overrun` is told, and then what was lost", async () => {
  const { kernel, pm } = open(new LateKernel());
  const connection = kernel.connect(5, { established: false });
  connection.openSubflow();
  const other = kernel.connect(6);
  const stream = pm.events({ resync: true });
  const events = await takeAll(stream, () => {
    kernel.isLate = true;
    connection.establish();
    kernel.connect(7);
    kernel.lose();
    // The events of these come after the look that shows them.
    connection.setSubflow(0, { backupByPeer: true });
    connection.closeSubflow(1);
    connection.openSubflow();
    other.close();
    kernel.connections.get(7)!.close();
    setTimeout(() => kernel.deliver());
  });
  assertEquals(texts(events), [
    ...["(created 5)", "(sub-established 5)", "(created 6)", "(established 6)"],
    ...["overrun", "(established 5)", "(sub-closed 5)", "(sub-priority 5)"],
    ...["(sub-established 5)", "(closed 6)"],
    // Never told of here: that may be a client which fell back to TCP.
    "closed 7",
  ]);
});

Deno.test("`resync` respects `types`, `token` and `signal`", async () => {
  const rows: [EventsOptions, string[]][] = [
    [{ types: ["closed"] }, ["closed 6"]],
    [{ types: ["sub-established"] }, ["(sub-established 5)"]],
    [{ types: ["overrun", "created"] }, [
      ...["(created 5)", "(created 6)", "overrun"],
    ]],
    [{ token: 6 }, ["(created 6)", "(established 6)", "closed 6", "overrun"]],
    [{ token: 6, types: ["closed"] }, ["closed 6"]],
    [{ token: 7 }, ["overrun"]],
    [{ signal: AbortSignal.abort() }, []],
  ];
  for (const [options, expected] of rows) {
    const { kernel, pm } = open(new FakeKernel());
    kernel.connect(5).openSubflow();
    const six = kernel.connect(6);
    const stream = pm.events({ ...options, resync: true });
    const events = await takeAll(stream as EventStream, () => {
      kernel.emitOverrun();
      kernel.emitEvent("created", { token: 5 });
      six.close();
    });
    assertEquals([options, texts(events)], [options, expected]);
  }
});

Deno.test("`resync` leaves out what the kernel sends no events of", async () => {
  const { kernel, pm } = open(new FakeKernel());
  kernel.connect(1).set({ fallback: true });
  kernel.connect(2).set({ state: "fin-wait-1", inode: 0 });
  kernel.connect(3).setSubflow(0, { state: "syn-sent" });
  kernel.connections.get(3)!.set({ state: "syn-sent" });
  // Not yet accepted by its program; closed for writing; fell back later.
  kernel.connect(4).set({ inode: 0 });
  kernel.connect(5).set({ state: "fin-wait-2" });
  kernel.connect(6).set({ fallback: true, remoteKeyReceived: true });
  // A subflow that is being opened, and one that is being closed.
  kernel.connect(7).openSubflow({ state: "syn-sent" });
  kernel.connections.get(7)!.openSubflow();
  kernel.connections.get(7)!.setSubflow(2, { state: "fin-wait-1" });
  const events = await takeAll(pm.events({
    resync: true,
    types: [
      ...["created", "sub-established", "sub-closed"] as const,
    ],
  }) as EventStream);
  assertEquals(
    texts(events),
    [4, 5, 6, 7].map((token) => `(created ${token})`),
  );
});

Deno.test("a token that is used again belongs to another connection", () => {
  const kernel = new FakeKernel();
  const known = new KnownConnections();
  for (const port of [1000, 1001]) {
    kernel.connect(5, { local: { address: "10.0.0.1", port } });
    const told = texts(known.resync(look(kernel)));
    const made = ["(created 5)", "(established 5)"];
    assertEquals(told, port === 1000 ? made : ["(closed 5)", ...made]);
    kernel.connections.get(5)!.close();
  }
});

Deno.test("a connection that falls back is not closed", () => {
  const kernel = new FakeKernel();
  const connection = kernel.connect(5);
  const known = new KnownConnections();
  known.resync(look(kernel));
  connection.set({ fallback: true, remoteKeyReceived: false });
  connection.closeSubflow(0);
  assertEquals(texts(known.resync(look(kernel))), ["(sub-closed 5)"]);
});

Deno.test("`resync` knows what `types` leave out", async () => {
  const { kernel, pm } = open(new LateKernel());
  const stream = pm.events({ resync: true, types: ["closed"] });
  const events = await takeAll(stream as EventStream, () => {
    const connection = kernel.connect(5);
    setTimeout(() => {
      kernel.isLate = true;
      connection.close();
      kernel.lose();
    }, 1);
  });
  assertEquals(texts(events), ["(closed 5)"]);
});

Deno.test("a look that may have missed a subflow does not end it", () => {
  const kernel = new FakeKernel();
  const connection = kernel.connect(5);
  connection.openSubflow();
  const known = new KnownConnections();
  known.resync(look(kernel));
  connection.closeSubflow(1);
  connection.set({ subflowsTotal: 2 });
  assertEquals(known.resync(look(kernel)), []);
  connection.set({ subflowsTotal: 1 });
  assertEquals(texts(known.resync(look(kernel))), ["(sub-closed 5)"]);
});

Deno.test("a stream that cannot look ends with the reason", async () => {
  const { kernel, pm } = open(new FakeKernel());
  const { open: openSocket } = kernel;
  kernel.open = (protocol) => {
    if (protocol !== NETLINK_SOCK_DIAG) {
      return openSocket.call(kernel, protocol);
    }
    throw new SyscallError("socket", 93, "open netlink socket");
  };
  const stream = pm.events({ resync: true });
  await assertRejects(() => stream.next(), SyscallError, "EPROTONOSUPPORT");
  assertEquals(await stream.next(), { value: undefined, done: true });
  assert(kernel.subscriptions.every(({ closed }) => closed));
});

Deno.test("a stream that ends before it looks does not look", async () => {
  for (const end of ["stream", "pm"] as const) {
    const { kernel, pm } = open(new FakeKernel());
    kernel.connect(5);
    const stream = pm.events({ resync: true });
    const next = stream.next();
    (end === "pm" ? pm : stream).close();
    kernel.close();
    assertEquals(await next, { value: undefined, done: true });
  }
});
