/** The live view, of readings that are made up. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { cellsOf } from "../../../cli/cells.ts";
import { frame } from "../../../cli/objects/top_output.ts";
import { Ranking } from "../../../cli/objects/top_ranking.ts";
import { unpainted } from "../../../cli/style.ts";
import { type ConnectionRate, RateMeter } from "../../../diag/mod.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { generator, pick } from "../../helpers/random.ts";
import { connection, subflow } from "../../helpers/readings.ts";
import { run } from "../../helpers/run_main.ts";

/** A connection of these subflows, each with what it carries both ways. */
function rate(
  cookie: number,
  ...subflows: readonly ConnectionRate["subflows"][number][]
): ConnectionRate {
  const sum = (name: "sentBitPerSec" | "receivedBitPerSec") =>
    subflows.reduce((sum, one) => sum + (one[name] ?? 0), 0);
  return {
    connection: connection(cookie, ...subflows.map(({ subflow }) => subflow)),
    sentBitPerSec: sum("sentBitPerSec"),
    receivedBitPerSec: sum("receivedBitPerSec"),
    subflows,
  };
}

const SECOND = { address: "192.168.1.20", port: 50_000, id: 2 };
const RATES: readonly ConnectionRate[] = [
  rate(
    0xf2f0334,
    {
      subflow: subflow(1, {
        initial: true,
        rttUs: 1234,
        retransmits: 12,
        bytesAcked: 1_500_000,
        bytesReceived: 100,
      }),
      sentBitPerSec: 12_300_000,
      receivedBitPerSec: 0,
    },
    {
      subflow: subflow(2, {
        local: SECOND,
        dev: "wlan0",
        ifIndex: 3,
        backup: true,
        bytesAcked: 1,
        bytesReceived: 5 * 1024 ** 3,
      }),
      sentBitPerSec: 0,
      receivedBitPerSec: 4_100_000,
    },
    { subflow: subflow(3, { local: { ...SECOND, id: 3 } }), ended: true },
  ),
];

const at = (columns: number, rows = 10) =>
  frame(RATES, { columns, rows, color: false });

Deno.test("`frame()` draws the columns that there is room for", () => {
  const rows: [columns: number, lines: string][] = [
    [
      150,
      `\
1 connection  2 subflows  sent 12.3 Mbit/s  received 4.10 Mbit/s  q quits
connection             dev    state          sent     received      rtt  retrans  ids  share                 total sent  total received
0f2f0334 10.0.0.1:443                 12.3 Mbit/s  4.10 Mbit/s                                                 1.43 MiB        5.00 GiB
  10.0.0.1:443                        12.3 Mbit/s      0 bit/s  1.23 ms       12  0/0  ███████████████         1.43 MiB           100 B
  192.168.1.20:50000   wlan0  backup      0 bit/s  4.10 Mbit/s        -        0  2/0  █████                        0 B        5.00 GiB
  192.168.1.20:50000          closed            -            -        -        0  3/0                                 -               -`,
    ],
    [
      80,
      `\
1 connection  2 subflows  sent 12.3 Mbit/s  received 4.10 Mbit/s  q quits
connection             state          sent     received      rtt  retrans  ids
0f2f0334 10.0.0.1:443          12.3 Mbit/s  4.10 Mbit/s
  10.0.0.1:443                 12.3 Mbit/s      0 bit/s  1.23 ms       12  0/0
  192.168.1.20:50000   backup      0 bit/s  4.10 Mbit/s        -        0  2/0
  192.168.1.20:50000   closed            -            -        -        0  3/0`,
    ],
    [
      40,
      `\
1 connection  2 subflows  sent 12.3 Mbi…
conn…tion state         sent    received
0f2f…:443        12.3 Mbit/s 4.10 Mbit/s
  10…:443        12.3 Mbit/s     0 bit/s
  19…0000 backup     0 bit/s 4.10 Mbit/s
  19…0000 closed           -           -`,
    ],
    [
      20,
      `\
1 connection  2 sub…
con…tion        sent
0f2…:443 12.3 Mbit/s
  1…:443 12.3 Mbit/s
  1…0000     0 bit/s
  1…0000           -`,
    ],
  ];
  for (const [columns, lines] of rows) {
    assertEquals(at(columns).join("\n"), lines);
  }
});

Deno.test("`frame()` lets columns go in one order, as the screen narrows", () => {
  const gone: string[] = [];
  let before = ["dev", "state", "sent", "received", "rtt", "retrans", "ids"];
  before.push("share", "total sent", "total received");
  const headings = (columns: number) => {
    const [, line = ""] = at(columns);
    return before.filter((name) => line.includes(name));
  };
  for (let columns = 150; columns > 9; columns--) {
    const now = headings(columns);
    gone.push(...before.filter((name) => !now.includes(name)).toReversed());
    before = now;
  }
  assertEquals(gone, [
    ...["total received", "total sent", "dev", "share", "ids", "retrans"],
    ...["rtt", "received", "state", "sent"],
  ]);
});

Deno.test("`frame()` tells with words what colours tell", () => {
  const stuck = { sendQueue: 1, backoff: 2 };
  const of = rate(
    1,
    { subflow: subflow(1, stuck) },
    { subflow: subflow(2, { ...stuck, backup: true }) },
    { subflow: subflow(3, { state: "syn-sent", ifIndex: 3, dev: "\x1b[2J" }) },
  );
  const rates: ConnectionRate[] = [
    of,
    { ...of, connection: { ...of.connection, fallback: true }, subflows: [] },
    { ...of, connection: { ...of.connection, state: "fin-wait-1" } },
    { ...of, connection: { ...of.connection, partial: true }, ended: true },
  ];
  const plain = frame(rates, { columns: 200, color: false });
  const words = plain.slice(2).map((line) => line.slice(23).trim())
    .map((line) => line.match(/^(?:\\x1b\[2J +)?(\S+(?: \S+)*)/)![1]);
  assertEquals(words, [
    ...["0 bit/s", "no acks", "backup no acks", "syn-sent"],
    ...["fallback", "fin-wait-1", "no acks", "backup no acks", "syn-sent"],
    ...["gone", "gone", "gone", "gone"],
  ]);
  const painted = frame(rates, { columns: 200, color: true });
  assertEquals(painted.map(unpainted), plain);
  assert(painted[3]!.includes("\x1b[31mno acks\x1b[0m"));
  assert(painted.at(-1)!.includes("\x1b[2mgone\x1b[0m"));
});

Deno.test("`frame()` fills screens of any size, and no more", () => {
  const random = generator(7);
  const addresses = ["10.0.0.1", "2001:db8:1111:2222:3333:4444:5555:6666"];
  const devs = [undefined, "網卡0123", "a-name-of-15-ch"];
  const some = Array.from({ length: 1000 }, (_, cookie) =>
    rate(
      cookie,
      ...Array.from({ length: random(4) }, (_, index) => ({
        subflow: subflow(index, {
          local: { address: pick(random, addresses), port: 65535, id: 255 },
          ...pick(
            random,
            devs.map((dev) => dev === undefined ? {} : { dev, ifIndex: 3 }),
          ),
          backup: random(2) === 0,
          rttUs: random(2 ** 31),
          retransmits: random(2 ** 31),
          bytesAcked: random(2 ** 31) * 2 ** 20,
        }),
        sentBitPerSec: random(2 ** 31) * 99,
        receivedBitPerSec: random(2 ** 31),
      })),
    ));
  const sizes = [[1, 1], [20, 5], [40, 10], [80, 24], [500, 200], [500, 5000]];
  for (let size = 0; size < 100; size++) {
    sizes.push([1 + random(200), 1 + random(60)]);
  }
  for (const rates of [some, some.slice(0, 3), some.slice(0, 1), []]) {
    const needed = 2 +
      rates.reduce((sum, { subflows }) => sum + 1 + subflows.length, 0);
    for (const [columns = 0, rows = 0] of sizes) {
      const lines = frame(rates, { columns, rows, color: true });
      if (rates.length > 0) {
        assertEquals(
          lines.length,
          Math.min(rows, rows > 3 ? needed : needed - 1),
        );
      }
      for (const line of lines) assert(cellsOf(unpainted(line)) <= columns);
      if (rows < 4 || rows >= needed) continue;
      // What is not shown, and what is, make all.
      const last = unpainted(lines.at(-1)!);
      if (columns < 40) continue;
      const [, hidden = 0] = last.match(/^not shown: .*?(\d+) connection/) ??
        [];
      const shown = lines.slice(2, -1)
        .filter((line) => /^[0-9a-f]/.test(unpainted(line)));
      assertEquals(Number(hidden) + shown.length, rates.length);
    }
    // No terminal: everything.
    const all = frame(rates, { columns: Infinity, color: false });
    assertEquals(all.length, rates.length === 0 ? 1 : needed);
    assertFalse(all.some((line) => line.includes("…")));
  }
});

Deno.test("`frame()` draws 60,000 connections where there is no terminal", () => {
  const one = rate(1, { subflow: subflow(1) }, { subflow: subflow(2) });
  const rates = Array<ConnectionRate>(60_000).fill(one);
  const lines = frame(rates, { columns: Infinity, color: false });
  assertEquals(lines.length, 2 + 3 * rates.length);
});

/** Updates a ranking again and again; tells the tokens in order. */
function ranked(...rounds: readonly (readonly number[])[]): number[][] {
  const ranking = new Ranking();
  return rounds.map((rates) =>
    ranking.update(
      rates.map((sentBitPerSec, token) =>
        rate(token, { subflow: subflow(token), sentBitPerSec })
      ),
    ).map(({ connection }) => connection.token)
  );
}

Deno.test("`Ranking` moves what has clearly passed, and nothing else", () => {
  assertEquals(ranked([1e6, 2e6, 0]), [[1, 0, 2]]);
  // Up and down by a little.
  assertEquals(
    ranked([1e6, 1.1e6], ...Array(50).fill([[1.2e6, 1e6], [1e6, 1.2e6]]).flat())
      .every(([first]) => first === 1),
    true,
  );
  const orders = ranked([1e6, 1.1e6], ...Array(20).fill([2e6, 1e6]));
  assertEquals([orders[0], orders.at(-1)], [[1, 0], [0, 1]]);
  // Whatever happened before: what carries much more stands above.
  const random = generator(3);
  for (let round = 0; round < 100; round++) {
    const noise = Array.from(
      { length: 10 },
      () => Array.from({ length: 20 }, () => random(1e8)),
    );
    const still = Array.from({ length: 20 }, () => random(1e8));
    const order = ranked(...noise, ...Array(40).fill(still)).at(-1)!;
    for (let place = 1; place < order.length; place++) {
      const [above = 0, below = 0] = [order[place - 1]!, order[place]!]
        .map((token) => still[token]!);
      assert(below <= above * 1.2 / 0.8 + 5000, `${below} below ${above}`);
    }
  }
});

Deno.test("`Ranking` shows for five intervals more what has ended", () => {
  const meter = new RateMeter();
  const ranking = new Ranking();
  const [a, b, c] = [1, 2, 3].map((cookie) =>
    subflow(cookie, { bytesAcked: 1000 * cookie })
  );
  let now = 0;
  /** The subflows of the first, those that have ended negative; the tokens. */
  const shown = (...connections: Parameters<RateMeter["update"]>[0][]) => {
    const rates = ranking.update(
      meter.update(connections.flatMap((one) => [...one]), now += 1000),
    );
    return rates.map(({ connection: { token }, subflows, ended }) => [
      ended ? -token : token,
      ...subflows.map(({ subflow: { cookie }, ended }) =>
        ended ? -cookie : cookie
      ),
    ]);
  };
  const one = [connection(8, a!, b!)];
  const other = [connection(9, c!)];
  // The one that has carried more comes first, as long as there are no rates.
  assertEquals(shown(one, other), [[8, 1, 2], [9, 3]]);
  const less = [connection(8, a!)];
  for (let interval = 0; interval < 5; interval++) {
    assertEquals(shown(less, other), [[8, 1, -2], [9, 3]]);
  }
  assertEquals(shown(less, other), [[8, 1], [9, 3]]);
  for (let interval = 0; interval < 5; interval++) {
    assertEquals(shown(less), [[8, 1], [-9, -3]]);
  }
  assertEquals(shown(less), [[8, 1]]);
  assertEquals(shown(one), [[8, 1, 2]]);
  assertEquals(shown(less), [[8, 1, -2]]);
  // It was only not seen.
  assertEquals(shown(one), [[8, 1, 2]]);
  assertEquals(shown([]), [[-8, -1, -2]]);
  assertEquals(shown(one), [[8, 1, 2]]);
});

/** What is printed for each interval, until it has been read so often. */
async function printed(line: string, readings: number): Promise<string> {
  const kernel = new FakeKernel();
  const connection = kernel.connect(0xf2f0334, {
    local: { address: "10.77.1.1", port: 40_000 },
    remote: { address: "10.77.1.2", port: 443 },
  });
  const stop = new AbortController();
  let read = 0;
  const open = kernel.open.bind(kernel);
  kernel.open = (protocol) => {
    // Two sockets for each reading.
    if (++read > 2 * readings) stop.abort();
    connection.setSubflow(0, { bytesAcked: 1000 * read });
    return open(protocol);
  };
  const { code, out, err } = await run(line, kernel, stop.signal);
  assertEquals([line, code, err], [line, 0, ""]);
  return out;
}

Deno.test("`top` prints a block for each interval where there is no terminal", async () => {
  const text = await printed("top interval 0.1", 2);
  const blocks = text.split("\n\n");
  assertEquals([blocks.length, blocks.at(-1)], [3, ""]);
  const [first, second] = blocks.map((block) => block.split("\n"));
  assertEquals(first![0], "1 connection  1 subflow  sent -  received -");
  assert(second![3]!.startsWith("  10.77.1.1:40000 "));
});

Deno.test("`top -j` prints one object for each interval, the first without rates", async () => {
  const lines = (await printed("top -j interval 0.1", 3)).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(lines.length, 3);
  for (const [index, line] of lines.entries()) {
    const { timestamp, time_s, connections: [connection], ...more } = line;
    assertEquals(more, {});
    assert(Date.parse(timestamp) > 0 && Number.isFinite(time_s));
    assertEquals(connection.token, "0xf2f0334");
    const [{ local, sent_bit_per_sec, received_bit_per_sec }] =
      connection.subflows;
    assertEquals(local, { address: "10.77.1.1", port: 40_000, id: 0 });
    const rates = [
      connection.sent_bit_per_sec,
      connection.received_bit_per_sec,
    ];
    assertEquals(rates, [sent_bit_per_sec, received_bit_per_sec]);
    assertEquals(Number.isInteger(rates[0]), index > 0);
  }
});

Deno.test("`top` refuses what makes no sense, before it shows anything", async () => {
  const rows: [words: string, code: number, message: string][] = [
    ["token 77", 2, "There is no connection of token 0x0000004d"],
    ["interval 0.05", 255, 'Invalid interval "0.05"'],
    ["to 10.0.0", 255, "10.0.0"],
    ["to 10.0.0.1 port 99999", 255, "Invalid port 99999"],
    ["some", 255, 'Unknown word "some"'],
  ];
  for (const [words, expected, message] of rows) {
    const { code, out, err } = await run(`top ${words}`);
    assertEquals([words, code, out], [words, expected, ""]);
    assert(err.includes(message), err);
  }
});
