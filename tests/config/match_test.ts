import { assertEquals } from "@std/assert";
import type { Match, MatchedEndpoints } from "../../config/config.ts";
import { matchEndpoints } from "../../config/match.ts";
import {
  endpoint,
  hostAddress,
  presentState,
} from "../helpers/present_state.ts";

const ADDRESSES = [
  "127.0.0.1 lo host",
  "192.0.2.9 lo",
  "10.0.0.1 eth0",
  "10.0.0.2 eth0",
  "10.0.0.3 eth0 deprecated",
  "10.0.1.1 eth1",
  "fd00::1 eth0",
  "fd00::2 eth0 temporary",
  "fd00::3 eth0 temporary deprecated",
  "fe80::1 eth0 link",
  "fd00:1::1 eth1 tentative",
  "fd00:1::2 eth1 tentative failed",
  "192.168.7.1 wlan0",
];

const HOST = presentState({ addresses: ADDRESSES.map(hostAddress) });

/** What fits, and what then is taken of each device and family. */
const ROWS: readonly [match: Match, fitting: string, taken?: string][] = [
  [
    {},
    "192.0.2.9 10.0.0.1 10.0.0.2 10.0.1.1 fd00::1 192.168.7.1",
    "192.0.2.9 10.0.0.1 10.0.1.1 fd00::1 192.168.7.1",
  ],
  [
    { dev: ["eth*"] },
    "10.0.0.1 10.0.0.2 10.0.1.1 fd00::1",
    "10.0.0.1 10.0.1.1 fd00::1",
  ],
  [{ dev: ["eth?"], family: 6 }, "fd00::1"],
  [{ dev: ["wlan0", "l*"] }, "192.0.2.9 192.168.7.1"],
  [{ dev: ["eth", "*0.", "ETH0", "eth[01]"] }, ""],
  [
    { family: 4, not: [{ dev: ["lo"] }] },
    "10.0.0.1 10.0.0.2 10.0.1.1 192.168.7.1",
    "10.0.0.1 10.0.1.1 192.168.7.1",
  ],
  [{ scope: "host" }, "127.0.0.1"],
  [{ scope: "link" }, "fe80::1"],
  [{ scope: "site" }, ""],
  [
    { address: ["10.0.0.0/23"] },
    "10.0.0.1 10.0.0.2 10.0.1.1",
    "10.0.0.1 10.0.1.1",
  ],
  [{ address: ["10.0.0.0/31", "fd00::/64"] }, "10.0.0.1 fd00::1"],
  [{ address: ["10.0.0.2/32"] }, "10.0.0.2"],
  [{ address: ["0.0.0.0/0"], dev: ["wlan0"] }, "192.168.7.1"],
  [{ states: ["temporary"], family: 6 }, "fd00::1 fd00::2", "fd00::1"],
  [
    { states: ["temporary", "deprecated"], family: 6 },
    "fd00::1 fd00::2 fd00::3",
    "fd00::1",
  ],
  [{ states: ["tentative"], dev: ["eth1"] }, "10.0.1.1 fd00:1::1"],
  [{ states: ["failed"], dev: ["eth1"] }, "10.0.1.1"],
  [
    { states: ["failed", "tentative"], dev: ["eth1"], family: 6 },
    "fd00:1::1 fd00:1::2",
    "fd00:1::1",
  ],
  // Within `not` the scope and the states are any.
  [{ scope: "link", not: [{ family: 6 }] }, ""],
  [
    { not: [{ address: ["10.0.0.0/8"] }, { dev: ["lo"] }, { family: 6 }] },
    "192.168.7.1",
  ],
  [{ dev: ["eth*"], not: [{ family: 4, dev: ["eth0"] }] }, "10.0.1.1 fd00::1"],
  [
    {
      states: ["temporary", "deprecated"],
      not: [{ states: ["deprecated"] }],
      family: 6,
    },
    "fd00::1 fd00::2",
    "fd00::1",
  ],
  // What is excluded from what does not fit, fits.
  [
    { family: 4, not: [{ address: ["10.0.0.0/8"], not: [{ dev: ["eth1"] }] }] },
    "192.0.2.9 10.0.1.1 192.168.7.1",
  ],
];

Deno.test("`matchEndpoints()` takes the addresses that fit", () => {
  for (const [match, fitting, taken = fitting] of ROWS) {
    for (const each of ["address", "device"] as const) {
      const wanted = { match, each, flags: ["subflow"], place: 0 } as const;
      const { endpoints, unmatched } = matchEndpoints([wanted], {
        ...HOST,
        capacity: 64,
      }, []);
      const expected = each === "address" ? fitting : taken;
      assertEquals(
        [match, endpoints.map(({ address }) => address).join(" ")],
        [match, expected],
      );
      assertEquals(unmatched, expected === "" ? [0] : []);
    }
  }
});

const every: MatchedEndpoints = {
  match: { dev: ["eth*", "wlan*"], states: ["temporary", "deprecated"] },
  each: "address",
  flags: ["subflow"],
  place: 1,
};

/** Those that are taken, and those that there is no room for. */
function ranked(
  capacity: number,
  staying: readonly string[] = [],
  before: Parameters<typeof matchEndpoints>[0] = [],
) {
  const { endpoints, leftOut } = matchEndpoints(
    [...before, every],
    { ...HOST, capacity },
    staying.map(endpoint),
  );
  const text = (list: typeof endpoints) =>
    list.map(({ address, place, dev = "-" }) => `${address} ${dev} ${place}`);
  return [text(endpoints), text(leftOut)];
}

Deno.test("`matchEndpoints()` ranks the first address of each device before any second", () => {
  const all = [
    ...["10.0.0.1 eth0 1", "10.0.0.2 eth0 1", "10.0.0.3 eth0 1"],
    ...["10.0.1.1 eth1 1", "fd00::1 eth0 1", "fd00::2 eth0 1"],
    ...["fd00::3 eth0 1", "192.168.7.1 wlan0 1"],
  ];
  assertEquals(ranked(8), [all, []]);
  assertEquals(ranked(3), [
    ["10.0.0.1 eth0 1", "10.0.1.1 eth1 1", "192.168.7.1 wlan0 1"],
    all.filter((_, at) => ![0, 3, 7].includes(at)),
  ]);
  assertEquals(ranked(4)[0], [
    ...["10.0.0.1 eth0 1", "10.0.0.2 eth0 1", "10.0.1.1 eth1 1"],
    "192.168.7.1 wlan0 1",
  ]);
  assertEquals(ranked(0), [[], all]);
  // What stays takes room, unless it is wanted itself.
  assertEquals(ranked(3, ["7 192.0.2.1 subflow"])[0], [
    ...["10.0.0.1 eth0 1", "10.0.1.1 eth1 1"],
  ]);
  assertEquals(ranked(3, ["7 fd00::2 subflow"])[0], [
    ...["10.0.0.1 eth0 1", "10.0.1.1 eth1 1", "fd00::2 eth0 1"],
  ]);
});

Deno.test("`matchEndpoints()` lets an address that is named win", () => {
  const named = { address: "FD00::1", flags: ["signal"], place: 0 } as const;
  assertEquals(ranked(2, [], [named]), [
    // It counts as the first of its device.
    ["fd00::1 - 0", "10.0.1.1 eth1 1"],
    [
      ...["10.0.0.1 eth0 1", "10.0.0.2 eth0 1", "10.0.0.3 eth0 1"],
      ...["fd00::2 eth0 1", "fd00::3 eth0 1", "192.168.7.1 wlan0 1"],
    ],
  ]);
  // One of its device and family is there already.
  const one = { ...every, each: "device", place: 1 } as const;
  const first = { address: "::ffff:10.0.0.1", flags: [], place: 0 } as const;
  assertEquals(
    matchEndpoints([first, one], HOST, []).endpoints
      .map(({ address }) => address),
    ["::ffff:10.0.0.1", "10.0.1.1", "fd00::1", "192.168.7.1"],
  );
  // What is earlier in the file wins over what is later.
  const later = { ...every, flags: ["signal"], place: 2 } as const;
  assertEquals(
    matchEndpoints([one, later], HOST, []).endpoints
      .filter(({ place }) => place === 1).map(({ address }) => address),
    ["10.0.0.1", "10.0.1.1", "fd00::1", "192.168.7.1"],
  );
});

Deno.test("`matchEndpoints()` knows devices by index, those that are gone too", () => {
  const found = (dev: string) =>
    matchEndpoints(
      [{ address: "10.0.0.1", dev, flags: [], place: 4 }],
      HOST,
      [],
    );
  assertEquals(found("eth1").endpoints.map(({ ifIndex }) => ifIndex), [3]);
  assertEquals(
    found("if77").endpoints.map(({ ifIndex, dev }) => [ifIndex, dev]),
    [
      [77, undefined],
    ],
  );
  const none = (
    dev: string,
  ) => [`endpoints[4]: there is no device "${dev}" here`];
  for (const dev of ["eth7", "if3", "if0", "if2147483648", "ETH1"]) {
    assertEquals([found(dev).endpoints, found(dev).faults], [[], none(dev)]);
  }
});
