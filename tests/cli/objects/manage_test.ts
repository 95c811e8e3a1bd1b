import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { preload } from "../../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../../testing/mod.ts";
import { until } from "../../../testing/lab.ts";
import { type Ran, run } from "../../helpers/run_main.ts";

// Files are read through libc: within a test that would be taken for a leak.
preload();

/** A client with two addresses, and a connection. */
function kernelOfTwo(): FakeKernel {
  const kernel = new FakeKernel();
  const { addresses } = kernel.interfaces = new FakeInterfaces();
  addresses.push({ address: "10.0.0.1", dev: "eth0" });
  addresses.push({ address: "10.0.1.1", dev: "eth1" });
  kernel.sysctls.set("path_manager", "kernel");
  return kernel;
}

/** Runs a line until there are so many subflows, and the mode meanwhile. */
async function managed(
  line: string,
  subflows: number,
  token = 0x1a6d021d,
): Promise<Ran & { mode: string | undefined; kernel: FakeKernel }> {
  const kernel = kernelOfTwo();
  const stop = new AbortController();
  const running = run(line, kernel, stop.signal);
  await until(() => kernel.subscriptions.length > 1, `it to listen: ${line}`);
  const mode = kernel.sysctls.get("path_manager");
  const local = { address: "10.0.0.1", port: 40000 };
  const connection = kernel.connect(token, { local });
  await until(() => connection.subflows().length === subflows, line);
  stop.abort();
  return { ...await running, mode, kernel };
}

Deno.test("`manage` runs a policy in its mode, says what it decides, and takes the mode back", async () => {
  const own = new URL("../../programs/own_policy.ts", import.meta.url);
  const rows: [line: string, subflows: number, reason: string][] = [
    ["manage fullmesh", 2, "established"],
    ["manage fullmesh dev eth*", 2, "established"],
    ["manage backup dev eth1", 2, "established"],
    ["manage backup", 2, "established"],
    [`manage ${own.pathname}`, 2, "my own"],
    [`manage file ${own.pathname} not dev eth0`, 2, "my own"],
  ];
  for (const [line, subflows, reason] of rows) {
    const { code, out, err, mode, kernel } = await managed(line, subflows);
    assertEquals([line, code, err, mode], [line, 0, "", "userspace"]);
    assertEquals(kernel.sysctls.get("path_manager"), "kernel");
    const [ready, shown] = out.split("\n").map((line) =>
      line.replace(/^\[\S+\] /, "")
    );
    assertEquals(ready, "ready      0 connections");
    assertEquals(
      shown!.replace(/:443.*dev/, " dev"),
      `open       0x1a6d021d 10.0.1.1 -> 10.0.0.2 dev eth1  # ${reason}`,
    );
    const json = await managed(`-j ${line}`, subflows);
    const [first, second] = json.out.split("\n");
    const { timestamp, ...decision } = JSON.parse(second!);
    assertMatch(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+$/);
    const { timestamp: _, ...told } = JSON.parse(first!);
    assertEquals(told, { action: "ready", connections: 0 });
    assertEquals(decision, {
      ...{ action: "open", token: "0x1a6d021d", dev: "eth1", reason },
      local: { address: "10.0.1.1", port: 0 },
      remote: { address: "10.0.0.2", port: decision.remote.port },
    });
  }
});

Deno.test("`manage -j` writes a token without zeros in front, as other commands do", async () => {
  const token = 0x00a1b2c3;
  const { out } = await managed("-j manage fullmesh", 2, token);
  assertEquals(JSON.parse(out.split("\n")[1]!).token, "0xa1b2c3");
  const text = await managed("manage fullmesh", 2, token);
  assertStringIncludes(text.out, " 0x00a1b2c3 10.0.1.1");
});

Deno.test("`manage` shows what it opens as it was when that was decided", async () => {
  const { out } = await managed("-j manage ndiffports subflows 4", 4);
  const [, ...decisions] = out.trim().split("\n");
  const ports = decisions.map((line) => JSON.parse(line).local.port);
  assertEquals(ports, [0, 0, 0]);
});

Deno.test("`manage` says which devices it was told of are not there yet", async () => {
  const rows: [line: string, devices: string[], hints: string[]][] = [
    ["fullmesh dev eth*", ["eth0", "eth1"], []],
    ["fullmesh not dev wlan0", ["eth0"], []],
    ["on-demand dev eht1 dev eth? dev wwan*", ["eth0", "eth1"], [
      ...['no device fits "eht1" yet; there are eth0, eth1'],
      ...['no device fits "wwan*" yet; there are eth0, eth1'],
    ]],
    ["keep dev eth1", ["eth0"], ['no device fits "eth1" yet; there is eth0']],
    ["keep dev lo", ["eth0"], []],
    ["backup dev ETH0", [], [
      'no device fits "ETH0" yet; there is none but loopback',
    ]],
    ["keep dev x", Array.from({ length: 12 }, (_, index) => `d${index}`), [
      'no device fits "x" yet; there are d0, d1, d2, d3, d4, d5, d6, d7, d8, ' +
      "d9 and 2 more",
    ]],
  ];
  for (const [line, devices, hints] of rows) {
    const kernel = kernelOfTwo();
    kernel.devices.clear();
    for (const [index, dev] of ["lo", ...devices].entries()) {
      kernel.devices.set(dev, index + 1);
    }
    const { code, err } = await run(`manage ${line}`, kernel);
    const expected = hints.map((hint) => `hint: ${hint}\n`).join("");
    assertEquals([line, code, err], [line, 0, expected]);
    const quiet = await run(`-q manage ${line}`, kernel);
    assertEquals(quiet.err, "");
  }
});

Deno.test("`manage --clean` closes what it has opened, and leaves one subflow", async () => {
  const { out, kernel } = await managed("manage fullmesh --clean", 2);
  assertStringIncludes(out, "close      0x1a6d021d 10.0.1.1");
  assertEquals(kernel.connections.get(0x1a6d021d)!.subflows().length, 1);
});

/** A policy whose callback does something, in a file until the end of the block. */
function fileOf(body: string): Disposable & { readonly path: string } {
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    path,
    `export default {
  established(connection) {
    ${body}
    setTimeout(() => connection.open({ from: "10.0.1.1" }), 20);
  },
};
`,
  );
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

Deno.test("whatever a policy of one's own throws later is reported, and it goes on", async () => {
  const late = "The policy failed outside of its callbacks: ";
  const rows: [body: string, error: string][] = [
    [
      "setTimeout(() => { throw new Error('mine'); });",
      `${late}mine (FILE:3:30)`,
    ],
    ["setTimeout(() => { throw undefined; });", `${late}undefined was thrown`],
    ["setTimeout(() => { throw Object.freeze({}); });", `${late}{} was thrown`],
    [
      "queueMicrotask(() => { connection.nothing(); });",
      `${late}TypeError: connection.nothing is not a function (FILE:3:39)`,
    ],
    [
      "Promise.reject(new RangeError());",
      `${late}RangeError without a message (FILE:3:20)`,
    ],
    ["(async () => { throw 'text'; })();", `${late}"text" was thrown`],
    ["reportError(new Error('mine'));", `${late}mine (FILE:3:17)`],
  ];
  for (const [body, error] of rows) {
    using file = fileOf(body);
    const { code, err, kernel } = await managed(`manage ${file.path}`, 2);
    assertEquals([body, code, err], [
      body,
      0,
      `mptcp: ${error.replace("FILE", file.path)}\n`,
    ]);
    assertEquals(kernel.sysctls.get("path_manager"), "kernel");
  }
  using file = fileOf("setTimeout(() => { throw new Error('mine'); });");
  const { err } = await managed(`-j manage ${file.path}`, 2);
  assertEquals(JSON.parse(err), {
    warning: `${late}mine (${file.path}:3:30)`,
  });
});

Deno.test("whatever a callback of one's own throws is reported with it", async () => {
  const failed = "The policy's established() failed for connection 0x1a6d021d";
  const rows: [thrown: string, error: string][] = [
    ["new Error('mine')", "mine (FILE:4:41)"],
    ["undefined", "undefined was thrown"],
    ["Object.freeze({ a: 1 })", '{"a":1} was thrown'],
    ["new Error()", "an error without a message (FILE:4:41)"],
  ];
  for (const [thrown, error] of rows) {
    using file = fileOf(`setTimeout(() => connection.open(
      { from: "10.0.1.1" }), 20); throw ${thrown};`);
    const { code, err } = await managed(`manage ${file.path}`, 2);
    assertEquals([code, err.replaceAll(file.path, "FILE")], [
      0,
      `mptcp: ${failed}: ${error}\n`,
    ]);
  }
});

Deno.test("a callback of no such name is pointed at", async () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/policy.ts`;
  Deno.writeTextFileSync(
    file,
    "export default { tick() {}, subflowclosed() {}, count: 1 };",
  );
  const { code, err } = await run(["manage", file], kernelOfTwo());
  assertEquals([code, err], [
    0,
    'hint: nothing calls "subflowclosed": did you mean "subflowClosed"?\n',
  ]);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a program that is no policy is named, with what would be right", async () => {
  const folder = Deno.makeTempDirSync();
  const rows: [text: string | undefined, error: RegExp][] = [
    [undefined, /^mptcp: Cannot read .*: there is no such file/],
    ["export default 5;", /default export is no policy: an object with any of/],
    ["export default {};", /default export is no policy/],
    ["export const policy = {};", /default export is no policy/],
    ["export default { estabished() {} };", /did you mean "established"\?$/m],
    ["\nexport default {", /^mptcp: Cannot load (.*\.ts): [^]* at \1:2:17$/m],
    ["throw Error('mine')", /^mptcp: Cannot load (.*\.ts): mine \(\1:1:7\)$/m],
    ["throw undefined", /^mptcp: Cannot load .*\.ts: undefined was thrown$/m],
    [
      "import './x.ts';",
      /^mptcp: Cannot load .*\.ts: Import "\.\/x\.ts" [^\\]*\nhint: it can import packages, and no files beside it$/m,
    ],
    [
      "import 'http://127.0.0.1:9/x.ts';",
      /^mptcp: Cannot load .*\.ts: [^]*\nhint: modules are fetched .*network\n$/,
    ],
    [
      "export default { established: 5 };",
      /: "established" is not a function$/m,
    ],
    [
      "export default { tick() {}, closed: null };",
      /: "closed" is not a function$/m,
    ],
  ];
  for (const [index, [text, error]] of rows.entries()) {
    const file = `${folder}/policy${index}.ts`;
    if (text !== undefined) Deno.writeTextFileSync(file, text);
    const { code, err, out } = await run(["manage", file], kernelOfTwo());
    assertEquals([out, code > 0], ["", true], text);
    assertMatch(err, error);
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("the help of `manage` says which addresses are the spare's", async () => {
  for (const policy of ["backup", "on-demand"]) {
    const { out } = await run(`manage ${policy} --help`, kernelOfTwo());
    assertStringIncludes(out, "; else any address but the initial one\n");
  }
  const { out } = await run("manage keep --help", kernelOfTwo());
  assertStringIncludes(out, "use this device, * is any part\n");
});

Deno.test("operands of `manage` that make no sense are refused", async () => {
  const rows: [line: string | string[], error: string][] = [
    [["manage", "keep", "dev", ""], `Invalid dev "": a device's name is`],
    [["manage", "keep", "not", "dev", ""], 'Invalid not dev "": a device'],
    ["manage backup rto 5x", 'Invalid rto "5x": it is a time from 1ms to 10m'],
    ["manage backup rto 11m", 'Invalid rto "11m": it is a time from 1ms to'],
    ["manage backup silence 0", 'Invalid silence "0": it is a time from 1ms'],
    ["manage on-demand health 0", 'Invalid health "0": it is a time from 1ms'],
    ["manage on-demand health 301", "from 1ms to 5m, such as 3s"],
    ["manage fullmesh not eth0", '"not" is followed by "dev GLOB"'],
    ["manage ndiffports subflows 0", "Invalid subflows 0"],
    [
      "manage refresh every 99ms",
      'Invalid every "99ms": it is a time from 100ms',
    ],
    [
      "manage refresh subflows 1",
      "Invalid subflows 1: it is an integer from 2",
    ],
    ["manage announce 10.0.2.1 port 65536", "Invalid port 65536"],
    ["manage announce eth0", 'Unknown word "eth0"'],
    ["manage x", 'Unknown command "x"'],
  ];
  for (const [line, error] of rows) {
    const { code, err } = await run(line, kernelOfTwo());
    assertEquals(code, 255, `${line}`);
    assertStringIncludes(err, error);
  }
});
