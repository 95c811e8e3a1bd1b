/** Connections of the doctor itself, in a fake kernel. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Attempt,
  collect,
  diagnose,
  type Finding,
  type Place,
  type Snapshot,
} from "../../doctor/mod.ts";
import { PathManager } from "../../ops/path_manager.ts";
import type { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";
import type { FakeAnswer, FakeDial } from "../../testing/fake_stream.ts";
import { kernelWithFiles } from "../helpers/golden_proc.ts";
import { assertInTime, bestOf } from "../helpers/in_time.ts";

const PEER = "192.0.2.7";
const NAME = "example.org";
const PLACE: Place = { host: PEER, port: 443 };

/**
 * A host with three uplinks, of which the first is that of new connections, and
 * an endpoint with id 1 on the second.
 */
function host(dial: (dial: FakeDial) => FakeAnswer | void): FakeKernel {
  const kernel = kernelWithFiles();
  const { addresses, routes } = kernel.interfaces = new FakeInterfaces();
  for (const [at, dev] of ["eth0", "eth1", "eth2"].entries()) {
    addresses.push({ address: `10.0.${at}.1`, dev });
    addresses.push({ address: `fd77:${at + 1}::1`, dev });
    for (const via of [`10.0.${at}.254`, `fd77:${at + 1}::fe`]) {
      routes.push({ to: "default", via, dev, metric: 100 * (at + 1) });
    }
  }
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.1.1", dev: "eth1", flags: ["subflow"] });
  kernel.network.dial = (one) => dial(one) ?? undefined;
  return kernel;
}

/** The answers by what a connection is; absent: the peer speaks MPTCP. */
function answers(
  { first, bound, tcp }: Readonly<
    Record<"first" | "bound" | "tcp", FakeAnswer | undefined>
  >,
) {
  return ({ source, isMptcp }: FakeDial): FakeAnswer | undefined =>
    !isMptcp ? tcp : source === undefined ? first : bound;
}

/** An attempt in few words. */
function brief({ address, source, dev, id, local, outcome, code }: Attempt) {
  return [
    ...[address, source === undefined ? "" : `from ${source}`],
    ...[
      dev === undefined ? "" : `by ${dev}`,
      id === undefined ? "" : `id ${id}`,
    ],
    ...[source === undefined && local !== undefined ? `(${local})` : ""],
    ...[outcome, code ?? ""],
  ].filter((word) => word !== "").join(" ");
}

const briefs = ({ target }: Snapshot) => target!.attempts.map(brief);

function summaryOf(snapshot: Snapshot, check: string): string[] {
  return diagnose(snapshot)
    .filter((one: Finding) => one.check === check)
    .map(({ status, summary }) => `${status}: ${summary}`);
}

/** What becomes of it, and what the checks say. */
const ROWS: readonly {
  readonly name: string;
  readonly dial: (dial: FakeDial) => FakeAnswer | void;
  readonly attempts: readonly string[];
  readonly says: Readonly<Record<string, readonly string[]>>;
}[] = [
  {
    name: "a peer with MPTCP",
    dial: () => undefined,
    attempts: [
      `${PEER} (10.0.0.1) mptcp`,
      `${PEER} from 10.0.1.1 by eth1 id 1 mptcp`,
      `${PEER} from 10.0.2.1 by eth2 mptcp`,
    ],
    says: {
      target: [
        `ok: ${PEER} port 443 speaks MPTCP, and its options get through: 1 subflow`,
      ],
      fallback: ["ok: No connection fell back to TCP"],
      application: ["ok: The doctor itself asked for MPTCP"],
      idle: ["ok: The doctor sent data itself"],
    },
  },
  {
    name: "a peer with TCP",
    dial: () => "tcp",
    attempts: [
      `${PEER} (10.0.0.1) tcp`,
      `${PEER} from 10.0.1.1 by eth1 id 1 tcp`,
      `${PEER} from 10.0.2.1 by eth2 tcp`,
    ],
    says: {
      target: [`ok: ${PEER} port 443 answers without MPTCP`],
      fallback: [
        "problem: MPTCP is not used by the connection 0x10000001 to " +
        "192.0.2.7:443, which can have no second subflow: the program there " +
        "does not use MPTCP, or something on the way removes its options",
      ],
    },
  },
  {
    name: "options that get lost on the first path",
    dial: answers({ first: "tcp", bound: undefined, tcp: "tcp" }),
    attempts: [
      `${PEER} (10.0.0.1) tcp`,
      `${PEER} from 10.0.1.1 by eth1 id 1 mptcp`,
      `${PEER} from 10.0.2.1 by eth2 mptcp`,
    ],
    says: {
      target: [
        `ok: ${PEER} port 443 speaks MPTCP, as it does from 10.0.1.1 by eth1, ` +
        "but not on the way that connections begin with",
      ],
      fallback: [
        "problem: MPTCP is not used by the connection 0x10000001 to " +
        "192.0.2.7:443, which can have no second subflow: something on the " +
        "way that it begins with removes its options, since from elsewhere " +
        "on this host they get through",
      ],
    },
  },
  {
    name: "SYNs with MPTCP that get lost",
    dial: answers({ first: 110, bound: 110, tcp: "tcp" }),
    attempts: [
      `${PEER} (10.0.0.1) blackhole ETIMEDOUT`,
      `${PEER} from 10.0.1.1 by eth1 id 1 blackhole ETIMEDOUT`,
      `${PEER} from 10.0.2.1 by eth2 blackhole ETIMEDOUT`,
    ],
    says: {
      target: [`ok: ${PEER} port 443 answers to TCP, and not to MPTCP`],
      blackhole: [
        `problem: SYNs with MPTCP to ${PEER} get no answer, and without it ` +
        "they get through: something on the way drops them",
      ],
    },
  },
  {
    name: "a closed port",
    dial: () => 111,
    attempts: [
      `${PEER} (10.0.0.1) failed ECONNREFUSED`,
      `${PEER} from 10.0.1.1 by eth1 id 1 failed ECONNREFUSED`,
      `${PEER} from 10.0.2.1 by eth2 failed ECONNREFUSED`,
    ],
    says: {
      target: [
        `problem: ${PEER} port 443 refuses connections: no program listens ` +
        "there, or a firewall says so",
      ],
      fallback: ["ok: No connection fell back to TCP"],
    },
  },
  {
    name: "a first path that leads nowhere",
    dial: answers({ first: 110, bound: undefined, tcp: 110 }),
    attempts: [
      `${PEER} (10.0.0.1) failed ETIMEDOUT`,
      `${PEER} from 10.0.1.1 by eth1 id 1 mptcp`,
      `${PEER} from 10.0.2.1 by eth2 mptcp`,
    ],
    says: {
      target: [
        `problem: ${PEER} port 443 does not answer, neither to MPTCP nor to ` +
        "TCP; from 10.0.1.1 by eth1 it answers, and connections do not begin " +
        "there: the first path has to work",
      ],
    },
  },
];

for (const { name, dial, attempts, says } of ROWS) {
  Deno.test(`\`collect()\` with a target tells of ${name}`, async () => {
    const kernel = host(dial);
    const snapshot = await collect({ namespace: kernel, target: PLACE });
    assertEquals(briefs(snapshot), attempts);
    for (const [check, summaries] of Object.entries(says)) {
      assertEquals(summaryOf(snapshot, check), summaries);
    }
    assertEquals([kernel.connections.size, kernel.sockets.length], [0, 0]);
    assertEquals(snapshot.unknown["target"], undefined);
  });
}

Deno.test("the connection of the doctor is the only one of its snapshot", async () => {
  const kernel = host(({ source, isMptcp }) => {
    if (source !== undefined || !isMptcp) return;
    queueMicrotask(() => {
      const connection = [...kernel.connections.values()].at(-1)!;
      connection.openSubflow({
        local: { address: "10.0.1.1", port: 5000 },
        remote: { address: PEER, port: 443 },
        locId: 1,
      });
    });
  });
  using _other = kernel.connect(7, { pathManager: "kernel" });
  const { token, connections, earlier, target } = await collect({
    namespace: kernel,
    target: PLACE,
  });
  assertEquals(connections!.map((one) => one.token), [token]);
  assertEquals(
    connections![0]!.subflows.map(({ local }) => local.address),
    ["10.0.0.1", "10.0.1.1"],
  );
  assert(connections![0]!.subflows[0]!.flags.includes("fully-established"));
  assertEquals(earlier!.connections!.map((one) => one.token), [token]);
  assertEquals(target!.attempts.map(({ outcome }) => outcome), [
    ...["mptcp", "mptcp", "mptcp"],
  ]);
  assertEquals([...kernel.connections.keys()], [7]);
});

Deno.test("a name has several addresses, one of which may answer", async () => {
  const kernel = host(({ to }) => to.address.includes(":") ? 101 : undefined);
  kernel.hosts.set(NAME, ["2001:db8::7", PEER, "192.0.2.8"]);
  const target = { host: NAME, port: 443 };
  const snapshot = await collect({ namespace: kernel, target });
  assertEquals(briefs(snapshot), [
    "2001:db8::7 (fd77:1::1) failed ENETUNREACH",
    `${PEER} (10.0.0.1) mptcp`,
    `${PEER} from 10.0.1.1 by eth1 id 1 mptcp`,
    `${PEER} from 10.0.2.1 by eth2 mptcp`,
  ]);
  assertEquals(summaryOf(snapshot, "target"), [
    `ok: ${NAME} (${PEER}) port 443 speaks MPTCP, and its options get through: 1 subflow`,
  ]);
  const nobody = { host: "example.com", port: 443 };
  const none = await collect({ namespace: kernel, target: nobody });
  assertEquals(none.target!.attempts, []);
  assertEquals(summaryOf(none, "target"), [
    'problem: Cannot look up "example.com": there is no host of this name ' +
    "(EAI_NONAME)",
  ]);
});

Deno.test("a link-local address has no second path, and a mapped one is IPv4", async () => {
  const kernel = host(() => undefined);
  kernel.hosts.set("fe80::7%eth0", ["fe80::7"]);
  kernel.hosts.set(NAME, ["fe80::7", "2001:db8::7"]);
  for (const host of ["fe80::7", "fe80::7%eth0"]) {
    const target = { host, port: 443 };
    const snapshot = await collect({ namespace: kernel, target });
    assertEquals(summaryOf(snapshot, "target"), [
      `problem: Cannot look for a second path to ${host}: a link-local ` +
      "address is reached on one link only; use another address of that host",
    ]);
    assertEquals(snapshot.target!.attempts, []);
  }
  for (
    const [host, address] of [
      [NAME, "2001:db8::7"],
      [`::ffff:${PEER}`, PEER],
    ] as const
  ) {
    const target = { host, port: 443 };
    const snapshot = await collect({ namespace: kernel, target });
    assertEquals(snapshot.unknown["routes"], undefined);
    assertEquals(
      snapshot.target!.attempts.map((one) => [one.address, one.outcome]),
      [[address, "mptcp"], [address, "mptcp"], [address, "mptcp"]],
    );
  }
});

Deno.test("a server that closes at once says nothing of subflows", async () => {
  const kernel = host(() =>
    queueMicrotask(() => {
      for (const one of kernel.connections.values()) {
        one.set({ state: "close-wait" });
      }
    })
  );
  const snapshot = await collect({ namespace: kernel, target: PLACE });
  assertEquals(summaryOf(snapshot, "target"), [
    `ok: ${PEER} port 443 speaks MPTCP, and closes the connection at once`,
  ]);
});

Deno.test("sockets that may not be opened are a problem, where MPTCP is on", async () => {
  const kernel = host(() => undefined);
  const snapshot = await collect({ namespace: kernel });
  assertEquals(snapshot.socket, { opened: true });
  const rows = [
    ["EACCES", "problem: MPTCP is switched on, but programs like this one"],
    ["EPERM", "problem: MPTCP is switched on, but programs like this one"],
    ["EMFILE", "unknown: no MPTCP socket can be opened: EMFILE"],
  ] as const;
  for (const [code, start] of rows) {
    const socket = { opened: false, code };
    const [said] = summaryOf({ ...snapshot, socket }, "enabled");
    assert(said!.startsWith(start), said);
  }
});

Deno.test("IPv6 is asked for from IPv6 addresses", async () => {
  const kernel = host(() => undefined);
  const target = { host: "2001:db8::7", port: 443 };
  assertEquals(briefs(await collect({ namespace: kernel, target })), [
    "2001:db8::7 (fd77:1::1) mptcp",
    "2001:db8::7 from fd77:2::1 by eth1 mptcp",
    "2001:db8::7 from fd77:3::1 by eth2 mptcp",
  ]);
});

Deno.test("endpoints whose addresses or devices are gone say so", async () => {
  const kernel = host(() => undefined);
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.9.1", flags: ["subflow"] });
  kernel.devices.set("gone0", 9);
  pm.addAddr({ address: "10.0.8.1", dev: "gone0", flags: ["subflow"] });
  kernel.devices.delete("gone0");
  const snapshot = await collect({ namespace: kernel, target: PLACE });
  assertEquals(briefs(snapshot).slice(1, 4), [
    `${PEER} from 10.0.1.1 by eth1 id 1 mptcp`,
    `${PEER} from 10.0.9.1 id 2 failed EADDRNOTAVAIL`,
    `${PEER} from 10.0.8.1 by if9 id 3 failed ENODEV`,
  ]);
});

Deno.test("nothing is connected to without MPTCP sockets", async () => {
  for (
    const [change, code, check] of [
      [
        (kernel: FakeKernel) => kernel.sysctls.set("enabled", "0"),
        "ENOPROTOOPT",
        "enabled",
      ],
      [
        (kernel: FakeKernel) => kernel.hasFamily = false,
        "EPROTONOSUPPORT",
        "kernel",
      ],
    ] as const
  ) {
    const kernel = host(() => undefined);
    change(kernel);
    const snapshot = await collect({ namespace: kernel, target: PLACE });
    assertEquals(snapshot.socket, { opened: false, code });
    assertEquals(briefs(snapshot), [`${PEER} failed ${code}`]);
    const [first] = diagnose(snapshot);
    const { because } = diagnose(snapshot).find((one) =>
      one.check === "target"
    )!;
    if (check === "enabled") {
      assertEquals([first!.check, because], [check, [check]]);
    }
  }
});

Deno.test("what gets no answer takes 12 seconds at the most, and can be stopped", async () => {
  const kernel = host(() => "silent");
  const reason = new Error("stopped");
  const abort = new AbortController();
  const stopped = collect({
    ...{ namespace: kernel, target: PLACE },
    signal: abort.signal,
  });
  setTimeout(() => abort.abort(reason), 50);
  assertEquals(await assertRejects(() => stopped), reason);
  await bestOf(async () => {
    const snapshot = await collect({ namespace: kernel, target: PLACE });
    assertEquals(briefs(snapshot), [
      `${PEER} (10.0.0.1) failed ETIMEDOUT`,
      `${PEER} from 10.0.1.1 by eth1 id 1 failed ETIMEDOUT`,
      `${PEER} from 10.0.2.1 by eth2 failed ETIMEDOUT`,
    ]);
    assertInTime(snapshot.durationMs, 12_000, "no answer");
  });
});

Deno.test("a place that is none is refused", async () => {
  const kernel = host(() => undefined);
  for (const port of [0, 65536, 1.5]) {
    await assertRejects(
      () => collect({ namespace: kernel, target: { host: PEER, port } }),
      RangeError,
      `Invalid port ${port}`,
    );
  }
  await assertRejects(
    () => collect({ namespace: kernel, token: 5, target: PLACE }),
    TypeError,
    "Contradicting options: token and target",
  );
});
