import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { NetlinkError, ProtocolError, SyscallError } from "../../ops/errors.ts";
import { EVENT_TYPES, type PathManagerEvent } from "../../ops/event.ts";
import type { EventsOptions } from "../../ops/events.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import {
  attr,
  join,
  message,
  u32,
  verdict,
} from "../../testing/netlink_bytes.ts";
import { golden } from "../helpers/golden.ts";

type Type = PathManagerEvent["type"];

const created = golden("event/kpm-v4/client/created").bytes;
const established = golden("event/kpm-v4/client/established").bytes;
const closed = golden("event/kpm-v4-close/client/closed").bytes;
const otherClosed = golden("event/upm-v4-close/client/closed").bytes;
const listening = golden("event/app-listen/server/listener-created").bytes;
const strange = message(28, 0, 0, Uint8Array.of(99, 1, 0, 0), attr(1, u32(7)));
const malformed = message(28, 0, 0, Uint8Array.of(3, 1, 0, 0), attr(1));

const TOKEN = golden("event/kpm-v4-close/client/closed").decoded
  .attrs!["token"] as number;

const OVERRUN = new SyscallError("recvfrom", 105, "receive from the kernel");
const END = { value: undefined, done: true } as const;

function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  return { pm: PathManager.open({ transport: kernel }), kernel };
}

/** Reads all that is there, and closes the stream. */
async function typesOf(
  stream: AsyncIterator<PathManagerEvent, undefined> & { close(): void },
  count: number,
): Promise<Type[]> {
  const types: Type[] = [];
  while (types.length < count) types.push((await stream.next()).value!.type);
  // What is there by now is told before the waiting starts.
  const next = stream.next();
  await turn();
  stream.close();
  assertEquals(await next, END);
  return types;
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("`events()` hears what comes before the first `next()`", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  for (const event of [created, established]) kernel.emit(event);
  await turn();
  kernel.emit(closed);
  const types = await typesOf(stream, 3);
  assertEquals(types, ["created", "established", "closed"]);
});

Deno.test("`events()` joins the group that the kernel names, and sends nothing", () => {
  const { pm, kernel } = open();
  using _stream = pm.events();
  const groups = golden("ctrl/getfamily/reply").decoded
    .attrs!["mcast-groups"] as readonly { name: string; id: number }[];
  const group = groups.find(({ name }) => name === "mptcp_pm_events")!.id;
  assertEquals(kernel.subscriptions.map(({ group }) => group), [group]);
  assertEquals(kernel.sent.length, 1);
});

Deno.test("`next()` waits for what comes later", async () => {
  const { pm, kernel } = open();
  using stream = pm.events();
  const events = [created, established, closed];
  const seen: Type[] = [];
  for (const event of events) {
    const next = stream.next();
    await turn();
    kernel.emit(event);
    seen.push((await next).value!.type);
  }
  assertEquals(seen, ["created", "established", "closed"]);
});

Deno.test("`events()` leaves out what was not asked for", async () => {
  const all = [
    created,
    listening,
    established,
    strange,
    OVERRUN,
    otherClosed,
    closed,
  ];
  const everything: Type[] = [
    "created",
    "listener-created",
    "established",
    "unknown",
    "closed",
    "closed",
    "overrun",
  ];
  const rows: [EventsOptions, Type[]][] = [
    [{}, everything],
    [{ types: EVENT_TYPES }, everything],
    [{ types: ["closed"] }, ["closed", "closed"]],
    [{ types: ["closed", "created"] }, ["created", "closed", "closed"]],
    [{ types: ["overrun"] }, ["overrun"]],
    [{ types: ["unknown"] }, ["unknown"]],
    [{ types: ["sub-closed"] }, []],
    [{ types: [] }, []],
    [{ token: TOKEN }, ["created", "established", "closed", "overrun"]],
    [{ token: 7 }, ["overrun"]],
    [{ token: 0xffffffff }, ["overrun"]],
    [{ token: TOKEN, types: ["closed"] }, ["closed"]],
    [{ token: TOKEN, types: ["closed", "overrun"] }, ["closed", "overrun"]],
    [{ token: TOKEN, types: ["listener-created"] }, []],
  ];
  for (const [options, expected] of rows) {
    const { pm, kernel } = open();
    const stream = pm.events(options);
    for (const delivery of all) kernel.emit(delivery);
    assertEquals(
      await typesOf(stream, expected.length),
      expected,
      Deno.inspect(options),
    );
  }
});

Deno.test("`events()` refuses wrong arguments, and listens to nothing then", () => {
  const known = EVENT_TYPES.join(", ");
  const rows: [unknown, string, string][] = [
    [{ types: ["close"] }, "TypeError", `Unknown event "close": known are `],
    [{ types: ["closed", ""] }, "TypeError", `Unknown event "": known are `],
    [{ types: ["Closed"] }, "TypeError", `Unknown event "Closed": known are `],
    [{ token: 0 }, "RangeError", ""],
    [{ token: -1 }, "RangeError", ""],
    [{ token: 1.5 }, "RangeError", ""],
    [{ token: 0x1_0000_0000 }, "RangeError", ""],
    [{ token: NaN }, "RangeError", ""],
  ];
  for (const [options, name, text] of rows) {
    const { pm, kernel } = open();
    const error = assertThrows(
      () => pm.events(options as EventsOptions),
      Error,
    );
    assertEquals(error.name, name);
    if (name === "TypeError") assertEquals(error.message, text + known);
    else assert(error.message.startsWith("Invalid token"), error.message);
    assertEquals(kernel.subscriptions, []);
  }
});

Deno.test("`events()` says that events were lost once all that is there was taken, and goes on", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  const types: Type[] = [];
  const take = async (count: number) => {
    while (count-- > 0) types.push((await stream.next()).value!.type);
  };
  for (const one of [created, OVERRUN, closed, strange]) kernel.emit(one);
  await take(4);
  // Once for all that was lost until there was nothing to take.
  for (const one of [OVERRUN, created, OVERRUN, OVERRUN]) kernel.emit(one);
  await take(2);
  kernel.emit(closed);
  types.push(...await typesOf(stream, 1));
  assertEquals(types, [
    ...["created", "closed", "unknown", "overrun"],
    ...["created", "overrun"],
    "closed",
  ]);
});

Deno.test("`next()` throws what else goes wrong, and ends the stream", async () => {
  const cases: [name: string, Error | Uint8Array<ArrayBuffer>][] = [
    ["SyscallError", new SyscallError("recvfrom", 12, "receive")],
    ["DecodeError", malformed],
    ["DecodeError", created.slice(0, 10)],
    ["DecodeError", new Uint8Array(32)],
    ["Error", new Error("of another kind")],
  ];
  for (const [name, delivery] of cases) {
    for (const isWaiting of [false, true]) {
      const { pm, kernel } = open();
      const { signal } = new AbortController();
      const stream = pm.events({ signal });
      let next = isWaiting ? stream.next() : undefined;
      kernel.emit(delivery);
      kernel.emit(closed);
      const error = await assertRejects(() => next ??= stream.next(), Error);
      assertEquals(error.name, name);
      if (delivery instanceof Error) assertStrictEquals(error, delivery);
      else assert(error instanceof DecodeError);
      assertEquals(kernel.subscriptions[0]!.closed, true);
      assertEquals(await stream.next(), END);
      // It has done no harm to anything else.
      using other = pm.events();
      kernel.emit(closed);
      assertEquals((await other.next()).value?.type, "closed");
      assertEquals(pm.getLimits(), kernel.limits);
    }
  }
});

Deno.test("`for await` throws what goes wrong, after what came before", async () => {
  const { pm, kernel } = open();
  const seen: Type[] = [];
  const stream = pm.events();
  for (const event of [created, closed, malformed, closed]) kernel.emit(event);
  const error = await assertRejects(async () => {
    for await (const { type } of stream) seen.push(type);
  }, DecodeError);
  assertEquals(error.path, ".token");
  assertEquals(seen, ["created", "closed"]);
});

Deno.test("`events()` takes several messages in one datagram, in their order", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  kernel.emit(join([created, established, strange]));
  kernel.emit(join([closed, otherClosed]));
  assertEquals(await typesOf(stream, 5), [
    "created",
    "established",
    "unknown",
    "closed",
    "closed",
  ]);
});

Deno.test("`events()` skips what is no event", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  const request = golden("get-limits/default/request").bytes;
  const others = [
    message(1, 0, 0), // NLMSG_NOOP
    verdict(request, 22, { message: "no" }), // NLMSG_ERROR
    verdict(request, 0),
    message(3, 2, 0, u32(0)), // NLMSG_DONE
    new Uint8Array(),
  ];
  for (const other of others) kernel.emit(other);
  kernel.emit(join([...others, created, ...others, closed, ...others]));
  assertEquals(await typesOf(stream, 2), ["created", "closed"]);
});

Deno.test("events keep nothing of the datagram", async () => {
  const { pm, kernel } = open();
  using stream = pm.events();
  for (const event of [strange, created, closed]) kernel.emit(event);
  const first = (await stream.next()).value;
  // The fake overwrites what it delivered before.
  await stream.next();
  await stream.next();
  assertEquals(first, { type: "unknown", cmd: 99, attrs: { token: 7 } });
});

Deno.test("events name the device, while it is there", async () => {
  const { pm, kernel } = open();
  using stream = pm.events();
  const { bytes, decoded } = golden(
    "event/upm-v4-subflow-create-backup/client/sub-established",
  );
  kernel.devices.set("kic2", decoded.attrs!["if-idx"] as number);
  kernel.devices.delete("eth2");
  kernel.emit(bytes);
  kernel.emit(bytes);
  const seen = [];
  for (const _ of [1, 2]) {
    const { value } = await stream.next();
    seen.push([
      value && "ifIndex" in value && value.ifIndex,
      value && "dev" in value && value.dev,
    ]);
    kernel.devices.delete("kic2");
  }
  assertEquals(seen, [[4, "kic2"], [4, false]]);
});

/** What ends a stream, besides its signal. */
const ENDINGS: Readonly<
  Record<string, (stream: ReturnType<PathManager["events"]>) => unknown>
> = {
  "`close()`": (stream) => stream.close(),
  "`return()`": (stream) => stream.return(),
  "`using`": (stream) => {
    using _same = stream;
  },
};

for (const [name, end] of Object.entries(ENDINGS)) {
  Deno.test(`${name} ends a stream that waits, has waited, or never did`, async () => {
    for (const when of ["waiting", "before", "between", "with events"]) {
      const { pm, kernel } = open();
      const stream = pm.events();
      if (when === "between") {
        kernel.emit(created);
        await stream.next();
      }
      const next = when === "waiting" ? stream.next() : undefined;
      // What was not taken is gone.
      if (when === "with events") kernel.emit(join([closed, closed]));
      await turn();
      end(stream);
      assertEquals(kernel.subscriptions[0]!.closed, true, when);
      for (const one of [next, stream.next(), stream.next()]) {
        if (one !== undefined) assertEquals(await one, END, when);
      }
      // Again does nothing.
      end(stream);
      assertEquals(await stream.return(), END);
      // A closed subscription may not be read: the fake would throw.
      kernel.emit(closed);
      assertEquals(await stream.next(), END);
    }
  });
}

Deno.test("`break` ends the stream, and what was read with the last event is gone", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  kernel.emit(join([created, established, closed]));
  const seen: Type[] = [];
  for await (const { type } of stream) {
    seen.push(type);
    if (seen.length === 2) break;
  }
  assertEquals(seen, ["created", "established"]);
  assertEquals(kernel.subscriptions[0]!.closed, true);
  assertEquals(await stream.next(), END);
});

Deno.test("an error in the loop ends the stream, and is kept", async () => {
  const { pm, kernel } = open();
  const failure = new Error("on purpose");
  const stream = pm.events();
  kernel.emit(created);
  const error = await assertRejects(async () => {
    for await (const _ of stream) throw failure;
  });
  assertStrictEquals(error, failure);
  assertEquals(kernel.subscriptions[0]!.closed, true);
});

/** A signal that counts who listens to it. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const { addEventListener, removeEventListener } = signal;
  const listeners = new Set<unknown>();
  signal.addEventListener = (...args: [string, unknown]) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: [string, unknown]) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args as never);
  };
  return { controller, signal, listeners };
}

Deno.test("a signal ends the stream, whenever it aborts", async () => {
  for (const when of ["before", "at once", "waiting", "between"]) {
    const { pm, kernel } = open();
    const { controller, signal, listeners } = countedSignal();
    if (when === "before") controller.abort(new Error("enough"));
    const seen: Type[] = [];
    const stream = pm.events({ signal });
    kernel.emit(join([created, closed]));
    if (when === "at once") controller.abort();
    const reading = (async () => {
      for await (const { type } of stream) {
        seen.push(type);
        if (when === "between") controller.abort();
      }
    })();
    await turn();
    if (when === "waiting") controller.abort();
    // It ends as if it were at its end: no error.
    await reading;
    assertEquals(
      seen,
      when === "waiting"
        ? ["created", "closed"]
        : when === "between"
        ? ["created"]
        : [],
      when,
    );
    assertEquals(kernel.subscriptions[0]!.closed, true, when);
    assertEquals(await stream.next(), END);
    assertEquals(listeners.size, 0, when);
  }
});

Deno.test("a stream leaves no listener on its signal, however it ends", async () => {
  const endings: ((
    stream: ReturnType<PathManager["events"]>,
    kernel: FakeKernel,
  ) => unknown)[] = [
    ...Object.values(ENDINGS),
    async (stream) => {
      for await (const _ of stream) break;
    },
    (stream, kernel) => {
      for (const _ of [1, 2]) kernel.emit(malformed);
      return assertRejects(async () => {
        for await (const _ of stream);
      }, DecodeError);
    },
  ];
  for (const end of endings) {
    const { pm, kernel } = open();
    const { signal, listeners } = countedSignal();
    const stream = pm.events({ signal });
    assertEquals(listeners.size, 1);
    kernel.emit(created);
    await end(stream, kernel);
    assertEquals(listeners.size, 0);
    assertEquals(signal.aborted, false);
  }
});

Deno.test("`next()` can be called again while it waits", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  const nexts = [stream.next(), stream.next(), stream.next()];
  await turn();
  kernel.emit(created);
  assertEquals((await nexts[0]!).value?.type, "created");
  kernel.emit(join([established, closed]));
  assertEquals((await nexts[1]!).value?.type, "established");
  assertEquals((await nexts[2]!).value?.type, "closed");
  const last = [stream.next(), stream.next()];
  await turn();
  stream.close();
  assertEquals(await Promise.all(last), [END, END]);
});

Deno.test("an error goes to one of two `next()`, and the other ends", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  const nexts = [stream.next(), stream.next()];
  const settled = Promise.allSettled(nexts);
  await turn();
  kernel.emit(malformed);
  const [first, second] = await settled;
  assertEquals(first!.status, "rejected");
  assertEquals(second, { status: "fulfilled", value: END });
});

Deno.test("each stream hears everything, and ends alone", async () => {
  const { pm, kernel } = open();
  const one = pm.events();
  const other = pm.events({ types: ["closed"] });
  kernel.emit(created);
  assertEquals((await one.next()).value?.type, "created");
  one.close();
  kernel.emit(closed);
  assertEquals((await other.next()).value?.type, "closed");
  assertEquals(await one.next(), END);
  assertEquals(kernel.subscriptions.map(({ closed }) => closed), [true, false]);
  other.close();
});

Deno.test("a stream goes on when its path manager is closed", async () => {
  const { pm, kernel } = open();
  using stream = pm.events();
  const next = stream.next();
  pm.close();
  kernel.emit(created);
  assertEquals((await next).value?.type, "created");
  kernel.emit(
    golden("event/upm-v4-subflow-create-backup/client/sub-established").bytes,
  );
  // The name of the device too.
  const { value } = await stream.next();
  assertEquals(value?.type, "sub-established");
  assertEquals(value && "dev" in value && value.dev, "eth2");
});

Deno.test("a stream is its own iterator", () => {
  const { pm } = open();
  using stream = pm.events();
  assertStrictEquals(stream[Symbol.asyncIterator](), stream);
});

Deno.test("commands and events do not come in each other's way", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  kernel.connect(TOKEN);
  kernel.emit(established);
  const { value } = await stream.next();
  assert(value?.type === "established");
  pm.announce({ token: value.token, address: "10.0.2.1", id: 5 });
  kernel.emit(closed);
  assertEquals(pm.dumpAddrs({ token: TOKEN }).map(({ id }) => id), [5]);
  assertEquals(await typesOf(stream, 1), ["closed"]);
});

Deno.test("`events()` says that the kernel has no events", () => {
  const kernel = new FakeKernel();
  // The same answer without CTRL_ATTR_MCAST_GROUPS (7), as before Linux 5.12.
  kernel.distort = (answer) =>
    answer.map((delivery) => {
      const bytes = (delivery as Uint8Array<ArrayBuffer>).slice();
      const view = new DataView(bytes.buffer);
      for (let at = 20; at < bytes.length;) {
        if ((view.getUint16(at + 2, true) & 0x3fff) === 7) bytes[at + 2] = 99;
        at += (view.getUint16(at, true) + 3) & ~3;
      }
      return bytes;
    });
  const pm = PathManager.open({ transport: kernel });
  kernel.distort = (answer) => answer;
  const error = assertThrows(() => pm.events(), ProtocolError);
  assertEquals(
    error.message,
    'Cannot hear events: mptcp_pm has no group "mptcp_pm_events" here, which ' +
      "Linux has from 5.12 on",
  );
  assertEquals(kernel.subscriptions, []);
  assertEquals(pm.getLimits(), kernel.limits);
});

Deno.test("`events()` throws the refusal to join, and leaves no listener", () => {
  const { pm, kernel } = open();
  kernel.privileged = false;
  const { signal, listeners } = countedSignal();
  const error = assertThrows(() => pm.events({ signal }), SyscallError);
  assertEquals([error.syscall, error.code], ["setsockopt", "EPERM"]);
  assertEquals(listeners.size, 0);
  assertEquals(pm.getLimits(), kernel.limits);
  assertThrows(() => pm.flushAddrs(), NetlinkError);
});
