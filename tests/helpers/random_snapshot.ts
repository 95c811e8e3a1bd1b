/**
 * Snapshots of hosts that do not exist, with names and addresses that occur
 * nowhere else.
 *
 * @module
 */

import type { Connection, Subflow } from "../../diag/connection.ts";
import type { InterfaceAddress } from "../../diag/addresses.ts";
import type { Link } from "../../diag/links.ts";
import type { Reading, Snapshot } from "../../doctor/snapshot.ts";
import type { PathManagerEvent } from "../../ops/event.ts";
import { pick, type Random } from "./random.ts";

/** Devices of all kinds; the first is that of each host. */
export const DEVICES: readonly string[] = [
  ...["lo", "eth77", "eth77.4077", "enp77s31f6", "enx02acde4800ff"],
  ...["wlp177s0", "wlan83", "wwan81", "docker91", "br-9cafe1", "acme-lan"],
  ...["Xdsl$'9", "veth9beef"],
];

/** Processes that were not made for MPTCP. */
export const PROCESSES: readonly string[] = [
  ...["acme-agentd", "Web Content", "kworker/7:1", "o'brien(d)"],
];

/** Networks, each with how its addresses begin. */
const NETWORKS: readonly (readonly [start: string, length: number])[] = [
  ["10.77.1.", 24],
  ["10.77.2.", 24],
  ["192.168.177.", 24],
  ["172.20.9.", 22],
  ["100.99.3.", 30],
  ["169.254.7.", 16],
  ["81.82.83.", 24],
  ["192.0.2.", 24],
  ["fd77:1::", 64],
  ["fd77:2::", 64],
  ["fe80::acde:48ff:fe00:", 64],
  ["2a00:1450:77::", 48],
  ["2001:db8:77::", 64],
];

/** Numbers of hosts, those that stay in decimal and hexadecimal first. */
const HOSTS = [1, 2, 9, 10, 77, 254, 200];

/** One address, and the length of the prefix of its network. */
function addressOf(random: Random): readonly [string, number] {
  const [start, length] = pick(random, NETWORKS);
  return [start + pick(random, HOSTS), length];
}

/** A value, or nothing: what an old kernel or no privilege leaves away. */
function maybe<Name extends string, T>(
  random: Random,
  name: Name,
  value: T,
): { readonly [_ in Name]?: T } {
  return random(5) === 0
    ? {}
    : { [name]: value } as { readonly [_ in Name]?: T };
}

function some<T>(random: Random, most: number, make: (at: number) => T): T[] {
  return Array.from({ length: random(most + 1) }, (_, at) => make(at));
}

/** A snapshot, for checks to look at. */
export function randomSnapshot(random: Random, isAlone = false): Snapshot {
  const links = DEVICES.filter(() => random(3) > 0).map((dev, at): Link => ({
    ifIndex: at + 1,
    dev,
    usable: random(3) > 0,
    flags: random(3) > 0 ? ["up", "running"] : [],
    state: "up",
    carrier: random(3) > 0,
  }));
  const device = () => {
    const link = links.length > 0 && random(4) > 0
      ? pick(random, links)
      : undefined;
    return link === undefined
      ? { ifIndex: 0 }
      : { ifIndex: link.ifIndex, dev: link.dev };
  };
  const addresses = some(random, 8, (): InterfaceAddress => {
    const [address, prefixLength] = addressOf(random);
    return {
      address,
      prefixLength,
      ...random(9) === 0 && { peer: addressOf(random)[0] },
      ...device(),
      scope: address.startsWith("fe80") ? "link" : "global",
      tentative: random(5) === 0,
      failed: random(9) === 0,
      deprecated: random(9) === 0,
      temporary: random(9) === 0,
      flags: [],
    };
  });
  /** One of this host, most often. */
  const here = () =>
    addresses.length > 0 && random(4) > 0
      ? pick(random, addresses).address
      : addressOf(random)[0];
  const asSocket = (address: string) =>
    address.includes(":") || random(4) > 0 ? address : `::ffff:${address}`;
  const end = (address: string, id: number) => ({
    address: asSocket(address),
    port: random(65536),
    id,
  });
  const figures = () => ({
    cookie: random(50),
    inode: random(5000),
    uid: pick(random, [0, 33, 1000, 771234567]),
    receiveQueue: 0,
    sendQueue: random(2) * 77,
    ...device(),
  });
  const subflow = (at: number): Subflow => ({
    ...figures(),
    local: end(here(), at),
    remote: end(addressOf(random)[0], at),
    state: pick(random, ["established", "established", "syn-sent"]),
    initial: at === 0,
    openedHere: random(3) > 0,
    backup: random(4) === 0,
    flags: random(3) > 0 ? ["fully-established"] : [],
    timerRetransmits: random(3),
    backoff: random(3),
    bytesAcked: random(2),
  });
  const connection = (): Connection => {
    const subflows = some(random, 3, subflow);
    const [first = subflow(0)] = subflows;
    return {
      ...figures(),
      token: random(0xffffffff) >>> 0,
      local: first.local,
      remote: first.remote,
      state: "established",
      fallback: random(5) === 0,
      remoteKeyReceived: random(3) > 0,
      subflows,
      ...maybe(random, "extraSubflows", random(3)),
      ...maybe(random, "subflowsMax", random(3)),
      addAddrAcceptedMax: random(2),
      localAddrMax: random(2),
    };
  };
  const connections = some(random, 3, connection);
  const reading = (): Reading => ({
    ...maybe(random, "counters", counters(random)),
    ...maybe(random, "connections", connections),
    ...maybe(random, "links", links),
    ...maybe(random, "addresses", addresses),
  });
  const event = (): PathManagerEvent =>
    pick(random, [
      { type: "announced", token: 7, remId: 1, address: here(), port: 0 },
      { type: "listener-created", local: end(here(), 0) },
      {
        type: "unknown",
        cmd: 99,
        attrs: { saddr4: "10.77.1.9", daddr6: "fd77:1::9", sport: 7 },
      },
      {
        type: "sub-closed",
        token: 7,
        local: end(here(), 1),
        remote: end(here(), 1),
        locId: 1,
        remId: 1,
        backup: false,
        ...device(),
        error: { errno: 111, code: "ECONNREFUSED", message: "refused" },
      },
    ]);
  const route = () =>
    random(4) === 0 ? { found: false, reason: "no-route" } as const : {
      found: true as const,
      type: "unicast" as const,
      ...device(),
      ...random(2) === 0 && { gateway: here() },
      ...random(2) === 0 && { source: here() },
      table: 254,
      assumed: random(4) === 0,
    };
  const endpoints = some(random, 4, (at) => ({
    address: asSocket(here()),
    port: random(3) * 77,
    id: at + 1,
    flags: pick(random, [["subflow"], ["signal"], [], ["backup"]] as const),
    ...device(),
  }));
  const host = pick(random, ["www.acme.example", here()]);
  const parts: Omit<Snapshot, "unknown"> = {
    version: 1,
    takenAt: "2026-11-29T00:37:03.000Z",
    durationMs: 1000,
    ...reading(),
    ...maybe(random, "earlier", reading()),
    ...maybe(random, "kernel", "6.18.44"),
    ...maybe(random, "protocols", random(5) === 0 ? [] : ["MPTCP"]),
    ...maybe(random, "settings", {
      enabled: random(5) > 0,
      pathManager: random(5) === 0 ? "userspace" : "kernel",
      blackholeTimeoutSeconds: 3600,
      unknown: { new_one: "10.77.1.9 7" },
    }),
    ...maybe(random, "limits", {
      subflows: random(4),
      addAddrAccepted: random(2),
    }),
    ...maybe(random, "endpoints", endpoints),
    ...maybe(
      random,
      "eventListeners",
      some(random, 2, () => ({
        portId: 7,
        isOwn: random(3) === 0,
        process: pick(random, [...PROCESSES, "ip", "mptcp monitor"]),
      })),
    ),
    ...maybe(random, "managers", {
      found: ["NetworkManager", "mptcpd"].filter(() => random(3) === 0)
        .map((name) => ({ name, pid: 77, about: "it manages" })),
      seesAll: true,
    }),
    ...maybe(
      random,
      "listeners",
      some(random, 1, () => ({
        ...figures(),
        local: end(here(), 0),
        state: "listening" as const,
        backlog: 0,
        backlogMax: 1,
      })),
    ),
    ...maybe(random, "withoutMptcp", some(random, 1, subflow)),
    ...maybe(
      random,
      "tcp",
      some(random, 4, () => ({
        local: end(here(), 0),
        remote: end(addressOf(random)[0], 0),
        inode: 7,
        process: pick(random, PROCESSES),
      })),
    ),
    rules: some(random, 3, () => ({
      family: 4 as const,
      priority: random(100),
      from: `${addressOf(random)[0]}/24`,
      ...random(2) === 0 && { to: "81.82.83.0/25" },
      ...random(2) === 0 && { oif: pick(random, DEVICES) },
      not: false,
      action: "lookup" as const,
      table: 77,
    })),
    ...maybe(
      random,
      "routes",
      some(random, 5, (at) => ({
        destination: connections[0]?.remote.address ?? "192.0.2.1",
        ...at > 0 && { source: here(), id: at },
        ...random(3) === 0 && { dev: random(2) === 0 ? 77 : "acme-lan" },
        route: route(),
      })),
    ),
    neighbours: some(random, 2, () => ({
      address: here(),
      ...device(),
      state: ["failed" as const],
    })),
    ...maybe(
      random,
      "reversePath",
      ["all", ...DEVICES].map((dev) => ({ dev, value: random(3) })),
    ),
    ...maybe(
      random,
      "firewall",
      [
        { kind: "nftables" as const, name: "inet acme-wall", rules: random(3) },
        { kind: "iptables" as const, name: "filter" },
      ].filter(() => random(2) === 0),
    ),
    ...maybe(random, "target", {
      host,
      port: 443,
      ...maybe(random, "error", `Cannot look up "${host}": no host`),
      attempts: some(random, 3, (at) => ({
        address: here(),
        ...at > 0 && { source: here(), ...device() },
        ...maybe(random, "id", random(4)),
        ...maybe(random, "local", here()),
        outcome: pick(random, ["mptcp", "tcp", "blackhole", "failed"]),
        ...maybe(random, "code", pick(random, ["ETIMEDOUT", "ECONNREFUSED"])),
        ms: 7,
        ...maybe(random, "counters", counters(random)),
      })),
    }),
    ...maybe(random, "socket", { opened: random(2) === 0, code: "EACCES" }),
    ...!isAlone && random(4) === 0 && {
      before: randomSnapshot(random, true),
      events: some(random, 5, (atMs) => ({ atMs, event: event() })),
    },
  };
  // First, as in a file that was read.
  return { unknown: reasons(parts, here(), random), ...parts };
}

/** Why something could not be read, with names that are elsewhere, too. */
function reasons(
  parts: Omit<Snapshot, "unknown">,
  address: string,
  random: Random,
): Record<string, string> {
  const json = JSON.stringify(parts);
  const named = (names: readonly string[]) =>
    pick(random, names.filter((name) => json.includes(`"${name}"`)));
  const all = {
    limits: "Cannot read /proc/sys/net/ipv4/conf/gone77/rp_filter: " +
      "Permission denied (open: EACCES)",
    routes: `Contradicting addresses: ${address} and ::ffff:7.7.7.7:443`,
    endpoints: `"${named(PROCESSES)}" has [${address}]:443`,
    connections: `on ${named(DEVICES)}: ${address.toUpperCase()} (EPERM).`,
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, reason]) => !reason.includes("undefined")),
  );
}

const COUNTERS = [
  ...["MPJoinSynTx", "MPJoinSynAckRx", "MPRstTx", "AddAddr", "Blackhole"],
  ...["IPReversePathFilter", "MPJoinRejected", "DataCsumErr"],
];

function counters(random: Random): Record<string, number> {
  return Object.fromEntries(
    COUNTERS.filter(() => random(2) === 0).map((name) => [name, random(4)]),
  );
}
