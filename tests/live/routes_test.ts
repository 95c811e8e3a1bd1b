/**
 * Links, addresses, routes, rules and neighbours, compared with `ip` and with
 * where sockets go.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  type AddressFlag,
  Diag,
  type InterfaceAddress,
  type Link,
  type Neighbour,
  type NoRouteReason,
  type Rule,
} from "../../diag/mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import type { Host } from "../../testing/host.ts";
import { connectFrom } from "../helpers/bound_socket.ts";
import { liveTest } from "../helpers/live.ts";

type Json = Record<string, unknown>;

const json = (host: Host, ...args: string[]): Json[] =>
  JSON.parse(host.ip("-j", "-N", ...args) || "[]");

/** Compares until nothing changed between two looks of `ip`. */
function assertSame(look: () => unknown, ip: () => unknown, what: string) {
  for (let attempt = 0;; attempt++) {
    const before = ip();
    const seen = look();
    const after = ip();
    const isCalm = JSON.stringify(before) === JSON.stringify(after);
    if (!isCalm && attempt < 50) continue;
    return assertEquals(seen, after, what);
  }
}

/** A link as `ip -j link` prints it. */
function linkOfIp({ ifIndex, dev, flags, state, mtu }: Link): Json {
  const words = flags.filter((word) => word !== "running");
  const lacksCarrier = flags.includes("up") && !flags.includes("running");
  return {
    ifindex: ifIndex,
    ifname: dev,
    flags: [
      ...words.map((word) => word.toUpperCase().replace("-", "_")),
      ...lacksCarrier ? ["NO-CARRIER"] : [],
    ].sort(),
    operstate: state.toString().toUpperCase(),
    mtu,
  };
}

const SHOWN: readonly AddressFlag[] = ["tentative", "dadfailed", "deprecated"];

/** An address as `ip -j address` prints it. */
function addressOfIp(one: InterfaceAddress): Json {
  const { address, dev, prefixLength, peer, scope, flags } = one;
  assertEquals(
    [one.tentative, one.failed, one.deprecated],
    SHOWN.map((word) => flags.includes(word)),
  );
  return {
    dev,
    local: address,
    ...peer !== undefined && { address: peer },
    prefixlen: prefixLength,
    scope,
    ...Object.fromEntries(
      SHOWN.filter((word) => flags.includes(word)).map((word) => [word, true]),
    ),
    ...one.temporary && { temporary: true },
    ...!flags.includes("permanent") && { dynamic: true },
  };
}

/** A rule as `ip -N -j rule` prints it. */
function ruleOfIp(rule: Rule): Json {
  const { priority, from, to, iif, oif, fwmark, fwmask } = rule;
  const prefix = (name: string, text: string | undefined, full: number) => {
    const [address, length] = text?.split("/") ?? [];
    if (address === undefined) return {};
    return Number(length) === full
      ? { [name]: address }
      : { [name]: address, [`${name}len`]: Number(length) };
  };
  const full = rule.family === 4 ? 32 : 128;
  const hexOf = (value: number) => `0x${value.toString(16)}`;
  const isWhole = fwmask === 0xffff_ffff || fwmask === undefined;
  return {
    priority,
    ...rule.not && { not: null },
    ...from === undefined ? { src: "all" } : prefix("src", from, full),
    ...prefix("dst", to, full),
    ...fwmark !== undefined && { fwmark: hexOf(fwmark) },
    ...!isWhole && { fwmask: hexOf(fwmask) },
    ...iif !== undefined && { iif },
    ...oif !== undefined && { oif },
    ...rule.partial && { partial: true },
    ...rule.table !== undefined && { table: String(rule.table) },
    ...rule.goto !== undefined && { goto: rule.goto },
    ...rule.action === "prohibit" && { action: "8" },
    ...rule.action === "blackhole" && { action: "6" },
  };
}

const CONDITIONS = ["ipproto", "dport", "sport", "uid_start", "uid_end", "tos"];

/** The same of what `ip` prints. */
function conditionsOf(rule: Json): Json {
  const entries = Object.entries(rule);
  const rest = entries.filter(([key]) => !CONDITIONS.includes(key));
  return {
    ...Object.fromEntries(rest),
    ...rest.length < entries.length && { partial: true },
  };
}

/** Compares all that is there. */
function assertSameAsIp(host: Host, what: string): void {
  using diag = Diag.open({ netns: host.netns });
  assertSame(
    () => diag.links().map(linkOfIp),
    () =>
      json(host, "link").map((
        { ifindex, ifname, flags, operstate, mtu },
      ) => ({
        ...{ ifindex, ifname, flags: (flags as string[]).sort() },
        ...{ operstate, mtu },
      })),
    `${what}: links`,
  );
  const byAddress = (one: Json, other: Json) =>
    String(one["local"]) < String(other["local"]) ? -1 : 1;
  assertSame(
    () => diag.addresses().map(addressOfIp).sort(byAddress),
    () =>
      json(host, "address").flatMap(({ ifname, addr_info }) =>
        (addr_info as Json[]).map((
          { local, address, prefixlen, scope, ...flags },
        ) => ({
          dev: ifname,
          local,
          ...address !== undefined && { address },
          prefixlen,
          scope: SCOPES[String(scope)] ?? scope,
          ...Object.fromEntries(
            [...SHOWN, "temporary", "dynamic"]
              .filter((word) => word in flags).map((word) => [word, true]),
          ),
        }))
      ).sort(byAddress),
    `${what}: addresses`,
  );
  assertSame(
    () => diag.rules().map(ruleOfIp),
    () =>
      ["-4", "-6"].flatMap((family) => json(host, family, "rule"))
        .map(conditionsOf),
    `${what}: rules`,
  );
  const byHost = (one: Json, other: Json) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
  assertSame(
    () =>
      diag.neighbours().map(({ address, dev, state }: Neighbour) => ({
        dst: address,
        dev,
        state: state.map((word) => word.toUpperCase()),
      })).sort(byHost),
    () =>
      json(host, "neighbour", "show", "nud", "all")
        .map(({ dst, dev, state }) => ({ dst, dev, state })).sort(byHost),
    `${what}: neighbours`,
  );
}

/** The numbers, which `ip -N` prints. */
const SCOPES: Readonly<Record<string, string>> = {
  "0": "global",
  "253": "link",
  "254": "host",
};

liveTest("links, addresses, rules and neighbours are what `ip` shows", () => {
  using lab = Lab.open({ paths: 3 });
  const { client } = lab;
  using diag = Diag.open({ netns: client.netns });
  const link = (dev: string) => diag.links().find((one) => one.dev === dev)!;
  const address = (text: string) =>
    diag.addresses().find((one) => one.address === text)!;
  assertSameAsIp(client, "as it is made");
  assertEquals(
    diag.links().map(({ dev, usable }) => [dev, usable]),
    [["lo", false], ...[1, 2, 3].map((path) => [client.dev(path), true])],
  );

  client.ip("link", "set", client.dev(1), "down");
  lab.cut(2);
  waitFor(() => !link(client.dev(2)).usable, "the carrier to go");
  assertSameAsIp(client, "down, and without carrier");
  assertEquals(
    [1, 2, 3].map((path) => {
      const { usable, carrier, flags } = link(client.dev(path));
      return [usable, carrier, flags.includes("up")];
    }),
    [[false, undefined, false], [false, false, true], [true, true, true]],
  );

  const dev = client.dev(3);
  client.sysctl(`net.ipv6.conf.${dev}.accept_dad`, 1);
  client.sysctl(`net.ipv6.conf.all.accept_dad`, 1);
  client.sysctl(`net.ipv6.conf.${dev}.dad_transmits`, 1);
  client.sysctl(`net.ipv6.conf.${dev}.use_tempaddr`, 2);
  // It is for a second at least, which a slow test may miss.
  for (let left = 4;; left--) {
    client.ip("address", "add", "fd77:3::77/64", "dev", dev);
    if (address("fd77:3::77").tentative) break;
    assert(left > 0, "tentative");
    client.ip("address", "delete", "fd77:3::77/64", "dev", dev);
  }
  assertSameAsIp(client, "tentative");
  client.ip("address", "add", `${lab.server.address6(3)}/64`, "dev", dev);
  waitFor(
    () => address(lab.server.address6(3)).failed,
    "the duplicate to be found",
  );
  waitFor(() => !address("fd77:3::77").tentative, "the end of detection");
  client.ip(
    ...["address", "add", "fd77:3::78/64", "dev", dev],
    ...["preferred_lft", "0", "valid_lft", "1000"],
  );
  client.ip("address", "add", "10.9.0.1", "peer", "10.9.0.2", "dev", dev);
  client.ip("address", "add", "10.77.3.9/24", "dev", dev);
  client.ip(
    ...["address", "add", "fd77:9::1/64", "dev", dev, "mngtmpaddr"],
    ...["preferred_lft", "1000", "valid_lft", "10000"],
  );
  waitFor(
    () => diag.addresses().some(({ temporary }) => temporary),
    "a temporary address",
  );
  assert(address("fd77:3::78").deprecated);
  assertEquals(address("10.9.0.1").peer, "10.9.0.2");
  assert(!address("10.77.3.9").temporary);
  assertSameAsIp(client, "all kinds of addresses");

  for (
    const rule of [
      "from 10.77.3.1 lookup 1042",
      "not from 10.9.0.0/16 to 10.8.0.0/16 fwmark 3/15 iif lo prohibit",
      "oif client3 fwmark 7 blackhole priority 9",
      "from 10.77.3.1 ipproto tcp dport 443 lookup 42",
      "uidrange 0-7 goto 32766 priority 11",
      "-6 from fd77:3::/64 lookup 42",
    ]
  ) {
    const [first, ...words] = rule.split(" ");
    if (first === "-6") client.ip("-6", "rule", "add", ...words);
    else client.ip("rule", "add", first!, ...words);
  }
  for (
    const [address, state] of [
      ["10.77.3.2", "permanent"],
      ["10.77.3.3", "stale"],
      ["fd77:3::33", "reachable"],
    ] as const
  ) {
    client.ip(
      ...["neighbour", "replace", address, "lladdr", "02:00:00:00:00:01"],
      ...["dev", dev, "nud", state],
    );
  }
  connectFrom(client.netns, "10.77.3.99", { dev });
  const states = () =>
    diag.neighbours().find(({ address }) => address === "10.77.3.99")?.state;
  assertEquals(states(), ["incomplete"]);
  waitFor(() => states()?.includes("failed") === true, "no answer");
  assertSameAsIp(client, "rules and neighbours");
});

/** What a socket gets. */
const ERRNO: Readonly<Record<NoRouteReason, number>> = {
  "no-route": 101,
  "no-source": 99,
  "no-device": 19,
  "unreachable": 113,
  "prohibited": 13,
  "blackhole": 22,
  "no-family": 97,
};
const [SENT, REFUSED] = [0, 111];

liveTest("a route is where a bound socket goes, and what `ip` says", () => {
  using lab = Lab.open({ paths: 4 });
  const { client } = lab;
  client.ip("link", "set", client.dev(4), "down");
  for (
    const words of [
      "-4 route add default via 10.77.1.2",
      "-4 route add 192.0.2.0/24 via 10.77.2.2",
      "-4 route add default via 10.77.2.2 dev client2 table 42",
      "-4 rule add from 10.77.2.1 lookup 42",
      "-4 route add 198.51.100.0/24 via 10.77.3.2 dev client3 table 43",
      "-4 rule add to 198.51.100.0/24 ipproto tcp lookup 43",
      "-4 route add 203.0.113.0/24 via inet6 fd77:3::2 dev client3",
      "-4 route add 100.64.0.0/24 nexthop via 10.77.1.2 nexthop via 10.77.2.2",
      "-4 route add local 10.99.0.0/16 dev lo",
      "-6 route add default via fd77:1::2 metric 100",
      "-6 route add default via fd77:2::2 metric 600",
      "-6 route add 2001:db8:3::/48 via fd77:3::2 dev client3 table 43",
      "-6 rule add from fd77:3::1 lookup 43",
      "-6 address add fd77:8::1/128 dev client3 nodad",
      "-6 rule add from fd77:8::/30 prohibit",
      ...["blackhole", "unreachable", "prohibit", "throw"].flatMap((
        type,
        index,
      ) => [
        `-4 route add ${type} 10.5${index}.0.0/16`,
        `-6 route add ${type} fd5${index}::/16`,
      ]),
    ]
  ) client.ip(...words.split(" "));

  const destinations = [
    ...["10.77.1.2", "10.77.3.2", "10.77.4.2", "192.0.2.1", "198.51.100.1"],
    ...["203.0.113.1", "8.8.8.8", "10.77.2.1", "127.0.0.1", "10.99.1.1"],
    ...["10.50.0.1", "10.51.0.1", "10.52.0.1", "10.53.0.1", "100.64.0.1"],
    ...["fd77:1::2", "fd77:3::2", "fd77:4::2", "2001:db8::1"],
    ...["2001:db8:3::1", "fd77:2::1", "::1"],
    ...["fd50::1", "fd51::1", "fd52::1", "fd53::1"],
  ];
  const sources = [
    ...["10.77.1.1", "10.77.2.1", "10.77.4.1", "10.99.1.1", "10.1.1.1"],
    ...["127.0.0.1", "fd77:1::1", "fd77:2::1", "fd77:3::1", "fd77:8::1"],
    "fd77:9::9",
  ];
  const devices = [undefined, "client1", "client2", "client3", "client4"];
  using diag = Diag.open({ netns: client.netns });
  const seen = new Map<string, number>();
  for (const to of destinations) {
    const isIPv6 = to.includes(":");
    const own = sources.filter((source) => source.includes(":") === isIPv6);
    for (const source of [undefined, ...own]) {
      for (const dev of devices) {
        const bound = { ...source && { source }, ...dev && { dev } };
        const what = `${to} from ${source} dev ${dev}`;
        const route = diag.route(to, bound);
        const errno = connectFrom(client.netns, to, bound);
        const outcome = route.found
          ? route.assumed ? "assumed" : "found"
          : route.reason;
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (route.found) {
          const isSent = [SENT, REFUSED].includes(errno);
          assert(isSent, `${what}: ${errno}, but ${JSON.stringify(route)}`);
          if (dev !== undefined && route.type === "unicast") {
            assertEquals(route.dev, dev, what);
          }
        } else {
          assertEquals(errno, ERRNO[route.reason], `${what}: ${route.reason}`);
        }
        // `ip` takes long, and asks IPv6 the other way.
        if (dev !== undefined && dev !== "client2") continue;
        if (isIPv6 && source !== undefined && dev !== undefined) continue;
        const words = [
          ...[to, ...source ? ["from", source] : []],
          ...[...dev ? ["oif", dev] : [], "ipproto", "tcp"],
        ];
        const ask = (...more: string[]): Json | undefined => {
          try {
            return json(client, "route", "get", ...more, ...words)[0];
          } catch {
            return undefined;
          }
        };
        const shown = ask();
        if (!route.found) {
          if (route.reason !== "no-source") {
            assertEquals(shown, undefined, what);
          }
          continue;
        }
        const { via, gateway } = shown as { via?: Json; gateway?: string };
        const isSpread = to === "100.64.0.1" && dev === undefined &&
          source === undefined;
        assertEquals(
          [route.dev, route.gateway, source ?? route.source],
          isSpread ? [shown!["dev"], gateway, shown!["prefsrc"]] : [
            ...[shown!["dev"], gateway ?? via?.["host"]],
            source ?? shown!["prefsrc"],
          ],
          what,
        );
        if (!isIPv6 && dev !== undefined) {
          assertEquals(route.assumed, ask("fibmatch") === undefined, what);
        }
      }
    }
  }
  for (
    const outcome of [
      ...["found", "assumed", "no-route", "no-source", "unreachable"],
      ...["prohibited", "blackhole"],
    ]
  ) assertGreater(seen.get(outcome) ?? 0, 3, outcome);
  for (const dev of ["nothing", 4711]) {
    for (const to of ["10.77.1.2", "fd77:1::2"]) {
      assertEquals(diag.route(to, { dev }), {
        found: false,
        reason: "no-device",
      });
    }
  }
});

liveTest(
  "the fake kernel has links, addresses and routes as the kernel has",
  () => {
    using lab = Lab.open({ paths: 4 });
    const { client } = lab;
    const kernel = new FakeKernel();
    const interfaces = kernel.interfaces = new FakeInterfaces();
    const { addresses, routes, links, neighbours } = interfaces;
    kernel.devices.clear();
    kernel.devices.set("lo", 1);
    const flags = ["permanent"] as const;
    const lo = { dev: "lo", flags };
    addresses.push({ address: "127.0.0.1", prefixLength: 8, ...lo });
    addresses.push({ address: "::1", prefixLength: 128, ...lo });
    for (const path of [1, 2, 3, 4]) {
      const dev = client.dev(path);
      kernel.devices.set(dev, 10 + path);
      addresses.push({ address: client.address(path), dev });
      addresses.push({
        ...{ address: client.address6(path), dev },
        flags: ["permanent", "nodad"],
      });
    }
    // A device without carrier, and one that is down.
    lab.cut(3);
    const off = ["broadcast", "multicast"] as const;
    links.set("client3", { flags: ["up", ...off] });
    client.ip("link", "set", "client4", "down");
    links.set("client4", { flags: off });
    routes.push(
      { to: "default", via: "10.77.1.2", dev: "client1" },
      { to: "192.0.2.0/24", via: "10.77.2.2", dev: "client2", metric: 7 },
      { to: "192.0.2.0/24", via: "10.77.1.2", dev: "client1", metric: 9 },
      { to: "192.0.2.9", dev: "client3" },
      { to: "default", via: "fd77:1::2", dev: "client1", metric: 100 },
      { to: "default", via: "fd77:2::2", dev: "client2", metric: 600 },
      { to: "2001:db8:3::/48", via: "fd77:3::2", dev: "client3" },
    );
    for (const { to, via, dev, metric } of routes) {
      const family = (via ?? to).includes(":") ? "-6" : "-4";
      client.ip(
        ...[family, "route", "add", to, ...via ? ["via", via] : [], "dev", dev],
        ...metric === undefined ? [] : ["metric", String(metric)],
      );
    }
    for (const [from, via] of [["10.77.2.1", "10.77.2.2"]] as const) {
      routes.push({ to: "default", via, dev: "client2", from });
      client.ip("rule", "add", "from", from, "lookup", "1");
      client.ip(
        ...["route", "add", "default", "via", via, "dev", "client2"],
        ...["table", "1"],
      );
    }
    const address = "10.77.2.2";
    neighbours.push({ address, dev: "client2", state: "permanent" });
    client.ip(
      ...["neighbour", "replace", address, "lladdr", "02:00:00:00:00:01"],
      ...["dev", "client2", "nud", "permanent"],
    );

    using real = Diag.open({ netns: client.netns });
    using fake = Diag.open({ namespace: kernel });
    waitFor(
      () => !real.links().some((one) => one.dev === "client3" && one.usable),
      "the carrier to go",
    );
    assertEquals(fake.links(), real.links());
    assertEquals(fake.rules(), real.rules());
    const byText = (one: { address: string }, other: { address: string }) =>
      one.address < other.address ? -1 : 1;
    assertEquals(
      fake.addresses().sort(byText),
      real.addresses().filter(({ scope }) => scope !== "link").sort(byText),
    );
    assertEquals(
      fake.neighbours(),
      real.neighbours().filter(({ state }) => state.includes("permanent")),
    );
    const sources = [
      ...["10.77.1.1", "10.77.2.1", "10.77.4.1", "10.1.1.1"],
      ...["fd77:1::1", "fd77:2::1", "fd77:3::1", "fd77:9::9"],
    ];
    const devices = [undefined, "client1", "client2", "client3", "client4", 99];
    let compared = 0;
    for (
      const to of [
        ...["10.77.1.2", "10.77.2.2", "10.77.3.2", "10.77.4.2", "192.0.2.1"],
        ...["192.0.2.9", "8.8.8.8", "10.77.2.1", "fd77:1::2", "fd77:3::2"],
        ...["fd77:4::2", "2001:db8::1", "2001:db8:3::1", "fd77:2::1"],
      ]
    ) {
      const isIPv6 = to.includes(":");
      const own = sources.filter((source) => source.includes(":") === isIPv6);
      for (const source of [undefined, ...own]) {
        for (const dev of devices) {
          const bound = { ...source && { source }, ...dev && { dev } };
          assertEquals(
            fake.route(to, bound),
            real.route(to, bound),
            `${to} from ${source} dev ${dev}`,
          );
          compared++;
        }
      }
    }
    assertGreater(compared, 400);
  },
);
