/**
 * The policies that are ready, on real connections under load, run from the
 * shell; what the paths carry is what `ss` shows.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Diag } from "../../diag/mod.ts";
import { PathManager } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import { until } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { bestOf, TooLate } from "../helpers/in_time.ts";
import { liveTest } from "../helpers/live.ts";
import { Managed } from "../helpers/managed.ts";
import { modeOf } from "../helpers/proc.ts";
import { SERVER } from "../helpers/uplinks.ts";

/** Adds rules to a chain of its own, of which nobody is told. */
function addRules(
  host: Host,
  hook: "prerouting" | "input" | "output",
  ...rules: string[]
): void {
  const table = `inet ${hook}`;
  host.exec(
    "nft",
    [
      `add table ${table}`,
      `add chain ${table} c { type filter hook ${hook} priority -300; }`,
      ...rules.map((rule) => `add rule ${table} c ${rule}`),
    ].join("; "),
  );
}

function removeRules(host: Host, hook: "prerouting" | "input" | "output") {
  host.exec("nft", "delete", "table", "inet", hook);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** When a line of the log was written, in milliseconds. */
function timeOf(line: string): number {
  return Date.parse(`${line.match(/^\[(.*?)\]/)![1]}Z`);
}

liveTest(
  "`mptcp manage on-demand` uses the spare as long as it is needed",
  async () => {
    await using managed = new Managed(
      ["on-demand", "dev", "client2", "health", "500ms"],
    );
    const { lab: { client, server } } = managed;
    await managed.start();
    await managed.until("client1");
    assertEquals(client.subflows().length, 1);
    addRules(server, "prerouting", "iifname server1 drop");
    await managed.until("client2");
    removeRules(server, "prerouting");
    await managed.until("client1");
    await until(() => client.subflows().length === 1, "the spare's end");
    // The only subflow is reset.
    addRules(
      server,
      "input",
      "iifname server1 meta l4proto tcp reject with tcp reset",
    );
    await managed.until("client2");
    await managed.arrived();
    assertMatch(
      await managed.stop(),
      /open .* no ack.*\n.*close .* the spare is there\n.*open .* to see whether.*\n.*set-backup .* the path is there again\n.*close .* the path has worked for 0\.5 s\n.*open .* client2 .* closed, ECONNRESET\n$/,
    );
    assertEquals(modeOf(client), "kernel");
  },
);

liveTest(
  "`mptcp manage on-demand` keeps the spare while the path loses what is sent",
  async () => {
    await using managed = new Managed(
      ["on-demand", "dev", "client2", "health", "1s"],
    );
    const { lab, lab: { client, server } } = managed;
    await managed.start();
    await managed.until("client1");
    lab.cut(1);
    await managed.until("client2");
    // It tries a path at once whose link has come back.
    lab.restore(1);
    using diag = Diag.open({ netns: client.netns });
    const { token } = managed.connection.client;
    const at = (path: number) =>
      diag.connection(token)!.subflows.find(({ local, state }) =>
        local.address === client.address(path) && state === "established"
      );
    await until(() => at(1), "the path", 8000);
    /** What was read of both, and from when to when that took. */
    const seen: {
      readonly from: number;
      readonly to: number;
      readonly port: number;
      readonly timeouts: number;
      readonly acked: number;
      readonly spareAcked: number;
    }[] = [];
    const look = () => {
      const from = Date.now();
      const [path, spare] = [at(1), at(2)];
      const reading = path && diag.subflow(path);
      if (reading === undefined || spare === undefined) return;
      const { local: { port }, timeouts, bytesAcked: acked } = reading;
      seen.push({
        ...{ from, to: Date.now(), port, timeouts: timeouts!, acked: acked! },
        spareAcked: spare.bytesAcked!,
      });
    };
    for (let round = 0; round < 5; round++) {
      // The first retransmission gets through.
      addRules(server, "prerouting", "iifname server1 drop");
      await pause(60);
      removeRules(server, "prerouting");
      for (let count = 0; count < 20; count++) {
        await pause(20);
        look();
      }
    }
    const before = Date.now();
    await managed.arrived();
    const said = (await managed.stop()).trimEnd().split("\n");
    // Where the processors were taken, it may have left the path again.
    const timeouts = seen.at(-1)?.timeouts ?? 0;
    assert(timeouts > 0 || said.length > 4, said.join("\n"));
    assert(timeouts <= client.counter("TcpExtTCPTimeouts"));
    for (const line of said) {
      if (!line.includes("has worked") || timeOf(line) > before) continue;
      const end = timeOf(line);
      const within = seen.filter(({ from, to }) =>
        from >= end - 1000 && to <= end
      );
      const [first] = within;
      const last = within.findLast(({ port }) => port === first?.port);
      if (first === undefined || last === undefined) continue;
      assertEquals(last.timeouts, first.timeouts, line);
      const acked = last.acked - first.acked;
      const spareAcked = last.spareAcked - first.spareAcked;
      assert(acked >= spareAcked, `${acked} < ${spareAcked}: ${line}`);
    }
  },
);

liveTest(
  "`mptcp manage backup` has a spare that carries nothing until it is needed",
  async () => {
    await using managed = new Managed(["backup", "dev", "client2"]);
    const { lab, lab: { client } } = managed;
    await managed.start();
    await until(() => client.subflows().length === 2, "the spare");
    await managed.until("client1");
    lab.cut(1);
    await managed.until("client2");
    lab.restore(1);
    await managed.until("client1");
    await until(() => client.subflows().length === 2, "the spare");
    await managed.arrived();
    assertMatch(await managed.stop(), /close .* client1 is down\n/);
  },
);

liveTest(
  "`mptcp manage fullmesh` carries data over all paths, and again after a reset, and after it was killed",
  async () => {
    await using managed = new Managed(["fullmesh"]);
    const { lab: { client } } = managed;
    await managed.start(20_000);
    await managed.until("client1", "client2");
    const before = managed.ends();
    await managed.stop({ signal: "SIGKILL" });
    await managed.until("client1", "client2");
    managed.run();
    await managed.ready();
    // It has taken over what is there, and opens nothing twice.
    await managed.until("client1", "client2");
    assertEquals(managed.ends(), before);
    client.exec("ss", "-K", "src", client.address(2));
    await managed.until("client1", "client2");
    await managed.arrived();
    const warning = "The path manager of new connections was userspace " +
      "already, and no program manages paths: one was killed, or somebody has " +
      "set it; at the end it is set to kernel, unless a file in /etc/sysctl.d " +
      "sets it to userspace";
    const said = (await managed.stop({ warning })).trimEnd().split("\n");
    assert(said.length > 0);
    for (const line of said) assertMatch(line, / open .* ECONNABORTED/);
  },
);

liveTest(
  "`mptcp manage refresh` replaces the subflow that carries least",
  async () => {
    await using managed = new Managed(
      ["refresh", "subflows", "3", "every", "1s"],
      { paths: 1 },
    );
    const { server } = managed.lab;
    await managed.start(60_000);
    await until(() => managed.ends().length === 3, "three subflows");
    const three = () => {
      const ends = managed.ends();
      return ends.length === 3 && ends;
    };
    const port = await bestOf(async () => {
      // Right after it has replaced one, there is a whole interval left.
      const first = managed.ends();
      await until(
        () => first.some((end) => !managed.ends().includes(end)),
        "the first look",
      );
      const before = await until(three, "another one");
      const slow = before.at(-1)!;
      const port = slow.split(":")[1]!;
      addRules(
        server,
        "prerouting",
        `tcp sport ${port} limit rate over 40 kbytes/second drop`,
      );
      const goneOf = (ends: readonly string[]) =>
        before.filter((end) => !ends.includes(end));
      await until(() => goneOf(managed.ends()).length > 0, "the next look");
      removeRules(server, "prerouting");
      const gone = goneOf(await until(three, "another one"));
      if (gone.join() !== slow) throw new TooLate(`${gone}, not ${slow}`);
      return port;
    });
    await managed.arrived();
    assertMatch(
      await managed.stop(),
      new RegExp(
        `close .*:${port} .* it carried least, .*\n` +
          ".*open .* in the place of another one\n",
      ),
    );
  },
);

liveTest(
  "`mptcp manage keep` opens again by the reason, and nothing is lost",
  async () => {
    await using managed = new Managed(["keep"], { paths: 3 });
    const { lab: { client, server } } = managed;
    await managed.start(60_000, { serverAddress: SERVER[4] });
    const { token, remote } = managed.connection.client;
    using pm = PathManager.open({ netns: client.netns });
    await managed.until("client1");
    for (const id of [2, 3]) {
      const local = { address: client.address(id), id };
      pm.subflowCreate({ token, local, remote, dev: client.dev(id) });
    }
    await managed.until("client1", "client2", "client3");
    const ports = Object.fromEntries(
      managed.ends().map((end) => end.split(":") as [string, string]),
    );
    const portOf = (path: number) => ports[client.address(path)];

    // The first one is reset by the peer. The router of the second one is not
    // reached any more, and that of the third one is silent after a reset.
    server.exec(
      "nft",
      "add table arp t; " +
        "add chain arp t c { type filter hook input priority 0; }; " +
        "add rule arp t c iifname server2 drop",
    );
    client.sysctl("net.ipv4.neigh.client2.retrans_time_ms", 100);
    client.ip("neigh", "flush", "dev", "client2");
    addRules(
      client,
      "output",
      `tcp sport ${portOf(2)} reject with tcp reset`,
    );
    addRules(
      server,
      "input",
      `tcp sport ${portOf(3)} reject with tcp reset`,
      "iifname server3 tcp flags syn drop",
    );
    server.exec("ss", "-K", "dport", "=", `:${portOf(1)}`);
    await managed.until("client1");
    const router = () => client.ip("neigh", "show", "dev", "client2");
    await until(() => router().includes("FAILED"), "the router to be missed");
    server.exec("nft", "delete", "table", "arp", "t");
    // Once more, where only one is left.
    const [only] = managed.ends();
    server.exec("ss", "-K", "dport", "=", `:${only!.split(":")[1]}`);
    await until(() => !managed.ends().includes(only!), "its end");
    await managed.until("client1", "client2");
    // The third one is given up.
    await managed.said(/ close .* 10\.77\.3\.1.* no answer$/m);
    removeRules(server, "input");
    await managed.until("client1", "client2", "client3");
    await managed.arrived();
    const said = (await managed.stop({
      warning: "Another program opens subflows of the same connections: " +
        "two path managers may work against each other",
    })).trimEnd().split("\n");
    const of = (path: number) =>
      said.filter((line) => line.includes(` ${client.address(path)}`));
    const whys = (path: number) =>
      of(path).map((line) => line.replace(/^.*\] (\w+).* # /, "$1: "));
    const reset = "open: Connection reset by peer";
    assertEquals(whys(1), [reset, reset]);
    // Where the test itself is late, they fail as often again.
    assertMatch(whys(2).join(), RegExp(`^${reset}(,open: No route to host)+$`));
    assertMatch(
      whys(3).join(),
      RegExp(`^${reset}(,close: no answer,open: it was closed)+$`),
    );
    const waits = (path: number) =>
      of(path).map(timeOf).map((time, at, all) => time - (all[at - 1] ?? time));
    assert(waits(2)[1]! >= 1000, `${waits(2)}`);
    assert(waits(3)[1]! >= 2900, `${waits(3)}`);
    assert(waits(3)[2]! >= 900, `${waits(3)}`);
  },
);

liveTest(
  "`mptcp manage announce` has clients open subflows, until it takes it back",
  async () => {
    const port = 7443;
    const addresses = [2, 3].map((path) => `10.77.${path}.2`);
    await using managed = new Managed(
      ["announce", ...addresses, "port", `${port}`, "--clean"],
      { paths: 3, where: "server" },
    );
    const { lab: { client, server } } = managed;
    // Its path manager is the kernel's.
    client.ip(
      ...["mptcp", "limits", "set"],
      ...["subflows", "4", "add_addr_accepted", "4"],
    );
    using listeners = new DisposableStack();
    for (const address of addresses) {
      listeners.use(MptcpSocket.listen(server.netns, { address, port }));
    }
    await managed.start(60_000);
    await managed.until("client1", "client2", "client3");
    assertEquals(
      client.subflows().map(({ remote }) => remote).toSorted().slice(1),
      addresses.map((address) => `${address}:${port}`),
    );
    const said = managed.stop();
    await until(() => client.subflows().length === 1, "them to be closed");
    await managed.until("client1");
    await managed.arrived();
    assertEquals(client.counter("MPTcpExtRmAddr"), 2);
    assertEquals(
      (await said).trimEnd().split("\n")
        .map((line) => line.replace(/^.*\] (\w+) +\w+ (.*) {2}# /, "$1 $2: ")),
      [
        ...addresses.map((address) => `announce ${address}: established`),
        ...addresses.map((address) => `withdraw ${address}: the manager ends`),
      ],
    );
  },
);
