import { assert, assertEquals, assertThrows } from "@std/assert";
import { COUNTER_DOCS } from "../../diag/counter_docs.ts";
import { counterChanges, counterDoc, Diag } from "../../diag/mod.ts";
import { ProtocolError } from "../../mod.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { COUNTERS, FILES, kernelWithFiles } from "../helpers/golden_proc.ts";
import { liveTest } from "../helpers/live.ts";
import { generator, pick } from "../helpers/random.ts";

const NETSTAT = "/proc/thread-self/net/netstat";
const SNMP = "/proc/thread-self/net/snmp";

/** The counters where these files are others. */
function read(files: Readonly<Record<string, string | undefined>> = {}) {
  const kernel = kernelWithFiles();
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) kernel.files.delete(path);
    else kernel.files.set(path, text);
  }
  using diag = Diag.open({ namespace: kernel });
  return diag.counters();
}

Deno.test("`counters()` reads what a kernel wrote", () => {
  assertEquals(Object.keys(COUNTERS).length, 76 + 8);
  assertEquals(read(), COUNTERS);
});

Deno.test("every counter has a sentence that fits on a line", () => {
  for (const name of Object.keys(COUNTERS)) {
    assert(counterDoc(name).about !== "", name);
  }
  const gauges: string[] = [];
  for (const [name, { about, isGauge }] of Object.entries(COUNTER_DOCS)) {
    assert(/^[A-Za-z].{10,68}[\w)]$/.test(about), `${name}: ${about}`);
    if (isGauge) gauges.push(name);
  }
  assertEquals(gauges, ["MPCurrEstab"]);
  assertEquals(counterDoc("MPJoinSynTx"), {
    group: "MPTcpExt",
    side: "connecting",
    about: "SYNs with MP_JOIN sent",
    isGauge: false,
  });
  assertEquals(counterDoc("toString").about, "");
});

Deno.test("a counter that the kernel lacks is absent, an unknown one of MPTCP is kept", () => {
  const tcp = "TcpExt: Other IPReversePathFilter\nTcpExt: 1 2\n";
  const { TCPMD5NotFound, IPReversePathFilter, Other, ...others } = read({
    [NETSTAT]: `${tcp}MPTcpExt: AddAddr NewOne\nMPTcpExt: 3 4\n`,
  });
  assertEquals([TCPMD5NotFound, IPReversePathFilter, Other], [
    undefined,
    2,
    undefined,
  ]);
  assertEquals([others["AddAddr"], others["NewOne"]], [3, 4]);
  // Without CONFIG_MPTCP.
  assertEquals(Object.keys(read({ [NETSTAT]: tcp })), [
    "IPReversePathFilter",
    "OutNoRoutes",
    "ActiveOpens",
    "PassiveOpens",
    "OutRsts",
  ]);
});

Deno.test("what is no table of counters is refused", () => {
  const cut = FILES[NETSTAT]!.trimEnd();
  const rows: [Parameters<typeof read>[0], string][] = [
    [{ [NETSTAT]: undefined }, `${NETSTAT} cannot be seen here`],
    [{ [SNMP]: undefined }, `${SNMP} cannot be seen here`],
    [{ [NETSTAT]: cut.slice(0, cut.lastIndexOf(" ")) }, "76 names of MPTcpExt"],
    [{ [NETSTAT]: cut.slice(0, cut.lastIndexOf("\n")) }, "76 names of MPTcp"],
    [{ [NETSTAT]: "MPTcpExt: A B\nMPTcpExt: 1 x\n" }, '"1 x"'],
    [{ [NETSTAT]: "MPTcpExt: A B\nMPTcpExt: 1 \n" }, '"1 "'],
  ];
  for (const [files, message] of rows) {
    assertThrows(() => read(files), ProtocolError, message);
  }
});

Deno.test("`counterChanges()` gives what came between, and starts again after a boot", () => {
  const random = generator(10);
  const names = Object.keys(COUNTERS);
  for (let round = 0; round < 200; round++) {
    const values = (below: number): Record<string, number> =>
      Object.fromEntries(names.map((name) => [name, random(below)]));
    const [before, come] = [values(1000), values(50)];
    const after = Object.fromEntries(
      names.map((name) => [name, before[name]! + come[name]!]),
    );
    const { MPCurrEstab: _, ...expected } = come;
    const { MPCurrEstab, ...changes } = counterChanges(before, after);
    assertEquals(changes, expected);
    assertEquals(MPCurrEstab, after["MPCurrEstab"]);
    // One that went backwards is enough; a gauge may.
    const gone = { ...after, MPCurrEstab: 0 };
    assertEquals(counterChanges(before, gone)["MPCurrEstab"], 0);
    assertEquals(counterChanges(before, gone)["AddAddr"], come["AddAddr"]);
    const name = pick(
      random,
      names.filter((name) => name !== "MPCurrEstab"),
    );
    const anew: Record<string, number> = {
      ...after,
      [name]: before[name]! - 1,
    };
    if (anew[name]! >= 0) assertEquals(counterChanges(before, anew), anew);
  }
  assertEquals(counterChanges({}, { AddAddr: 3 }), { AddAddr: 3 });
  assertEquals(counterChanges({ AddAddr: 3 }, {}), {});
});

liveTest("`counters()` is what `nstat` prints", () => {
  using lab = Lab.open({ paths: 2 });
  using connection = lab.connect();
  connection.transfer(10_000);
  for (const host of [lab.client, lab.server]) {
    using diag = Diag.open({ netns: host.netns });
    // Acknowledgements may be late.
    const { before, kernel } = waitFor(() => {
      const before = diag.counters();
      const { kernel } = JSON.parse(host.exec("nstat", "-aszj"));
      const isCalm = JSON.stringify(diag.counters()) === JSON.stringify(before);
      return isCalm && { before, kernel };
    }, "counters that stay");
    const mptcp = Object.keys(kernel).filter((name) => /^MPTcpExt/.test(name));
    assert(mptcp.length > 30);
    const ours = Object.keys(before)
      .filter((name) => counterDoc(name).group === "MPTcpExt");
    assertEquals(ours.map((name) => `MPTcpExt${name}`), mptcp);
    for (const [name, value] of Object.entries(before)) {
      assertEquals(value, kernel[counterDoc(name).group + name], name);
    }
  }
  using client = Diag.open({ netns: lab.client.netns });
  using server = Diag.open({ netns: lab.server.netns });
  const [{ MPCapableSYNTX }, { MPCapableACKRX }] = [
    client.counters(),
    server.counters(),
  ];
  assertEquals([MPCapableSYNTX, MPCapableACKRX], [1, 1]);
});
