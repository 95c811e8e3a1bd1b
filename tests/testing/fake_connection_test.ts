import { assertEquals, assertThrows } from "@std/assert";
import {
  NetlinkError,
  PathManager,
  type PathManagerEvent,
  type SubflowEvent,
} from "../../mod.ts";
import { FakeKernel } from "../../testing/mod.ts";

const local = { address: "10.0.1.1", port: 40000 };
const remote = { address: "10.0.1.2", port: 443 };
const second = { address: "10.0.2.1", id: 2 };

/** The events that something causes, in its kernel with one connection. */
async function eventsOf(
  cause: (pm: PathManager, kernel: FakeKernel) => void,
): Promise<PathManagerEvent[]> {
  const kernel = new FakeKernel();
  kernel.connect(5, { local, remote });
  using pm = PathManager.open({ namespace: kernel });
  const stream = pm.events();
  cause(pm, kernel);
  kernel.emitEvent("closed", { token: 99 });
  const events: PathManagerEvent[] = [];
  for await (const event of stream) {
    if (event.type === "closed" && event.token === 99) break;
    events.push(event);
  }
  return events;
}

/** What a subflow that a command opened is like in an event. */
const opened: Omit<SubflowEvent, "type"> = {
  token: 5,
  local: { address: "10.0.2.1", port: 0xe13b },
  remote,
  locId: 2,
  remId: 0,
  backup: false,
  ifIndex: 0,
};
const created = { type: "sub-established" as const, ...opened };
const closed = { type: "sub-closed" as const, ...opened };

const create = (pm: PathManager) =>
  pm.subflowCreate({ token: 5, local: second, remote });

const CAUSES: Readonly<
  Record<string, [Parameters<typeof eventsOf>[0], PathManagerEvent[]]>
> = {
  "subflow-create": [create, [created]],
  "subflow-create with a device": [
    (pm) => pm.subflowCreate({ token: 5, local: second, remote, dev: "eth1" }),
    [{ ...created, ifIndex: 3, dev: "eth1" }],
  ],
  "subflow-create to an announced address": [
    (pm, kernel) => {
      kernel.emitEvent("announced", { token: 5, remId: 9, remote });
      create(pm);
    },
    [
      { type: "announced", token: 5, remId: 9, ...remote },
      { ...created, remId: 9 },
    ],
  ],
  "subflow-create that the peer refuses": [
    (pm, kernel) => {
      kernel.network = { connect: () => ({ refusal: 111 }) };
      create(pm);
    },
    [{
      ...closed,
      error: {
        errno: 111,
        code: "ECONNREFUSED",
        message: "Connection refused",
      },
    }],
  ],
  "subflow-destroy": [
    (pm) => {
      create(pm);
      pm.subflowDestroy({ token: 5, local: opened.local, remote });
    },
    [created, closed],
  ],
  "subflow-destroy of the initial subflow, and again": [
    (pm) => {
      for (const _ of [1, 2]) pm.subflowDestroy({ token: 5, local, remote });
    },
    [{ ...closed, local, locId: 0 }],
  ],
  "remove": [
    (pm) => {
      create(pm);
      pm.remove({ token: 5, id: 2 });
    },
    [created, closed],
  ],
  "remove of an address that has no subflow": [
    (pm) => {
      pm.announce({ token: 5, ...second });
      pm.remove({ token: 5, id: 2 });
    },
    [],
  ],
  "set-flags": [
    (pm) => pm.setSubflowBackup({ token: 5, local, remote, backup: true }),
    [],
  ],
  "add-addr, del-addr and flush-addrs with ports": [
    (pm) => {
      const { address } = local;
      for (const port of [80, 81]) {
        pm.addAddr({ address, port, flags: ["signal"] });
      }
      pm.addAddr({ address, flags: ["signal"] });
      pm.delAddr({ id: 1 });
      pm.flushAddrs();
    },
    [
      ["listener-created", 80] as const,
      ["listener-created", 81] as const,
      ["listener-closed", 80] as const,
      ["listener-closed", 81] as const,
    ].map(([type, port]) => ({ type, local: { ...local, port } })),
  ],
};

for (const [command, [cause, events]] of Object.entries(CAUSES)) {
  Deno.test(`\`FakeKernel\` sends the events of ${command}`, async () => {
    assertEquals(await eventsOf(cause), events);
  });
}

Deno.test("`connect()` sends the events of a connection's life, and no command outlives it", async () => {
  const life = {
    ...{ token: 6, local, remote, locId: 0, remId: 0 },
    ...{ serverSide: true, denyJoinId0: true, flags: 3 },
  };
  const options = { serverSide: true, denyJoinId0: true, established: false };
  const events = await eventsOf((pm, kernel) => {
    using connection = kernel.connect(6, { local, remote, ...options });
    const open = () => pm.subflowCreate({ token: 6, local: second, remote });
    assertEquals(assertThrows(open, NetlinkError).code, "ENOTCONN");
    assertEquals(connection.addresses(), []);
    for (const _ of [1, 2]) connection.establish();
    for (const _ of [1, 2]) connection.close();
    assertEquals(assertThrows(open, NetlinkError).code, "EINVAL");
  });
  assertEquals(events, [
    { type: "created", ...life },
    { type: "established", ...life },
    { type: "closed", token: 6 },
  ]);
});

Deno.test("`network` decides where a subflow starts, and whether it can", () => {
  const kernel = new FakeKernel();
  const connection = kernel.connect(5, { local, remote });
  using pm = PathManager.open({ namespace: kernel });
  kernel.network = {
    listen: ({ port }) => port === 80 ? 98 : 0,
    connect: (_, { ifIndex }) =>
      ifIndex === 2 ? { error: 101 } : { port: 7, remId: 4 },
  };
  create(pm);
  assertEquals(connection.subflows()[1], {
    ...{ local: { address: second.address, port: 7 }, remote, locId: 2 },
    ...{ remId: 4, backup: false, ifIndex: 0 },
    ...{ openedHere: true, state: "established" },
  });
  const rows: [() => unknown, string][] = [
    [
      () => pm.subflowCreate({ token: 5, local: second, remote, dev: "eth0" }),
      "Cannot create subflow: connect error: -101 (ENETUNREACH)",
    ],
    [
      () => pm.addAddr({ address: "10.0.1.1", port: 80, flags: ["signal"] }),
      "Cannot add address: create listen socket error: -98 (EADDRINUSE)\n" +
      "hint: something listens on this port already",
    ],
  ];
  for (const [call, message] of rows) {
    assertEquals(assertThrows(call, NetlinkError).message, message);
  }
});

Deno.test("`addImplicit()` leaves an endpoint with the address alone", () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  const endpoint = pm.addAddr({ address: "10.0.1.1" });
  for (const address of ["::ffff:10.0.1.1", "10.0.2.1"]) {
    kernel.addImplicit(address);
  }
  assertEquals(kernel.endpoints(), [
    endpoint,
    { address: "10.0.2.1", port: 0, id: 2, flags: ["implicit"], ifIndex: 0 },
  ]);
});
