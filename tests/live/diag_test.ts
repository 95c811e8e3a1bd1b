import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { AF_INET, AF_INET6 } from "../../codec/inet.ts";
import { decodeStruct, sockDiag } from "../../codec/mod.ts";
import type { RunningTimer } from "../../diag/connection.ts";
import { findTimers, openSockDiag } from "../../diag/connections.ts";
import {
  type Connection,
  Diag,
  type SocketEnd,
  type Subflow,
} from "../../diag/mod.ts";
import { openNamespace, PathManager } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, type LabConnection, waitFor } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { AS_NOBODY, Copy } from "../helpers/copy.ts";
import { liveTest } from "../helpers/live.ts";
import {
  comparable,
  connectionAsSs,
  type SsSocket,
  ssSockets,
  subflowAsSs,
} from "../helpers/ss.ts";
import { within } from "../helpers/within.ts";
import { openUserspaceLab } from "../helpers/userspace_lab.ts";

/** `TCP_CLOSE` */
const CLOSED = 7;

/** Figures that are other ones a moment later. */
const CLOCKS = /"last\w+Ms":\d+/g;

/** What is there, read until it was the same before and after something. */
function settled<T>(
  diag: Diag,
  read: () => T,
): { connections: Connection[]; unused: Subflow[]; read: T } {
  const look = () => {
    const [connections, unused] = [
      [...diag.connections()],
      [...diag.withoutMptcp()],
    ];
    const text = JSON.stringify([connections, unused]).replace(CLOCKS, "");
    return { connections, unused, text };
  };
  return waitFor(() => {
    const before = look();
    const result = read();
    const { text } = look();
    return text === before.text && { ...before, read: result };
  }, "a moment in which nothing changes");
}

/** Compares each figure of each connection and subflow with `ss`. */
function assertSameAsSs(host: Host): Connection[] {
  using diag = Diag.open({ netns: host.netns });
  const lookUp = () =>
    [...diag.connections()].flatMap(({ subflows }) =>
      subflows.map((subflow) => diag.subflow(subflow))
    );
  const { connections, unused, read: { mptcp, tcp, single, timers } } = settled(
    diag,
    () => ({
      mptcp: ssSockets(host, "-M"),
      tcp: ssSockets(host, "-t"),
      single: lookUp(),
      timers: timersOf(host, [...diag.connections()].flatMap(bySubflow)),
    }),
  );
  const isConnected = (socket: SsSocket) =>
    !["LISTEN", "TIME-WAIT"].includes(socket["state"]!);
  const count = (sockets: Iterable<SsSocket>, isWanted = isConnected) =>
    [...sockets].filter(isWanted).length;
  assertEquals(connections.length, count(mptcp.values()));
  const subflows = connections.flatMap(({ token, subflows }) =>
    subflows.map((subflow) => subflowAsSs(token, subflow))
  );
  const all = [...subflows, ...unused.map((one) => subflowAsSs(0, one))];
  assertEquals(
    all.length,
    count(tcp.values(), (one) => isConnected(one) && "tcp-ulp-mptcp" in one),
  );
  for (
    const [sockets, expected] of [
      [mptcp, connections.map(connectionAsSs)],
      [tcp, all],
    ] as const
  ) {
    for (const one of expected) {
      const socket = sockets.get(parseInt(one["sk"]!, 16))!;
      assertEquals(comparable(socket, one), { ...one });
    }
  }
  let timedOut = 0;
  for (const [index, one] of connections.flatMap(bySubflow).entries()) {
    const { sendWindow, timeouts = 0, timer, timerExpiresMs, ...subflow } =
      single[index]!;
    assertEquals(withoutClocks(subflow), withoutClocks(one));
    const socket = tcp.get(subflow.cookie)!;
    assertEquals(`${sendWindow || undefined}`, `${socket["snd_wnd"]}`);
    timedOut += timeouts;
    assertEquals(timer === undefined, timerExpiresMs === undefined);
    const { timerRetransmits } = timers.get(subflow.cookie)!;
    assertEquals(timerRetransmits, subflow.timerRetransmits);
  }
  assert(timedOut <= host.counter("TcpExtTCPTimeouts"), `${timedOut}`);
  return connections;
}

/** Their timers, as managers look at those of many. */
function timersOf(
  host: Host,
  subflows: readonly Subflow[],
): ReadonlyMap<number, RunningTimer> {
  using namespace = openNamespace(host.netns);
  using client = openSockDiag(namespace);
  const cookies = new Set(subflows.map(({ cookie }) => cookie));
  return new Map(
    [AF_INET, AF_INET6].flatMap((family) => [
      ...findTimers(client, family, cookies),
    ]),
  );
}

const bySubflow = ({ subflows }: Connection) => subflows;

function withoutClocks(subflow: Subflow): string {
  return JSON.stringify(subflow).replace(CLOCKS, "");
}

const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);

function isSince(first: number, second: number): boolean {
  return major > first || major === first && minor >= second;
}

/** Figures of a connection that older kernels do not report. */
const LATER: ReadonlySet<string> = new Set([
  ...isSince(6, 8) ? [] : ["subflowsTotal", "laminarMax"],
  ...isSince(6, 5) ? [] : ["bytesSent", "bytesReceived", "bytesAcked"],
  ...isSince(6, 5) ? [] : ["bytesRetransmitted", "retransmits"],
]);

/** Checks what is reported of a connection, and that the rest is absent. */
function assertReported(connection: Connection, expected: object): void {
  const entries = Object.entries(expected);
  assertObjectMatch(
    connection,
    Object.fromEntries(entries.filter(([name]) => !LATER.has(name))),
  );
  for (const name of LATER) assertEquals(name in connection, false, name);
}

/** Compares a connection with what the kernel tells its program. */
function assertSameAsSocket(host: Host, socket: MptcpSocket): void {
  using diag = Diag.open({ netns: host.netns });
  const { token } = socket;
  const { read } = settled(diag, () => ({
    connection: diag.connection(token)!,
    info: decodeStruct(sockDiag.MPTCP_INFO, socket.mptcpInfo()),
    // The initial one is kept in the list when it is closed.
    subflows: socket.subflows().filter(({ tcpInfo }) => tcpInfo[0] !== CLOSED),
  }));
  const { connection, info, subflows } = read;
  assertReported(connection, {
    extraSubflows: info.subflows,
    subflowsTotal: info.subflowsTotal,
    subflowsMax: info.subflowsMax,
    addAddrSignal: info.addAddrSignal,
    addAddrAccepted: info.addAddrAccepted,
    addAddrAcceptedMax: info.addAddrAcceptedMax,
    addAddrSignalMax: info.addAddrSignalMax,
    localAddrUsed: info.localAddrUsed,
    localAddrMax: info.localAddrMax,
    laminarMax: info.endpLaminarMax,
    checksums: info.csumEnabled === 1,
    bytesSent: Number(info.bytesSent),
    bytesReceived: Number(info.bytesReceived),
    bytesAcked: Number(info.bytesAcked),
    bytesRetransmitted: Number(info.bytesRetrans),
    retransmits: info.retransmits,
  });
  const key = ({ local, remote }: Record<"local" | "remote", SocketEnd>) =>
    `${local.address} ${local.port} ${remote.address} ${remote.port}`;
  assertEquals(connection.subflows.map(key).sort(), subflows.map(key).sort());
  for (const one of subflows) {
    const tcp = decodeStruct(sockDiag.TCP_INFO, one.tcpInfo);
    const seen = connection.subflows.find((other) => key(other) === key(one))!;
    assertObjectMatch(seen, {
      ...tcp.rtt && { rttUs: tcp.rtt, rttVarUs: tcp.rttvar },
      rtoUs: tcp.rto,
      congestionWindow: tcp.sndCwnd,
      mss: tcp.sndMss,
      pathMtu: tcp.pmtu,
      unacked: tcp.unacked,
      lost: tcp.lost,
      retransmits: tcp.totalRetrans,
      bytesSent: Number(tcp.bytesSent),
      bytesReceived: Number(tcp.bytesReceived),
      bytesAcked: Number(tcp.bytesAcked),
      bytesRetransmitted: Number(tcp.bytesRetrans),
      deliveryRate: Number(tcp.deliveryRate),
    });
  }
}

/** A lab in which something was made of a connection. */
interface Scene {
  readonly lab: Lab;
  readonly connection: LabConnection;
}

/** Lets the kernel make up to eight subflows on each host. */
function pathManagers(lab: Lab, stack: DisposableStack) {
  return [lab.client, lab.server].map(({ netns }) => {
    const pm = stack.use(PathManager.open({ netns }));
    pm.setLimits({ subflows: 8, addAddrAccepted: 8 });
    return pm;
  }) as [PathManager, PathManager];
}

/** Waits until a host sees subflows that meet something. */
function waitForSubflows(
  host: Host,
  count: number,
  isWanted: (subflow: Subflow) => boolean,
): void {
  using diag = Diag.open({ netns: host.netns });
  waitFor(() => {
    const [connection] = diag.connections();
    return connection?.subflows.filter(isWanted).length === count;
  }, `${count} subflows of ${host.netns}`);
}

const isEstablished = ({ state }: Subflow) => state === "established";

/** What to make, and what both hosts have to see of it. */
const SCENES: Readonly<
  Record<
    string,
    readonly [
      make: (lab: Lab, stack: DisposableStack) => LabConnection,
      client: object,
      server?: object,
    ]
  >
> = {
  "IPv4, one subflow": [
    (lab) => {
      const connection = lab.connect();
      connection.transfer(100_000);
      return connection;
    },
    {
      ...{ state: "established", fallback: false, bytesSent: 100_000 },
      subflows: [{ initial: true, openedHere: true, backup: false }],
    },
    {
      bytesReceived: 100_000,
      subflows: [{ initial: true, openedHere: false, backup: false }],
    },
  ],
  "nothing was sent yet": [
    (lab) => lab.connect(),
    { subflows: [{ flags: ["mcap-rem", "mcap-loc", "connected"] }] },
  ],
  "IPv4, a spare that is bound to a device": [
    (lab, stack) => {
      const [pm] = pathManagers(lab, stack);
      pm.addAddr({
        ...{ address: lab.client.address(2), dev: lab.client.dev(2) },
        flags: ["subflow", "backup"],
      });
      const connection = lab.connect();
      connection.transfer(100_000);
      waitForSubflows(lab.client, 2, isEstablished);
      return connection;
    },
    {
      ...{ extraSubflows: 1, subflowsTotal: 2, localAddrUsed: 1 },
      subflows: [{ backup: false }, {
        ...{ backup: true, initial: false, openedHere: true, dev: "client2" },
        flags: [
          ...["join-rem", "join-loc", "bkup-loc", "fully-established"],
          "connected",
        ],
      }],
    },
    { subflows: [{ backup: false }, { backup: true, openedHere: false }] },
  ],
  "IPv6, two subflows": [
    (lab, stack) => {
      const [, pm] = pathManagers(lab, stack);
      pm.addAddr({ address: lab.server.address6(2), flags: ["signal"] });
      const connection = lab.connect({ family: 6 });
      connection.transfer(100_000);
      waitForSubflows(lab.client, 2, isEstablished);
      return connection;
    },
    {
      ...{ local: { address: "fd77:1::1" }, addAddrAccepted: 1 },
      subflows: [{ local: { address: "fd77:1::1", id: 0 } }, {
        ...{ local: { address: "fd77:2::1" }, remote: { id: 1 } },
      }],
    },
    { addAddrSignal: 1, addAddrSignalMax: 1 },
  ],
  "an IPv4 subflow of an IPv6 connection": [
    (lab, stack) => {
      const [, pm] = pathManagers(lab, stack);
      pm.addAddr({ address: lab.server.address(2), flags: ["signal"] });
      const connection = lab.connect({ family: 6 });
      connection.transfer(100_000);
      waitForSubflows(lab.client, 2, isEstablished);
      return connection;
    },
    {
      addAddrAccepted: 1,
      subflows: [{ remote: { address: "fd77:1::2" } }, {
        remote: { address: "10.77.2.2", id: 1 },
      }],
    },
    {
      subflows: [{}, { local: { address: "::ffff:10.77.2.2" } }],
    },
  ],
  "an IPv4 client of an IPv6 server": [
    (lab) => {
      const connection = lab.connect({ dualStack: true });
      connection.transfer(1000);
      return connection;
    },
    { local: { address: "10.77.1.1" } },
    { local: { address: "::ffff:10.77.1.2" } },
  ],
  "a server that speaks TCP only": [
    (lab) => {
      const connection = lab.connect({ tcpServer: true });
      connection.transfer(1000);
      return connection;
    },
    {
      ...{ fallback: true, remoteKeyReceived: false },
      subflows: [{ flags: ["mcap-loc", "connected"] }],
    },
  ],
  "a join that nothing answers": [
    (lab, stack) => {
      const [pm] = pathManagers(lab, stack);
      // The host of this address drops what is not for it.
      lab.client.ip(
        ...["neigh", "add", lab.server.address(1), "lladdr"],
        ...["02:00:00:00:00:01", "dev", lab.client.dev(2)],
      );
      pm.addAddr({
        ...{ address: lab.client.address(2), dev: lab.client.dev(2) },
        flags: ["subflow"],
      });
      const connection = lab.connect();
      connection.transfer(1000);
      waitForSubflows(lab.client, 1, ({ state }) => state === "syn-sent");
      return connection;
    },
    {
      ...{ extraSubflows: 1, subflowsTotal: 2 },
      subflows: [{ state: "established" }, {
        ...{ state: "syn-sent", flags: ["join-loc"], sendQueue: 1 },
      }],
    },
    { subflowsTotal: 1 },
  ],
  "the initial subflow is gone": [
    (lab, stack) => {
      const [pm] = pathManagers(lab, stack);
      pm.addAddr({
        ...{ address: lab.client.address(2), dev: lab.client.dev(2) },
        flags: ["subflow"],
      });
      const connection = lab.connect();
      connection.transfer(1000);
      waitForSubflows(lab.client, 2, isEstablished);
      pm.closeInitialSubflows({ address: lab.client.address(1) });
      for (const host of [lab.client, lab.server]) {
        waitForSubflows(host, 1, isEstablished);
      }
      return connection;
    },
    {
      ...{ local: { address: "10.77.1.1" }, subflowsTotal: 1 },
      subflows: [{ initial: false, local: { address: "10.77.2.1" } }],
    },
    {},
  ],
};

for (const [name, [make, client, server]] of Object.entries(SCENES)) {
  liveTest(`\`Diag\` sees what \`ss\` and the program see: ${name}`, () => {
    using stack = new DisposableStack();
    const lab = stack.use(Lab.open({ paths: 2 }));
    const connection = make(lab, stack);
    const ends: [Host, MptcpSocket, object | undefined][] = [
      [lab.client, connection.client, client],
      [lab.server, connection.server, server],
    ];
    for (const [host, socket, expected] of ends) {
      const seen = assertSameAsSs(host);
      if (expected === undefined) continue;
      assertEquals(seen.length, 1);
      assertReported(seen[0]!, expected);
      assertEquals(seen[0]!.partial, undefined);
      // After a fallback its program is told nothing.
      if (seen[0]!.fallback) continue;
      assertEquals(seen[0]!.token, socket.token);
      assertSameAsSocket(host, socket);
    }
  });
}

liveTest("`Diag` sees that the peer wants a subflow as a spare", async () => {
  using made = await openUserspaceLab();
  const { client, server } = made;
  const { local, remote } = server.socket;
  server.pm.setSubflowBackup({
    ...{ token: server.token, local, remote, backup: true },
  });
  await client.events.take("sub-priority");
  for (
    const [{ host, token }, flag] of [
      [client, "bkup-rem"],
      [server, "bkup-loc"],
    ] as const
  ) {
    const [connection] = assertSameAsSs(host);
    const [subflow] = connection!.subflows;
    assertEquals(connection!.token, token);
    assertEquals(subflow!.backup, true);
    assertEquals(subflow!.flags.filter((word) => /bkup/.test(word)), [flag]);
  }
});

liveTest(
  "`Diag` sees what a connection becomes after its program has gone",
  () => {
    using lab = Lab.open({ paths: 1 });
    using client = Diag.open({ netns: lab.client.netns });
    assertEquals([...client.connections()], []);
    assertEquals([...client.listeners()], []);
    const one = lab.connect();
    one.transfer(1000);
    lab.cut(1);
    // What is not acknowledged keeps it, and nobody owns it.
    one.client.send(1000);
    one.client.close();
    const [orphan] = settled(client, () => {}).connections;
    assertEquals(orphan!.inode, 0);
    assert(orphan!.subflows[0]!.sendQueue > 0);
    assert(["fin-wait-1", "closed"].includes(orphan!.state), orphan!.state);
    assertSameAsSs(lab.client);
    lab.restore(1);
    one.close();
    const other = lab.connect();
    other.transfer(1000);
    other.close();
    waitFor(
      () => {
        const states = [...ssSockets(lab.client, "-t").values()];
        return states.length > 0 &&
          states.every(({ state }) => state === "TIME-WAIT");
      },
      "time-wait",
    );
    // These do not say which connection they belonged to.
    assertEquals(assertSameAsSs(lab.client), []);
    assertEquals([...client.withoutMptcp()], []);
  },
);

liveTest("`Diag` sees who listens, and where", () => {
  using lab = Lab.open({ paths: 1 });
  using pm = PathManager.open({ netns: lab.server.netns });
  using diag = Diag.open({ netns: lab.server.netns });
  pm.addAddr({ address: lab.server.address(1), port: 99, flags: ["signal"] });
  using four = MptcpSocket.listen(lab.server.netns, {
    ...{ address: "0.0.0.0", port: 7000 },
  });
  using six = MptcpSocket.listen(lab.server.netns, {
    ...{ address: "::", port: 7001 },
  });
  using tcp = MptcpSocket.listen(
    lab.server.netns,
    { address: "0.0.0.0", port: 7002 },
    true,
  );
  assertEquals(tcp.local.port, 7002);
  const ends = [...diag.listeners()].map(({ local }) => local)
    .sort((one, other) => one.port - other.port);
  assertEquals(ends, [
    { address: lab.server.address(1), port: 99 },
    four.local,
    six.local,
  ]);
});

liveTest("nobody sees as much as root, in another namespace", () => {
  using stack = new DisposableStack();
  const lab = stack.use(Lab.open({ paths: 2 }));
  const [make] = SCENES["IPv4, a spare that is bound to a device"]!;
  make(lab, stack);
  using copy = new Copy("connections");
  using diag = Diag.open({ netns: lab.client.netns });
  const text = lab.client.exec(
    ...copy.command(undefined, AS_NOBODY, ["--allow-ffi"]),
  );
  const without = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replace(CLOCKS, '"clock":0'));
  const all = [...diag.connections()];
  assertEquals(without(JSON.parse(text)), {
    ...{ listeners: [], withoutMptcp: [] },
    connections: without(
      isSince(6, 15)
        ? all
        : all.map((one) => ({ ...one, subflows: [], partial: true })),
    ),
  });
});

/** Lists connections while many come and go: what was met. */
function listWhileBusy(host: Host, goesOn: (count: number) => boolean) {
  using diag = Diag.open({ netns: host.netns });
  const met = { connections: 0, partial: 0, least: Infinity };
  /** In how many listings in a row subflows of a connection were missing. */
  let missing = new Map<number, number>();
  for (let count = 0; goesOn(count); count++) {
    const tokens = new Set<number>();
    const cookies = new Set<number>();
    const stillMissing = new Map<number, number>();
    for (const { token, cookie, subflows, partial } of diag.connections()) {
      assert(!tokens.has(token), `token ${token} is listed twice`);
      tokens.add(token);
      for (const one of [cookie, ...subflows.map(({ cookie }) => cookie)]) {
        assert(!cookies.has(one), `socket ${one} is listed twice`);
        cookies.add(one);
      }
      if (!partial) continue;
      met.partial++;
      stillMissing.set(token, 1 + (missing.get(token) ?? 0));
    }
    missing = stillMissing;
    const longest = Math.max(0, ...missing.values());
    assert(longest < 5, `subflows are missing in ${longest} listings in a row`);
    met.connections += tokens.size;
    met.least = Math.min(met.least, tokens.size);
  }
  return met;
}

liveTest("`Diag` lists 2,000 connections while they come and go", async () => {
  using stack = new DisposableStack();
  const lab = stack.use(Lab.open({ paths: 2 }));
  const [, pm] = pathManagers(lab, stack);
  pm.addAddr({ address: lab.server.address(2), flags: ["signal"] });
  const pool = new Worker(
    new URL("../programs/connection_pool.ts", import.meta.url),
    { type: "module" },
  );
  const answer = () =>
    new Promise<number>((resolve, reject) => {
      pool.onmessage = ({ data }) => resolve(data);
      pool.onerror = ({ message }) => reject(new Error(message));
    });
  try {
    const full = answer();
    const shared = new Int32Array(new SharedArrayBuffer(8));
    pool.postMessage([lab.client.netns, lab.server.netns, 2000, shared]);
    await within(full, () => "2,000 connections", 300_000);
    const over = answer();
    const replaced = () => Atomics.load(shared, 1);
    const met = listWhileBusy(
      lab.client,
      (count) => count < 12 || replaced() <= 100,
    );
    assert(met.least > 1900, JSON.stringify(met));
    Atomics.store(shared, 0, 1);
    await within(over, () => "the end of the changes");
    const connections = assertSameAsSs(lab.client);
    assert(connections.length >= 2000);
    assertEquals(connections.filter(({ partial }) => partial), []);
  } finally {
    pool.terminate();
  }
});
