import { assert, assertEquals } from "@std/assert";
import type { InterfaceAddress, Link, LinkFlag } from "../../diag/mod.ts";
import { Settler, type Sight } from "../../config/settle.ts";
import { generator, pick } from "../helpers/random.ts";

const SETTLE = 1000;

/** What a device can be, and what its address can be. */
type LinkState = "gone" | "down" | "no carrier" | "passing";
type AddressState = "gone" | "tentative" | "optimistic" | "failed" | "ready";

/** What there is of one address on one device. */
interface Scene {
  readonly link: LinkState;
  readonly address: AddressState;
  readonly hasRoute: boolean;
}

const FLAGS: Readonly<Record<LinkState, readonly LinkFlag[]>> = {
  ...{ gone: [], down: [], "no carrier": ["up"], passing: ["up", "running"] },
};

function sightOf({ link, address }: Scene, ifIndex = 3): Sight {
  const isTentative = address === "tentative" || address === "optimistic";
  const links: Link[] = link === "gone" ? [] : [{
    ...{ ifIndex, dev: "eth1", usable: link === "passing" },
    ...{ flags: FLAGS[link], state: "up" },
  }];
  const addresses: InterfaceAddress[] = address === "gone" ? [] : [{
    ...{ address: "10.0.2.1", prefixLength: 24, ifIndex, dev: "eth1" },
    scope: "global",
    ...{ tentative: isTentative, failed: address === "failed" },
    ...{ deprecated: false, temporary: false },
    flags: address === "optimistic" ? ["optimistic", "tentative"] : [],
  }];
  return { links, addresses };
}

/** When an address comes to count and when not, with the reasons. */
type Turn = [ms: number, isThere: boolean, why: string];

/** What happens and when. */
type Script = readonly (readonly [ms: number, change: Partial<Scene>])[];

/**
 * Lets things happen, and looks when they do and when it was said to look again,
 * or every few milliseconds.
 */
function play(script: Script, endMs: number, everyMs = Infinity): Turn[] {
  const settler = new Settler(SETTLE);
  const turns: Turn[] = [];
  const events = [...script];
  let scene: Scene = { link: "passing", address: "ready", hasRoute: true };
  for (let now = 0, next = 0; now <= endMs; now = next) {
    while (events[0] !== undefined && events[0][0] <= now) {
      scene = { ...scene, ...events.shift()![1] };
    }
    const { hasRoute } = scene;
    const { turned, standings, nextMs = Infinity } = settler.look(
      sightOf(scene),
      now,
      () => hasRoute,
    );
    assert(turned.length <= 1 && standings.length <= 1);
    for (const { isThere, why } of turned) turns.push([now, isThere, why]);
    assert(nextMs > now, `look again at ${nextMs}, said at ${now}`);
    next = Math.min(nextMs, now + everyMs, events[0]?.[0] ?? Infinity);
  }
  return turns;
}

const AT_ONCE: Turn = [0, true, "eth1 has had it for 1 s"];
const LOST = { link: "no carrier" } as const;
const BACK = { link: "passing" } as const;

const SCRIPTS: readonly (readonly [what: string, Script, Turn[]])[] = [
  ["what is there at the start counts at once", [], [AT_ONCE]],
  [
    "a carrier lost counts after a second, and back after another",
    [[5000, LOST], [9000, BACK]],
    [
      AT_ONCE,
      [6000, false, "eth1 has had no carrier for 1 s"],
      [10000, true, "eth1 has had its carrier back for 1 s"],
    ],
  ],
  ["a short break is none", [[5000, LOST], [5999, BACK]], [AT_ONCE]],
  [
    "a link set down goes at once, and comes back after a second",
    [[5000, { link: "down" }], [5100, LOST], [5200, BACK]],
    [
      AT_ONCE,
      [5000, false, "eth1 is down"],
      [6200, true, "eth1 has had its carrier back for 1 s"],
    ],
  ],
  [
    "an address that is gone goes at once, without a carrier too",
    [[5000, LOST], [5500, { address: "gone" }], [5600, {
      ...BACK,
      address: "ready",
    }]],
    [
      AT_ONCE,
      [5500, false, "eth1 has it no more"],
      [6600, true, "eth1 has had it for 1 s"],
    ],
  ],
  [
    "a device that is gone takes its address along",
    [[5000, { link: "gone", address: "gone" }]],
    [AT_ONCE, [5000, false, "eth1 is gone"]],
  ],
  [
    "a new address counts when no other host has it",
    [[0, { address: "gone" }], [5000, { address: "tentative" }], [7000, {
      address: "ready",
    }]],
    [[7000, true, "no other host has it"]],
  ],
  [
    "an optimistic address need not wait for that",
    [[0, { address: "gone" }], [5000, { address: "optimistic" }]],
    [[6000, true, "eth1 has had it for 1 s"]],
  ],
  [
    "an address that another host has does not count",
    [[0, { address: "gone" }], [5000, { address: "tentative" }], [5500, {
      address: "failed",
    }]],
    [],
  ],
  [
    "it counts no more when another host turns out to have it",
    [[5000, { address: "failed" }]],
    [AT_ONCE, [5000, false, "another host has it, too"]],
  ],
  [
    "an address waits for a route",
    [[0, LOST], [3000, { ...BACK, hasRoute: false }], [8000, {
      hasRoute: true,
    }]],
    [[8000, true, "there is a route by eth1"]],
  ],
  [
    "but not for ever, and a route that goes changes nothing",
    [[0, LOST], [3000, { ...BACK, hasRoute: false }], [20000, {
      hasRoute: true,
    }], [21000, { hasRoute: false }]],
    [[13000, true, "there is a route by eth1"]],
  ],
  [
    "what never rests counts in the end, and then as long as breaks are short",
    [
      [0, LOST],
      ...Array.from(
        { length: 60 },
        (_, index) =>
          [3000 + 400 * index, index % 2 === 0 ? BACK : LOST] as const,
      ),
      [27000, LOST],
    ],
    [
      [13400, true, "eth1 has had its carrier back for 1 s"],
      [27600, false, "eth1 has had no carrier for 1 s"],
    ],
  ],
];

for (const [what, script, turns] of SCRIPTS) {
  Deno.test(`settling: ${what}`, () =>
    assertEquals(play(script, 40_000), turns));
}

Deno.test("settling: a device of another index is another device", () => {
  const settler = new Settler(SETTLE);
  const scene: Scene = { link: "passing", address: "ready", hasRoute: true };
  const look = (index: number, now: number) =>
    settler.look(sightOf(scene, index), now, () => true).turned
      .map(({ address, isThere }) => [address.ifIndex, isThere]);
  assertEquals(look(3, 0), [[3, true]]);
  assertEquals(look(4, 5), [[3, false]]);
  assertEquals(look(4, 1005), [[4, true]]);
});

Deno.test("settling: it is enough to look when it says, and each rule holds", () => {
  const random = generator(7);
  const links: LinkState[] = [
    "gone",
    "down",
    "no carrier",
    "passing",
    "passing",
  ];
  const addresses: AddressState[] = [
    "gone",
    "tentative",
    "failed",
    "ready",
    "ready",
  ];
  for (let round = 0; round < 150; round++) {
    let at = 0;
    const script = Array.from({ length: 12 }, () => {
      at += 10 * random(random(4) === 0 ? 300 : 60);
      const change: Partial<Scene> = {
        ...random(2) === 0 && { link: pick(random, links) },
        ...random(3) === 0 && { address: pick(random, addresses) },
        ...random(3) === 0 && { hasRoute: random(2) === 0 },
      };
      return [at, change] as const;
    });
    const end = at + 15_000;
    const turns = play(script, end);
    // Of two reasons the last one that was seen counts.
    const withoutWhy = (turns: Turn[]) => turns.map(([ms, is]) => [ms, is]);
    assertEquals(
      withoutWhy(play(script, end, 10)),
      withoutWhy(turns),
      `round ${round}`,
    );
    assertRules(script, turns, end, `round ${round}`);
  }
});

/** Goes through the time, and checks what has to hold at each moment. */
function assertRules(
  script: Script,
  turns: readonly Turn[],
  endMs: number,
  what: string,
): void {
  const scenes: Scene[] = [];
  let scene: Scene = { link: "passing", address: "ready", hasRoute: true };
  const events = [...script];
  for (let now = 0; now <= endMs; now += 10) {
    while (events[0] !== undefined && events[0][0] <= now) {
      scene = { ...scene, ...events.shift()![1] };
    }
    scenes.push(scene);
    const isThere = turns.findLast(([ms]) => ms <= now)?.[1] ?? false;
    const second = scenes.slice(-SETTLE / 10 - 1);
    const isLong = second.length > SETTLE / 10;
    const always = (test: (scene: Scene) => boolean) =>
      isLong && second.every(test);
    const at = `${what} at ${now}`;
    if (["gone", "failed"].includes(scene.address)) assert(!isThere, at);
    if (["gone", "down"].includes(scene.link)) assert(!isThere, at);
    if (always(({ link }) => link === "no carrier")) assert(!isThere, at);
    const isReady = always(({ link, address, hasRoute }) =>
      link === "passing" && address === "ready" && hasRoute
    );
    if (isReady) assert(isThere, at);
  }
}
