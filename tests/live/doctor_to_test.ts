/** What the doctor says of a place, against real servers and middleboxes. */
import { assertEquals, assertMatch } from "@std/assert";
import {
  type Attempt,
  type CheckName,
  collect,
  diagnose,
  type Finding,
  type Snapshot,
} from "../../doctor/mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { deno, run, script } from "../helpers/command_line.ts";
import { AS_NOBODY, Copy } from "../helpers/copy.ts";
import { assertInTime, bestOf, TooLate } from "../helpers/in_time.ts";
import { liveTest, missingProgram, timedTest } from "../helpers/live.ts";
import {
  addMiddlebox,
  ANY_OPTION,
  type Middlebox,
  MP_JOIN,
  NO_SYN,
  removeMiddlebox,
  STRIP,
  SYN,
  SYN_ACK,
} from "../helpers/middlebox.ts";
import { openFiles } from "../helpers/proc.ts";
import { addSecond, makeUplinks, SERVER } from "../helpers/uplinks.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");
const PORT = 8080;

/** A client with three uplinks, of which the second has an endpoint. */
function openLab(): Lab {
  const lab = Lab.open({ paths: 3 });
  makeUplinks(lab, 3);
  addSecond(lab);
  // Else the doctor has to wait for the third SYN.
  lab.client.sysctl("net.mptcp.syn_retrans_before_tcp_fallback", 0);
  return lab;
}

function listen({ server }: Lab, isTcp = false): MptcpSocket {
  return MptcpSocket.listen(
    server.netns,
    { address: "::", port: PORT },
    isTcp,
  );
}

const ask = ({ client }: Lab, host: string = SERVER[4], port = PORT) =>
  collect({ netns: client.netns, target: { host, port } });

/** An attempt in few words: where from, and what became of it. */
function brief({ source, local, dev, id, outcome, code }: Attempt): string {
  const from = source === undefined ? `(${local})` : `${source} ${dev}`;
  return [from, id === undefined ? [] : `id ${id}`, outcome, code ?? []].flat()
    .join(" ");
}

const briefs = ({ target }: Snapshot) => target!.attempts.map(brief);

const isComplaint = ({ status }: Finding) =>
  status === "problem" || status === "warning";

/** The checks that see something wrong, the most probable cause first. */
function complaints(snapshot: Snapshot): CheckName[] {
  return diagnose(snapshot).filter(isComplaint).map(({ check }) => check);
}

function summaryOf(snapshot: Snapshot, check: CheckName): string {
  return diagnose(snapshot).find((one) => one.check === check)!.summary;
}

/** Whether a program has a connection; the kernel has some after they closed. */
function isConnected({ client }: Lab): boolean {
  return client.exec("ss", "-tnpHO").includes("users:");
}

const FIRST = "(10.77.1.1)";
const SECOND = "10.77.2.1 client2 id 1";
const THIRD = "10.77.3.1 client3";

timedTest(
  "the doctor sees the paths to a server as `ss` and `nstat` do",
  async () => {
    using lab = openLab();
    using server = listen(lab);
    const { client } = lab;
    const seen = new Set<string>();
    const timer = setInterval(() => {
      for (const { token, local } of client.subflows()) {
        seen.add(`${token} ${local.replace(/[%:].*/, "")}`);
      }
    }, 20);
    const snapshot = await ask(lab);
    clearInterval(timer);
    assertEquals(briefs(snapshot), [
      `${FIRST} mptcp`,
      `${SECOND} mptcp`,
      `${THIRD} mptcp`,
    ]);
    assertEquals(complaints(snapshot), []);
    assertEquals(
      summaryOf(snapshot, "target"),
      "10.99.0.1 port 8080 speaks MPTCP, and its options get through: " +
        "2 subflows",
    );
    const [connection] = snapshot.connections!;
    assertEquals(snapshot.token, connection!.token);
    const { token } = connection!;
    const subflows = connection!.subflows.map(({ local }) =>
      `${token} ${local.address}`
    ).sort();
    const met = [...seen].filter((one) => one.startsWith(`${token} `)).sort();
    if (met.length < subflows.length) throw new TooLate(`ss met only ${met}`);
    assertEquals(met, subflows);
    // The first was made alone.
    assertEquals(snapshot.target!.attempts[0]!.counters, {
      MPCapableSYNTX: 1,
      MPCapableSYNACKRX: 1,
      ActiveOpens: 1,
    });
    for (const [counter, count] of [["SYNTX", 3], ["SYNACKRX", 3]] as const) {
      assertEquals(client.counter(`MPTcpExtMPCapable${counter}`), count);
    }
    // One byte has come to the server, and nothing is left.
    using accepted = server.accept(20_000);
    assertEquals(accepted.receive(), 1);
    server.close();
    accepted.close();
    await until(() => !isConnected(lab), "no connection");
    const { code } = run([
      ...["ip", "netns", "exec", client.netns, ...deno],
      ...["--allow-ffi", script, "doctor", "to", `${SERVER[4]}:${PORT}`],
    ]);
    assertEquals(code, 3);
  },
  missing,
);

/** A way that meddles with packets, and what the doctor says of it. */
interface Row {
  readonly name: string;
  readonly box?: Middlebox;
  readonly isTcp?: boolean;
  readonly port?: number;
  readonly attempts: readonly string[];
  /** The checks that complain, and what the first of them says. */
  readonly complaints: readonly CheckName[];
  readonly summary: RegExp;
}

const all = (outcome: string) =>
  [FIRST, SECOND, THIRD]
    .map((from) => `${from} ${outcome}`);

const ROWS: readonly Row[] = [
  {
    name: "a server with plain TCP",
    isTcp: true,
    attempts: all("tcp"),
    complaints: ["fallback"],
    summary: /program there does not use MPTCP, or something on the way/,
  },
  {
    name: "a closed port",
    port: 81,
    attempts: all("failed ECONNREFUSED"),
    complaints: ["target"],
    summary: /port 81 refuses connections/,
  },
  {
    name: "options stripped from SYNs",
    box: { toServer: `${SYN} ${STRIP}` },
    attempts: all("tcp"),
    complaints: ["fallback"],
    summary: /program there does not use MPTCP, or something on the way/,
  },
  {
    name: "options stripped from SYN-ACKs on the first path",
    box: { toClient: `ip daddr 10.77.1.1 ${SYN_ACK} ${STRIP}` },
    attempts: [`${FIRST} tcp`, `${SECOND} mptcp`, `${THIRD} mptcp`],
    complaints: ["fallback"],
    summary: /something on the way that it begins with removes its options/,
  },
  {
    name: "options stripped after the handshake",
    box: { toServer: `${NO_SYN} ${STRIP}` },
    attempts: all("mptcp"),
    complaints: ["fallback"],
    summary: /removes the options of MPTCP after the handshake/,
  },
  {
    name: "SYNs with MPTCP dropped",
    box: { toServer: `${SYN} ${ANY_OPTION} drop` },
    attempts: all("blackhole ETIMEDOUT"),
    complaints: ["blackhole"],
    summary: /^SYNs with MPTCP to 10\.99\.0\.1 get no answer/,
  },
  {
    name: "SYNs with MPTCP refused",
    box: { toServer: `${SYN} ${ANY_OPTION} reject with tcp reset` },
    attempts: all("blackhole ECONNREFUSED"),
    complaints: ["blackhole"],
    summary: /^SYNs with MPTCP to 10\.99\.0\.1 are refused/,
  },
  {
    name: "no answer at all",
    box: { toServer: `${SYN} drop` },
    attempts: all("failed ETIMEDOUT"),
    complaints: ["target"],
    summary: /does not answer, neither to MPTCP nor to TCP$/,
  },
  {
    name: "no answer on the first path",
    box: { toServer: `iifname server1 ${SYN} drop` },
    attempts: [
      `${FIRST} failed ETIMEDOUT`,
      `${SECOND} mptcp`,
      `${THIRD} mptcp`,
    ],
    complaints: ["target"],
    summary:
      /from 10\.77\.2\.1 by client2 it answers, .* first path has to work$/,
  },
  {
    name: "an endpoint from which nothing gets through",
    box: { toServer: `iifname server2 ${SYN} drop` },
    attempts: [
      `${FIRST} mptcp`,
      `${SECOND} failed ETIMEDOUT`,
      `${THIRD} mptcp`,
    ],
    complaints: ["join"],
    summary: /^The subflow from 10\.77\.2\.1 .* gets no answer to its SYN: /,
  },
  {
    name: "an endpoint from which joins get lost",
    box: { toServer: `${SYN} ${MP_JOIN} drop` },
    attempts: all("mptcp"),
    complaints: ["join"],
    summary: /^The subflow from 10\.77\.2\.1 .* drops SYNs with MP_JOIN/,
  },
];

async function tryRow(lab: Lab, row: Row): Promise<void> {
  const { name, box, isTcp, port, attempts } = row;
  using _server = listen(lab, isTcp);
  if (box !== undefined) addMiddlebox(lab.server, box);
  const snapshot = await ask(lab, SERVER[4], port);
  if (box !== undefined) removeMiddlebox(lab.server);
  assertEquals([name, ...briefs(snapshot)], [name, ...attempts]);
  assertEquals([name, ...complaints(snapshot)], [name, ...row.complaints]);
  assertMatch(summaryOf(snapshot, row.complaints[0]!), row.summary);
  // Other programs go on to get MPTCP.
  assertEquals(lab.client.counter("MPTcpExtBlackhole"), 0, name);
  assertInTime(snapshot.durationMs, 12_000, name);
}

liveTest(
  "the doctor says what became of its connections to a place",
  async () => {
    const rows = ROWS.values();
    // It waits most of the time.
    await Promise.all([1, 2, 3].map(async () => {
      using lab = openLab();
      for (let row = rows.next(); !row.done; row = rows.next()) {
        const { value } = row;
        await bestOf(() => tryRow(lab, value));
      }
    }));
  },
  missing,
);

liveTest("the doctor connects to IPv6 addresses, and by names", async () => {
  using lab = openLab();
  const { client } = lab;
  addSecond(lab, 6);
  const dual = listen(lab);
  const snapshot = await ask(lab, SERVER[6]);
  dual.close();
  assertEquals(briefs(snapshot), [
    "(fd77:1::1) mptcp",
    "fd77:2::1 client2 id 2 mptcp",
    "fd77:3::1 client3 mptcp",
  ]);
  assertEquals(complaints(snapshot), []);
  // Now none listens on the address that is tried first.
  const local = { address: "0.0.0.0", port: PORT };
  using _server = MptcpSocket.listen(lab.server.netns, local);
  const hosts = Deno.makeTempFileSync({ prefix: "mptcp-" });
  using _hosts = { [Symbol.dispose]: () => Deno.removeSync(hosts) };
  Deno.writeTextFileSync(
    hosts,
    `${SERVER[6]} server.example\n${SERVER[4]} server.example\n`,
  );
  const { out, err } = run([
    ...["unshare", "-m", "sh", "-c"],
    `mount --bind ${hosts} /etc/hosts && exec "$@"`,
    ...["sh", ...deno, "--allow-ffi", script, "-n", client.netns, "-j"],
    ...["doctor", "to", `server.example:${PORT}`],
  ]);
  assertEquals(err, "");
  const { target, healthy } = JSON.parse(out);
  assertEquals(healthy, true);
  const attempts: Attempt[] = target.attempts;
  assertEquals(attempts.map((one) => `${one.address} ${brief(one)}`), [
    `${SERVER[6]} (fd77:1::1) failed ECONNREFUSED`,
    `${SERVER[4]} ${FIRST} mptcp`,
    `${SERVER[4]} ${SECOND} mptcp`,
    `${SERVER[4]} ${THIRD} mptcp`,
  ]);
}, missing);

liveTest("the doctor connects without privilege", async () => {
  using lab = openLab();
  using _server = listen(lab);
  using copy = new Copy("doctor");
  const options = { target: { host: SERVER[4], port: PORT } };
  const command = copy.command(options, AS_NOBODY, ["--allow-ffi"]);
  const findings: Finding[] = JSON.parse(lab.client.exec(...command));
  const { evidence } = findings.find(({ check }) => check === "target")!;
  assertEquals(
    evidence.map((text) => text.replace(/ [\d.]+ ms$/, "")),
    ["from 10.77.1.1", "from 10.77.2.1 by client2", "from 10.77.3.1 by client3"]
      .map((from) => `a connection of the doctor ${from}: MPTCP,`),
  );
  assertEquals(findings.filter(isComplaint), []);
  await until(() => !isConnected(lab), "no connection");
}, missing);

liveTest(
  "the doctor leaves no descriptor, and none when it is stopped",
  async () => {
    using lab = openLab();
    using _server = listen(lab);
    await ask(lab);
    const before = openFiles().length;
    for (const box of [{}, { toServer: `${SYN} drop` }]) {
      addMiddlebox(lab.server, box);
      const { client: { netns } } = lab;
      const abort = new AbortController();
      const asking = collect({
        netns,
        target: { host: SERVER[4], port: PORT },
        signal: abort.signal,
      });
      setTimeout(() => abort.abort(), 100);
      const outcome = await asking.then(() => "done", ({ name }) => name);
      assertEquals(outcome, "AbortError");
      removeMiddlebox(lab.server);
      await until(() => openFiles().length <= before, "closed descriptors");
      await until(() => !isConnected(lab), "no connection");
    }
  },
  missing,
);
