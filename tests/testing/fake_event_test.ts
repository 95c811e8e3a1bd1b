import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  isPermissionError,
  NotFoundError,
  PathManager,
  type PathManagerEvent,
  SyscallError,
} from "../../mod.ts";
import {
  type FakeEventFields,
  type FakeEventType,
  FakeKernel,
} from "../../testing/mod.ts";
import { camelCased, type Golden, goldenOf } from "../helpers/golden.ts";

/** What an event says, as a test would write it. */
function fieldsOf({ decoded }: Golden): FakeEventFields {
  const attrs = camelCased(decoded.attrs!) as
    & Record<string, number>
    & {
      readonly [key in `${"s" | "d"}addr${4 | 6}`]?: string;
    };
  const end = (address: string | undefined, port: number | undefined) =>
    address === undefined ? undefined : { address, port: port! };
  const local = end(attrs.saddr4 ?? attrs.saddr6, attrs["sport"]);
  const remote = end(attrs.daddr4 ?? attrs.daddr6, attrs["dport"]);
  const { flags = 0, ifIdx, resetReason } = attrs;
  const fields: Record<keyof FakeEventFields, unknown> = {
    token: attrs["token"],
    local,
    remote,
    locId: attrs["locId"],
    remId: attrs["remId"],
    serverSide: attrs["serverSide"] === 1,
    denyJoinId0: (flags & 1) !== 0,
    backup: attrs["backup"] === 1,
    error: attrs["error"],
    dev: ifIdx === undefined ? undefined : `if${ifIdx}`,
    reset: resetReason === undefined
      ? undefined
      : { reason: resetReason, flags: attrs["resetFlags"] },
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  );
}

Deno.test("`emitEvent()` sends what the kernel sent", () => {
  const kernel = new FakeKernel();
  for (let index = 2; index < 30; index++) {
    kernel.devices.set(`if${index}`, index);
  }
  using subscription = kernel.subscribe(16, [9]);
  const events = goldenOf("event");
  for (const event of events) {
    const type = event.decoded.event as FakeEventType;
    kernel.emitEvent(type, fieldsOf(event));
    assertEquals(
      subscription.receive()!.toHex(),
      event.bytes.toHex(),
      event.name,
    );
  }
  assertEquals(
    new Set(events.map(({ decoded }) => decoded.event)).size,
    10,
    "all events are there",
  );
});

/** The events that a path manager gets while something happens. */
async function eventsOf(happen: (kernel: FakeKernel) => void) {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  using events = pm.events();
  happen(kernel);
  const all: PathManagerEvent[] = [];
  kernel.emitEvent("closed", { token: 99 });
  for await (const event of events) {
    if (event.type === "closed" && event.token === 99) break;
    all.push(event);
  }
  return all;
}

Deno.test("`emitEvent()` has a default for what a test does not say", async () => {
  const local = { address: "10.0.0.1", port: 40000 };
  const remote = { address: "10.0.0.2", port: 443 };
  const ids = { locId: 0, remId: 0 };
  const all = await eventsOf((kernel) => {
    kernel.emitEvent("established", { token: 5 });
    kernel.emitEvent("announced", { token: 5, remId: 3 });
    kernel.emitEvent("listener-created", {});
    kernel.emitEvent("sub-closed", { token: 5, dev: "eth1", error: 104 });
  });
  assertEquals(all, [
    {
      type: "established",
      token: 5,
      local,
      remote,
      ...ids,
      serverSide: false,
      denyJoinId0: false,
      flags: 0,
    },
    { type: "announced", token: 5, remId: 3, ...remote },
    { type: "listener-created", local },
    {
      type: "sub-closed",
      token: 5,
      local,
      remote,
      ...ids,
      backup: false,
      ifIndex: 3,
      dev: "eth1",
      error: {
        errno: 104,
        code: "ECONNRESET",
        message: "Connection reset by peer",
      },
    },
  ]);
});

Deno.test("`emitEvent()` knows the ends of a connection", async () => {
  const local = { address: "fd77::1", port: 5000 };
  const remote = { address: "fd77::2", port: 6000 };
  const [, , event] = await eventsOf((kernel) => {
    kernel.connect(5, { local, remote });
    kernel.emitEvent("sub-priority", { token: 5, backup: true });
  });
  assertEquals(event, {
    type: "sub-priority",
    token: 5,
    local,
    remote,
    locId: 0,
    remId: 0,
    backup: true,
    ifIndex: 0,
  });
});

Deno.test("`emitEvent()` refuses what the kernel never sends", () => {
  const kernel = new FakeKernel();
  const rows: [type: string, fields: FakeEventFields, message: string][] = [
    ["lost", {}, 'Unknown event "lost"'],
    ["overrun", {}, 'Unknown event "overrun"'],
    ["created", { dev: "eth9" }, 'Unknown device "eth9"'],
    ["created", { local: { address: "x", port: 1 } }, "x"],
  ];
  for (const [type, fields, message] of rows) {
    assertThrows(
      () => kernel.emitEvent(type as FakeEventType, fields),
      TypeError,
      message,
    );
  }
});

Deno.test("`emitOverrun()` is an event behind all that is there, and the stream goes on", async () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  using events = pm.events();
  const remove = (remId: number) =>
    kernel.emitEvent("removed", { token: 5, remId });
  const removed = (remId: number) =>
    ({ type: "removed", token: 5, remId }) as const;
  remove(1);
  kernel.emitOverrun();
  remove(2);
  for (const event of [removed(1), removed(2), { type: "overrun" }]) {
    assertEquals<unknown>((await events.next()).value, event);
  }
  remove(3);
  assertEquals((await events.next()).value, removed(3));
});

Deno.test("events and the mode need the privilege", () => {
  const kernel = new FakeKernel();
  kernel.privileged = false;
  using pm = PathManager.open({ namespace: kernel });
  const refused = assertThrows(() => pm.events(), SyscallError);
  assertEquals([refused.syscall, refused.code], ["setsockopt", "EPERM"]);
  const denied = assertThrows(() => pm.setMode("userspace"), SyscallError);
  assertEquals([denied.syscall, denied.code], ["open", "EACCES"]);
  for (const error of [refused, denied]) assert(isPermissionError(error));
  assertEquals(pm.getMode(), "kernel");
  kernel.privileged = true;
  using _ = pm.setMode("userspace");
  assertEquals(kernel.sysctls.get("pm_type"), "1");
});

Deno.test("`path_manager` follows `pm_type`", () => {
  const kernel = new FakeKernel();
  const folder = "/proc/sys/net/mptcp";
  for (const [type, name] of [["1", "userspace"], ["7", "7"]] as const) {
    kernel.writeFile(`${folder}/pm_type`, type);
    assertEquals(kernel.readFile(`${folder}/path_manager`), `${name}\n`);
  }
});

Deno.test("`subflows()` shows what commands made of them", () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  const local = { address: "10.0.1.1", port: 40000 };
  const remote = { address: "10.0.1.2", port: 443 };
  const connection = kernel.connect(5, { local, remote });
  const ids = { locId: 0, remId: 0, ifIndex: 0 };
  const kind = { openedHere: true, state: "established" } as const;
  const initial = { local, remote, backup: false, ...ids, ...kind };
  assertEquals(connection.subflows(), [initial]);
  pm.setSubflowBackup({ token: 5, local, remote, backup: true });
  assertEquals(connection.subflows(), [{ ...initial, backup: true }]);
  const second = { address: "10.0.2.1", port: 40001, id: 4 };
  pm.subflowCreate({ token: 5, local: second, remote });
  pm.subflowDestroy({ token: 5, local, remote });
  const { id, ...end } = second;
  assertEquals(connection.subflows(), [
    { ...initial, local: end, locId: id },
  ]);
  assertThrows(() => pm.delAddr({ id: 4 }), NotFoundError);
});
