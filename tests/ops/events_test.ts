import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { EVENTS } from "../../codec/mptcp_pm.gen.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { isPermissionError } from "../../netlink/errors.ts";
import { EVENT_TYPES, type PathManagerEvent } from "../../ops/event.ts";
import type { EventsOptions, EventStream } from "../../ops/events.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { attr, join, message, split, u32 } from "../helpers/netlink_bytes.ts";
import { golden, goldenOf } from "../helpers/golden.ts";

type Type = PathManagerEvent["type"];

const created = golden("event/kpm-v4/client/created").bytes;
const established = golden("event/kpm-v4/client/established").bytes;
const closed = golden("event/kpm-v4-close/client/closed").bytes;
const otherClosed = golden("event/upm-v4-close/client/closed").bytes;
const listening = golden("event/app-listen/server/listener-created").bytes;
const strange = message(28, 0, 0, Uint8Array.of(99, 1, 0, 0), attr(1, u32(7)));

const TOKEN = golden("event/kpm-v4-close/client/closed").decoded
  .attrs!["token"] as number;

const OVERRUN = new SyscallError("recvfrom", 105, "receive from the kernel");
const END = { value: undefined, done: true } as const;

function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  return { pm: PathManager.open({ namespace: kernel }), kernel };
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Takes all events that are there, and closes the stream. */
async function takeAll(stream: EventStream): Promise<PathManagerEvent[]> {
  const events: PathManagerEvent[] = [];
  const closing = turn().then(() => stream.close());
  for await (const event of stream) events.push(event);
  await closing;
  return events;
}

Deno.test("`events()` joins the group that the kernel names, and sends nothing", () => {
  const { pm, kernel } = open();
  using _stream = pm.events();
  const groups = golden("ctrl/getfamily/reply").decoded
    .attrs!["mcast-groups"] as readonly { name: string; id: number }[];
  const { id } = groups.find(({ name }) => name === "mptcp_pm_events")!;
  assertEquals(
    kernel.subscriptions.map(({ protocol, groups }) => [protocol, groups]),
    [[16, [id]]],
  );
  assertEquals(kernel.sent.length, 1);
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
    [{ types: ["closed", "closed"] }, ["closed", "closed"]],
    [{ types: ["overrun"] }, ["overrun"]],
    [{ types: ["unknown"] }, ["unknown"]],
    [{ types: ["sub-closed"] }, []],
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
    const events = await takeAll(stream);
    assertEquals(
      events.map(({ type }) => type),
      expected,
      Deno.inspect(options),
    );
  }
});

Deno.test("`events()` takes the captured events that fit, and no others", async () => {
  const captured = goldenOf("event").map(({ bytes }) => bytes);
  const all = open();
  const whole = all.pm.events();
  for (const bytes of captured) all.kernel.emit(bytes);
  const events = await takeAll(whole);
  assertEquals(events.length, captured.length);
  const tokens = events.map((event) => "token" in event ? event.token : 7);
  const { pm, kernel } = open();
  for (const types of [undefined, ...EVENT_TYPES.map((type) => [type])]) {
    for (const token of [undefined, ...new Set(tokens)]) {
      const stream = pm.events({
        ...types && { types },
        ...token !== undefined && { token },
      });
      kernel.emit(join(captured));
      assertEquals(
        await takeAll(stream),
        events.filter((event) =>
          (types === undefined || types.includes(event.type)) &&
          (token === undefined || "token" in event && event.token === token)
        ),
      );
    }
  }
});

Deno.test("`events()` decodes no event that is not asked for", async () => {
  const malformed = (cmd: number) =>
    message(28, 0, 0, Uint8Array.of(cmd, 1, 0, 0), attr(1));
  const rows: [EventsOptions, cmd: number, fails: boolean][] = [
    [{}, EVENTS.closed.cmd, true],
    [{ types: ["closed"] }, EVENTS.closed.cmd, true],
    [{ types: ["created", "overrun"] }, EVENTS.closed.cmd, false],
    // An event that lacks something is unknown, whatever its number.
    [{ types: ["unknown"] }, EVENTS.closed.cmd, true],
    [{ types: ["created"] }, 99, false],
  ];
  for (const [options, cmd, fails] of rows) {
    const { pm, kernel } = open();
    using stream = pm.events(options);
    for (const event of [malformed(cmd), created]) kernel.emit(event);
    if (fails) await assertRejects(() => stream.next(), DecodeError);
    else assertEquals((await stream.next()).value?.type, "created");
  }
});

Deno.test("`events()` takes an event whose token is not in front", async () => {
  const [bytes] = split(closed);
  const [token, rest] = [bytes!.slice(20, 28), bytes!.slice(0, 20)];
  for (const first of [[], [attr(99, u32(1))], [attr(15, u32(TOKEN))]]) {
    const event = join([rest, ...first, token]);
    event.set(u32(event.length));
    const { pm, kernel } = open();
    const [one, other] = [TOKEN, 7].map((token) => pm.events({ token }));
    kernel.emit(event);
    assertEquals(await takeAll(one!), [{ type: "closed", token: TOKEN }]);
    assertEquals(await takeAll(other!), []);
  }
});

Deno.test("`events()` refuses wrong arguments, and joins no group then", () => {
  const known = EVENT_TYPES.join(", ");
  const integer = "it is an integer from 1 to 4294967295";
  const rows: [unknown, string][] = [
    [
      { types: [] },
      `ArgumentTypeError: No event types: name one of ${known}, or leave them out`,
    ],
    ...["close", "", "Closed"].map((type): [unknown, string] => [
      { types: ["closed", type] },
      `ArgumentTypeError: Unknown event "${type}": known are ${known}`,
    ]),
    ...[0, -1, 1.5, 0x1_0000_0000, NaN].map((token): [unknown, string] => [
      { token },
      `ArgumentRangeError: Invalid token ${token}: ${integer}`,
    ]),
  ];
  for (const [options, expected] of rows) {
    const { pm, kernel } = open();
    const error = assertThrows(() => pm.events(options as EventsOptions));
    assertEquals(`${error}`, expected);
    assertEquals(kernel.subscriptions, []);
  }
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

Deno.test("each stream has all events, and ends alone", async () => {
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

Deno.test("`close()` of the path manager ends its streams, also one that waits", async () => {
  for (const end of ["close", Symbol.dispose] as const) {
    const { pm, kernel } = open();
    const [waiting, unread, closedBefore] = [
      pm.events(),
      pm.events(),
      pm.events(),
    ];
    const next = waiting.next();
    await turn();
    closedBefore.close();
    kernel.subscriptions[1]!.deliver(join([created, closed]));
    await unread.next();
    pm[end]();
    assertEquals(await next, END);
    for (const stream of [waiting, unread, closedBefore]) {
      assertEquals(await stream.next(), END);
    }
    assertEquals(kernel.subscriptions.map(({ closed }) => closed), [
      true,
      true,
      true,
    ]);
    kernel.emit(created);
    // The namespace is not the path manager's.
    assertEquals(kernel.closed, false);
    pm[end]();
  }
});

Deno.test("`close()` leaves the streams of other path managers", async () => {
  const { pm, kernel } = open();
  using other = PathManager.open({ namespace: kernel });
  using stream = other.events();
  const next = stream.next();
  pm.close();
  kernel.emit(created);
  assertEquals((await next).value?.type, "created");
  kernel.emit(
    golden("event/upm-v4-subflow-create-backup/client/sub-established").bytes,
  );
  // The name of the device too.
  const { value } = await stream.next();
  assertEquals(value && "dev" in value && value.dev, "eth2");
});

Deno.test("`close()` keeps no stream that has ended before", async () => {
  const { pm, kernel } = open();
  const signal = AbortSignal.abort();
  assertEquals(await pm.events({ signal }).next(), END);
  pm.events().close();
  for (const subscription of kernel.subscriptions) {
    assertEquals(subscription.closed, true);
    subscription.close = () => {
      throw new Error("closed once more");
    };
  }
  pm.close();
});

Deno.test("commands and events work side by side", async () => {
  const { pm, kernel } = open();
  const stream = pm.events();
  kernel.connect(TOKEN);
  assertEquals((await stream.next()).value?.type, "created");
  const { value } = await stream.next();
  assert(value?.type === "established");
  pm.announce({ token: value.token, address: "10.0.2.1", id: 5 });
  kernel.emit(closed);
  assertEquals(pm.dumpAddrs({ token: TOKEN }).map(({ id }) => id), [5]);
  assertEquals((await takeAll(stream)).map(({ type }) => type), ["closed"]);
});

Deno.test("`events()` throws the refusal to join, and leaves no listener", () => {
  const { pm, kernel } = open();
  kernel.privileged = false;
  const { signal } = new AbortController();
  signal.addEventListener = () => {
    throw new Error("there is a listener");
  };
  const error = assertThrows(() => pm.events({ signal }), SyscallError);
  assertEquals([error.syscall, error.code], ["setsockopt", "EPERM"]);
  assertEquals(isPermissionError(error), true);
  assertEquals(pm.getLimits(), kernel.limits);
});
