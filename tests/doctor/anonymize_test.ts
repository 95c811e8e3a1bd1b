/** Reports without names and addresses, of which the checks say the same. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseAddress } from "../../codec/inet.ts";
import { anonymize, replaced, Replacements } from "../../doctor/anonymize.ts";
import { CHECK_NAMES } from "../../doctor/checks.ts";
import { diagnose } from "../../doctor/diagnose.ts";
import type { Finding } from "../../doctor/finding.ts";
import { OtherAddresses } from "../../doctor/other_addresses.ts";
import { siphash } from "../../doctor/siphash.ts";
import { snapshotJson } from "../../doctor/snapshot_json.ts";
import type { Snapshot } from "../../doctor/snapshot.ts";
import { CHANGED_HOSTS, FINE_HOSTS } from "../helpers/changed_hosts.ts";
import { goldenSnapshot } from "../helpers/doctor_golden.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { generatorAt, pick, type Random } from "../helpers/random.ts";
import {
  DEVICES,
  PROCESSES,
  randomSnapshot,
} from "../helpers/random_snapshot.ts";
import { changed } from "../helpers/snapshots.ts";

const bytesTo = (n: number) => Uint8Array.from({ length: n }, (_, at) => at);
const keyAt = (seed: number) => bytesTo(16).map((at) => at * 7 + seed);

function seeds(count: number): Random[] {
  return Array.from(
    { length: count },
    (_, at) => generatorAt(1, "anonymize", at),
  );
}

Deno.test("`siphash()` is that of the paper", () => {
  // Appendix A, and the test vectors of the authors.
  assertEquals(siphash(bytesTo(16), bytesTo(15)), 0xa129ca6149be45e5n);
  assertEquals(siphash(bytesTo(16), bytesTo(0)), 0x726fdb47dd0e0e31n);
  assertEquals(siphash(bytesTo(16), bytesTo(8)), 0x93f5f5799a932462n);
});

/** A text with other names, found as a reader would find them. */
function renamed(text: string, to: Replacements): string {
  const known = new Map([...to.addresses.known, ...to.names.known]);
  if (known.size === 0) return text;
  const words = [...known.keys()].toSorted((one, other) =>
    other.length - one.length
  ).map((word) => word.replaceAll(/[^\w:-]/g, "\\$&"));
  const pattern = new RegExp(
    `(?<![\\w:-])(?:${words.join("|")})(?![\\w-])`,
    "g",
  );
  return text.replaceAll(pattern, (word) => known.get(word)!);
}

/** A command as the shell sees it: only some names need quotes. */
function unquoted(command: string): string {
  return command.replaceAll(
    /'((?:[^']|'\\'')*)'/g,
    (_, word) => word.replaceAll("'\\''", "'"),
  );
}

function renamedFinding(finding: Finding, to: Replacements): Finding {
  const all = (texts: readonly string[]) =>
    texts.map((text) => renamed(text, to));
  // What could not be read has its reason from the snapshot.
  const summary = finding.status === "unknown"
    ? to.text(finding.summary)
    : renamed(finding.summary, to);
  return {
    ...finding,
    summary,
    evidence: all(finding.evidence),
    remedies: all(finding.remedies.map(unquoted)),
  };
}

function assertSameDiagnosis(snapshot: Snapshot, key: Uint8Array): void {
  const to = new Replacements(snapshot, key);
  const other = replaced(snapshot, to);
  assertEquals(
    diagnose(other).map((finding) => ({
      ...finding,
      remedies: finding.remedies.map(unquoted),
    })),
    diagnose(snapshot).map((finding) => renamedFinding(finding, to)),
  );
}

Deno.test("`diagnose()` says the same of a snapshot that was anonymized", () => {
  const silent = new Set<string>(CHECK_NAMES);
  const made = seeds(400).map((random) => randomSnapshot(random));
  const others = [...CHANGED_HOSTS, ...FINE_HOSTS]
    .map(([, from, change]) => changed(from, change))
    // A thousand connections take a second, and show no more than some.
    .filter(({ connections = [] }) => connections.length < 100);
  for (const [at, snapshot] of [...others, ...made].entries()) {
    assertSameDiagnosis(snapshot, keyAt(at % 128));
    for (const { check, status } of diagnose(snapshot)) {
      if (status === "problem" || status === "warning") silent.delete(check);
    }
  }
  // Most of what they can say was said.
  assert(silent.size < 4, [...silent].join());
});

Deno.test("`diagnose()` says the same of each recorded host", () => {
  for (const [at, state] of [...HOST_FAULTS, ...HEALTHY_HOSTS].entries()) {
    assertSameDiagnosis(goldenSnapshot(state), keyAt(at));
  }
});

/** The texts of a value, with the names of its fields. */
function* textsOf(value: unknown, field = ""): Generator<[string, string]> {
  if (typeof value === "string") yield [field, value];
  if (typeof value !== "object" || value === null) return;
  for (const [name, one] of Object.entries(value)) {
    yield* textsOf(one, Array.isArray(value) ? field : name);
  }
}

const ADDRESS = /^[\da-f.:]*[.:][\da-f.:]*(?=\/\d+$|$)/i;
const STAYING =
  /^(127|192\.0\.[02]|0|198\.51\.100|203\.0\.113)\.|^::1?$|^2001:db8:/;

/** Neither MAC addresses nor arguments nor environments: no other texts. */
const TEXTS = [
  ...["takenAt", "kernel", "distribution", "protocols", "unknown"],
  ...["pathManager", "availablePathManagers", "scheduler"],
  ...["availableSchedulers", "address", "dev", "scope", "state", "flags"],
  ...["process", "name", "about", "kind", "from", "to", "action"],
  ...["destination", "source", "gateway", "type", "reason", "code"],
];

Deno.test("a snapshot of a host has no texts but these", () => {
  for (const state of [...HOST_FAULTS, ...HEALTHY_HOSTS]) {
    const { unknown, ...snapshot } = goldenSnapshot(state);
    const fields = [...textsOf(snapshot)].map(([field]) => field);
    assertEquals(fields.filter((field) => !TEXTS.includes(field)), []);
    // Of the processes, only names.
    for (const [field, text] of textsOf(snapshot)) {
      if (field === "process") assert(/^[\w-]{1,15}$/.test(text), text);
    }
    assertEquals(Object.values(unknown), []);
  }
});

Deno.test("`anonymize()` leaves no address, no device, process, host or table", () => {
  for (const [at, random] of seeds(200).entries()) {
    const snapshot = randomSnapshot(random);
    const to = new Replacements(snapshot, keyAt(at));
    const other = replaced(snapshot, to);
    const json = [...textsOf(other)].map(([, text]) => text).join("\n")
      .toLowerCase();
    const secrets = new Set<string>();
    for (const [field, text] of textsOf(snapshot)) {
      const address = text.match(ADDRESS)?.[0].replace(/^::ffff:/, "");
      if (address !== undefined && field !== "kernel") secrets.add(address);
    }
    const others = [...textsOf(other)].map(([, text]) =>
      text.match(ADDRESS)?.[0].replace(/^::ffff:/, "")
    );
    for (const secret of [...secrets, "7.7.7.7"]) {
      if (STAYING.test(secret)) continue;
      const pattern = secret.replaceAll(".", "\\.");
      const isThere = new RegExp(`(?<![\\w:.])${pattern}(?![\\w:]|\\.\\d)`)
        .test(json);
      // By chance it may stand for another one, but not for itself.
      const isReplacement = [...to.addresses.known].some(([one, by]) =>
        by.endsWith(secret) && !one.endsWith(secret)
      );
      assert(!isThere || isReplacement, `${secret} is in\n${others}`);
    }
    const names = [...DEVICES, ...PROCESSES, "acme", "gone77"]
      .filter((name) => name !== "lo").map((name) => name.toLowerCase());
    for (const name of names) assert(!json.includes(name), name);
    assert(!JSON.stringify(other).includes("771234567"));
  }
});

Deno.test("`anonymize()` keeps kinds of devices, known managers and tables, and system users", () => {
  const names = new Replacements({} as Snapshot, bytesTo(16)).names;
  assertEquals(DEVICES.map((name) => names.device(name)), [
    ...["lo", "eth1", "eth2", "enp1", "enx1", "wlp1", "wlan1", "wwan1"],
    ...["docker1", "br-1", "dev1", "dev2", "veth1"],
  ]);
  assertEquals(names.device("all"), "all");
  assertEquals(names.device("wlan0"), "wlan2");
  assertEquals(names.device("wlan83"), "wlan1");
  assertEquals(
    ["mptcpd", "NetworkManager", "mptcp watch", "curl", "ssh", "curl"].map(
      (name) => names.process(name),
    ),
    [
      ...["mptcpd", "NetworkManager", "mptcp watch"],
      ...["process1", "process2", "process1"],
    ],
  );
  assertEquals(
    ["filter", "inet filter", "inet mine", "mine"].map((name) =>
      names.table(name)
    ),
    ["filter", "inet filter", "inet table1", "table1"],
  );
  const to = new Replacements({} as Snapshot, bytesTo(16));
  assertEquals(
    [0, 33, 999, 1000, 771234567, 1000].map((uid) => to.user(uid)),
    [0, 33, 999, 1000, 1001, 1000],
  );
});

Deno.test("`anonymize()` leaves out what it does not know", () => {
  const grow = (value: unknown, name = ""): unknown => {
    if (Array.isArray(value)) return value.map((one) => grow(one));
    if (typeof value !== "object" || value === null) return value;
    // These have names that are not ours.
    if (["counters", "unknown", "error", "reset"].includes(name)) return value;
    const fields = Object.entries(value).map(([name, one]) =>
      [name, grow(one, name)] as const
    );
    return { ...Object.fromEntries(fields), later: { secret: "s3cret" } };
  };
  for (const random of seeds(20)) {
    const grown = grow(randomSnapshot(random)) as Snapshot;
    const json = (one: Snapshot) => JSON.stringify(one);
    assert(json(grown).includes("s3cret"));
    assert(!json(anonymize(grown, bytesTo(16))).includes("s3cret"));
  }
});

Deno.test("`anonymize()` depends on its key, which is another one each time", () => {
  const snapshot = randomSnapshot(generatorAt(1, "key", 0));
  const [one, other] = [bytesTo(16), keyAt(1)];
  assertEquals(anonymize(snapshot, one), anonymize(snapshot, one));
  const all = [anonymize(snapshot, one), anonymize(snapshot, other)];
  all.push(anonymize(snapshot), anonymize(snapshot));
  assertEquals(new Set(all.map((one) => JSON.stringify(one))).size, 4);
  assertThrows(
    () => anonymize(snapshot, bytesTo(15)),
    TypeError,
    "Invalid key of 15 bytes: 16 are needed",
  );
  assertThrows(
    () => anonymize(JSON.parse(snapshotJson(snapshot))),
    TypeError,
    "parseSnapshot() reads",
  );
});

/** What addresses are, by their beginning, and how many bits of it count. */
const CLASSES: readonly (readonly [string, number])[] = [
  ...[["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10]] as const,
  ...[["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12]] as const,
  ...[["192.0.2.0", 24], ["192.168.0.0", 16], ["198.51.100.0", 24]] as const,
  ...[["203.0.113.0", 24], ["224.0.0.0", 4], ["::ffff:0:0", 96]] as const,
  ...[["::", 128], ["::1", 128], ["2001:db8::", 32], ["fc00::", 7]] as const,
  ...[["fe80::", 10], ["ff02::", 16], ["ff00::", 8]] as const,
];

function bitsOf(address: string): string {
  return Array.from(
    parseAddress(address).bytes,
    (byte) => byte.toString(2).padStart(8, "0"),
  ).join("");
}

function classOf(address: string): string {
  const bits = bitsOf(address);
  const found = CLASSES.find(([start, length]) =>
    bitsOf(start).length === bits.length &&
    bitsOf(start).slice(0, length) === bits.slice(0, length)
  );
  return found?.[0] ?? (address.includes(":") ? "IPv6" : "IPv4");
}

/** How many bits two addresses share at their beginning. */
function shared(one: string, other: string): number {
  const [bits, others] = [bitsOf(one), bitsOf(other)];
  const at = [...bits].findIndex((bit, at) => bit !== others[at]);
  return at < 0 ? bits.length : at;
}

/** An address near those of the classes, or anywhere. */
function randomAddress(random: Random): string {
  const isIPv6 = random(2) === 0;
  const starts = [...CLASSES.map(([start]) => start), "81.2.3.0", "2a00:1::"]
    .filter((start) => start.includes(":") === isIPv6);
  const { bytes } = parseAddress(pick(random, starts));
  const kept = random(bytes.length + 1);
  const other = bytes.map((byte, at) => at < kept ? byte : random(256));
  // One bit beside a class is the hardest.
  other[random(other.length)]! ^= random(3) === 0 ? 1 << random(8) : 0;
  return isIPv6
    ? parseAddress(
      Array.from({ length: 8 }, (_, at) =>
        (other[2 * at]! << 8 | other[2 * at + 1]!).toString(16)).join(":"),
    ).text
    : other.join(".");
}

Deno.test("addresses keep family, class and all that they share, and none is itself", () => {
  for (const [at, random] of seeds(40).entries()) {
    const networks = Array.from({ length: 3 }, () => ({
      address: randomAddress(random),
      prefixLength: 8 + random(24),
    }));
    const map = new OtherAddresses(keyAt(at), networks);
    const all = [
      ...Array.from({ length: 40 }, () => randomAddress(random)),
      ...networks.map(({ address }) => address),
    ];
    const others = all.map((one) => map.of(one));
    for (const [at, one] of all.entries()) {
      const other = others[at]!;
      assertEquals([one, classOf(other)], [one, classOf(one)]);
      assertEquals(other, parseAddress(other).text);
      const isStaying = STAYING.test(one.replace("::ffff:", "")) ||
        bitsOf(one) === bitsOf(other) && /^::[0-9a-f.]*$/.test(one);
      if (!isStaying) assert(one !== other, one);
      const before = all.findIndex((address) =>
        bitsOf(address).length === bitsOf(one).length
      );
      assertEquals(
        [one, all[before], shared(other, others[before]!)],
        [one, all[before], shared(one, all[before]!)],
      );
    }
  }
});

Deno.test("an IPv4-mapped address goes with its IPv4 address, a prefix with its length", () => {
  const map = new OtherAddresses(bytesTo(16), []);
  for (const random of seeds(20)) {
    const address = [81, random(256), random(256), random(256)].join(".");
    assertEquals(map.of(`::ffff:${address}`), `::ffff:${map.of(address)}`);
    for (const length of [0, 1, 7, 9, 24, 31, 32]) {
      const other = map.ofPrefix(`${address}/${length}`);
      const [start, rest] = other.split("/") as [string, string];
      assertEquals(Number(rest), length);
      assert(shared(start, map.of(address)) >= length, other);
      assertEquals(bitsOf(start).slice(length).replaceAll("0", ""), "");
    }
  }
});

Deno.test("the addresses of a small network change, too, with each key", () => {
  const home = [{ address: "192.168.7.1", prefixLength: 24 }];
  for (let at = 0; at < 600; at++) {
    const key = new Uint8Array(new Uint32Array([at, 1, 2, 3]).buffer);
    const other = new OtherAddresses(key, home).of("192.168.7.1");
    assert(/^192\.168\.\d+\.[01]$/.test(other), other);
    assert(!other.startsWith("192.168.7."));
  }
});

Deno.test("no host gets the address of its network, or the broadcast address", () => {
  for (const [at] of seeds(20).entries()) {
    const networks = [
      { address: "10.1.2.77", prefixLength: 24 },
      { address: "192.168.9.1", prefixLength: 29 },
      { address: "2a00:1:2:3::1", prefixLength: 64 },
    ];
    const map = new OtherAddresses(keyAt(at), networks);
    const hosts = Array.from({ length: 256 }, (_, host) => `10.1.2.${host}`);
    const others = new Set(hosts.map((host) => map.of(host)));
    assertEquals(others.size, 256);
    const last = (address: string) => Number(map.of(address).split(".").at(-1));
    assertEquals(
      ["10.1.2.0", "10.1.2.1", "10.1.2.254", "10.1.2.255"].map(last)
        .map((host) => host & 0xfe),
      [0, 0, 254, 254],
    );
    assertEquals([last("10.1.2.0"), last("10.1.2.255")], [0, 255]);
    const addresses = networks as unknown as Snapshot["addresses"];
    const before = { addresses } as Snapshot;
    const whole = new Replacements({ before } as Snapshot, keyAt(at));
    assertEquals(whole.addresses.of("10.1.2.255"), map.of("10.1.2.255"));
    assertEquals(last("192.168.9.0") % 8, 0);
    assertEquals(last("192.168.9.7") % 8, 7);
    assert(map.of("2a00:1:2:3::").endsWith("::"));
  }
});
