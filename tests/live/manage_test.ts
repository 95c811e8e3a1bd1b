/**
 * Policies on real connections, compared with what `ss` and `ip` show.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
} from "@std/assert";
import { PathManager } from "../../mod.ts";
import {
  fullmesh,
  manage,
  type ManagedConnection,
  type ManageOptions,
  type Manager,
  ndiffports,
  type Policy,
} from "../../policy/mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { churn, churnAside } from "../helpers/churn.ts";
import { KINDS } from "../helpers/connection_kinds.ts";
import { addMiddlebox, removeMiddlebox } from "../helpers/middlebox.ts";
import { liveTest } from "../helpers/live.ts";
import { ownedConnections } from "../helpers/owned.ts";
import { modeOf } from "../helpers/proc.ts";
import { seenLines, trackedLines } from "../helpers/tracked.ts";
import { untilSame } from "../helpers/until_same.ts";

/** Runs policies on hosts, until the end of the block. */
class Managers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly problems: unknown[] = [];

  start(host: Host, policy: Policy, options: ManageOptions = {}): Manager {
    const pm = this.#stack.use(PathManager.open({ netns: host.netns }));
    const manager = manage(pm, policy, {
      setMode: true,
      onWarning: (message) => this.problems.push(message),
      onError: (error) => this.problems.push(error),
      ...options,
    });
    this.#stack.defer(async () => {
      manager.stop();
      await manager.finished;
    });
    return manager;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    assertEquals(this.problems, []);
  }
}

/** The paths of the subflows, as `ss` shows them. */
function paths(host: Host): string[] {
  const address = (end: string) =>
    end.replace(/:\d+$/, "").replace(/%.*/, "")
      .replace(/^\[(::ffff:)?(.*)\]$/, "$2");
  return host.subflows()
    .map(({ local, remote }) => `${address(local)} ${address(remote)}`)
    .toSorted();
}

/** What is there, without what a program has closed. */
const look = (host: Host) => seenLines(ownedConnections(host));

for (const { name, options, at } of KINDS) {
  liveTest(`a full mesh carries data over all paths: ${name}`, async () => {
    using lab = Lab.open({ paths: 2, rate: 20 });
    const { client, server } = lab;
    await using managers = new Managers();
    const manager = managers.start(client, fullmesh());
    managers.start(server, {
      established: (connection) => connection.announce(at(server, 2)),
    });
    using connection = lab.connect(options);
    await connection.transferAsync(1000);
    const [near, far] = [1, 2].map((path) => at(client, path));
    const [first, second] = [1, 2].map((path) => at(server, path));
    // There are no routes between the paths.
    const expected = [`${near} ${first}`, `${far} ${second}`].toSorted();
    const ofFamily = () =>
      paths(client).filter((path) => expected.includes(path));
    await until(() => ofFamily().length >= 2, "the second path");
    await connection.transferAsync(2_000_000);
    assertEquals(ofFamily(), expected);
    for (const { bytesReceived, local } of server.subflows()) {
      if (local.includes(server.address(1)) || local.includes(second!)) {
        assertGreaterOrEqual(bytesReceived, 100_000, local);
      }
    }
    const known = manager.connections.get(connection.client.token)!;
    assertEquals(known.announced.map(({ address }) => address), [second]);
  });
}

liveTest("managers that come later open nothing twice", async () => {
  using lab = Lab.open({ paths: 3 });
  const { client } = lab;
  await using managers = new Managers();
  const first = managers.start(client, fullmesh());
  using connection = lab.connect();
  await connection.transferAsync(1000);
  const opened = () => [...first.connections.values()][0]?.subflows.length;
  await until(() => opened() === 3, "three subflows");
  const before = paths(client);
  const others = [fullmesh(), ndiffports({ subflows: 1 })]
    .map((policy) => managers.start(client, policy, { setMode: false }));
  await connection.transferAsync(1000);
  first.stop();
  await first.finished;
  const last = managers.start(client, fullmesh());
  await connection.transferAsync(100_000);
  assertEquals(paths(client), before);
  const known = () => trackedLines(last.connections.values());
  await untilSame(known, () => look(client));
  for (const one of others) one.stop();
  const told = managers.problems.splice(0).map((text) =>
    /manages paths here, too|stays userspace/.exec(`${text}`)?.[0]
  );
  const [too, stays] = ["manages paths here, too", "stays userspace"];
  assertEquals(told, [too, too, stays, too]);
  last.stop();
  assertEquals(modeOf(client), "kernel");
});

liveTest("what comes and goes is followed, and ids stay", async () => {
  using lab = Lab.open({ paths: 3 });
  const { client, server } = lab;
  await using managers = new Managers();
  const told: string[] = [];
  const mesh = fullmesh();
  const manager = managers.start(client, {
    ...mesh,
    interfaceUp(connection, address) {
      told.push(`up ${address.address} ${address.dev}`);
      mesh.interfaceUp!(connection, address);
    },
    interfaceDown(connection, { address, dev }) {
      told.push(`down ${address} ${dev}`);
      for (const subflow of connection.subflows) {
        if (subflow.local.address !== address) continue;
        connection.close(subflow, { tell: true, reason: `${dev} is down` });
      }
    },
  });
  using one = lab.connect();
  using two = lab.connect();
  for (const connection of [one, two]) await connection.transferAsync(1000);
  await until(() => paths(client).length === 6, "six subflows");
  const all = paths(client);
  const ids = () =>
    [...manager.connections.values()].map(({ subflows }) =>
      subflows.map(({ local, locId, dev }) =>
        `${local.address} ${locId} ${dev}`
      )
        .toSorted().join()
    );
  const before = ids();
  assertEquals(before[0], before[1]);

  client.ip("link", "set", client.dev(2), "down");
  await until(() => paths(server).length === 4, "the peer to be told");
  for (const connection of [one, two]) await connection.transferAsync(100_000);
  client.ip("link", "set", client.dev(2), "up");
  await until(() => paths(client).length === 6, "the path to be back");
  assertEquals([paths(client), ids()], [all, before]);

  client.ip("address", "delete", `${client.address(3)}/24`, "dev", "client3");
  await until(() => paths(server).length === 4, "the peer to be told");
  client.ip("address", "add", `${client.address(3)}/24`, "dev", "client3");
  await until(() => paths(client).length === 6, "the path to be back");
  assertEquals([paths(client), ids()], [all, before]);
  const [second, third] = [2, 3].map((path) =>
    `${client.address(path)} ${client.dev(path)}`
  );
  const expected = ["down", "up"].flatMap((change) =>
    [second, third].flatMap((one) => Array(2).fill(`${change} ${one}`))
  );
  assertEquals(
    told.filter((line) => line.includes("10.77")).toSorted(),
    expected,
  );
  const known = () => trackedLines(manager.connections.values());
  await untilSame(known, () => look(client));
});

liveTest("a connection whose only subflow was reset is saved", async () => {
  using lab = Lab.open({ paths: 2 });
  const { client, server } = lab;
  await using managers = new Managers();
  const reset: (string | undefined)[] = [];
  managers.start(client, {
    subflowClosed(connection, { initial, error }) {
      if (initial) reset.push(error?.code);
      connection.open({
        ...{ from: client.address(2) },
        to: { address: server.address(2), port: connection.remote.port },
      });
    },
  });
  using connection = lab.connect();
  await connection.transferAsync(1000);
  const { port } = connection.client.remote;
  connection.client.send(50_000);
  client.exec("ss", "-Kt", "dport", "=", `:${port}`);
  await until(() => paths(client)[0]?.startsWith(client.address(2)), "a path");
  await connection.transferAsync(1_000_000);
  assertEquals(reset, ["ECONNABORTED"]);
});

liveTest(
  "what fails is tried again, and what cannot work is said",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client, server } = lab;
    await using managers = new Managers();
    const failed: string[] = [];
    let managed: ManagedConnection | undefined;
    managers.start(client, {
      established(connection) {
        managed = connection;
        connection.open({ from: client.address(2), to: far(connection) });
      },
      subflowClosed(_connection, { error, failures }) {
        failed.push(`${error?.code} ${failures}`);
      },
    }, { retry: { firstMs: 50 } });
    const far = ({ remote }: ManagedConnection) => ({
      ...{ address: server.address(2), port: remote.port },
    });
    const second = `iifname ${server.dev(2)} tcp`;
    addMiddlebox(server, {
      toServer: `${second} flags syn reject with tcp reset`,
    });
    using connection = lab.connect();
    await connection.transferAsync(1000);
    await until(() => failed.length === 2, "two failures");
    removeMiddlebox(server);
    await until(() => paths(client).length === 2, "the third attempt");
    assertEquals(failed.slice(0, 2), ["ECONNREFUSED 1", "ECONNREFUSED 2"]);

    // What is known to fail is not asked of the kernel.
    client.ip("link", "set", client.dev(2), "down");
    const from = client.address(2);
    await until(() => {
      const to = { address: server.address(2), port: 1 };
      return managed!.open({ from, to }).error?.code === "ENETDOWN";
    }, "the link to be known to be down");
    client.ip("link", "set", client.dev(2), "up");
    await until(
      () => !client.ip("link", "show", client.dev(2)).includes("DOWN"),
      "up",
    );

    // A SYN that nobody answers can be given up.
    addMiddlebox(server, { toServer: `${second} dport 2 drop` });
    const silent = await until(() => {
      const to = { address: server.address(2), port: 2 };
      const subflow = managed!.open({ from, to });
      return subflow.state === "opening" && subflow;
    }, "a subflow");
    managed!.close(silent);
    assertEquals(silent.state, "closing");
    await until(() => silent.state === "closed", "its end");
    assert(!client.exec("ss", "-tnH", "state", "syn-sent").includes(":2 "));
  },
);

liveTest("connections that end without an event are found", async () => {
  using lab = Lab.open({ paths: 1 });
  await using managers = new Managers();
  const closed: number[] = [];
  const manager = managers.start(lab.client, {
    closed: ({ token }) => closed.push(token),
  });
  using connection = lab.connect();
  await connection.transferAsync(1000);
  const { token } = connection.client;
  await until(() => manager.connections.get(token)?.established, "it");
  // The peer aborts it: it has data that it has not read.
  connection.client.send(1000);
  await until(() => connection.client.subflows().length === 1, "");
  connection.server.close();
  await until(() => !manager.connections.has(token), "the sweep");
  assertEquals(closed, [token]);
});

liveTest(
  "kernel mode by mistake is told, with the command that ends it",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client } = lab;
    using old = lab.connect();
    await old.transferAsync(1000);
    const warnings: string[] = [];
    await using managers = new Managers();
    const manager = managers.start(client, fullmesh(), {
      ...{ setMode: false, onWarning: (text) => warnings.push(text) },
    });
    const [, command] = warnings[0]!.match(/"(sysctl .*)"$/)!;
    client.exec(...command!.split(" "));
    using connection = lab.connect();
    await connection.transferAsync(1000);
    await until(() => paths(client).length === 3, "the second path");
    // What was there before stays with the kernel, which is told, too.
    const { isInKernel } = manager.connections.get(old.client.token)!;
    assertEquals([isInKernel, warnings.length], [true, 2]);
    assertMatch(warnings[1]!, /the path manager was the kernel's stay with it/);
  },
);

liveTest(
  "addresses that are taken back at once all reach the peer",
  async () => {
    using lab = Lab.open({ paths: 1 });
    const { client, server } = lab;
    await using managers = new Managers();
    let told = 0;
    const manager = managers.start(server, {}, {
      onDecision: ({ error }) => void (error ?? told++),
    });
    const numbers = Array.from({ length: 16 }, (_, index) => 1 + index);
    const addresses = numbers.map((number) => `10.77.9.${number}`);
    const counted = () => ({
      arrived: client.counter("MPTcpExtRmAddr"),
      lost: client.counter("MPTcpExtRmAddrDrop") +
        server.counter("MPTcpExtRmAddrTxDrop"),
    });
    const attempt = async () => {
      using connection = lab.connect();
      await connection.transferAsync(1000);
      const { token } = connection.server;
      const known = await until(() => {
        const one = manager.connections.get(token);
        return one?.established && one;
      }, "the connection");
      const before = counted();
      told = 0;
      for (const address of addresses) known.announce(address);
      for (const address of addresses) known.withdraw(address);
      // What runs programs would block the manager, which is in this process.
      await until(() => told === 32, "all to be told", 20_000);
      const lost = await until(() => {
        const { arrived, lost } = counted();
        const isAll = arrived - before.arrived + lost - before.lost === 16;
        return isAll && [lost - before.lost];
      }, "all to arrive");
      return lost[0]!;
    };
    // A peer whose processor is taken may have dealt with one too late.
    const lost: number[] = [];
    while (lost.at(-1) !== 0 && lost.length < 4) lost.push(await attempt());
    assertEquals(lost.at(-1), 0, `${lost}`);
  },
);

liveTest("a manager that ends leaves things as they were", async () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  await using managers = new Managers();
  using pm = PathManager.open({ netns: client.netns });
  const manager = managers.start(client, {
    established(connection) {
      connection.announce(client.address(2));
      connection.open({ from: client.address(2) });
    },
  }, { clean: true });
  assertEquals(pm.getMode(), "userspace");
  using connection = lab.connect();
  await connection.transferAsync(1000);
  await until(() => paths(client).length === 2, "the second path");
  assertEquals(pm.dumpAddrs({ token: connection.client.token }).length, 1);
  manager.stop();
  await manager.finished;
  assertEquals(pm.getMode(), "kernel");
  const { token } = connection.client;
  assertEquals(pm.dumpAddrs({ token }), []);
  assertEquals(paths(client).length, 1);
});

liveTest(
  "a manager knows all after an overrun, while connections come and go",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client } = lab;
    await using managers = new Managers();
    const policy = fullmesh();
    const manager = managers.start(client, policy);
    const connect = () => {
      const connection = lab.connect();
      connection.transfer(1000);
      return connection;
    };
    const old = Array.from({ length: 6 }, connect);
    const two = () => paths(client).length === 12;
    await until(two, "two subflows of each");
    using pm = PathManager.open({ netns: client.netns });
    using overruns = pm.events({ types: ["overrun"] });
    for (let round = 0; round < 2; round++) {
      // Nothing is read meanwhile: the queue holds some 5000 events.
      churn(lab, 2500);
      old.shift()!.close();
      const { local, remote } = old[0]!.client;
      pm.subflowDestroy({ token: old[0]!.client.token, local, remote });
      old.push(connect());
      // It looks, and opens subflows, while connections come and go.
      await churnAside(lab, 300);
      const known = () => trackedLines(manager.connections.values());
      await untilSame(known, () => look(client));
      await until(() => paths(client).length === 11, "the paths");
      assertEquals((await overruns.next()).value, { type: "overrun" });
    }
  },
);
