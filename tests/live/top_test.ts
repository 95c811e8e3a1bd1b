/** What `mptcp top` says of a real connection, on a real terminal. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { byteText, rateText } from "../../cli/units.ts";
import { Lab, until } from "../../testing/lab.ts";
import { environment, launcher, quoted, run } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { frames, onTerminal, ptyMissing } from "../helpers/pty.ts";

const missing = Lab.missing() ?? ptyMissing();

/** Two paths of 20 Mbit/s each, and a connection that uses both. */
async function openLab() {
  const lab = Lab.open({ paths: 2, rate: 20 });
  lab.client.ip("mptcp", "limits", "set", "subflows", "2");
  lab.client.ip(
    ...["mptcp", "endpoint", "add", lab.client.address(2), "id", "7"],
    ...["dev", lab.client.dev(2), "subflow"],
  );
  const connection = lab.connect();
  await connection.transferAsync(100_000);
  await until(() => lab.client.subflows().length === 2, "the second subflow");
  const top = [launcher, "-n", lab.client.netns, "top"];
  return { lab, connection, top };
}

liveTest("`top -j` adds up to what `ss` says", async () => {
  const { lab, connection, top } = await openLab();
  using _ = lab;
  const child = new Deno.Command(top[0]!, {
    args: [...top.slice(1), "-j", "interval", "0.2"],
    env: environment(),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const before = lab.client.subflows();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  // The first one comes before anything is carried.
  let text = (await reader.read()).value!;
  await connection.transferAsync(8_000_000, 20_000);
  const after = lab.client.subflows();
  const lines = text.trimEnd().split("\n").length;
  const rest = (async () => {
    for (let more; (more = await reader.read()).value;) text += more.value;
  })();
  await until(() => text.split("\n").length > lines + 25, "the end", 20_000);
  child.kill("SIGINT");
  await rest;
  assertEquals((await child.status).code, 0);
  const readings = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(readings[0].connections[0].sent_bit_per_sec, undefined);
  for (const { local, bytesAcked } of after) {
    const [, port] = local.match(/:(\d+)$/)!;
    const was = before.find((one) => one.local === local)!.bytesAcked;
    let bytes = 0;
    readings.forEach(({ time_s, connections: [{ subflows }] }, index) => {
      const one = subflows.find((one: { local: { port: number } }) =>
        one.local.port === Number(port)
      );
      if (index === 0) return assertEquals(one.bytes_acked, was);
      const seconds = time_s - readings[index - 1].time_s;
      bytes += one.sent_bit_per_sec * seconds / 8;
    });
    const carried = bytesAcked - was;
    assert(carried > 1_000_000);
    assert(Math.abs(bytes - carried) < 0.01 * carried, `${bytes} ${carried}`);
  }
});

liveTest(
  "`top` shows on a terminal of any size what `ss` says",
  async () => {
    const { lab, connection, top } = await openLab();
    using _ = lab;
    const home = { see: "\x1b[H" };
    const sizes = [[1, 1], [20, 5], [40, 10], [80, 24], [500, 200], [160, 12]];
    const session = onTerminal([...top, "interval", "0.2"], [
      home,
      { sleep: 2 },
      // Each frame gets another size.
      ...sizes.flatMap(([columns = 0, rows = 0]) => [
        { resize: [columns, rows] } as const,
        home,
        home,
      ]),
      { see: "closed" },
      { type: "q" },
    ], { size: [160, 12] });
    await connection.transferAsync(16_000_000, 20_000);
    // What has been closed is shown as it was in the reading before.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const subflows = lab.client.subflows();
    lab.client.ip("mptcp", "endpoint", "delete", "id", "7");
    const { code, before, after, output } = await session;
    assertEquals([code, after], [0, before]);
    assertFalse(/Error/.test(output));
    const shown = frames({ code, before, output });
    assert(shown.length > 2 * sizes.length);
    const [first] = shown;
    assertEquals(
      first![0],
      "1 connection  2 subflows  sent -  received -  q quits",
    );
    const last = shown.at(-1)!;
    for (const { local, bytesAcked } of subflows) {
      const end = local.replace(/%\w+/, "");
      const line = last.find((line) => line.includes(end))!;
      // `ss` counts the SYN, too.
      assert(
        line.includes(` ${byteText(bytesAcked - 1)} `),
        `${line} ${bytesAcked}`,
      );
      assertEquals(line.includes(" closed "), local.includes("client2"));
      assert(first!.some((line) => line.includes(end)));
    }
    const [, id] = first!.join("\n").match(/client2 .* (7\/\d+)/)!;
    assertEquals(id, "7/0");
    // Both paths carried what they can.
    const rates = shown.map(([summary]) =>
      Number(summary!.match(/sent ([\d.]+) Mbit/)?.[1] ?? 0)
    );
    const used = rates.filter((rate) => rate > 1).toSorted((a, b) => a - b);
    const median = used[Math.floor(used.length / 2)]!;
    assert(median > 20 && median < 45, `${rates}`);
  },
  missing,
);

liveTest(
  "`top` draws no screen where there is no terminal, and ends with its reader",
  async () => {
    const { lab, top } = await openLab();
    using _ = lab;
    const still = rateText(0);
    const piped = run([
      ...["bash", "-c"],
      `set -o pipefail; ${
        quoted([...top, "interval", "0.1"])
      } | grep -m1 'sent ${still}'`,
    ]);
    assertEquals([piped.code, piped.err], [0, ""]);
    assertEquals(
      piped.out,
      `1 connection  2 subflows  sent ${still}  received ${still}\n`,
    );
    const dumb = await onTerminal([...top, "interval", "0.1"], [
      { see: `sent ${still}` },
      { type: "\x03" },
    ], { env: { TERM: "dumb" } });
    assertEquals([dumb.code, dumb.output.includes("\x1b")], [0, false]);
    const watch = [...top.slice(0, -1), "connection", "show", "--watch"];
    const { code, output, before, after } = await onTerminal(
      watch,
      [{ see: "1 connection" }, { type: "q" }],
      { env: { NO_COLOR: "1" } },
    );
    assertEquals([code, after], [0, before]);
    // deno-lint-ignore no-control-regex
    assertFalse(/\x1b\[[1-9]\d?m/.test(output));
  },
  missing,
);
