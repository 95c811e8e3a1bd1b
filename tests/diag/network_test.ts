/** Links, addresses, routes, rules and neighbours, as captured and as broken. */
import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { NETLINK_ROUTE } from "../../codec/rtnetlink.gen.ts";
import { decodeAddress } from "../../diag/addresses.ts";
import { decodeLink } from "../../diag/links.ts";
import { Diag } from "../../diag/mod.ts";
import { decodeNeighbour } from "../../diag/neighbours.ts";
import { decodeRoute } from "../../diag/routes.ts";
import { decodeRule } from "../../diag/rules.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { conversation } from "../helpers/golden.ts";
import {
  ack,
  attr,
  type Bytes,
  done,
  join,
  seqOf,
  split,
  u32,
  withSeq,
} from "../helpers/netlink_bytes.ts";

/** What the kernel says to one question after the other. */
type Answers = readonly (string | number)[];

/** A host of which each answer was captured, or is an error. */
function host(...answers: Answers) {
  const rest = answers.slice();
  const requests: Bytes[] = [];
  const namespace = new FakeNamespace((request) => {
    requests.push(request);
    const answer = rest.shift()!;
    if (typeof answer === "number") return [ack(request, answer)];
    const { datagrams } = conversation(answer);
    return datagrams.map((text) =>
      withSeq(Uint8Array.fromHex(text), seqOf(request))
    );
  });
  namespace.devices.set("c1", 2).set("c2", 3);
  const diag = Diag.open({ namespace });
  return { diag, namespace, requests };
}

Deno.test("`links()` says what can carry packets", () => {
  const { diag, namespace } = host("rt-getlink-dump");
  const up = ["up", "broadcast", "running", "multicast", "lower-up"] as const;
  const veth = { usable: true, flags: [...up], state: "up", carrier: true };
  assertEquals(diag.links(), [
    {
      ...{ ifIndex: 1, dev: "lo", usable: false, state: "unknown" },
      flags: ["up", "loopback", "running", "lower-up"],
      ...{ carrier: true, mtu: 65536 },
    },
    { ifIndex: 2, dev: "c1", ...veth, mtu: 1500 },
    { ifIndex: 3, dev: "c2", ...veth, mtu: 1500 },
  ] as unknown as ReturnType<Diag["links"]>);
  assertEquals(
    namespace.transports.map(({ protocol, closed }) => [protocol, closed]),
    [[NETLINK_ROUTE, true]],
  );
  const rows = {
    "rt-event-carrier-lost": [false, ["up", "broadcast", "multicast"], false],
    "rt-event-link-down": [false, ["broadcast", "multicast"], undefined],
    "rt-event-carrier-back": [true, up, true],
    "rt-event-link-up": [
      ...[false, up.filter((flag) => flag !== "running"), true],
    ],
  };
  for (const [name, expected] of Object.entries(rows)) {
    const [first] = split(Uint8Array.fromHex(conversation(name).datagrams[0]!));
    const { usable, flags, carrier } = decodeLink(first!.subarray(16));
    assertEquals([usable, [...flags], carrier], expected);
  }
  const unknown = join([new Uint8Array(8), u32(0x8000_0041), u32(0)]);
  assertEquals(decodeLink(join([unknown, attr(16, Uint8Array.of(9))])), {
    ...{ ifIndex: 0, dev: "if0", usable: true, flags: ["up", "running"] },
    ...{ unknownFlags: 0x8000_0000, state: 9 },
  });
});

Deno.test("`networkChanges()` tells what each captured event changes", async () => {
  const { diag, namespace } = host("rt-getlink-dump");
  using changes = diag.networkChanges();
  const rows = {
    "rt-event-newaddr-v4": ["address"],
    "rt-event-deladdr-v4": ["address"],
    "rt-event-carrier-back": ["link"],
    "rt-event-link-up": ["link", "link", "address"],
    "rt-event-link-created-deleted": [
      ...["link", "link", "address", "address", "link", "link"],
    ],
  };
  for (const [name, expected] of Object.entries(rows)) {
    for (const datagram of conversation(name).datagrams) {
      namespace.emit(Uint8Array.fromHex(datagram));
    }
    for (const change of expected) {
      assertEquals((await changes.next()).value, change, name);
    }
  }
});

Deno.test("`addresses()` tells the own address from the peer's", () => {
  const { diag } = host("rt-getaddr-dump-peer");
  const all = diag.addresses();
  assertEquals(all.find(({ peer }) => peer !== undefined), {
    ...{ address: "10.9.0.1", prefixLength: 32, peer: "10.9.0.2" },
    ...{ ifIndex: 3, dev: "c2", scope: "global" },
    ...{ tentative: false, failed: false, deprecated: false, temporary: false },
    flags: ["permanent"],
  });
  const scopes = (text: string) =>
    all.filter(({ address }) => address.startsWith(text))
      .map(({ scope }) => scope);
  assertEquals(scopes("127."), ["host"]);
  assertEquals([...new Set(scopes("fe80:"))], ["link"]);
  const { datagrams } = conversation("rt-event-newaddr-v6-dad");
  assertEquals(
    datagrams.map((text) => {
      const bytes = Uint8Array.fromHex(text).subarray(16);
      return decodeAddress(bytes)?.tentative;
    }),
    [true, false],
  );
  // Bits of both families: 1 is temporary in IPv6, secondary in IPv4.
  const flags = join([attr(8, u32(0x8000_0029))]);
  const states = [2, 10].map((family) => {
    const bytes = attr(1, new Uint8Array(family === 2 ? 4 : 16));
    const header = Uint8Array.of(family, 0, 0, 7, 9, 0, 0, 0);
    const { temporary, failed, deprecated, unknownFlags, scope } =
      decodeAddress(join([header, bytes, flags]))!;
    return [temporary, failed, deprecated, unknownFlags, scope];
  });
  assertEquals(states, [
    [false, true, true, 0x8000_0000, 7],
    [true, true, true, 0x8000_0000, 7],
  ]);
});

Deno.test("`rules()` has the conditions of rules, or says that there are more", () => {
  const { diag } = host("rt-getrule-dump-all");
  const plain = { not: false, action: "lookup" } as const;
  assertEquals(diag.rules(), [
    { family: 4, priority: 0, ...plain, table: 255 },
    { family: 4, priority: 9, not: false, action: "goto", goto: 32766 },
    {
      ...{ family: 4, priority: 77, from: "10.9.0.0/16", to: "10.8.0.0/16" },
      ...{ iif: "c1", oif: "c2", fwmark: 3, fwmask: 15, not: true },
      action: "prohibit",
    },
    {
      ...{ family: 4, priority: 100, from: "10.0.2.1/32", ...plain },
      ...{ partial: true, table: 1042 },
    },
    { family: 4, priority: 32766, ...plain, table: 254 },
    { family: 4, priority: 32767, ...plain, table: 253 },
    { family: 6, priority: 0, ...plain, table: 255 },
    { family: 6, priority: 101, from: "fd00:2::1/128", ...plain, table: 42 },
    { family: 6, priority: 32766, ...plain, table: 254 },
  ]);
  const without = host(95);
  assertThrows(
    () => without.diag.rules(),
    NetlinkError,
    "hint: the kernel was built without CONFIG_IP_MULTIPLE_TABLES",
  );
});

Deno.test("`neighbours()` has those of both families", () => {
  const { diag } = host("rt-getneigh-dump");
  const all = diag.neighbours();
  const state = (text: string) =>
    all.filter(({ address }) => address === text)
      .map(({ dev, state }) => [dev, ...state]);
  assertEquals(["10.0.1.2", "10.0.1.3", "10.0.2.9", "fd00:2::2"].map(state), [
    [["c1", "permanent"]],
    [["c1", "stale"]],
    [["c2", "failed"]],
    [["c2", "reachable"]],
  ]);
  assertEquals(all.length, conversation("rt-getneigh-dump").decoded.length - 1);
});

const found = { found: true, type: "unicast", assumed: false } as const;
const LOCAL = "rt-getroute-local";

/** What is asked, what the kernel answers, and what comes of it. */
const ROUTES: readonly [
  asked: Parameters<Diag["route"]>,
  answers: Answers,
  route: unknown,
][] = [
  [
    ["10.0.1.2", { source: "10.0.2.1" }],
    [LOCAL, "rt-getroute-src"],
    { ...found, ifIndex: 2, dev: "c1", table: 254, source: "10.0.2.1" },
  ],
  [
    ["10.0.1.2", { source: "10.0.2.1", dev: "c2" }],
    [LOCAL, "rt-getroute-src-oif-assumed"],
    {
      ...{ ...found, assumed: true, ifIndex: 3, dev: "c2", table: 0 },
      source: "10.0.2.1",
    },
  ],
  [
    ["10.44.0.1"],
    ["rt-getroute-via"],
    {
      ...{ ...found, ifIndex: 2, dev: "c1", gateway: "fe80::9" },
      ...{ source: "10.0.1.1", table: 254 },
    },
  ],
  [
    ["fd00:1::2", { dev: "c2" }],
    ["rt-getroute-v6-oif-strict"],
    { found: false, reason: "no-route" },
  ],
  [
    ["2001:db8:9::1", { dev: 3 }],
    ["rt-getroute-v6-two-metrics-oif-strict"],
    {
      ...{ ...found, ifIndex: 3, dev: "c2", gateway: "fd00:2::2" },
      ...{ source: "fd00:2::1", table: 254, metric: 600 },
    },
  ],
  // With the source the answer is another device: it is asked without.
  [
    ["2001:db8:9::1", { source: "fd00:2::1", dev: "c2" }],
    [
      ...[LOCAL, "rt-getroute-v6-two-metrics-src-oif"],
      ...["rt-getroute-v6-two-metrics-oif-strict", "rt-getrule-dump-all"],
    ],
    {
      ...{ ...found, ifIndex: 3, dev: "c2", gateway: "fd00:2::2" },
      ...{ source: "fd00:2::1", table: 254, metric: 600 },
    },
  ],
  [
    ["fd05::1", { source: "fd00:2::1", dev: "c2" }],
    [LOCAL, 22, "rt-getroute-v6-oif-strict", "rt-getrule-dump-all"],
    { found: false, reason: "no-route" },
  ],
  [["fd05::1"], ["rt-getroute-v6-blackhole"], {
    found: false,
    reason: "blackhole",
  }],
  [["10.0.1.2", { source: "10.7.7.7" }], [
    ...["rt-getroute-src-unassigned", "rt-getaddr-dump"],
  ], { found: false, reason: "no-source" }],
  // The address of a VRF is in no local table, but on the host.
  [["10.0.2.2", { source: "10.0.2.1" }], [
    ...["rt-getroute-src-unassigned", "rt-getaddr-dump", "rt-getroute-src"],
  ], { ...found, ifIndex: 2, dev: "c1", table: 254, source: "10.0.2.1" }],
  [["10.0.1.2", { dev: "c9" }], [], { found: false, reason: "no-device" }],
  [["10.0.1.2", { dev: 9 }], [], { found: false, reason: "no-device" }],
  ...([[13, "prohibited"], [113, "unreachable"], [97, "no-family"]] as const)
    .map(([errno, reason]): (typeof ROUTES)[0] => [
      ["::ffff:10.0.1.2"],
      [errno],
      { found: false, reason },
    ]),
];

Deno.test("`route()` is where a bound socket would go, or why nowhere", () => {
  for (const [asked, answers, expected] of ROUTES) {
    const { diag, requests } = host(...answers);
    const what = Deno.inspect(asked);
    assertEquals(diag.route(...asked) as unknown, expected, what);
    assertEquals(requests.length, answers.length, what);
  }
  // As captured, except for the protocol, which rules may ask for.
  const { diag, requests } = host("rt-getroute-v6-oif-strict");
  diag.route("fd00:1::2", { dev: "c2" });
  const captured = conversation("rt-getroute-v6-oif-strict").request!;
  const expected = Uint8Array.fromHex(
    captured + attr(27, Uint8Array.of(6)).toHex(),
  );
  expected[0] = expected.length;
  assertEquals(requests[0]!.toHex(), withSeq(expected, 1).toHex());
});

Deno.test("`route()` refuses what no route can be asked for with", () => {
  const { diag, requests } = host();
  const rows: [...Parameters<Diag["route"]>, string][] = [
    ["10.0.1", {}, "4 numbers are needed"],
    ["eth0", {}, "an IPv4 or IPv6 address is needed"],
    ["10.0.1.2", { source: "10.0.1.1/24" }, "without prefix length"],
    ["10.0.1.2", { source: "fd00::1" }, "10.0.1.2 cannot be reached from"],
    ["10.0.1.2", { dev: 0 }, "it is an integer from 1 to"],
  ];
  for (const [to, options, message] of rows) {
    assertThrows(() => diag.route(to, options), Error, message);
  }
  assertEquals(requests.length, 0);
  const refused = host(1);
  assertThrows(() => refused.diag.route("10.0.1.2"), NetlinkError, "EPERM");
});

Deno.test("a route of a type that refuses is no route", () => {
  for (
    const [type, reason] of [
      ...[[6, "blackhole"], [7, "unreachable"], [8, "prohibited"]] as const,
      [9, "no-route"] as const,
    ]
  ) {
    const header = Uint8Array.of(10, 128, 0, 0, 254, 0, 0, type, 0, 0, 0, 0);
    assertEquals(decodeRoute(header), { found: false, reason });
  }
});

Deno.test("bytes that cannot be are refused at each level, with their place", () => {
  const v4 = Uint8Array.of(10, 0, 0, 1);
  const family = (length: number) => {
    const header = new Uint8Array(length);
    header[0] = 2;
    return header;
  };
  const rows: [(bytes: Uint8Array) => unknown, Bytes, string][] = [
    [decodeLink, family(15), "15 bytes, but ifinfomsg has 16"],
    [decodeAddress, family(7), "7 bytes, but ifaddrmsg has 8"],
    [decodeRoute, family(11), "11 bytes, but rtmsg has 12"],
    [decodeRule, family(11), "11 bytes, but fib-rule-hdr has 12"],
    [decodeNeighbour, family(11), "11 bytes, but ndmsg has 12"],
    [
      decodeLink,
      join([family(16), Uint8Array.of(3, 0, 3, 0)]),
      "attribute length 3, but 4 to 4 is possible",
    ],
    [
      decodeRoute,
      join([family(12), attr(4, v4.subarray(1))]),
      '".oif": 3 bytes, but u32 has 4',
    ],
    [
      decodeAddress,
      join([family(8), attr(2, v4), attr(1, v4.subarray(1))]),
      '".address": 3 bytes, but an address has 4 or 16',
    ],
    [decodeAddress, family(8), '".address": an address without its bytes'],
    [
      decodeRoute,
      join([family(12), attr(18, v4)]),
      '".via": 2 bytes, but an address has 4 or 16',
    ],
    [
      decodeRule,
      join([family(12), attr(2, new Uint8Array(5))]),
      '".src": 5 bytes, but an address has 4 or 16',
    ],
    [
      decodeNeighbour,
      join([family(12), attr(1, new Uint8Array(6))]),
      '".dst": 6 bytes, but an address has 4 or 16',
    ],
  ];
  for (const [decode, bytes, message] of rows) {
    const error = assertThrows(() => decode(bytes), DecodeError);
    assertEquals(error.message.includes(message), true, error.message);
  }
  // Neither is IP.
  const other = Uint8Array.of(128, ...new Uint8Array(11));
  for (const decode of [decodeAddress, decodeRule, decodeNeighbour]) {
    assertEquals(decode(other), undefined);
  }
  assertEquals(decodeNeighbour(family(12)), undefined);
});

Deno.test("each list ends what it opened, though the kernel refuses", () => {
  const { diag, namespace } = host(1, 1, 1, 1);
  for (const list of ["links", "addresses", "rules", "neighbours"] as const) {
    const error = assertThrows(() => diag[list](), NetlinkError);
    assertEquals(error.code, "EPERM");
  }
  assertEquals(namespace.transports.length, 4);
  assertEquals(namespace.transports.every(({ closed }) => closed), true);
  const busy = host("rt-getaddr-dump");
  busy.namespace.distort = (_, request) => [done(seqOf(request), 16)];
  assertThrows(() => busy.diag.addresses(), NetlinkError, "EBUSY");
});
