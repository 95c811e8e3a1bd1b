import { assert, assertEquals, assertMatch } from "@std/assert";
import { counterDoc } from "../../../diag/mod.ts";
import type { FakeKernel } from "../../../testing/fake_kernel.ts";
import { Lab } from "../../../testing/lab.ts";
import {
  environment,
  launcher,
  quoted,
  run as start,
} from "../../helpers/command_line.ts";
import { COUNTERS, kernelWithFiles } from "../../helpers/golden_proc.ts";
import { atRest } from "../../helpers/at_rest.ts";
import { liveTest } from "../../helpers/live.ts";
import { run, wordsOf } from "../../helpers/run_main.ts";

const NETSTAT = "/proc/thread-self/net/netstat";
const SNMP = "/proc/thread-self/net/snmp";
const BOTH = ["prometheus", "openmetrics"] as const;

/** What is printed, when all is well. */
async function printed(
  line: string,
  kernel: FakeKernel = kernelWithFiles(),
  signal?: AbortSignal,
): Promise<string> {
  const { code, out, err } = await run(line, kernel, signal);
  assertEquals([line, code, err], [line, 0, ""]);
  return out;
}

/** A kernel with no counters but these. */
function kernelWith(counters: Readonly<Record<string, number>>): FakeKernel {
  const kernel = kernelWithFiles();
  const names = Object.keys(counters).join(" ");
  const values = Object.values(counters).join(" ");
  kernel.files.set(
    NETSTAT,
    names === "" ? "" : `MPTcpExt: ${names}\nMPTcpExt: ${values}\n`,
  );
  kernel.files.set(SNMP, "");
  return kernel;
}

Deno.test("`counters` shows what is not 0, with what it means, in 80 columns", async () => {
  const counters = { MPJoinSynTx: 3, RmAddr: 0, MPCapableSYNTXDrop: 12345 };
  assertEquals(
    await printed("counters", kernelWith(counters)),
    `\
MPJoinSynTx             3  SYNs with MP_JOIN sent
MPCapableSYNTXDrop  12345  connections that went on as TCP, since SYNs with
                           MP_CAPABLE got lost
`,
  );
  for (const all of [true, false]) {
    const out = await printed(all ? "counters all" : "counters");
    const shown = [...out.matchAll(/^(\w+) +(\d+) {2}\w/gm)]
      .map(([, name, value]) => [name, Number(value)]);
    const expected = Object.entries(COUNTERS)
      .filter(([, value]) => all || value !== 0);
    assertEquals(Object.fromEntries(shown), Object.fromEntries(expected));
    for (const line of out.split("\n")) assert(line.length <= 80, line);
    const json = await printed(all ? "-j counters all" : "-j counters");
    assertEquals(JSON.parse(json), Object.fromEntries(shown));
  }
  // One that is not known has no sentence.
  assertEquals(
    await printed("counters", kernelWith({ AddAddr: 1, NewOne: 22 })),
    "AddAddr   1  addresses that peers announced (ADD_ADDR)\nNewOne   22\n",
  );
});

Deno.test("`counters` says why there is nothing to see", async () => {
  const rows: [Record<string, number>, hint: string][] = [
    [{ AddAddr: 0 }, 'hint: all are 0; "all" shows them\n'],
    [{}, "hint: this kernel has no counters of MPTCP\n"],
  ];
  for (const [counters, hint] of rows) {
    const { code, out, err } = await run("counters", kernelWith(counters));
    assertEquals([code, out], [0, ""]);
    assert(err.includes(hint), err);
    assertEquals(await printed("-q counters", kernelWith(counters)), "");
  }
  const kernel = kernelWithFiles();
  kernel.files.clear();
  assertEquals(
    await run("counters", kernel).then(({ code, err }) => [code, err]),
    [
      1,
      `mptcp: Cannot read counters: ${NETSTAT} cannot be seen here\n`,
    ],
  );
});

Deno.test("`counters` refuses what contradicts itself, and says what is missing", async () => {
  const rows: [line: string, message: string][] = [
    ["--prometheus --openmetrics", "contradict each other"],
    ["-j --prometheus", 'and \\"-j\\" contradict each other'],
    ["--out x", '"--out" needs --prometheus or --openmetrics'],
    ["--openmetrics --watch", "--out FILE is missing"],
    ["--prometheus interval 5", "--out FILE is missing"],
    ["--prometheus --out", 'Incomplete option "--out": FILE is needed'],
    ...["0", "-1", "x", "0.09", "86401", "1e3", ""].map((
      text,
    ): typeof rows[number] => [`interval ${text}`, "nvalid"]),
    ["interval 1 interval 2", "given twice"],
    ["some", 'Unknown word "some"'],
  ];
  for (const [words, message] of rows) {
    const { code, out, err } = await run(
      ["counters", ...words.split(" ")],
      kernelWithFiles(),
    );
    assertEquals([words, code, out], [words, 255, ""]);
    assert(err.includes(message), err);
  }
});

/** What is printed while the counters are these, one reading after the other. */
async function watched(
  line: string,
  ...readings: readonly Readonly<Record<string, number>>[]
): Promise<string> {
  const stop = new AbortController();
  const kernel = kernelWithFiles();
  let reading = 0;
  const files = readings.map((counters) => kernelWith(counters).files);
  kernel.readFile = (path) => {
    if (path !== NETSTAT) return "";
    // The last but one is shown, then the program is stopped.
    if (reading === readings.length) stop.abort();
    return files[Math.min(reading++, files.length - 1)]!.get(NETSTAT)!;
  };
  return await printed(line, kernel, stop.signal);
}

Deno.test("`counters interval` shows the changes as they come", async () => {
  const readings = [
    { AddAddr: 1, RmAddr: 5, MPCurrEstab: 2 },
    { AddAddr: 11, RmAddr: 5, MPCurrEstab: 2 },
    { AddAddr: 11, RmAddr: 5, MPCurrEstab: 2 },
    { AddAddr: 12, RmAddr: 5, MPCurrEstab: 0 },
    // Another boot.
    { AddAddr: 13, RmAddr: 1, MPCurrEstab: 0 },
  ];
  const about = (name: string) => counterDoc(name).about;
  assertEquals(
    await watched("counters interval 0.1", ...readings),
    `AddAddr  +10  ${about("AddAddr")}

AddAddr      +1  ${about("AddAddr")}
MPCurrEstab   0  connections established now; those begun here that fell back,
                 too

AddAddr  +13  ${about("AddAddr")}
RmAddr    +1  ${about("RmAddr")}

`,
  );
  const json = await watched("-j counters --watch interval 0.1", ...readings);
  assertEquals(json.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { AddAddr: 10 },
    {},
    { AddAddr: 1, MPCurrEstab: 0 },
    { AddAddr: 13, RmAddr: 1 },
  ]);
  const all = await watched("-j counters all interval 0.1", ...readings);
  assertEquals(
    JSON.parse(all.split("\n")[0]!),
    { AddAddr: 10, RmAddr: 0, MPCurrEstab: 2 },
  );
});

/** A sample, and what is said of its family. */
interface Sample {
  readonly help: string;
  readonly type: string;
  readonly value: number;
}

/** What has to be in an exposition, by the names of the samples. */
const EXPECTED: Readonly<Record<string, Sample>> = Object.fromEntries(
  Object.entries(COUNTERS).map(([name, value]) => {
    const { group, side, about, isGauge } = counterDoc(name);
    const help = about +
      (side === "both" ? "." : ` (on the ${side} side).`);
    const type = isGauge ? "gauge" : "counter";
    const sample = `mptcp_netstat_${group}_${name}${isGauge ? "" : "_total"}`;
    return [sample, { help, type, value }];
  }),
);

/** What is in the classic text. */
function parse(text: string): Record<string, Sample> {
  return Object.fromEntries(
    Array.from(
      text.matchAll(
        /^# HELP (\S+) (.*)\n# TYPE \1 (\w+)\n\1 (\S+)$/gm,
      ),
      ([, name, help, type, value]) => [
        name!,
        { help: help!, type: type!, value: Number(value) },
      ],
    ),
  );
}

Deno.test("`counters --prometheus` and `--openmetrics` have all counters, 0 or not", async () => {
  const text = await printed("counters --prometheus");
  assertEquals(parse(text), EXPECTED);
  assertEquals(text.split("\n").length, 3 * Object.keys(COUNTERS).length + 1);
  assertEquals(await printed("counters --prometheus all"), text);
  const form = (counters: Record<string, number>, form: string) =>
    printed(`counters --${form}`, kernelWith(counters));
  assertEquals(
    await form({ MPCurrEstab: 1, "New-One": 2 }, "openmetrics"),
    `\
# HELP mptcp_netstat_MPTcpExt_MPCurrEstab ${counterDoc("MPCurrEstab").about}.
# TYPE mptcp_netstat_MPTcpExt_MPCurrEstab gauge
mptcp_netstat_MPTcpExt_MPCurrEstab 1
# HELP mptcp_netstat_MPTcpExt_New_One A counter of MPTcpExt.
# TYPE mptcp_netstat_MPTcpExt_New_One counter
mptcp_netstat_MPTcpExt_New_One_total 2
# EOF
`,
  );
  assertEquals(
    await form({ MPFailTx: 1 }, "prometheus"),
    `\
# HELP mptcp_netstat_MPTcpExt_MPFailTx_total ${counterDoc("MPFailTx").about}.
# TYPE mptcp_netstat_MPTcpExt_MPFailTx_total counter
mptcp_netstat_MPTcpExt_MPFailTx_total 1
`,
  );
});

Deno.test("`counters --out` replaces a file, again at each interval", async () => {
  // It looks like the word in front of a device's name.
  for (const path of ["/run/mptcp.prom", "dev"]) {
    for (const form of BOTH) {
      const text = await printed(`counters --${form}`);
      const lines = [
        `counters --${form} --out ${path}`,
        `-j counters --out=${path} --${form}`,
      ];
      for (const line of lines) {
        const kernel = kernelWithFiles();
        assertEquals(await printed(line, kernel), "");
        assertEquals(kernel.files.get(path), text);
      }
    }
  }
  for (const form of BOTH) {
    const kernel = kernelWithFiles();
    assertEquals(
      await printed(`counters --${form} --out -`, kernel),
      await printed(`counters --${form}`),
    );
    assertEquals(kernel.files.has("-"), false);
  }
  const stop = new AbortController();
  const kernel = kernelWith({ AddAddr: 1 });
  const written: string[] = [];
  kernel.readFile = (path) => {
    if (path !== NETSTAT) return "";
    written.push(kernel.files.get("out")?.match(/\d\n$/)?.[0] ?? "");
    if (written.length === 3) stop.abort();
    return `MPTcpExt: AddAddr\nMPTcpExt: ${written.length}\n`;
  };
  const line = "counters --prometheus interval 0.1 --out out";
  assertEquals(await printed(line, kernel, stop.signal), "");
  assertEquals(written, ["", "1\n", "2\n"]);
});

/** Absent: a command is there; else what is missing. */
function missing(command: string, ...args: string[]): string | undefined {
  try {
    const { success } = new Deno.Command(command, {
      args,
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success ? undefined : `${command} ${args.join(" ")} fails`;
  } catch {
    return `there is no ${command}`;
  }
}

const EXPORTER = "prometheus-node-exporter";
const PYTHON = "/usr/bin/python3";

liveTest(
  "the node exporter takes `counters --prometheus` as it is, beside its own",
  async () => {
    const folder = Deno.makeTempDirSync();
    const text = await printed("counters --prometheus");
    Deno.writeTextFileSync(`${folder}/mptcp.prom`, text);
    const exporter = new Deno.Command(EXPORTER, {
      args: [
        ...["--collector.disable-defaults", "--collector.textfile"],
        ...["--collector.netstat", "--collector.netstat.fields=.*"],
        ...[`--collector.textfile.directory=${folder}`],
        "--web.listen-address=127.0.0.1:0",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    try {
      const log = exporter.stderr.pipeThrough(new TextDecoderStream());
      let port: string | undefined;
      let said = "";
      for await (const text of log.values({ preventCancel: true })) {
        said += text;
        port = said.match(/ address=127\.0\.0\.1:(\d+)/)?.[1];
        if (port !== undefined) break;
      }
      using connection = await Deno.connect({ port: Number(port) });
      await connection.write(
        new TextEncoder().encode("GET /metrics HTTP/1.0\r\n\r\n"),
      );
      const answer = await new Response(connection.readable).text();
      assertMatch(answer, /^HTTP\/1\.\d 200 /);
      assertMatch(answer, /^node_textfile_scrape_error 0$/m);
      assertMatch(answer, /^node_netstat_MPTcpExt_MPJoinSynTx \d+$/m);
      const ours = Object.entries(parse(answer))
        .filter(([name]) => name.startsWith("mptcp_"));
      assertEquals(Object.fromEntries(ours), EXPECTED);
      await log.cancel();
    } finally {
      exporter.kill("SIGKILL");
      await exporter.status;
      Deno.removeSync(folder, { recursive: true });
    }
  },
  missing(EXPORTER, "--version"),
);

liveTest(
  "a strict reader of OpenMetrics takes `counters --openmetrics`",
  async () => {
    const program = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps({
    sample.name: {"help": family.documentation, "type": family.type,
                  "value": sample.value}
    for family in text_string_to_metric_families(sys.argv[1])
    for sample in family.samples
}))`;
    const text = await printed("counters --openmetrics");
    const { code, out, err } = start([PYTHON, "-c", program, text]);
    assertEquals([code, err], [0, ""]);
    assertEquals(JSON.parse(out), EXPECTED);
  },
  missing(PYTHON, "-c", "import prometheus_client.openmetrics.parser"),
);

liveTest(
  "`counters` shows what `nstat` does, of real connections",
  async () => {
    using lab = Lab.open({ paths: 1 });
    lab.connect().transfer(10_000);
    await atRest(lab.client);
    await atRest(lab.server);
    const { netns } = lab.server;
    const { out } = await run(`-n ${netns} -j counters all`, "running");
    const counters = Object.entries(JSON.parse(out));
    const path = Deno.makeTempFileSync({ suffix: ".prom" });
    const line = `-n ${netns} counters --prometheus --out ${path}`;
    assertEquals((await run(line, "running")).err, "");
    const samples = parse(Deno.readTextFileSync(path));
    assertEquals(Deno.statSync(path).mode! & 0o7777, 0o644);
    Deno.removeSync(path);
    assertEquals(
      Object.values(samples).map(({ value }) => value),
      counters.map(([, value]) => value),
    );
    const { code, err } = await run(
      "counters --prometheus --out /dev/null",
      "running",
    );
    assertEquals([code, err.split("\n")[0]], [
      255,
      "mptcp: Cannot replace /dev/null: it is not a regular file",
    ]);
    const { kernel } = JSON.parse(lab.server.exec("nstat", "-aszj"));
    assert(counters.length > 40);
    for (const [name, value] of counters) {
      assertEquals(value, kernel[counterDoc(name).group + name], name);
    }
  },
);

liveTest(
  "`counters --watch` ends with its reader, and on a signal, and says nothing",
  async () => {
    const words = [launcher, ...wordsOf("-j counters all interval 0.1")];
    const { code, out, err } = start([
      "bash",
      "-c",
      `set -o pipefail; ${quoted(words)} | head -2`,
    ]);
    assertEquals([code, err], [0, ""]);
    assertEquals(
      out.trimEnd().split("\n").map((line) => typeof JSON.parse(line)),
      [
        "object",
        "object",
      ],
    );
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = new Deno.Command(launcher, {
        args: words.slice(1),
        env: environment(),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      child.kill(signal);
      while (!(await reader.read()).done);
      const errors = await new Response(child.stderr).text();
      assertEquals([(await child.status).code, errors], [0, ""]);
    }
  },
);
