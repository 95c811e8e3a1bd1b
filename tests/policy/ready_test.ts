/** The policies that are ready, on a fake kernel: what they decide, and when. */
import { assertEquals, assertThrows } from "@std/assert";
import { readU16 } from "../../codec/bytes.ts";
import { NLM_F_DUMP, NLMSG_HDRLEN } from "../../codec/nlmsghdr.ts";
import {
  INET_DIAG_REQ_V2 as REQUEST,
  NETLINK_SOCK_DIAG,
} from "../../codec/sock_diag.gen.ts";
import { announce, backup, keep, onDemand, refresh } from "../../policy/mod.ts";
import type { FakeConnection, FakeNetwork } from "../../testing/mod.ts";
import { local, paths, World } from "../helpers/policy_world.ts";

/** A path that has stopped to carry data. */
const CUT = {
  ...{ backoff: 1, sendQueue: 9, timerRetransmits: 1, sendWindow: 65535 },
} as const;
/** A peer whose program does not read. */
const PAUSED = { ...CUT, backoff: 3, sendWindow: 0 } as const;

/** The place of the subflow from an address. */
function placeOf(connection: FakeConnection, address: string): number {
  return connection.subflows().findIndex(({ local }) =>
    local.address === address
  );
}

/** Waits for decisions, and takes them. */
async function decided(world: World, count: number): Promise<string[]> {
  for (let ms = 0; ms < 20_000 && world.decisions.length < count; ms += 10) {
    await world.turn(10);
  }
  await world.turn(20);
  return world.taken();
}

const spare = ({ dev }: { readonly dev: string }) => dev === "eth2";

Deno.test("`backup()` leaves a path in trouble to the spare", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(backup({ spare }));
  assertEquals(world.taken(), ["open 10.0.2.1 established"]);
  // Neither a peer that reads nothing nor an idle spare is trouble.
  one.setSubflow(0, PAUSED);
  one.setSubflow(1, CUT);
  await world.turn(450);
  assertEquals(world.taken(), []);
  one.setSubflow(0, CUT);
  assertEquals(await decided(world, 1), [
    "close 10.0.0.1 told no ack, sent again 1 times in a row",
  ]);
  assertEquals(paths(one), ["10.0.2.1#1 10.0.0.2 4"]);
});

Deno.test("the spare has another device, if there is one", async () => {
  const [beside, other] = [
    { address: "10.0.0.9", dev: "eth0" },
    { address: "10.0.2.1", dev: "eth2" },
  ];
  const rows = [[[beside, other], other], [[beside], beside]] as const;
  for (const make of [backup, onDemand]) {
    for (const [others, spare] of rows) {
      await using world = new World();
      world.kernel.interfaces!.addresses.splice(1, 2, ...others);
      const one = world.connect();
      await world.start(make());
      one.setSubflow(0, CUT);
      const [opened] = await decided(world, 1);
      assertEquals(opened?.split(" ", 2), ["open", spare.address]);
    }
  }
});

Deno.test("a look at a subflow that fails is reported, and the next one comes", async () => {
  const network: FakeNetwork = {};
  await using world = new World(network);
  const one = world.connect();
  await world.start(backup({ spare }));
  world.taken();
  network.figures = () => {
    throw new Error("no memory");
  };
  await world.turn(300);
  assertEquals(world.problems.splice(0), ["Error: no memory"]);
  delete network.figures;
  one.setSubflow(0, CUT);
  assertEquals(await decided(world, 1), [
    "close 10.0.0.1 told no ack, sent again 1 times in a row",
  ]);
});

/** Counts the questions for sockets, which may take time. */
function countQuestions(world: World, dumpMs = 0, oneMs = 0) {
  const { kernel, clock } = world;
  const counts = { dumps: 0, others: 0 };
  let passed = 0;
  kernel.clock = {
    now: () => clock.now() + passed,
    after: (ms, action) => clock.after(ms, action),
  };
  const open = kernel.open.bind(kernel);
  kernel.open = (protocol) => {
    const transport = open(protocol);
    const send = transport.send.bind(transport);
    transport.send = (datagram) => {
      const isDump = (readU16(datagram, 6) & NLM_F_DUMP) !== 0;
      // Others have attributes, too.
      const isOfSubflows = datagram.length === NLMSG_HDRLEN + REQUEST.length;
      if (protocol === NETLINK_SOCK_DIAG && isOfSubflows) {
        counts[isDump ? "dumps" : "others"]++;
        passed += isDump ? dumpMs : oneMs;
      }
      send(datagram);
    };
    return transport;
  };
  return () => {
    const taken = { ...counts };
    Object.assign(counts, { dumps: 0, others: 0 });
    return taken;
  };
}

Deno.test("many subflows are looked at together, unless that takes longer", async () => {
  const rows = [
    [40, 0, 0, { dumps: 5, others: 0 }],
    [31, 0, 0, { dumps: 0, others: 155 }],
    [40, 9, 0.1, { dumps: 0, others: 200 }],
    [40, 3, 0.1, { dumps: 5, others: 0 }],
  ] as const;
  for (const [count, dumpMs, oneMs, expected] of rows) {
    await using world = new World();
    const connections = Array.from(
      { length: count },
      (_, index) => world.connect({ local: { ...local, port: 40000 + index } }),
    );
    const taken = countQuestions(world, dumpMs, oneMs);
    await world.start(onDemand({ spare }));
    await world.turn(1000);
    taken();
    await world.turn(1000);
    assertEquals(taken(), expected);
    connections[7]!.setSubflow(0, CUT);
    assertEquals(await decided(world, 2), [
      "open 10.0.2.1 no ack, sent again 1 times in a row",
      "close 10.0.0.1 told the spare is there",
    ]);
  }
});

Deno.test("`onDemand()` opens the spare, leaves the path, and comes back", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(onDemand({ spare, healthMs: 60 }));
  await world.turn(250);
  assertEquals(world.taken(), []);
  one.setSubflow(0, CUT);
  assertEquals(await decided(world, 2), [
    "open 10.0.2.1 no ack, sent again 1 times in a row",
    "close 10.0.0.1 told the spare is there",
  ]);
  assertEquals(paths(one), ["10.0.2.1#1 10.0.0.2 4"]);
  // A link that comes back makes it try at once, and not in 5 s.
  world.kernel.changeNetwork(({ links }) => links.set("eth0", { flags: [] }));
  await world.turn(20);
  world.kernel.changeNetwork(({ links }) => links.delete("eth0"));
  assertEquals(await decided(world, 3), [
    "open 10.0.0.1 to see whether the path works again",
    "set-backup 10.0.2.1 the path is there again",
    "close 10.0.2.1 told the path has worked for 0.06 s",
  ]);
  assertEquals(paths(one), ["10.0.0.1#0 10.0.0.2 2"]);
  // A second switch soon after makes it wait for twice as long.
  world.kernel.changeNetwork(({ links }) => links.set("eth0", { flags: [] }));
  assertEquals(await decided(world, 2), [
    "open 10.0.2.1 eth0 is down",
    "close 10.0.0.1 told the spare is there",
  ]);
  world.kernel.changeNetwork(({ links }) => links.delete("eth0"));
  assertEquals(
    (await decided(world, 3)).at(-1),
    "close 10.0.2.1 told the path has worked for 0.12 s",
  );
  // One that was reset is gone already.
  one.closeSubflow(placeOf(one, "10.0.0.1"), 104);
  assertEquals(await decided(world, 1), [
    "open 10.0.2.1 closed, ECONNRESET",
  ]);
  assertEquals(paths(one), ["10.0.2.1#1 10.0.0.2 4"]);
  // And it is opened once more where it is needed.
  one.closeSubflow(placeOf(one, "10.0.2.1"), 104);
  assertEquals(await decided(world, 1), [
    "open 10.0.2.1 ECONNRESET, once more",
  ]);
});

Deno.test("`onDemand()` leaves a path again that had a timeout which nobody saw", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(onDemand({ spare }));
  const change = (flags?: "up"[]) =>
    world.kernel.changeNetwork(({ links }) =>
      flags === undefined ? links.delete("eth0") : links.set("eth0", { flags })
    );
  // Without a spare it is over, and no trouble.
  await world.turn(250);
  one.setSubflow(0, { timeouts: 1 });
  await world.turn(250);
  assertEquals(world.taken(), []);
  change([]);
  await decided(world, 2);
  change();
  await decided(world, 2);
  await world.turn(250);
  assertEquals(world.taken(), []);
  one.setSubflow(placeOf(one, "10.0.0.1"), { timeouts: 1 });
  assertEquals(await decided(world, 1), ["close 10.0.0.1 told no ack in time"]);
  assertEquals(paths(one), ["10.0.2.1#1 10.0.0.2 4"]);
});

Deno.test("`onDemand()` keeps the spare while nothing comes back by the path", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(onDemand({ spare, healthMs: 60 }));
  world.kernel.changeNetwork(({ links }) => links.set("eth0", { flags: [] }));
  await decided(world, 2);
  world.kernel.changeNetwork(({ links }) => links.delete("eth0"));
  await decided(world, 2);
  // The first timeout of a new subflow may take a second.
  const place = placeOf(one, "10.0.0.1");
  one.setSubflow(place, { sendQueue: 9, bytesAcked: 1 });
  await world.turn(300);
  assertEquals(world.taken(), []);
  one.setSubflow(place, { sendQueue: 9, bytesAcked: 2 });
  assertEquals(await decided(world, 1), [
    "close 10.0.2.1 told the path has worked for 0.06 s",
  ]);
});

Deno.test("a link that goes is seen by a dual-stack socket, too", async () => {
  const mapped = {
    local: { address: "::ffff:10.0.0.1", port: 40000 },
    remote: { address: "::ffff:10.0.0.2", port: 443 },
  };
  for (const policy of [backup({ spare }), onDemand({ spare })]) {
    await using world = new World();
    world.connect(mapped);
    await world.start(policy);
    world.kernel.changeNetwork(({ links }) => links.set("eth0", { flags: [] }));
    await world.turn(50);
    assertEquals(world.taken().at(-1)?.split(" ").slice(0, 3), [
      ...["close", "::ffff:10.0.0.1", "told"],
    ]);
  }
});

Deno.test("what a peer that does not read looks like is no trouble, and silence is if asked", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(onDemand({ spare, silenceMs: 300 }));
  one.setSubflow(0, { ...PAUSED, bytesReceived: 5, lastDataReceivedMs: 200 });
  await world.turn(250);
  assertEquals(world.taken(), []);
  one.setSubflow(0, { backoff: 0, lastDataReceivedMs: 310 });
  assertEquals(await decided(world, 2), [
    "open 10.0.2.1 nothing came for 310 ms",
    "close 10.0.0.1 told the spare is there",
  ]);
});

Deno.test("a silence is looked for when it may have become too long", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(onDemand({ spare, silenceMs: 300 }));
  const figures = { bytesReceived: 5, lastDataReceivedMs: 0 };
  one.setSubflow(0, figures);
  // The last data comes just after a look.
  await world.turn(205);
  const start = world.clock.now();
  const pass = () => {
    figures.lastDataReceivedMs = world.clock.now() - start;
    one.setSubflow(0, figures);
    world.clock.after(4, pass);
  };
  pass();
  await world.turn(320);
  assertEquals(world.taken(), [
    "open 10.0.2.1 nothing came for 304 ms",
    "close 10.0.0.1 told the spare is there",
  ]);
});

Deno.test("`onDemand()` waits for more where that is asked", async () => {
  const rows = [
    [{ cautious: true }, { backoff: 1 }, { backoff: 2 }],
    // Where nothing leaves, the timeout stays: it is told by the repetitions.
    [{ rtoMs: 800 }, { backoff: 1, rtoUs: 408_000 }, { backoff: 2 }],
    [{ rtoMs: 800 }, { backoff: 0, rtoUs: 900_000 }, {
      backoff: 1,
      rtoUs: 900_000,
    }],
  ] as const;
  for (const [options, before, after] of rows) {
    await using world = new World();
    const one = world.connect();
    await world.start(onDemand({ spare, ...options }));
    one.setSubflow(0, { ...CUT, ...before });
    await world.turn(250);
    assertEquals(world.taken(), []);
    one.setSubflow(0, { ...CUT, ...after });
    assertEquals((await decided(world, 2)).length, 2);
  }
});

Deno.test("`keep()` opens again by the reason", async () => {
  const rows: [error: number | undefined, waitMs: number | undefined][] = [
    [104, 0],
    [110, 0],
    [113, 1000],
    [111, undefined],
    [101, undefined],
    [undefined, 1000],
  ];
  for (const [error, waitMs] of rows) {
    await using world = new World();
    const one = world.connect();
    const manager = await world.start(keep());
    manager.connections.get(5)!.open({ from: "10.0.1.1" });
    await world.turn();
    world.taken();
    one.closeSubflow(1, error);
    const start = world.clock.now();
    if (waitMs === undefined) {
      await world.turn(50);
      assertEquals(world.taken(), [], `${error}`);
      world.kernel.changeNetwork(({ links }) =>
        links.set("eth1", { flags: [] })
      );
      await world.turn(20);
      world.kernel.changeNetwork(({ links }) => links.delete("eth1"));
    }
    const [opened] = await decided(world, 1);
    assertEquals(opened?.startsWith("open 10.0.1.1 "), true, `${opened}`);
    if (waitMs !== undefined) {
      assertEquals(world.clock.now() - start >= waitMs, true, `${error}`);
    }
    assertEquals(paths(one).length, 2);
  }
});

Deno.test("`keep()` tries less and less often where nobody answers", async () => {
  let port = 50_000;
  let silent = false;
  await using world = new World({
    connect: () => ({ port: port++, ...silent && { silent } }),
  });
  const one = world.connect();
  const opened: number[] = [];
  const manager = await world.start(keep(), {
    onDecision({ action }) {
      if (action === "open") opened.push(world.clock.now());
    },
  });
  manager.connections.get(5)!.open({ from: "10.0.1.1" });
  await world.turn();
  const fail = async () => {
    one.closeSubflow(1, 110);
    opened.length = 0;
    await world.turn(300_000);
    return opened.slice(1).map((time, index) => time - opened[index]!);
  };
  silent = true;
  const waits = [4, 5, 7, 11, 19, 35, 63, 63, 63].map((s) => 1000 * s);
  assertEquals(await fail(), waits);
  // One that is answered begins anew.
  silent = false;
  await world.turn(100_000);
  assertEquals(one.subflows().length, 2);
  silent = true;
  assertEquals((await fail()).slice(0, 3), waits.slice(0, 3));
});

Deno.test("`refresh()` replaces the subflow that carried least", async () => {
  await using world = new World();
  const one = world.connect();
  await world.start(refresh({ subflows: 3, everyMs: 100 }));
  await world.turn();
  assertEquals(world.taken(), ["open 10.0.0.1", "open 10.0.0.1"]);
  const ports = () => one.subflows().map(({ local }) => local.port);
  const before = ports();
  // Nothing is replaced where nothing is carried.
  await world.turn(250);
  assertEquals(world.taken(), []);
  const carry = () => {
    for (const [place] of one.subflows().entries()) {
      const port = ports()[place]!;
      const bytesAcked = world.clock.now() * (port === before[1] ? 1 : 9);
      one.setSubflow(place, { bytesAcked });
    }
    world.clock.after(5, carry);
  };
  carry();
  const [closed, opened] = await decided(world, 2);
  assertEquals(closed?.startsWith("close 10.0.0.1 it carried least,"), true);
  assertEquals(opened, "open 10.0.0.1 in the place of another one");
  assertEquals(ports().includes(before[1]!), false);
  assertEquals(ports().length, 3);
  // The next one goes with the next look, 80 ms from now.
  await world.turn(70);
  assertEquals(world.taken(), []);
  await world.turn(20);
  assertEquals(world.taken().length, 2);
});

Deno.test("`announce()` tells the clients of a server, as addresses come and go", async () => {
  await using world = new World();
  const connect = (options = {}) =>
    world.connect({ serverSide: true, ...options });
  connect();
  await world.start(announce());
  assertEquals(await decided(world, 2), [
    "announce 10.0.1.1 established",
    "announce 10.0.2.1 established",
  ]);
  world.kernel.changeNetwork(({ links }) => links.set("eth1", { flags: [] }));
  assertEquals(await decided(world, 1), ["withdraw 10.0.1.1 eth1 is down"]);
  world.kernel.changeNetwork(({ links }) => links.delete("eth1"));
  assertEquals(await decided(world, 1), ["announce 10.0.1.1 eth1 is up"]);
  await using other = new World();
  other.connect({ serverSide: true });
  other.connect();
  await other.start(
    announce({ addresses: ["::ffff:192.0.2.7", "2001:db8::7"] }),
  );
  assertEquals(other.taken(), ["announce 192.0.2.7 established"]);
});

Deno.test("numbers that make no sense are refused", () => {
  const wrong: (() => unknown)[] = [
    () => onDemand({ healthMs: 0 }),
    () => onDemand({ rtoMs: -1 }),
    () => backup({ silenceMs: Infinity }),
    () => refresh({ everyMs: 1 }),
    () => refresh({ subflows: 1 }),
    () => refresh({ subflows: 256 }),
    () => announce({ port: 65536 }),
  ];
  for (const make of wrong) assertThrows(make, RangeError, "Invalid ");
  assertThrows(() => announce({ addresses: ["eth0"] }), TypeError);
});
