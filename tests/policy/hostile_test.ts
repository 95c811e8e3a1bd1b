/**
 * A peer that announces whatever it wants: what each policy makes of it, on a
 * fake kernel.
 */
import { assert, assertEquals } from "@std/assert";
import {
  announce,
  backup,
  fullmesh,
  keep,
  ndiffports,
  onDemand,
  type PeerAddress,
  type Policy,
  refresh,
} from "../../policy/mod.ts";
import type { FakeRoute } from "../../testing/mod.ts";
import { World } from "../helpers/policy_world.ts";

/** A full mesh whose subflows are kept. */
function keptMesh(): Policy {
  const [mesh, kept] = [fullmesh(), keep()];
  return {
    ...mesh,
    announced(connection, address) {
      mesh.announced!(connection, address);
      kept.announced!(connection, address);
    },
    removed: (connection, address) => kept.removed!(connection, address),
    subflowOpened: (connection, one) => kept.subflowOpened!(connection, one),
    subflowClosed: (connection, one) => kept.subflowClosed!(connection, one),
  };
}

/**
 * The ready policies, how many subflows each may have, and whether it leaves it
 * to the manager to try again.
 */
const POLICIES: readonly [
  name: string,
  make: () => Policy,
  most: number,
  retry?: false,
][] = [
  ["fullmesh", () => fullmesh(), 9],
  ["a full mesh that is kept", keptMesh, 9, false],
  ["fullmesh of 4", () => fullmesh({ subflows: 4 }), 4],
  ["ndiffports", () => ndiffports({ subflows: 3 }), 3],
  ["backup", () => backup(), 2],
  ["on-demand", () => onDemand(), 2],
  ["announce", () => announce(), 1],
  ["refresh", () => refresh({ subflows: 4 }), 4],
  ["keep", () => keep(), 1],
];

/** What becomes of what is opened to an announced address. */
const ROUTES: readonly [name: string, route: FakeRoute | undefined][] = [
  ["accepted", undefined],
  ["refused", { refusal: 111 }],
  ["reset", { refusal: 104 }],
  ["unanswered", { silent: true }],
  ["without a route", { error: 101 }],
];

type Step = readonly [
  type: "announced" | "removed",
  id: number,
  address?: string,
  port?: number,
];

const ids = Array.from({ length: 255 }, (_, index) => index + 1);
const told = (addresses: readonly string[]): Step[] =>
  addresses.map((address, index) => ["announced", index + 1, address]);
const addressAt = (index: number) => `10.9.${index >> 8}.${index & 255}`;
const ROUNDS = 1000;

/** What the peer says, and how many of its addresses may be tried. */
const ATTACKS: readonly [name: string, steps: readonly Step[], most: number][] =
  [
    ["250 addresses", told(ids.slice(0, 250).map(addressAt)), 8],
    [
      "255 ports of one address",
      ids.map((id) => [
        ...["announced", id, "10.9.0.1", 1000 + id] as const,
      ]),
      8,
    ],
    ["one address under all ids", [
      ...told(ids.map(() => "10.9.0.1")),
      ...told(ids.map(() => "::ffff:10.9.0.1")),
    ], 1],
    ["the initial address again", told(["10.0.0.2", "::ffff:10.0.0.2"]), 0],
    ["what is nobody's", [
      ...told([
        ...["10.0.0.1", "10.0.1.1", "10.0.2.1", "::ffff:10.0.1.1", "0.0.0.0"],
        ...["127.0.0.1", "127.1.2.3", "224.0.0.1", "239.255.255.255"],
        ...["255.255.255.255", "240.0.0.1", "::", "::1", "ff02::1"],
        ...["::ffff:127.0.0.1", "::ffff:224.0.0.1", "fe80::1", "2001:db8::1"],
      ]),
      ["announced", 0, "127.0.0.1"],
      ["announced", 30, "127.0.0.1", 65535],
    ], 0],
    [
      "what was never announced is taken back",
      ids.map((id) => [
        ...["removed", id] as const,
      ]),
      0,
    ],
    // Each may be tried once, or it could not be used.
    [
      "another address by the same id, again and again",
      Array.from(
        { length: ROUNDS },
        (_, index): Step => ["announced", 1, addressAt(index)],
      ),
      ROUNDS,
    ],
    [
      "announced and taken back, again and again",
      Array.from(
        { length: ROUNDS },
        (_, index): Step[] => [
          ["announced", 1 + index % 255, addressAt(index)],
          ["removed", 1 + index % 255],
        ],
      ).flat(),
      ROUNDS,
    ],
    [
      "the same, again and again",
      Array.from(
        { length: ROUNDS },
        (): Step => ["announced", 1, "10.9.0.1"],
      ),
      1,
    ],
  ];

for (const [name, make, most, retry = true] of POLICIES) {
  Deno.test(`a peer that announces anything gets no more of ${name}`, async () => {
    for (const [attack, steps, mostPeers] of ATTACKS) {
      for (const [result, route] of ROUTES) {
        const where = `${attack}, ${result}`;
        const tried = new Map<string, number>();
        await using world = new World({
          connect(_, { remote: { address, port } }) {
            const key = `${address} ${port}`;
            if (address === "10.0.0.2") return undefined;
            tried.set(key, (tried.get(key) ?? 0) + 1);
            return route;
          },
        });
        const fake = world.connect();
        const server = world.connect({ serverSide: true });
        const onError = (error: unknown) => world.problems.push(`${error}`);
        const manager = await world.start(make(), { retry, onError });
        const [connection, other] = [...manager.connections.values()];
        const start = fake.subflows().length;
        for (
          const [index, [type, remId, address, port = 443]] of steps.entries()
        ) {
          for (const token of [5, 6]) {
            world.kernel.emitEvent(type, {
              ...{ token, remId },
              ...address !== undefined && { remote: { address, port } },
            });
          }
          if (index % 50 === 0) await world.turn();
        }
        await world.turn();
        assert(connection!.announced.length <= 256, where);
        assert(connection!.peers.length <= 257, where);
        assert(connection!.subflows.length <= most, where);
        assert(fake.subflows().length <= most, where);
        // A server's clients open the subflows.
        assertEquals([where, server.subflows().length], [where, 1]);
        assertEquals(other!.subflows.length, 1);
        assert(tried.size <= mostPeers, `${where}: ${[...tried.keys()]}`);
        if (mostPeers === 0) {
          assertEquals([where, fake.subflows().length], [where, start]);
        }
        // Where nothing is tried, it does not matter what would become of it.
        if (tried.size === 0) break;
        // Nobody is knocked at for ever: what is taken back is forgotten, the
        // rest ever less often.
        await world.turn(60_000);
        const before = new Map(tried);
        await world.turn(240_000);
        for (const [peer, count] of tried) {
          const times = count - (before.get(peer) ?? 0);
          assert(times <= 3 * 8, `${where}: ${peer} ${times} times`);
        }
        const still = [...tried].filter(([peer, count]) =>
          count > (before.get(peer) ?? 0)
        );
        assert(still.length <= 8, `${where}: ${still.length} tried on`);
        assert(fake.subflows().length <= most, where);
      }
    }
  });
}

Deno.test("what a peer repeats does not queue up behind a callback that waits", async () => {
  await using world = new World();
  world.connect();
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  const call = (name: string, { id, address }: PeerAddress) =>
    calls.push(`${name} ${id} ${address}`);
  await world.start({
    established: () => gate.promise,
    announced: (_, address) => call("announced", address),
    removed: (_, address) => call("removed", address),
  });
  const token = 5;
  for (let round = 0; round < 1000; round++) {
    const remId = 1 + round % 3;
    const remote = { address: addressAt(round), port: 443 };
    world.kernel.emitEvent("announced", { token, remId, remote });
    if (round < 998) world.kernel.emitEvent("removed", { token, remId });
    if (round % 100 === 0) await world.turn();
  }
  await world.turn();
  assertEquals(calls, []);
  gate.resolve();
  await world.turn();
  // The last of each, in the order of what happened.
  assertEquals(calls, [
    "removed 3 10.9.3.227",
    "removed 1 10.9.3.228",
    "announced 2 10.9.3.229",
    "removed 2 10.9.3.229",
    "announced 3 10.9.3.230",
    "announced 1 10.9.3.231",
  ]);
});

Deno.test("no connection gets more subflows than the kernel can count", async () => {
  await using world = new World();
  const fake = world.connect();
  const manager = await world.start({});
  const connection = manager.connections.get(5)!;
  for (let port = 1; port <= 300; port++) {
    connection.open({ from: "10.0.1.1", to: { address: "10.0.0.2", port } });
  }
  assertEquals(fake.subflows().length, 255);
  assertEquals(world.taken().slice(-47).map((one) => one.includes("ENOSPC")), [
    ...[false, ...Array(46).fill(true)],
  ]);
});
