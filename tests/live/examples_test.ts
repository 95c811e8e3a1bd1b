import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { announce } from "../../examples/announce.ts";
import { failover } from "../../examples/failover.ts";
import { onePerInterface } from "../../examples/one_per_interface.ts";
import { PathManager } from "../../mod.ts";
import { Lab, type LabConnection, until } from "../../testing/mod.ts";
import { liveTest } from "../helpers/live.ts";
import { Witness } from "../helpers/witness.ts";

/** A lab in which examples run. */
interface Context {
  readonly lab: Lab;
  readonly client: PathManager;
  readonly server: PathManager;
  /** Starts an example, which is to end well when the test is over. */
  readonly start: (example: (signal: AbortSignal) => Promise<void>) => void;
  /** Connects over path 1, so that both know that it is established. */
  readonly connect: () => Promise<LabConnection>;
}

function exampleTest(
  name: string,
  paths: number,
  fn: (context: Context) => Promise<void>,
): void {
  liveTest(name, async () => {
    using stack = new DisposableStack();
    const lab = stack.use(Lab.open({ paths }));
    const client = stack.use(PathManager.open({ netns: lab.client.netns }));
    const server = stack.use(PathManager.open({ netns: lab.server.netns }));
    const stop = new AbortController();
    const running: Promise<void>[] = [];
    try {
      await fn({
        lab,
        client,
        server,
        start: (example) => running.push(example(stop.signal)),
        async connect() {
          const connection = stack.use(lab.connect());
          await connection.transferAsync(1000);
          return connection;
        },
      });
    } finally {
      stop.abort();
      await Promise.all(running);
    }
  });
}

/** Bytes that the server took over a path. */
function carried(lab: Lab, path: number): number {
  return lab.server.subflows()
    .filter(({ remote }) => remote.startsWith(`${lab.client.address(path)}:`))
    .reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
}

exampleTest(
  "examples/announce.ts lets the peer open a second subflow",
  2,
  async ({ lab, client, server, start, connect }) => {
    client.setLimits({ subflows: 1, addAddrAccepted: 1 });
    server.setMode("userspace");
    using events = new Witness(client.events());
    start((signal) => announce(server, lab.server.address(2), signal));
    const connection = await connect();
    const { token } = connection.client;

    const announced = await events.take("announced");
    assertEquals(announced, {
      type: "announced",
      token,
      remId: 1,
      address: lab.server.address(2),
      port: connection.client.remote.port,
    });
    const { remote } = await events.take("sub-established");
    assertEquals(remote.address, lab.server.address(2));
    assertEquals(lab.client.subflows().length, 2);

    lab.cut(1);
    await connection.transferAsync(100_000);
    assertGreaterOrEqual(carried(lab, 2), 100_000);
  },
);

exampleTest(
  "examples/failover.ts uses the spare subflow when a path fails",
  2,
  async ({ lab, client, server, start, connect }) => {
    client.setMode("userspace");
    // Else the kernel keeps a subflow that is cut for a quarter of an hour.
    lab.client.sysctl("net.ipv4.tcp_retries2", 1);
    using events = new Witness(server.events());
    using own = new Witness(client.events());
    const spare = { address: lab.client.address(2), dev: lab.client.dev(2) };
    start((signal) => failover(client, spare, signal));
    const connection = await connect();

    const joined = await events.take("sub-established");
    assertEquals(joined.remote.address, spare.address);
    assert(joined.backup);
    await connection.transferAsync(100_000);
    assertGreaterOrEqual(carried(lab, 1), 100_000);
    assertEquals(carried(lab, 2), 0);

    lab.cut(1);
    const done = connection.transferAsync(100_000);
    const closed = await own.take("sub-closed");
    assertEquals(closed.local.address, lab.client.address(1));
    assertEquals(closed.error?.code, "ETIMEDOUT");
    const changed = await events.take("sub-priority");
    assertEquals(changed.remote, joined.remote);
    assert(!changed.backup);
    await done;
    assertGreaterOrEqual(carried(lab, 2), 100_000);
  },
);

exampleTest(
  "examples/one_per_interface.ts opens a subflow over each",
  3,
  async ({ lab, client, start, connect }) => {
    client.setMode("userspace");
    const interfaces = Object.fromEntries(
      [1, 2, 3].map((path) => [lab.client.dev(path), lab.client.address(path)]),
    );
    start((signal) => onePerInterface(client, interfaces, signal));
    const connection = await connect();
    const subflows = await until(
      () => {
        const found = lab.client.subflows();
        return found.length === 3 && found;
      },
      "three subflows",
    );
    const { token, local, remote } = connection.client;
    assertEquals(
      subflows.map((subflow) => subflow.local.replace(/:\d+$/, "")).toSorted(),
      [local.address, "10.77.2.1%client2", "10.77.3.1%client3"],
    );
    for (const subflow of subflows) {
      assertEquals(subflow.token, token);
      assertEquals(subflow.remote, `${remote.address}:${remote.port}`);
    }
    lab.cut(1);
    await connection.transferAsync(100_000);
  },
);
