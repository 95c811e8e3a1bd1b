import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { until } from "../../../testing/lab.ts";
import { type Ran, run } from "../../helpers/run_main.ts";

/** Two connections, one with two subflows. */
function kernelOfTwo(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.connect(0x50);
  kernel.connect(0x60).openSubflow();
  return kernel;
}

/** Runs a line; something happens once it listens. */
async function meanwhile(
  line: string,
  happen: (kernel: FakeKernel) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const kernel = kernelOfTwo();
  const running = run(line, kernel, signal);
  await until(() => kernel.subscriptions.length > 0, "it to listen");
  happen(kernel);
  const ran = await running;
  assertEquals(kernel.subscriptions.map(({ closed }) => closed), [true]);
  return ran;
}

Deno.test("`wait` prints what it waited for, as other commands do", async () => {
  const shown = async (line: string) => (await run(line, kernelOfTwo())).out;
  const six = await shown("connection show token 0x60 -j");
  const all = await shown("connection show -j");
  const tree = (await shown("connection show")).replace(
    /^[^]*(?=token 00000060)/,
    "",
  );
  const rows: [line: string, out: string][] = [
    ["wait subflows 2", tree],
    ["wait subflows 2 token 0x60", tree],
    ["wait -j subflows 2 timeout 5", JSON.stringify(JSON.parse(six)[0]) + "\n"],
    ["wait connections 2", await shown("connection show")],
    ["wait connections 1 -j", all],
  ];
  for (const [line, out] of rows) {
    const ran = await run(line, kernelOfTwo(), new AbortController().signal);
    assertEquals([line, ran.code, ran.out, ran.err], [line, 0, out, ""]);
  }
});

Deno.test("`wait` waits", async () => {
  const rows: [string, (kernel: FakeKernel) => void, string][] = [
    [
      "wait -j subflows 2 token 0x50",
      (kernel) => kernel.connections.get(0x50)!.openSubflow(),
      '{"token":"0x50"',
    ],
    [
      "wait connections 3 -j",
      (kernel) => kernel.connect(9),
      '[{"token":"0x50"',
    ],
    [
      "wait event closed announced",
      (kernel) => kernel.connections.get(0x60)!.close(),
      "[          CLOSED] token=00000060\n",
    ],
    [
      "wait event SF_CLOSED CLOSED token 0x50 timeout 60 -j",
      (kernel) => {
        kernel.connections.get(0x60)!.close();
        kernel.connections.get(0x50)!.close();
      },
      '{"event":"CLOSED","token":"0x50"}\n',
    ],
  ];
  for (const [line, happen, start] of rows) {
    const { code, out, err } = await meanwhile(line, happen);
    assertEquals([code, err, out.slice(0, start.length)], [0, "", start]);
  }
});

Deno.test("`wait` ends with 4 when the time is up, or somebody stops it", async () => {
  const lines: [string, string][] = [
    ["wait subflows 3 timeout 0", "3 subflows of one connection, and saw 2"],
    [
      "wait subflows 2 token 0x50 timeout 0.1",
      "2 subflows of connection 0x00000050",
    ],
    ["wait connections 3 timeout 0.1", "3 connections, and saw 2"],
    ["wait event SF_PRIO timeout 0.1", "the event sub-priority"],
  ];
  const { signal } = new AbortController();
  for (const [line, goal] of lines) {
    const { code, out, err } = await run(line, kernelOfTwo(), signal);
    assertEquals([line, code, out], [line, 4, ""]);
    assertStringIncludes(err, "mptcp: Timed out after 0");
    assertStringIncludes(err, `waited for ${goal}`);
  }
  for (const [line, form] of [["", "mptcp: "], ["-j ", '{"error":"']]) {
    const stop = new AbortController();
    const { code, out, err } = await meanwhile(
      `${line}wait subflows 3`,
      () => stop.abort(),
      stop.signal,
    );
    assertEquals([code, out], [4, ""]);
    assertStringIncludes(err, `${form}Stopped before it came`);
  }
});

Deno.test("`wait` tells apart what the kernel refuses", async () => {
  const kernel = kernelOfTwo();
  kernel.privileged = false;
  const rows: [string, number, string][] = [
    ["wait subflows 2", 0, ""],
    [
      "wait subflows 3",
      1,
      "mptcp: Cannot wait for 3 subflows of one connection: Operation not " +
      "permitted (setsockopt: EPERM): events need CAP_NET_ADMIN\n",
    ],
    [
      "wait subflows 1 token 0xab",
      2,
      "There is no connection of token 0x000000ab",
    ],
  ];
  const { signal } = new AbortController();
  for (const [line, code, message] of rows) {
    const ran = await run(line, kernel, signal);
    assertEquals([line, ran.code], [line, code]);
    assertStringIncludes(ran.err, message);
  }
});

Deno.test("`wait` opens nothing when the line makes no sense", async () => {
  const usage = (text: string) => `usage: mptcp wait ${text}\n`;
  const subflows = usage("subflows N [token T] [timeout SECONDS]");
  const rows: { readonly [line: string]: string } = {
    "wait subflows": `Incomplete command: N is missing\n${subflows}`,
    "wait subflows 1 2": `Two numbers, "1" and "2": one is needed\n${subflows}`,
    "wait subflows 2 timeout -1": 'Invalid number "-1": none is negative\n',
    "wait subflows 2 timeout soon":
      `Invalid timeout "soon": it is seconds, 0.1 to 86400\n${subflows}`,
    "wait event": "Incomplete command: NAME… is missing\n" +
      usage("event NAME… [token T] [timeout SECONDS]"),
  };
  for (const [line, text] of Object.entries(rows)) {
    const { code, out, err, opened } = await run(line);
    assertEquals([line, code, out, opened], [line, 255, "", []]);
    assertStringIncludes(err, `mptcp: ${text}`);
  }
});
