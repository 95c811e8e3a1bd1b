/** What `mptcp report` writes, and `mptcp doctor --from` reads. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseSnapshot, SNAPSHOT_LIMIT } from "../../../doctor/mod.ts";
import { preload } from "../../../mod.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../../testing/fake_route.ts";
import { until } from "../../../testing/lab.ts";
import { kernelWithFiles } from "../../helpers/golden_proc.ts";
import { type Ran, run, wordsOf } from "../../helpers/run_main.ts";

// Within a test the sanitizer would take that for a leak.
preload();

const SECRETS = ["81.82.83.84", "10.77.1.9", "wlp77s0"];

/** A host with a connection of one path. */
function host(): FakeKernel {
  const kernel = kernelWithFiles();
  kernel.devices.set("wlp77s0", 7);
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push({ address: "10.77.1.9", dev: "wlp77s0" });
  kernel.connect(0x50, {
    local: { address: "10.77.1.9", port: 40_000 },
    remote: { address: "81.82.83.84", port: 443 },
  });
  return kernel;
}

async function report(
  options: string,
  kernel: FakeKernel = host(),
): Promise<Ran> {
  const { signal } = new AbortController();
  return await run(wordsOf(`report ${options}`.trim()), kernel, signal);
}

async function doctor(
  options: string,
  kernel: FakeKernel,
  input = "",
): Promise<Ran> {
  const { signal } = new AbortController();
  return await run(wordsOf(`doctor ${options}`), kernel, signal, input);
}

/** Two are taken, so the time is another one. */
function withoutTimes(json: string): unknown {
  return JSON.parse(
    json.replaceAll(/"(taken_at|duration_ms)":\s*("[^"]*"|\d+)/g, '"$1": 0'),
  );
}

Deno.test("`report` writes a snapshot as JSON, in lines or in one", async () => {
  const { code, out, err } = await report("");
  assertEquals(code, 0);
  assertStringIncludes(err, "--anonymize replaces them");
  const { version, connections, unknown } = parseSnapshot(out);
  assertEquals([version, connections?.length], [1, 1]);
  assert("managers" in unknown);
  assert(out.split("\n").length > 100);
  const line = await report("-j -q");
  assertEquals([line.code, line.err], [0, ""]);
  assertEquals(line.out.split("\n").length, 2);
  assertEquals(withoutTimes(line.out), withoutTimes(out));
  for (const secret of SECRETS.slice(0, 2)) assertStringIncludes(out, secret);
});

Deno.test("`report --anonymize` says what it replaced", async () => {
  const kernel = host();
  await run("endpoint add 10.77.1.9 dev wlp77s0 subflow", kernel);
  for (
    const options of ["--anonymize", "--anonymize --text"]
  ) {
    const { code, out, err } = await report(options, kernel);
    assertEquals(code, 0);
    for (const secret of SECRETS) assert(!out.includes(secret), secret);
    assertStringIncludes(out, "wlp1");
    assertStringIncludes(err, "replaced are addresses, names of devices");
  }
  const { err } = await report("--anonymize -q", kernel);
  assertEquals(err, "");
});

Deno.test("`doctor --from` says of a report what the doctor says", async () => {
  for (const options of ["", "-j --anonymize"]) {
    const kernel = host();
    const { out } = await report(options, kernel);
    const there = await doctor("-j --from -", new FakeKernel(), out);
    const here = await doctor("-j", kernel);
    assertEquals(there.code, here.code);
    const checks = (json: string) =>
      JSON.parse(json).findings.map((
        { check, status }: { check: string; status: string },
      ) => [check, status]);
    assertEquals(checks(there.out), checks(here.out));
    if (!options.includes("anonymize")) assertEquals(there.out, here.out);
  }
});

Deno.test("a report is JSON whatever a device is called", async () => {
  const kernel = host();
  kernel.devices.set("\x1b[2J\u202e\x9b7", 9);
  await run(
    ["endpoint", "add", "10.0.0.9", "dev", "\x1b[2J\u202e\x9b7"],
    kernel,
  );
  const { out } = await report("", kernel);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(out));
  const [endpoint] = parseSnapshot(out).endpoints!;
  assertEquals(endpoint!.dev, "\x1b[2J\u202e\x9b7");
});

/** Runs until it listens, lets something happen, and says that it has. */
async function reproduced(
  options: string,
  happen: (kernel: FakeKernel) => unknown,
  kernel: FakeKernel = host(),
): Promise<Ran> {
  const stop = new AbortController();
  const line = wordsOf(`report --reproduce ${options}`.trim());
  const running = run(line, kernel, stop.signal);
  await until(() => kernel.subscriptions.length > 0, "it to listen");
  await happen(kernel);
  stop.abort();
  const ran = await running;
  assertEquals(kernel.subscriptions.map(({ closed }) => closed), [true]);
  return ran;
}

/** A second subflow. */
function join({ connections }: FakeKernel): void {
  connections.get(0x50)!.openSubflow({
    local: { address: "10.77.2.9", port: 40_001 },
    locId: 2,
  });
}

Deno.test("`report --reproduce` has what was before, what happened, and what is", async () => {
  const { code, out, err } = await reproduced("", join);
  assertEquals(code, 0);
  assertStringIncludes(
    err,
    "mptcp: make the fault happen, then press Enter, or Ctrl-C\n",
  );
  const { before, events, connections } = parseSnapshot(out);
  assertEquals(
    [before, { connections }].map((one) =>
      one?.connections?.map(({ subflows }) => subflows.length)
    ),
    [[1], [2]],
  );
  assertEquals(events?.map(({ event }) => event.type), ["sub-established"]);
  assert(events![0]!.atMs >= 0);
});

Deno.test("what was counted during `report --reproduce` is no history", async () => {
  const { out } = await reproduced("", ({ files }) => {
    const path = "/proc/thread-self/net/netstat";
    const lines = files.get(path)!.split("\n").map((line) => line.split(" "));
    const at = lines.find(([group]) => group === "MPTcpExt:")!
      .indexOf("Blackhole");
    const values = lines.findLast(([group]) => group === "MPTcpExt:")!;
    values[at] = `${Number(values[at]) + 1}`;
    files.set(path, lines.map((line) => line.join(" ")).join("\n"));
  });
  const { code, out: found } = await doctor("-j --from -", host(), out);
  const { findings } = JSON.parse(found);
  const blackhole = findings.find(({ check }: { check: string }) =>
    check === "blackhole"
  );
  assertEquals([code, blackhole.status], [3, "problem"]);
  assertStringIncludes(
    blackhole.evidence.join(),
    "since boot, 1 meanwhile",
  );
});

Deno.test("`report --reproduce` asks with -q, and anonymizes events", async () => {
  const { out, err } = await reproduced("-q --anonymize", join);
  assertEquals(
    err,
    "mptcp: make the fault happen, then press Enter, or Ctrl-C\n",
  );
  for (const secret of [...SECRETS, "10.77.2.9"]) {
    assert(!out.includes(secret), secret);
  }
  const { events, connections } = parseSnapshot(out);
  const [, second] = connections![0]!.subflows;
  const { event } = events![0]!;
  assert(event.type === "sub-established");
  const { address, port } = second!.local;
  assertEquals(event.local, { address, port });
});

Deno.test("`report --reproduce` goes on at Enter, and not where nobody can press it", async () => {
  const { signal } = new AbortController();
  const enter = await run("report --reproduce", host(), signal, "\n");
  assertEquals([enter.code, parseSnapshot(enter.out).events], [0, []]);
  const { out } = await reproduced(
    "",
    () => new Promise((resolve) => setTimeout(resolve, 1500)),
  );
  assertEquals(parseSnapshot(out).events, []);
});

Deno.test("`report --reproduce` does without events where it may not listen", async () => {
  const kernel = host();
  kernel.privileged = false;
  kernel.subscribe = () => {
    throw new Error("Cannot listen (EPERM)");
  };
  const { signal } = new AbortController();
  const { code, out } = await run("report --reproduce", kernel, signal, "\n");
  const { unknown, events } = parseSnapshot(out);
  assertEquals([code, events], [0, []]);
  assertEquals(unknown["events"], "Cannot listen (EPERM)");
  const text = await run("report --reproduce --text", kernel, signal, "\n");
  assertStringIncludes(
    text.out,
    "== ip mptcp monitor: start ==\n# Cannot listen (EPERM)\n",
  );
});

Deno.test("Ctrl-C ends a report that is being read", async () => {
  for (const options of ["", "--reproduce"]) {
    const kernel = host();
    const line = wordsOf(`report ${options}`.trim());
    const { code, out } = await run(line, kernel, AbortSignal.abort());
    assertEquals([code, out], [4, ""]);
    assertEquals(kernel.subscriptions, []);
  }
});

Deno.test("doctor and report end in silence when their reader leaves", async () => {
  const unread = AbortSignal.abort(new Deno.errors.BrokenPipe());
  for (const line of ["doctor", "-j doctor", "report", "report --reproduce"]) {
    const { code, out, err } = await run(wordsOf(line), host(), unread);
    assertEquals([line, code, out, err], [line, 4, "", ""]);
  }
});

/** The headings of a text, and what is below each. */
function sections(text: string): [string, string][] {
  return Array.from(
    text.matchAll(/^== (.*) ==\n([^]*?)(?=\n== |$(?![^]))/gm),
    ([, heading, body]) => [heading!, body!],
  );
}

Deno.test("`report --text` has the headings of mptcp-get-debug, in its order", async () => {
  const settings = [
    ...["uname -sr", "cat /etc/os-release", "sysctl net.mptcp"],
    ...["ip mptcp endpoint show", "ip mptcp limits show"],
  ];
  const sockets = ["ss -ManiH", "mptcp connection show"];
  const monitor = ["ip mptcp monitor: start", "ip mptcp monitor: stop"];
  const { out } = await report("--text");
  const found = new Map(sections(out));
  assertEquals([...found.keys()], [...settings, ...sockets, "nstat"]);
  assertEquals(found.get("sysctl net.mptcp")!.split("\n").slice(0, 2), [
    "net.mptcp.available_path_managers = kernel userspace",
    "net.mptcp.enabled = 1",
  ]);
  assertEquals(
    found.get("ip mptcp limits show"),
    "add_addr_accepted 0 subflows 2 \n",
  );
  assertStringIncludes(
    found.get("cat /etc/os-release")!,
    "# /etc/os-release cannot be seen",
  );
  assertStringIncludes(found.get("ss -ManiH")!, " remote_key token:50 ");
  assertStringIncludes(
    found.get("nstat")!,
    `${"MPTcpExtMPJoinSynTx".padEnd(32)}163                0.0\n`,
  );
  const twice = await reproduced("--text", join);
  const again = sections(twice.out);
  assertEquals(again.map(([heading]) => heading), [
    ...[...settings, ...sockets, ...monitor, ...sockets, "nstat"],
  ]);
  assert(
    /^\d\.\d{3} s \[ +SF_ESTABLISHED\] token=00000050 /.test(again[7]![1]),
  );
  // Nothing moved meanwhile.
  assertEquals(again.at(-1)![1], "#kernel\n");
  const json = JSON.parse((await report("--text -j")).out);
  assertEquals(sections(json.text).length, 8);
});

Deno.test("`doctor --from` says what is wrong with a file", async () => {
  const whole = (await report("")).out;
  const rows: [input: string, message: string][] = [
    ["", "it is empty"],
    [" \n\n", "it is empty"],
    ["mptcp\n", "it is no JSON: Unexpected token"],
    // V8 quotes what it has read, with its ends of lines.
    ["# mptcp\n\nMore", "it is no JSON: Unexpected token '#', \"# mptcp M"],
    [whole.slice(0, 3000), "it is cut off"],
    [whole.trimEnd().slice(0, -2), "it is cut off"],
    ['{"version": x}', "it is no JSON: Unexpected token"],
    ['{"version" 1, "kernel": 2}', "it is no JSON: Expected ':'"],
    ["null", "it is JSON, but not what mptcp report wrote"],
    ["[]", "it is JSON, but not what mptcp report wrote"],
    [
      (await run("-j status", host())).out,
      "it is JSON, but not what mptcp report wrote",
    ],
    [whole.replace('"version": 1', '"version": 2'), "it is of version 2"],
    [" ".repeat(SNAPSHOT_LIMIT), "it has more than 64 MiB"],
  ];
  for (const [input, message] of rows) {
    const { code, out, err } = await doctor(
      "--from -",
      new FakeKernel(),
      input,
    );
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, `mptcp: Cannot read the report: ${message}`);
  }
  const files: [file: string, message: string][] = [
    ["/tmp", "Cannot read /tmp: Is a directory (read: EISDIR)"],
    ["/dev/zero", "Cannot read /dev/zero: File too large (read: EFBIG)"],
    ["/none/at/all", "Cannot read /none/at/all: there is no such file"],
  ];
  for (const [file, message] of files) {
    const { code, out, err } = await doctor(`--from ${file}`, new FakeKernel());
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, message);
  }
});
