/**
 * The agent, in a process of its own, on a host whose links and addresses come
 * and go under live connections. `ip` makes the changes, and says what came of
 * them.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Diag, type NetworkChanges } from "../../diag/mod.ts";
import { PathManager } from "../../mod.ts";
import { Lab, type LabConnection, until } from "../../testing/lab.ts";
import { type Host, runIp } from "../../testing/host.ts";
import { deno, run, script } from "../helpers/command_line.ts";
import { AgentProcess } from "../helpers/agent_process.ts";
import { assertInTime, bestOf, TooLate } from "../helpers/in_time.ts";
import { liveTest, timedTest } from "../helpers/live.ts";
import { makeUplinks, renewSecond, SERVER } from "../helpers/uplinks.ts";

const SETTLE = 1000;
/** How late an endpoint may be, in milliseconds. */
const LATE = 100;

const UPLINKS = `
limits: { subflows: 8 }
endpoints:
  - match: { dev: "client*" }
    flags: [subflow]
governs: all
`;

/** The limit of subflows. */
function limits({ netns }: Host): number {
  using pm = PathManager.open({ netns });
  return pm.getLimits().subflows;
}

/** A file that is removed at the end. */
class TempFile implements Disposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly path: string = `${this.folder}/mptcp.yaml`;

  constructor(text: string) {
    this.write(text);
    // Whoever the agent runs as.
    Deno.chmodSync(this.folder, 0o755);
  }

  write(text: string): void {
    Deno.writeTextFileSync(this.path, text);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Keeps connections busy. */
class Traffic implements AsyncDisposable {
  readonly connections: readonly LabConnection[];
  #isOver = false;
  readonly #end: Promise<unknown>;

  constructor(...connections: LabConnection[]) {
    this.connections = connections;
    this.#end = Promise.all(connections.map((one) => this.#send(one)));
  }

  async #send(connection: LabConnection): Promise<void> {
    while (!this.#isOver) {
      await connection.transferAsync(3000, 20_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#end;
  }
}

/** When the kernel told last of links and addresses, since something began. */
class Told implements Disposable {
  readonly #changes: NetworkChanges;
  readonly #beginMs = performance.now();
  #lastMs: number | undefined;

  constructor(diag: Diag) {
    this.#changes = diag.networkChanges();
    void this.#note();
  }

  async #note(): Promise<void> {
    for await (const change of this.#changes) {
      if (change !== "route") this.#lastMs = performance.now();
    }
  }

  /** How late something is now that has to come some time after the change. */
  async lateMs(afterMs: number): Promise<number> {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#beginMs;
    assert(passedMs > afterMs, `too early: after ${passedMs} ms`);
    const lastMs = await until(() => this.#lastMs, "the kernel to tell of it");
    return nowMs - lastMs - afterMs;
  }

  [Symbol.dispose](): void {
    this.#changes.close();
  }
}

/** A change, and what it comes to. */
interface Change {
  readonly what: string;
  readonly make: (lab: Lab) => void;
  /** The paths whose endpoints are there afterwards, by their addresses. */
  readonly paths: readonly string[];
  /** How long after the change: at once, or when it has settled. */
  readonly afterMs: number;
}

/** The second uplink, which the kernel forgets with its device or address. */
const addRoute = ({ client }: Lab) =>
  client.ip(
    ...["route", "add", "default", "via", "10.77.2.2", "dev", "client2"],
    ...["metric", "200"],
  );

const BOTH = ["10.77.1.1", "10.77.2.1"];
const FIRST = ["10.77.1.1"];

const CHANGES: readonly Change[] = [
  {
    what: "a carrier is lost",
    make: (lab) => lab.cut(2),
    ...{ paths: FIRST, afterMs: SETTLE },
  },
  {
    what: "a carrier is back",
    make: (lab) => lab.restore(2),
    ...{ paths: BOTH, afterMs: SETTLE },
  },
  {
    what: "an address is removed",
    make: ({ client }) =>
      client.ip("address", "del", "10.77.2.1/24", "dev", "client2"),
    ...{ paths: FIRST, afterMs: 0 },
  },
  {
    what: "an address is added",
    make(lab) {
      lab.client.ip("address", "add", "10.77.2.1/24", "dev", "client2");
      addRoute(lab);
    },
    ...{ paths: BOTH, afterMs: SETTLE },
  },
  {
    what: "a link is set down",
    make: ({ client }) => client.ip("link", "set", "client2", "down"),
    ...{ paths: FIRST, afterMs: 0 },
  },
  {
    what: "a link is set up",
    make(lab) {
      lab.client.ip("link", "set", "client2", "up");
      addRoute(lab);
    },
    ...{ paths: BOTH, afterMs: SETTLE },
  },
  {
    what: "a device is deleted",
    make: ({ client }) => client.ip("link", "delete", "client2"),
    ...{ paths: FIRST, afterMs: 0 },
  },
  {
    what: "a device is made again, with another index",
    make: renewSecond,
    ...{ paths: BOTH, afterMs: SETTLE },
  },
  {
    what: "a carrier of the path that connections began with is lost",
    make: (lab) => lab.cut(1),
    ...{ paths: ["10.77.2.1"], afterMs: SETTLE },
  },
  {
    what: "a carrier of that path is back",
    make: (lab) => lab.restore(1),
    ...{ paths: BOTH, afterMs: SETTLE },
  },
];

liveTest(
  "endpoints follow the network, and connections with them",
  async () => {
    using lab = Lab.open({ paths: 2, rate: 100 });
    makeUplinks(lab, 2);
    const { client } = lab;
    using file = new TempFile(
      UPLINKS.replace('"client*"', '"client*", family: ipv4'),
    );
    await using agent = new AgentProcess(client, file.path, {
      words: ["--prune"],
    });
    await agent.ready();
    const connect = () => lab.connect({ serverAddress: SERVER[4] });
    await using traffic = new Traffic(connect(), connect());
    using pm = PathManager.open({ netns: client.netns });
    using diag = Diag.open({ netns: client.netns });

    /** The cookies of the established subflows of each path, by address. */
    const subflows = () => {
      const found = new Map<string, string[]>();
      for (const { subflows } of diag.connections()) {
        for (const { state, local, cookie } of subflows) {
          if (state !== "established") continue;
          const cookies = found.get(local.address) ?? [];
          found.set(local.address, [...cookies, `${cookie}`].toSorted());
        }
      }
      return found;
    };
    const endpoints = () =>
      pm.dumpAddrs().map(({ address }) => address).toSorted();
    const count = traffic.connections.length;
    const areBack = (paths: readonly string[]) => {
      const found = subflows();
      return paths.every((path) => found.get(path)?.length === count) && found;
    };
    let before = await until(() => areBack(BOTH), "all subflows");
    /** Those that have not been followed in time. */
    const rest = new Set(CHANGES.map(({ what }) => what));
    const one = async ({ what, make, paths, afterMs }: Change) => {
      using told = new Told(diag);
      make(lab);
      await until(
        () => endpoints().join() === paths.toSorted().join(),
        `${what}: ${paths}`,
      );
      const late = await told.lateMs(afterMs);
      if (Math.abs(late) < LATE) rest.delete(what);
      const now = await until(() => areBack(paths), `${what}: the subflows`);
      for (const [path, cookies] of now) {
        assertEquals(cookies, before.get(path) ?? cookies, `${what}: ${path}`);
      }
      before = now;
      if (paths === FIRST) return;
      const [{ ifindex }] = JSON.parse(
        client.ip("-j", "link", "show", "client2"),
      );
      const second = pm.dumpAddrs().find(({ address }) => address === BOTH[1]);
      assertEquals(second?.ifIndex, ifindex, what);
    };
    await bestOf(async () => {
      for (const change of CHANGES) await one(change);
      if (rest.size > 0) throw new TooLate([...rest].join());
    });
  },
);

liveTest(
  "a renamed device keeps its subflows, and IPv6 waits for its addresses",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client } = lab;
    client.sysctl("net.ipv6.conf.client2.accept_dad", 1);
    using file = new TempFile(
      UPLINKS.replace("flags:", "each: address\n    flags:"),
    );
    await using agent = new AgentProcess(client, file.path);
    await agent.ready();
    using connection = lab.connect();
    await connection.transferAsync(10_000);
    const cookies = () => {
      using diag = Diag.open({ netns: client.netns });
      return [...diag.connections()].flatMap(({ subflows }) =>
        subflows.map(({ local, cookie }) => `${local.address} ${cookie}`)
      ).toSorted();
    };
    const before = await until(() => {
      const all = cookies();
      return all.length === 2 && all;
    }, "the second subflow");
    agent.said.length = 0;
    client.ip("link", "set", "client2", "name", "client9");
    client.ip("address", "add", "fd77:9::1/64", "dev", "client9");
    const isThere = () =>
      client.endpoints().some(({ address }) => address === "fd77:9::1");
    const isTentative = () =>
      client.ip("-6", "address", "show", "dev", "client9").includes(
        "tentative",
      );
    await until(
      () => {
        const there = isThere();
        // It was not there before it could be used.
        assert(!there || !isTentative(), "an endpoint is there too early");
        return there;
      },
      "the endpoint",
    );
    const said = await agent.until(({ event }) => event === "done", "it");
    assertEquals(said.endpoint?.address, "fd77:9::1");
    assertEquals(cookies().filter((one) => before.includes(one)), before);
  },
);

timedTest("the file is followed however it is changed", async () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  const text = (subflows: number) => `limits: { subflows: ${subflows} }\n`;
  using file = new TempFile(text(1));
  const { folder, path } = file;
  await using agent = new AgentProcess(client, path);
  await agent.ready();
  const isTaken = async (subflows: number, what: string) => {
    await agent.until(({ event }) => event === "done", what);
    assertEquals(limits(client), subflows, what);
  };
  file.write(text(2));
  await isTaken(2, "edited in its place");
  // As most editors do it.
  Deno.writeTextFileSync(`${folder}/.new`, text(3));
  Deno.renameSync(`${folder}/.new`, path);
  await isTaken(3, "replaced by rename");
  // As Kubernetes mounts a ConfigMap: what changes is a link above it.
  for (const [version, subflows] of [["a", 4], ["b", 5]] as const) {
    Deno.mkdirSync(`${folder}/..${version}`);
    const data = `${folder}/..${version}/mptcp.yaml`;
    Deno.writeTextFileSync(data, text(subflows));
    Deno.symlinkSync(`..${version}`, `${folder}/..tmp`);
    Deno.renameSync(`${folder}/..tmp`, `${folder}/..data`);
    if (version === "a") {
      Deno.removeSync(path);
      Deno.symlinkSync("..data/mptcp.yaml", path);
    }
    await isTaken(subflows, `a link leads to ${version}`);
  }
  Deno.removeSync(path);
  await agent.until(({ state }) => state === "unreadable", "it is not there");
  file.write("limits: [");
  await agent.until(({ state }) => state === "refused", "it is wrong");
  assertEquals(limits(client), 5);
  file.write(text(6));
  const begin = performance.now();
  agent.process.kill("SIGHUP");
  await agent.until(({ state }) => state === "taken", "at once");
  assertInTime(performance.now() - begin, 1000, "the file");
  await isTaken(6, "read again");
  await agent.endAtOnce();
});

liveTest("one agent keeps a host, and another goes on after it", async () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  using file = new TempFile(
    UPLINKS.replace('"client*"', '"client*", family: ipv4'),
  );
  const start = (...words: string[]) =>
    new AgentProcess(client, file.path, { words });
  const addresses = () => client.endpoints().map(({ address }) => address);
  await using first = start("--prune");
  await first.ready();
  const mptcp = (...words: string[]) =>
    run([
      ...deno,
      "--quiet",
      "--allow-ffi",
      script,
      "-n",
      client.netns,
      ...words,
    ]);
  const refused = mptcp("watch", file.path);
  assertEquals([refused.code, refused.out], [2, ""]);
  assertStringIncludes(refused.err, "another mptcp watch");
  // The plan has something to do that the agent would undo.
  using other = new TempFile("endpoints: []\n");
  const apply = mptcp("apply", other.path, "--prune");
  assertEquals(apply.code, 2);
  assertStringIncludes(apply.err, `mptcp watch (process ${first.process.pid})`);
  await first.end("SIGKILL");
  assertEquals(addresses(), BOTH);
  // What came to be wrong meanwhile is put right.
  client.ip("address", "delete", "10.77.2.1/24", "dev", "client2");
  await using second = start("--prune", "--clean");
  await second.ready();
  assertEquals(addresses(), FIRST);
  await second.end();
  assertEquals(addresses(), []);
});

timedTest("the agent goes on where nobody reads what it says", async () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  using file = new TempFile(UPLINKS);
  await using agent = new AgentProcess(client, file.path, { isUnread: true });
  const count = () => client.endpoints().length;
  await until(() => count() === 4, "its endpoints");
  // Each look at it says some thousand characters.
  const fault = "must be a mapping with address or match, not";
  file.write(`endpoints: [${Array(50).fill(`"${fault}"`)}]`);
  const pause = () => new Promise((end) => setTimeout(end, 20));
  for (let time = 0; time < 100; time++) {
    // It says it each time that the file was another one.
    file.write(Deno.readTextFileSync(file.path) + " ");
    agent.process.kill("SIGHUP");
    await pause();
  }
  client.ip("mptcp", "endpoint", "flush");
  await until(() => count() === 4, "what another program removed");
  await agent.endAtOnce();
});

liveTest("200 devices that come and go", async () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  const pairs = Array.from({ length: 100 }, (_, at) => at);
  const ip = (lines: readonly string[]) =>
    runIp(client.netns, lines.map((line) => line.split(" ")));
  const batch = (line: (dev: string, at: number) => string) =>
    ip(
      pairs.flatMap((
        at,
      ) => [line(`d${at}`, 2 * at), line(`e${at}`, 2 * at + 1)]),
    );
  ip(pairs.map((at) => `link add d${at} type veth peer name e${at}`));
  batch((dev, at) => `address add 10.0.${at}.1/24 dev ${dev}`);
  batch((dev) => `link set ${dev} up`);
  using file = new TempFile(`
endpoints:
  - { match: { family: ipv4 }, flags: [subflow] }
`);
  await using agent = new AgentProcess(client, file.path, {
    words: ["--prune"],
  });
  await agent.ready();
  using pm = PathManager.open({ netns: client.netns });
  using diag = Diag.open({ netns: client.netns });
  const devices = () => pm.dumpAddrs().map(({ dev }) => dev).toSorted().join();
  const first = (from: number) =>
    Array.from(
      { length: 8 },
      (_, at) => `${at % 2 === 0 ? "d" : "e"}${from + (at >> 1)}`,
    );
  const expect = async (from: number, what: string) => {
    const wanted = first(from).toSorted().join();
    await until(() => devices() === wanted, `${what}: ${wanted}`);
  };
  const set = (from: number, state: "down" | "up") =>
    ip(pairs.slice(from, from + 50).map((at) => `link set d${at} ${state}`));
  // The kernel holds 8: the first ones of all.
  await expect(0, "at the start");
  let lost = 0;
  await bestOf(async () => {
    const others = 50 - lost;
    using told = new Told(diag);
    set(lost, "down");
    // The other ends have lost their carriers.
    await expect(others, "a hundred links are lost");
    const late = await told.lateMs(SETTLE);
    set(lost, "up");
    // What works stays.
    await new Promise((resolve) => setTimeout(resolve, 2 * SETTLE));
    await expect(others, "a hundred links are back");
    lost = others;
    // The kernel takes some 12 ms to delete an endpoint.
    assertInTime(late, LATE + 8 * 20, "the endpoints");
  });
});
