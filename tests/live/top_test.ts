/** What `mptcp top` says of a real connection, on a real terminal. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { byteText, rateText } from "../../cli/units.ts";
import type { Subflow } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { environment, launcher, quoted, run } from "../helpers/command_line.ts";
import { atRest } from "../helpers/at_rest.ts";
import { TooLate } from "../helpers/in_time.ts";
import { liveTest, timedTest } from "../helpers/live.ts";
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
  await atRest(lab.client);
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
  let text = "";
  const reading = (async () => {
    const texts = child.stdout.pipeThrough(new TextDecoderStream());
    for await (const more of texts) text += more;
  })();
  // The first one comes before anything is carried.
  await until(() => text.includes("\n"), "the first reading");
  await connection.transferAsync(8_000_000, 60_000);
  const after = await atRest(lab.client);
  const lines = text.split("\n").length;
  await until(() => text.split("\n").length > lines + 1, "the last reading");
  child.kill("SIGINT");
  await reading;
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

/** What a path takes, and a bit more, in Mbit/s. */
const MOST = 22.5;

timedTest(
  "`top` shows on a terminal of any size what `ss` says",
  async () => {
    const { lab, connection, top } = await openLab();
    using _ = lab;
    const home = { see: "\x1b[H" };
    const sizes = [[1, 1], [20, 5], [40, 10], [80, 24], [500, 200], [
      160,
      12,
    ]];
    let carrying: Promise<void> | undefined;
    let subflows: Subflow[] = [];
    const session = await onTerminal([...top, "interval", "0.2"], [
      home,
      { meet: "first" },
      // Each frame gets another size.
      ...sizes.flatMap(([columns = 0, rows = 0]) => [
        { resize: [columns, rows] } as const,
        home,
        home,
      ]),
      { meet: "calm" },
      // What has been closed is shown as it was in the reading before.
      home,
      home,
      { meet: "end" },
      { see: "closed" },
      { type: "q" },
    ], {
      size: [160, 12],
      async meet(what) {
        if (what === "first") {
          carrying = connection.transferAsync(16_000_000, 60_000);
        } else if (what === "calm") {
          await carrying;
          subflows = await atRest(lab.client);
        } else lab.client.ip("mptcp", "endpoint", "delete", "id", "7");
      },
    });
    const { code, before, after, output } = session;
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
    assert(median < 2 * MOST, `${rates}`);
    if (median <= 20) throw new TooLate(`${rates}: too little to carry`);
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
