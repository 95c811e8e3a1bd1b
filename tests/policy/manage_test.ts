import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../mod.ts";
import {
  fullmesh,
  manage,
  type ManagedConnection,
  type ManageOptions,
  type Manager,
  ndiffports,
  type Policy,
} from "../../policy/mod.ts";
import { EVENTS_GROUP } from "../../testing/fake_commands.ts";
import type {
  FakeConnection,
  FakeInterfaces,
  FakeNetwork,
} from "../../testing/mod.ts";
import { local, paths, World } from "../helpers/policy_world.ts";

const MESH = [
  "10.0.0.1#0 10.0.0.2 0",
  "10.0.0.1#0 10.0.9.2 2",
  "10.0.1.1#1 10.0.0.2 3",
  "10.0.1.1#1 10.0.9.2 3",
  "10.0.2.1#2 10.0.0.2 4",
  "10.0.2.1#2 10.0.9.2 4",
];
const READY: readonly [string, Policy, string[]][] = [
  ["fullmesh", fullmesh(), MESH],
  ["ndiffports", ndiffports({ subflows: 3 }), [
    "10.0.0.1#0 10.0.0.2 0",
    "10.0.0.1#0 10.0.0.2 2",
    "10.0.0.1#0 10.0.0.2 2",
  ]],
];
for (const [name, policy, expected] of READY) {
  Deno.test(`${name} opens its subflows, once`, async () => {
    await using world = new World();
    const { kernel } = world;
    const one = world.connect();
    const manager = await world.start(policy);
    const announce = () =>
      kernel.emitEvent("announced", {
        ...{ token: 5, remote: { address: "10.0.9.2", port: 443 }, remId: 7 },
      });
    announce();
    await world.turn();
    assertEquals(paths(one), expected);
    const states = manager.connections.get(5)!.subflows
      .map(({ state }) => state);
    assertEquals(states, expected.map(() => "established" as const));
    // Of a restart, of events that were lost, and of what is repeated.
    manager.stop();
    await world.start(policy);
    kernel.emitOverrun();
    announce();
    await world.turn();
    assertEquals(paths(one), expected);
    // The peer's connections are the peer's business.
    const other = world.connect({ serverSide: true });
    await world.turn();
    assertEquals(other.subflows().length, 1);
  });
}

Deno.test("two managers at once open nothing twice, and are told", async () => {
  await using world = new World();
  for (const _ of [1, 2]) await world.start(fullmesh());
  const { kernel } = world;
  // Neither has heard of what the other has done.
  kernel.isLate = true;
  const connection = world.connect();
  kernel.deliver();
  kernel.isLate = false;
  await world.turn();
  assertEquals(
    paths(connection),
    MESH.filter((path) => path.includes(" 10.0.0.2")),
  );
  const [start, problem, ...others] = world.problems.splice(0);
  const against = "two path managers may work against each other";
  assertEquals(
    start,
    `mptcp manage (${Deno.pid}) manages paths here, too: ${against}`,
  );
  assert(problem!.startsWith("Another program opens subflows"));
  assertEquals(others, []);
});

/** A world in which another program listens to events, by its name. */
function withListener(world: World, process: string | undefined): void {
  const { files, links } = world.kernel;
  files.set(
    "/proc/thread-self/net/netlink",
    "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n" +
      `0000000000000000 16  77 ${
        (1 << (EVENTS_GROUP - 1)).toString(16).padStart(8, "0")
      } 0 0 0 2 0 9000\n`,
  );
  links.set("/proc/self", "42");
  if (process === undefined) return;
  files.set("/proc/77/comm", `${process}\n`);
  links.set("/proc/77/fd/3", "socket:[9000]");
}

Deno.test("the mode is taken back where nobody else needs it, and what stays is told", async () => {
  const other = (name: string) =>
    `${name} manages paths here, too: two path managers may work against ` +
    "each other";
  const left = "The path manager of new connections was userspace already, " +
    "and no program manages paths: one was killed, or somebody has set it; " +
    "at the end it is set to kernel, unless a file in /etc/sysctl.d sets it " +
    "to userspace";
  const stays = (name: string, setting = "path_manager=kernel") =>
    `The path manager of new connections stays userspace, since ${name} is ` +
    `there; to set it all the same: sysctl -w net.mptcp.${setting}`;
  type Row = {
    readonly before: string;
    /** What else is there from the start, and what comes. */
    readonly world?: (world: World) => void;
    readonly later?: (world: World) => void;
    readonly told?: readonly string[];
    readonly after: string;
  };
  const sysctl =
    (text: string, file = "/etc/sysctl.d/50-mptcp.conf") =>
    ({ kernel }: World) => void kernel.files.set(file, text);
  const rows: readonly Row[] = [
    { before: "kernel", after: "kernel" },
    { before: "bpf", after: "bpf" },
    // A manager was killed.
    { before: "userspace", told: [left], after: "kernel" },
    {
      before: "userspace",
      world: (world) => withListener(world, "ip"),
      told: [left],
      after: "kernel",
    },
    // Somebody wants it so.
    ...[
      sysctl("# x\nnet.mptcp.path_manager = userspace\n"),
      sysctl("-net/mptcp/pm_type=1", "/etc/sysctl.conf"),
    ].map((world) => ({ before: "userspace", world, after: "userspace" })),
    ...[
      sysctl("#net.mptcp.path_manager = userspace\n"),
      sysctl("net.mptcp.path_manager = kernel\n"),
      sysctl("net.mptcp.path_manager = userspace\n", "/etc/sysctl.d/README"),
    ].map((world) => ({
      ...{ before: "userspace", world, told: [left], after: "kernel" },
    })),
    // Another one is there at the end, or was there at the start.
    ...([
      ["mptcpd", "mptcpd (77)"],
      [undefined, "a program with the port id 77"],
    ] as const).flatMap(([process, name]): Row[] => [
      {
        before: "kernel",
        later: (world) => withListener(world, process),
        told: [stays(name)],
        after: "userspace",
      },
      {
        before: "userspace",
        world: (world) => withListener(world, process),
        told: [other(name), stays(name)],
        after: "userspace",
      },
    ]),
    {
      before: "userspace",
      world: (world) => withListener(world, "mptcpd"),
      later: ({ kernel }) =>
        void kernel.files.delete("/proc/thread-self/net/netlink"),
      told: [other("mptcpd (77)")],
      after: "kernel",
    },
    ...[
      ...["ip", "mptcp monitor", "mptcp record", "mptcp report"],
      "mptcp wait",
    ].map((name) => ({
      before: "kernel",
      later: (world: World) => withListener(world, name),
      after: "kernel",
    })),
    // Its own other streams are none.
    {
      before: "kernel",
      later: (world) => {
        withListener(world, "deno");
        world.kernel.links.set("/proc/self", "77");
      },
      after: "kernel",
    },
    {
      before: "kernel",
      later: (world) => {
        withListener(world, "mptcpd");
        world.kernel.sysctls.delete("path_manager");
        world.kernel.sysctls.set("pm_type", "1");
      },
      told: [stays("mptcpd (77)", "pm_type=0")],
      after: "userspace",
    },
    // Somebody has changed it meanwhile.
    {
      before: "kernel",
      later: ({ kernel }) => void kernel.sysctls.set("path_manager", "bpf"),
      after: "bpf",
    },
  ];
  for (const [index, row] of rows.entries()) {
    await using world = new World();
    const { sysctls } = world.kernel;
    sysctls.set("available_path_managers", "kernel userspace bpf");
    sysctls.set("path_manager", row.before);
    row.world?.(world);
    const manager = await world.start({}, { setMode: true });
    assertEquals(sysctls.get("path_manager"), "userspace");
    row.later?.(world);
    manager.stop();
    const told = world.problems.splice(0);
    assertEquals([index, told], [index, row.told ?? []]);
    assertEquals(world.pm().getMode(), row.after, `row ${index}`);
  }
});

Deno.test("of several managers the last takes the mode back", async () => {
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
    await using world = new World();
    world.kernel.sysctls.set("path_manager", "kernel");
    const managers: Manager[] = [];
    for (const _ of order) {
      managers.push(await world.start({}, { setMode: true }));
    }
    const modes = order.map((index) => {
      managers[index]!.stop();
      return world.pm().getMode();
    });
    assertEquals(modes, ["userspace", "userspace", "kernel"]);
    assertEquals(world.kernel.claimed.size, 0);
    const told = world.problems.splice(0)
      .map((text) => text.replaceAll(`${Deno.pid}`, "1"));
    assertEquals(told.filter((text) => text.includes("stays")).length, 2);
    assert(told.some((text) => text.startsWith("mptcp manage (1) manages")));
  }
});

Deno.test("an address has the same id everywhere, as far as others let it", async () => {
  await using world = new World();
  const pm = world.pm();
  const [one, two] = [world.connect(), world.connect()];
  // Others have given these before.
  pm.announce({ token: 6, address: "10.0.7.1", id: 1 });
  pm.announce({ token: 6, address: "10.0.2.1", id: 9 });
  const manager = await world.start(fullmesh());
  const ids = (connection: FakeConnection) =>
    paths(connection).map((path) => path.split(" ")[0]);
  const usual = ["10.0.0.1#0", "10.0.1.1#1", "10.0.2.1#2"];
  assertEquals(ids(one), usual);
  assertEquals(ids(two), ["10.0.0.1#0", "10.0.1.1#3", "10.0.2.1#9"]);
  // What closes and fails changes nothing.
  const connection = manager.connections.get(5)!;
  for (const subflow of connection.subflows) connection.close(subflow);
  await world.turn();
  assertEquals(connection.subflows, []);
  for (const from of ["10.0.2.1", "10.0.1.1", "10.0.0.1", "10.0.2.1"]) {
    connection.open({ from });
  }
  connection.announce("10.0.1.1", { port: 8080 });
  assertEquals(ids(one), usual);
  assertEquals(
    connection.announcements,
    [{ address: "10.0.1.1", port: 8080, id: 3 }],
  );
  assertEquals(ids(world.connect()), ["10.0.0.1#0"]);
  await world.turn();
  assertEquals(ids(kernelConnection(world, 7)), usual);
  // A manager that comes later takes them over.
  manager.stop();
  await world.start({});
  const late = world.managers.at(-1)!.connections.get(5)!;
  late.close(late.subflows.find(({ locId }) => locId === 2)!);
  await world.turn();
  late.open({ from: "10.0.2.1" });
  assertEquals(ids(one), usual);
});

function kernelConnection(world: World, token: number): FakeConnection {
  return world.kernel.connections.get(token)!;
}

Deno.test("before Linux 6.9 the subflows of others tell the ids", async () => {
  await using world = new World();
  const fake = world.connect();
  const pm = world.pm();
  pm.dumpAddrs = () => {
    throw new UnsupportedError("list the addresses of a connection", "6.9");
  };
  const manager = manage(pm, {}, { onWarning: () => {} });
  world.managers.push(manager);
  const remote = { address: "10.0.9.2", port: 443 };
  const local = { address: "10.0.2.1", id: 9 };
  world.pm().subflowCreate({ token: 5, local, remote, dev: "eth2" });
  manager.connections.get(5)!.open({ from: "10.0.2.1" });
  assertEquals(paths(fake).slice(1), [
    ...["10.0.2.1#9 10.0.0.2 4", "10.0.2.1#9 10.0.9.2 4"],
  ]);
});

Deno.test("all ids can be in use", async () => {
  await using world = new World();
  world.connect();
  const manager = await world.start({});
  const connection = manager.connections.get(5)!;
  for (let port = 1; port <= 256; port++) {
    connection.announce("10.0.1.1", { port });
  }
  assertEquals(connection.announcements.length, 255);
  assertEquals(world.decisions.at(-1), "announce 10.0.1.1 ENOSPC");
  await world.turn(255 * 20);
  assertEquals(world.decisions.length, 256);
});

Deno.test("what cannot be opened is told as what fails, without asking where that is known", async () => {
  const network: FakeNetwork = {};
  await using world = new World(network);
  const { kernel } = world;
  const closed: string[] = [];
  world.connect();
  const manager = await world.start({
    subflowClosed(_connection, { local, error, failures, state }) {
      assertEquals(state, "closed");
      closed.push(`${local.address} ${error?.code} ${failures}`);
    },
  });
  const connection = manager.connections.get(5)!;
  kernel.changeNetwork(({ links, addresses }) => {
    links.set("eth2", { flags: ["up"] });
    addresses.push({ address: "10.0.4.1", dev: "lo" });
  });
  await world.turn(5);
  const requests = () => kernel.sent.length;
  for (
    const [options, code] of [
      [{ from: "10.0.2.1" }, "ENETDOWN"],
      [{ from: "10.0.1.1", dev: "eth2" }, "ENETDOWN"],
      [{ from: "10.0.1.1", dev: 4 }, "ENETDOWN"],
      [{ from: "10.0.3.1" }, "EADDRNOTAVAIL"],
      [{ from: "10.0.1.1", dev: "eth9" }, "ENODEV"],
      [{ from: "10.0.1.1", dev: 99 }, "ENODEV"],
    ] as const
  ) {
    const before = requests();
    const { state, error } = connection.open(options);
    assertEquals([state, error?.code], ["closed", code]);
    // But it looks whether there is one by now.
    const looks = code === "ENETDOWN" ? 0 : 2;
    assertEquals(requests() - before, looks);
  }
  network.connect = () => ({ error: 101 });
  assertEquals(
    connection.open({ from: "10.0.1.1" }).error?.code,
    "ENETUNREACH",
  );
  network.connect = () => ({ refusal: 111 });
  assertEquals(connection.open({ from: "10.0.1.1" }).state, "opening");
  await world.turn();
  assertEquals(closed, [
    ...["10.0.2.1 ENETDOWN 1", "10.0.1.1 ENETDOWN 1", "10.0.1.1 ENETDOWN 2"],
    ...["10.0.3.1 EADDRNOTAVAIL 1", "10.0.1.1 ENODEV 3", "10.0.1.1 ENODEV 4"],
    ...["10.0.1.1 ENETUNREACH 5", "10.0.1.1 ECONNREFUSED 6"],
  ]);
  delete network.connect;
  // Nothing that is bound to loopback gets out.
  const { state, dev } = connection.open({ from: "10.0.4.1" });
  assertEquals([state, dev], ["opening", undefined]);
  for (
    const [from, address, message] of [
      ["10.0.1.1", "fd00::1", "the addresses are of different families"],
      ["10.0.1", "10.0.0.2", "4 numbers are needed"],
    ] as const
  ) {
    const to = { address, port: 1 };
    assertThrows(() => connection.open({ from, to }), TypeError, message);
  }
});

Deno.test("an argument of the wrong type is named, and nothing is done", async () => {
  await using world = new World();
  const fake = world.connect();
  const connection = (await world.start({})).connections.get(5)!;
  const [wrong, from] = ["10.0.1.1" as never, "10.0.1.1"];
  const rows: [act: () => void, message: string][] = [
    [() => connection.open(wrong), "Invalid from undefined: an IPv4 or IPv6"],
    [() => connection.open({ from: 7 as never }), "Invalid from 7: "],
    [
      () => connection.open({ from, to: wrong }),
      "Invalid to.address undefined",
    ],
    [() => connection.announce({} as never), "Invalid address [object Object]"],
    [
      () => connection.withdraw(undefined as never),
      "Invalid address undefined",
    ],
    [() => connection.close(wrong), "Invalid subflow 10.0.1.1: one of"],
    [() => connection.close(undefined as never), "Invalid subflow undefined"],
    [() => connection.read(undefined as never), "Invalid subflow undefined"],
    [
      () => connection.setBackup(wrong, true),
      "Invalid subflow 10.0.1.1: one of",
    ],
  ];
  for (const [act, message] of rows) assertThrows(act, TypeError, message);
  for (const most of [0, NaN, 256]) {
    assertThrows(() => connection.open({ from, most }), RangeError, "most");
  }
  assertEquals([fake.subflows().length, world.decisions], [1, []]);
});

Deno.test("from an address it is opened to one of the same family, if there is one", async () => {
  await using world = new World();
  const { kernel } = world;
  kernel.interfaces!.addresses.unshift({ address: "fd00::1", dev: "eth1" });
  const fake = world.connect({
    local: { address: "::ffff:10.0.0.1", port: 40000 },
    remote: { address: "::ffff:10.0.0.2", port: 443 },
  });
  const openAll = (connection: ManagedConnection) => {
    for (const { address } of connection.addresses) {
      connection.open({ from: address });
    }
  };
  await world.start({
    established: openAll,
    announced: openAll,
    subflowClosed: (_, { local }) => world.problems.push(local.address),
  });
  assertEquals(world.taken(), [
    ...["open 10.0.1.1", "open 10.0.2.1", "open fd00::1 EAFNOSUPPORT"],
  ]);
  kernel.emitEvent("announced", {
    ...{ token: 5, remote: { address: "fd00::2", port: 0 }, remId: 7 },
  });
  await world.turn();
  assertEquals(world.taken(), ["open fd00::1"]);
  assertEquals(paths(fake).at(-1), "fd00::1#3 fd00::2 3");
});

Deno.test("a link-local address of the peer is used on the link of the connection", async () => {
  await using world = new World();
  const { kernel } = world;
  for (const dev of ["eth0", "eth1"]) {
    kernel.interfaces!.addresses.push({
      address: `fd00:${dev.at(-1)}::1`,
      dev,
    });
  }
  kernel.interfaces!.addresses.push({ address: "fd00:0::9", dev: "eth0" });
  world.connect({
    local: { address: "fd00:0::1", port: 40000 },
    remote: { address: "fe80::2", port: 443 },
  });
  const manager = await world.start(fullmesh());
  assertEquals(world.taken(), ["open fd00::9 established"]);
  const connection = manager.connections.get(5)!;
  const { state, error } = connection.open({ from: "fd00:1::1" });
  assertEquals([state, error?.message], [
    "closed",
    "fe80::2 is on another link than fd00:1::1",
  ]);
  assertEquals(world.taken(), ["open fd00:1::1 EHOSTUNREACH"]);
  // Of which link that is, nobody says.
  const remote = { address: "fe80::7", port: 0 };
  kernel.emitEvent("announced", { token: 5, remote, remId: 7 });
  await world.turn();
  assertEquals([world.taken(), connection.peers.length], [[], 1]);
});

Deno.test("a device is known by any of its names, without asking for those it has", async () => {
  await using world = new World();
  const { kernel } = world;
  const asked: string[] = [];
  kernel.ifNameToIndex = (name) => {
    asked.push(name);
    return name === "uplink" ? 3 : undefined;
  };
  await world.start({
    established(connection) {
      connection.open({ from: "10.0.2.1", dev: "eth2" });
      connection.open({ from: "10.0.1.1", dev: "uplink" });
    },
  });
  const connection = world.connect();
  await world.turn();
  assertEquals(
    [paths(connection).slice(1), asked],
    [["10.0.1.1#2 10.0.0.2 3", "10.0.2.1#1 10.0.0.2 4"], ["uplink"]],
  );
});

Deno.test("what an event calls for is done before the next one is waited for", async () => {
  await using world = new World();
  const { kernel, decisions } = world;
  const done: number[] = [];
  const subscribe = kernel.subscribe.bind(kernel);
  kernel.subscribe = (protocol, groups) => {
    const subscription = subscribe(protocol, groups);
    const readable = subscription.readable.bind(subscription);
    return Object.assign(subscription, {
      readable() {
        done.push(decisions.length);
        return readable();
      },
    });
  };
  await world.start(fullmesh());
  done.length = 0;
  world.connect();
  await world.turn();
  assertEquals(done[0], 2);
});

Deno.test("a subflow that nobody answers can be given up, and opened again", async () => {
  const network: FakeNetwork = { connect: () => ({ silent: true }) };
  await using world = new World(network);
  const fake = world.connect();
  const closed: (string | undefined)[] = [];
  const manager = await world.start({
    subflowClosed: (_, { error }) => closed.push(error?.code),
  });
  const connection = manager.connections.get(5)!;
  const subflow = connection.open({ from: "10.0.1.1" });
  assertEquals(connection.open({ from: "10.0.1.1" }), subflow);
  assertEquals([subflow.state, subflow.local.port], ["opening", 0]);
  connection.close(subflow);
  assertEquals([subflow.state, subflow.local.port > 0], ["closing", true]);
  const again = connection.open({ from: "10.0.1.1" });
  await world.turn();
  // The end of the first is none of the second.
  assertEquals([subflow.state, again.state], ["closed", "opening"]);
  assertEquals([closed, subflow.failures], [[undefined], 0]);
  fake.setSubflow(1, { state: "established" });
  await world.turn();
  assertEquals([again.state, fake.subflows().length], ["established", 2]);
});

Deno.test("`close()` tells the peer before, where that can be and does no harm", async () => {
  await using world = new World();
  const { kernel } = world;
  const fake = world.connect();
  const manager = await world.start(fullmesh());
  kernel.emitEvent("announced", {
    ...{ token: 5, remote: { address: "10.0.9.2", port: 443 }, remId: 7 },
  });
  await world.turn();
  world.taken();
  const connection = manager.connections.get(5)!;
  const closing = async (address: string) => {
    const subflow = connection.subflows.find(({ local, isOpen }) =>
      local.address === address && isOpen
    )!;
    connection.close(subflow, { tell: true, reason: "test" });
    // Again does nothing.
    connection.close(subflow);
    await world.turn(30);
    assertEquals(subflow.state, "closed");
    return world.taken();
  };
  // Another subflow from there would go, too.
  assertEquals(await closing("10.0.1.1"), ["close 10.0.1.1 test"]);
  assertEquals(await closing("10.0.1.1"), ["close 10.0.1.1 told test"]);
  assertEquals(await closing("10.0.0.1"), ["close 10.0.0.1 test"]);
  assertEquals(await closing("10.0.0.1"), ["close 10.0.0.1 told test"]);
  assertEquals(await closing("10.0.2.1"), ["close 10.0.2.1 test"]);
  // Nothing is left to tell it over.
  assertEquals(await closing("10.0.2.1"), ["close 10.0.2.1 test"]);
  assertEquals(fake.subflows(), []);
  connection.open({ from: "10.0.1.1" });
  assertEquals(paths(fake), ["10.0.1.1#1 10.0.0.2 3"]);
  await world.turn();
  const [subflow] = connection.subflows;
  connection.setBackup(subflow!, true);
  assertEquals([fake.subflows()[0]!.backup, subflow!.backup], [true, true]);
  // What the kernel refuses stays as it is.
  kernel.privileged = false;
  world.taken();
  connection.close(subflow!);
  connection.setBackup(subflow!, false);
  assertEquals([subflow!.state, subflow!.backup], ["established", true]);
  assertEquals(world.taken(), [
    ...["close 10.0.1.1 EPERM", "set-backup 10.0.1.1 EPERM"],
  ]);
});

Deno.test("announced addresses are taken back, also when the kernel forgot them", async () => {
  await using world = new World();
  const fake = world.connect();
  const manager = await world.start({});
  const connection = manager.connections.get(5)!;
  connection.announce("10.0.1.1", { dev: "eth1" });
  connection.announce("10.0.2.1");
  // The peer knows this one.
  connection.announce("10.0.0.1");
  await world.turn(50);
  assertEquals(
    fake.addresses().map(({ address, id, ifIndex }) => [address, id, ifIndex]),
    [["10.0.1.1", 1, 3], ["10.0.2.1", 2, 0]],
  );
  const subflow = connection.open({ from: "10.0.2.1" });
  await world.turn();
  connection.close(subflow);
  assertEquals(fake.addresses().length, 1);
  for (const address of ["10.0.1.1", "10.0.2.1", "10.0.3.1"]) {
    connection.withdraw(address, { reason: "test" });
  }
  await world.turn(50);
  assertEquals([fake.addresses(), connection.announcements], [[], []]);
  assertEquals(world.taken().slice(-2), [
    ...["withdraw 10.0.1.1 test", "withdraw 10.0.2.1 test"],
  ]);
});

/** A server's connection, to two of whose addresses the peer has subflows. */
async function announced(world: World, options: ManageOptions = {}) {
  const fake = world.connect({ serverSide: true });
  const manager = await world.start({}, options);
  const connection = manager.connections.get(fake.token)!;
  for (const number of [1, 2]) {
    const address = `10.0.${number}.1`;
    connection.announce(address);
    await world.turn(30);
    const { id } = connection.announcements.at(-1)!;
    const end = { address, port: local.port };
    fake.openSubflow({ local: end, locId: id, openedHere: false });
  }
  await world.turn();
  assertEquals(fake.subflows().length, 3);
  world.taken();
  return { fake, manager, connection };
}

Deno.test("a peer is told of addresses one by one: of the first at once", async () => {
  await using world = new World();
  const { fake, connection } = await announced(world);
  const other = world.connect({ serverSide: true });
  await world.turn();
  const { connections } = world.managers[0]!;
  const left = () => fake.subflows().map(({ locId }) => locId);
  for (const address of ["10.0.1.1", "10.0.2.1"]) connection.withdraw(address);
  connections.get(other.token)!.announce("10.0.1.1");
  assertEquals(world.taken(), ["withdraw 10.0.1.1", "announce 10.0.1.1"]);
  assertEquals([left(), connection.announcements], [[0, 2], []]);
  // What is asked for last comes last.
  connection.announce("10.0.2.1");
  connection.withdraw("10.0.2.1");
  await world.turn(20);
  assertEquals([world.taken(), left()], [["withdraw 10.0.2.1"], [0]]);
  await world.turn(20);
  assertEquals(world.taken(), ["announce 10.0.2.1"]);
  await world.turn(20);
  assertEquals([world.taken(), fake.addresses()], [["withdraw 10.0.2.1"], []]);
});

Deno.test("what the peer has announced is answered before an address is taken back", async () => {
  await using world = new World();
  const { fake, connection } = await announced(world);
  await world.turn(20);
  const remote = { address: "10.0.9.2", port: 443 };
  world.kernel.emitEvent("announced", { token: fake.token, remote, remId: 7 });
  await world.turn();
  connection.withdraw("10.0.1.1");
  assertEquals(world.taken(), []);
  await world.turn(20);
  assertEquals(world.taken(), ["withdraw 10.0.1.1"]);
  assertEquals(fake.subflows().map(({ locId }) => locId), [0, 2]);
});

Deno.test("`close()` that tells waits for its turn, too, unless it has become pointless", async () => {
  await using world = new World();
  const fake = world.connect();
  const manager = await world.start(ndiffports({ subflows: 2 }));
  const connection = manager.connections.get(5)!;
  for (const from of ["10.0.1.1", "10.0.2.1"]) connection.open({ from });
  await world.turn();
  const at = (address: string) =>
    connection.subflows.find((one) => one.local.address === address)!;
  const close = (address: string) => {
    const subflow = at(address);
    connection.close(subflow, { tell: true });
    return subflow;
  };
  world.taken();
  const [one, two] = ["10.0.1.1", "10.0.2.1"].map(close);
  assertEquals([one!.state, two!.state], ["closing", "closing"]);
  assertEquals(world.taken(), ["close 10.0.1.1 told"]);
  // What is opened there meanwhile is not closed by the peer.
  connection.open({ from: "10.0.2.1" });
  await world.turn(20);
  assertEquals(world.taken(), ["open 10.0.2.1", "close 10.0.2.1"]);
  assertEquals([two!.state, at("10.0.2.1").state], ["closed", "established"]);
  // The kernel refuses it, and the peer closes it.
  const again = connection.open({ from: "10.0.1.1" });
  await world.turn(20);
  world.taken();
  world.kernel.privileged = false;
  connection.announce("10.0.9.1");
  close("10.0.1.1");
  const gone = close("10.0.2.1");
  fake.closeSubflow(2, 104);
  await world.turn(60);
  assertEquals(world.taken(), [
    ...["announce 10.0.9.1 EPERM", "close 10.0.1.1 told EPERM"],
  ]);
  assertEquals([again.state, gone.state, gone.error], [
    ...["established", "closed", undefined],
  ]);
});

Deno.test("what a peer is still to be told is told when the manager ends, unless the connection has ended", async () => {
  for (const how of ["stop", "clean", "closed"]) {
    await using world = new World();
    const clean = how === "clean";
    const { fake, connection, manager } = await announced(world, { clean });
    if (!clean) {
      for (const number of [1, 2]) connection.withdraw(`10.0.${number}.1`);
    }
    if (how === "closed") fake.close();
    await world.turn();
    manager.stop();
    const [first, second] = [1, 2].map((number) =>
      `withdraw 10.0.${number}.1${clean ? " the manager ends" : ""}`
    );
    assertEquals(world.taken(), how === "closed" ? [first] : [first, second]);
    if (how !== "closed") assertEquals(fake.addresses(), []);
    assertEquals(world.clock.next, undefined);
  }
});

Deno.test("that a connection has ended is no error", async () => {
  await using world = new World();
  const { kernel } = world;
  const fakes = [1, 2, 3, 4, 5].map(() => world.connect());
  const closed: number[] = [];
  const manager = await world.start({
    closed: ({ token }) => closed.push(token),
  });
  kernel.isLate = true;
  const [one, two, three, four, five] = [...manager.connections.values()];
  for (const fake of fakes) fake.close();
  assertEquals(one!.open({ from: "10.0.1.1" }).state, "closed");
  assertEquals(one!.open({ from: "10.0.1.1" }).state, "closed");
  two!.announce("10.0.1.1");
  two!.withdraw("10.0.1.1");
  three!.close(three!.subflows[0]!, { tell: true });
  four!.setBackup(four!.subflows[0]!, true);
  await world.turn();
  assertEquals([closed, world.decisions], [[5, 6, 7, 8], []]);
  kernel.deliver();
  await world.turn();
  assertEquals(closed, [5, 6, 7, 8, 9]);
  assertEquals(five!.closed, true);
});

Deno.test("what is to be called later is called in turn, unless it has become pointless", async () => {
  await using world = new World();
  const [one, two] = [world.connect(), world.connect()];
  const calls: string[] = [];
  const gate = Promise.withResolvers<void>();
  const manager = await world.start({
    async established(connection) {
      const { token } = connection;
      const later = (ms: number, name: string) =>
        connection.after(ms, () => {
          calls.push(`${token} ${name} ${connection.clock.now()}`);
          if (name === "bad") throw new Error("bad");
        });
      later(100, "late");
      const [first, third] = [later(10, "first"), later(30, "third")];
      later(20, "bad");
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      connection.after(15, () => third[Symbol.dispose]());
      assertThrows(() => later(-1, "never"), RangeError, "0 to 2147483647");
      if (token === 6) await gate.promise;
    },
  });
  await world.turn(50);
  assertEquals(calls.splice(0), ["5 bad 20"]);
  gate.resolve();
  await world.turn();
  assertEquals(calls.splice(0), ["6 bad 55"]);
  assertEquals(world.problems.splice(0), ["Error: bad", "Error: bad"]);
  two.close();
  await world.turn(50);
  assertEquals(calls.splice(0), ["5 late 100"]);
  const connection = manager.connections.get(5)!;
  connection.after(10, () => calls.push("of what has been stopped"));
  manager.stop();
  connection.after(10, () => calls.push("after what has been stopped"));
  one.close();
  connection.after(10, () => calls.push("of what has been closed"));
  // Nothing keeps the process alive.
  assertEquals(world.clock.next, undefined);
  await world.turn(100);
  assertEquals(calls, []);
});

Deno.test("a connection that has ended leaves alone one that has its token now", async () => {
  await using world = new World();
  const { kernel } = world;
  const one = world.connect();
  const { connections } = await world.start({});
  const before = connections.get(5)!;
  one.close();
  await world.turn();
  kernel.connect(5, { local: { ...local, port: 40001 } });
  await world.turn();
  const now = connections.get(5)!;
  assertEquals([before.closed, now === before], [true, false]);
  assertEquals(before.open({ from: "10.0.1.1" }).state, "closed");
  assertEquals([now.closed, connections.get(5) === now], [false, true]);
});

Deno.test("callbacks of one connection wait for each other, and harm no other", async () => {
  await using world = new World();
  const [one, two] = [world.connect(), world.connect()];
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  const manager = await world.start({
    async established({ token }) {
      calls.push(`established ${token}`);
      if (token === 5) await gate.promise;
      calls.push(`done ${token}`);
      if (token === 6) throw new Error("six");
    },
    subflowOpened({ token }) {
      calls.push(`opened ${token}`);
      if (token === 6) throw new Error("seven");
    },
    tick: ({ token }) => calls.push(`tick ${token}`),
    closed: ({ token }) => calls.push(`closed ${token}`),
  }, { tickMs: 1, match: ({ token }) => token < 7 });
  const remote = { address: "10.0.0.2", port: 50000 };
  for (const fake of [one, two, world.connect()]) {
    fake.openSubflow({ remote, openedHere: false });
  }
  one.close();
  await world.turn(20);
  assertEquals(calls.splice(0).filter((call) => !call.startsWith("tick 6")), [
    ...["established 5", "established 6", "done 6", "opened 6"],
  ]);
  gate.resolve();
  await world.turn(20);
  assertEquals(calls.filter((call) => !call.startsWith("tick 6")), [
    ...["done 5", "opened 5", "closed 5"],
  ]);
  assert(calls.includes("tick 6"));
  assertEquals(world.problems.splice(0), ["Error: six", "Error: seven"]);
  manager.stop();
  calls.length = 0;
  two.close();
  await world.turn(5);
  assertEquals(calls, []);
});

Deno.test("whatever a policy throws, and however, is reported with its callback", async () => {
  const frozen = Object.freeze({ a: 1 });
  const rows: [policy: Policy, text: string][] = [
    ...([
      [undefined, "undefined was thrown"],
      ["text", '"text" was thrown'],
      [frozen, '{"a":1} was thrown'],
      [new Error(), "an error without a message"],
      [new TypeError("mine"), "TypeError: mine"],
    ] as const).flatMap(([thrown, text]): [Policy, string][] => [
      [{
        established() {
          throw thrown;
        },
      }, text],
      // A promise of some library's own make.
      [{
        established: () => ({
          then: (_: unknown, reject: (reason: unknown) => void) =>
            reject(thrown),
        }),
      }, text],
      [{
        get established(): never {
          throw thrown;
        },
      }, text],
    ]),
    [{ established: 5 } as unknown as Policy, "TypeError: it is no function"],
    [
      { established: null } as unknown as Policy,
      "TypeError: it is no function",
    ],
  ];
  for (const [policy, text] of rows) {
    await using world = new World();
    const errors: string[] = [];
    const onError = (error: unknown) => errors.push((error as Error).message);
    await world.start(policy, { onError });
    world.connect();
    await world.turn();
    const one =
      `The policy's established() failed for connection 0x00000005: ${text}`;
    assertEquals(errors.at(-1), one);
  }
  await using world = new World();
  const errors: unknown[] = [];
  const manager = await world.start({
    [Symbol.dispose]() {
      throw undefined;
    },
  }, { onError: (error) => errors.push(error) });
  manager.stop();
  assertEquals(errors.map((error) => (error as Error).message), [
    "The policy's [Symbol.dispose]() failed: undefined was thrown",
  ]);
});

Deno.test("who cannot take what callbacks throw gets it at the end", async () => {
  const world = new World();
  world.kernel.sysctls.set("path_manager", "kernel");
  const manager = await world.start({
    established() {
      throw new Error("mine");
    },
  }, {
    setMode: true,
    onError(error) {
      throw error;
    },
  });
  const ended = assertRejects(() => manager.finished, Error, "mine");
  world.connect();
  await ended;
  assertEquals(world.kernel.sysctls.get("path_manager"), "kernel");
});

Deno.test("what fails is tried again, ever later, as long as it is wanted", async () => {
  const attempts: number[] = [];
  const network: FakeNetwork = {
    connect(token) {
      if (token === 6) return { refusal: 111 };
      attempts.push(world.clock.now());
      return attempts.length < 4 ? { refusal: 110 } : undefined;
    },
  };
  await using world = new World(network);
  const [fake, other] = [world.connect(), world.connect()];
  const manager = await world.start({
    established: (connection) => connection.open({ from: "10.0.1.1" }),
    closed: () => {},
  }, { retry: { firstMs: 20, mostMs: 40 } });
  await world.turn();
  other.close();
  await world.turn(200);
  assertEquals(attempts.length, 4);
  const gaps = attempts.slice(1).map((at, index) => at - attempts[index]!);
  gaps.forEach((gap, index) => assert(gap >= [20, 40, 40][index]!));
  assertEquals(fake.subflows().length, 2);
  assertEquals(world.taken().slice(-1), [
    "open 10.0.1.1 ETIMEDOUT, failure 3",
  ]);
  // What the peer or a policy closes has not failed.
  const connection = manager.connections.get(5)!;
  connection.close(connection.subflows[1]!);
  await world.turn(50);
  assertEquals([fake.subflows().length, world.taken()], [1, [
    "close 10.0.1.1",
  ]]);
});

Deno.test("addresses come and go", async () => {
  await using world = new World();
  const { kernel } = world;
  const fake = world.connect();
  const changes: string[] = [];
  const policy = fullmesh();
  const manager = await world.start({
    ...policy,
    interfaceUp(connection, address) {
      changes.push(`up ${address.address} ${address.dev}`);
      policy.interfaceUp!(connection, address);
    },
    interfaceDown: (_, { address, dev }) =>
      changes.push(`down ${address} ${dev}`),
  }, { interfaces: ({ dev }) => dev !== "eth0" });
  const connection = manager.connections.get(5)!;
  const addresses = () => connection.addresses.map(({ address }) => address);
  assertEquals(addresses(), ["10.0.1.1", "10.0.2.1"]);
  const steps: [(interfaces: FakeInterfaces) => void, string[]][] = [
    [({ links }) => links.set("eth1", { flags: ["up"] }), [
      "down 10.0.1.1 eth1",
    ]],
    [({ links }) => links.delete("eth1"), ["up 10.0.1.1 eth1"]],
    [({ links }) => links.set("eth0", { flags: [] }), []],
    [({ addresses }) => addresses.pop(), ["down 10.0.2.1 eth2"]],
    [({ addresses }) => {
      const dev = "eth2";
      addresses.push({ address: "10.0.5.1", dev });
      addresses.push({ address: "10.0.6.1", dev, flags: ["deprecated"] });
      addresses.push({ address: "fe80::1", dev });
      addresses.push({ address: "fd00::1", dev, flags: ["tentative"] });
      // Not for an IPv4 socket.
      addresses.push({ address: "fd00::2", dev });
    }, ["up 10.0.5.1 eth2", "up fd00::2 eth2"]],
  ];
  for (const [change, expected] of steps) {
    kernel.changeNetwork(change);
    await world.turn(5);
    assertEquals(changes.splice(0), expected);
  }
  assertEquals(addresses(), ["10.0.1.1", "10.0.5.1"]);
  // One that was asked for before it was told.
  kernel.interfaces!.addresses.push({ address: "10.0.8.1", dev: "eth1" });
  assertEquals(connection.open({ from: "10.0.8.1" }).state, "opening");
  await world.turn();
  assertEquals(changes, ["up 10.0.8.1 eth1"]);
  assertEquals(paths(fake), [
    "10.0.0.1#0 10.0.0.2 0",
    "10.0.1.1#1 10.0.0.2 3",
    "10.0.2.1#2 10.0.0.2 4",
    "10.0.5.1#3 10.0.0.2 4",
    "10.0.8.1#4 10.0.0.2 3",
  ]);
});

Deno.test("it ends by its signal, with its path manager, and by an error", async () => {
  const ends: [string, (world: World, manager: Manager) => void][] = [
    ["stop", (_, manager) => manager.stop()],
    ["dispose", (_, manager) => manager[Symbol.dispose]()],
    ["signal", (world) => world.kernel.files.get("abort")],
  ];
  for (const [name, end] of ends) {
    await using world = new World();
    world.kernel.sysctls.set("path_manager", "kernel");
    const abort = new AbortController();
    const manager = await world.start({}, {
      ...{ setMode: true, signal: abort.signal },
    });
    assertEquals(world.kernel.sysctls.get("path_manager"), "userspace");
    if (name === "signal") abort.abort();
    else end(world, manager);
    await manager.finished;
    assertEquals(world.kernel.sysctls.get("path_manager"), "kernel");
    assert(world.kernel.subscriptions.every(({ closed }) => closed), name);
    const own = world.kernel.transports.filter(({ closed }) => !closed);
    assertEquals(own.length, 1, name);
  }
});

Deno.test("what goes on after the end asks the kernel nothing", async () => {
  await using world = new World();
  world.connect();
  const manager = await world.start({});
  const connection = manager.connections.get(5)!;
  const [subflow] = connection.subflows;
  world.kernel.interfaces!.addresses.push({ address: "10.0.1.9", dev: "eth1" });
  manager.stop();
  const calls: (() => unknown)[] = [
    () => connection.open({ from: "10.0.1.1" }),
    () => connection.open({ from: "10.0.1.9" }),
    () => connection.close(subflow!),
    () => connection.announce("10.0.1.1"),
    () => connection.setBackup(subflow!, true),
    () => connection.read(subflow!),
  ];
  for (const call of calls) {
    assertThrows(call, Deno.errors.BadResource, "The manager has ended");
  }
  const own = world.kernel.transports.filter(({ closed }) => !closed);
  assertEquals(own.length, 1);
});

Deno.test("an error of the kernel ends it", async () => {
  const world = new World();
  world.connect();
  const manager = await world.start({});
  const ended = assertRejects(() => manager.finished, Error, "EPROTO");
  world.kernel.emit(new Error("EPROTO"));
  await ended;
  assert(world.kernel.subscriptions.every(({ closed }) => closed));
});

Deno.test("the in-kernel path manager by mistake is told, once", async () => {
  await using world = new World();
  world.kernel.sysctls.set("path_manager", "kernel");
  const pathManager = "kernel" as const;
  for (const _ of [1, 2]) world.connect({ pathManager });
  const closed: ManagedConnection[] = [];
  const manager = await world.start({
    established(connection) {
      for (const { address: from } of connection.addresses) {
        assertEquals(connection.open({ from }).error, undefined);
      }
    },
    subflowClosed: (connection) => closed.push(connection),
  });
  await world.turn();
  const [mode, old] = world.problems.splice(0);
  assert(mode!.endsWith('do "sysctl -w net.mptcp.path_manager=userspace"'));
  assert(old!.includes("only new ones can be managed"));
  assertEquals([world.problems, world.decisions, closed], [[], [], []]);
  assert([...manager.connections.values()].every((one) => one.isInKernel));
  // Somebody sets it back while a manager runs.
  await using other = new World();
  await other.start(fullmesh());
  other.kernel.sysctls.delete("path_manager");
  other.kernel.sysctls.set("pm_type", "0");
  other.connect({ pathManager });
  await other.turn();
  const [again] = other.problems.splice(0);
  assert(again!.endsWith('do "sysctl -w net.mptcp.pm_type=1"'));
});

Deno.test("nothing starts without the privilege, nor with wrong options", async () => {
  await using world = new World();
  const pm = world.pm();
  assertThrows(() => manage(pm, {}, { tickMs: 0 }), RangeError, "tickMs");
  assertThrows(() => ndiffports({ subflows: 0 }), RangeError, "subflows");
  for (const retry of [{ firstMs: 0 }, { firstMs: NaN }, { mostMs: 2 ** 31 }]) {
    const [name] = Object.keys(retry);
    assertThrows(() => manage(pm, {}, { retry }), RangeError, `retry.${name}`);
  }
  world.kernel.privileged = false;
  assertThrows(() => manage(pm, {}, { setMode: true }), Error, "EACCES");
  assertThrows(() => manage(pm, {}), Error, "EPERM");
  assertEquals(world.kernel.sysctls.get("path_manager"), "userspace");
  assert(world.kernel.subscriptions.every(({ closed }) => closed));
});
