/** What `mptcp record` prints and draws of a connection that changes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NETLINK_SOCK_DIAG } from "../../../codec/sock_diag.gen.ts";
import { preload } from "../../../mod.ts";
import type { FakeConnection } from "../../../testing/fake_connection.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../../testing/fake_route.ts";
import { type Ran, run } from "../../helpers/run_main.ts";

// Within a test the sanitizer would take that for a leak.
preload();

const TOKEN = 0x8f9f6684;
const SECOND = { local: { address: "10.0.2.1", port: 40_001 }, locId: 2 };

/** A kernel that does something before each of its listings. */
class Scripted extends FakeKernel {
  readonly connection: FakeConnection;
  readonly #steps: ((connection: FakeConnection) => void)[];

  constructor(...steps: ((connection: FakeConnection) => void)[]) {
    super();
    this.#steps = steps;
    this.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
    this.connection = this.connect(TOKEN, {
      local: { address: "10.0.1.1", port: 40_000 },
      remote: { address: "10.0.1.2", port: 443 },
      pathManager: "userspace",
    });
  }

  override open(protocol: number) {
    if (protocol === NETLINK_SOCK_DIAG) this.#steps.shift()?.(this.connection);
    return super.open(protocol);
  }
}

/** Nothing happens. */
const pass = () => {};

/** Two paths carry something, one of them for a while. */
function twoPaths(): Scripted {
  return new Scripted(
    // Is it there? And the reading that the others are compared with.
    (one) => one.setSubflow(0, { bytesAcked: 1_000_000 }),
    pass,
    (one) => {
      one.setSubflow(0, { bytesAcked: 2_000_000, bytesReceived: 7000 });
      one.openSubflow({ ...SECOND, bytesAcked: 500_000, rttUs: 1500 });
    },
    (one) => one.setSubflow(1, { backupByPeer: true, bytesAcked: 900_000 }),
    (one) => one.closeSubflow(1, 110),
    pass,
    (one) => one.close(),
  );
}

/** Runs until it ends by itself. */
async function record(
  line: string,
  kernel: FakeKernel,
  { signal } = new AbortController(),
): Promise<Ran> {
  return await run(`record ${line} interval 0.1`, kernel, signal);
}

interface Line {
  readonly time_s: number;
  readonly timestamp: string;
  readonly event?: string;
  readonly connections?: readonly {
    readonly subflows: readonly Record<string, number>[];
  }[];
}

function linesOf(out: string): Line[] {
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

for (const privileged of [true, false]) {
  const how = privileged ? "by events" : "by comparing readings";

  Deno.test(`\`record\` shows what is carried and, ${how}, what happens`, async () => {
    const kernel = twoPaths();
    kernel.privileged = privileged;
    const { code, out, err } = await record("-j token 0x8f9f6684", kernel);
    assertEquals(code, 0);
    if (privileged) assertEquals(err, "");
    else {
      // Once, and for programs.
      const { hint, ...others } = JSON.parse(err);
      assertEquals(others, {});
      assertMatch(hint, /^events cannot be seen, .*: they need CAP_NET_ADMIN$/);
    }
    const lines = linesOf(out);
    assertEquals(
      lines.flatMap(({ event }) => event ?? []),
      ["SF_ESTABLISHED", "SF_PRIO", "SF_CLOSED", "CLOSED"],
    );
    const carried = [0, 0, 0];
    let before = 0;
    for (const { time_s, timestamp, connections } of lines) {
      assert(time_s >= before);
      assertMatch(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      if (connections === undefined) continue;
      assert(connections.length === 1 && time_s > before);
      for (const [index, subflow] of connections[0]!.subflows.entries()) {
        const { sent_bit_per_sec = 0, received_bit_per_sec = 0 } = subflow;
        carried[index]! += sent_bit_per_sec * (time_s - before) / 8;
        carried[2]! += received_bit_per_sec * (time_s - before) / 8;
      }
      before = time_s;
    }
    // Times have milliseconds, and intervals some hundred of them.
    for (const [index, bytes] of [1e6, 9e5, 7e3].entries()) {
      assert(Math.abs(carried[index]! / bytes - 1) < 0.02, `${carried}`);
    }
  });
}

Deno.test("`record` writes a line for each subflow and event", async () => {
  const { code, out, err } = await record("token 0x8f9f6684", twoPaths());
  assertEquals([code, err], [0, ""]);
  const paths = [
    "token 8f9f6684  10.0.1.1:40000 -> 10.0.1.2:443  id 0/0",
    "token 8f9f6684  10.0.2.1:40001 -> 10.0.1.2:443  id 2/0",
  ];
  const lines = out.trimEnd().split("\n").map((line) => {
    // Seconds since the start.
    const [, rest] = line.match(/^ {1,3}\d{1,3}\.\d{3} s {2}(.*)$/)!;
    return rest!.replace(/\d[\d.]* [kMG]bit/g, "N bit");
  });
  assertEquals(lines.filter((line) => line.startsWith("token")).slice(0, 4), [
    `${paths[0]}  sent N bit/s  received N bit/s  rtt 1.00 ms`,
    `${paths[1]}  sent N bit/s  received 0 bit/s  rtt 1.50 ms`,
    `${paths[0]}  sent 0 bit/s  received 0 bit/s  rtt 1.00 ms`,
    `${paths[1]}  backup  sent N bit/s  received 0 bit/s  rtt 1.50 ms`,
  ]);
  assertEquals(lines.filter((line) => line.startsWith("[")).length, 4);
  assertEquals(lines.filter((line) => line.endsWith("  closed")).length, 2);
});

Deno.test("`record` without a token follows what comes and goes, through its filter", async () => {
  for (const privileged of [true, false]) {
    for (const filter of ["", "to 10.0.1.2", "dev eth0"]) {
      const other = { remote: { address: "10.9.9.9", port: 1 } };
      const stop = new AbortController();
      const kernel = new Scripted(
        ...[pass, pass, pass, pass],
        // Both of its sockets are opened for a reading of everything.
        () => {
          kernel.connect(6, { remote: { address: "10.0.1.2", port: 1 } });
          kernel.connect(7, other);
        },
        ...[pass, pass, pass],
        () => kernel.connections.get(7)!.close(),
        ...[pass, pass, pass],
        () => stop.abort(),
      );
      kernel.privileged = privileged;
      kernel.interfaces = new FakeInterfaces();
      const line = `-j -q ${filter}`.trim();
      const { code, out, err } = await record(line, kernel, stop);
      assertEquals([line, code, err], [line, 0, ""]);
      const lines = linesOf(out);
      const readings = lines.filter(({ connections }) => connections);
      assert(readings.length >= 3);
      assertEquals(
        [line, ...lines.flatMap(({ event }) => event ?? [])],
        [
          line,
          ...filter === "dev eth0" ? [] : [
            ...["CREATED", ...privileged ? ["ESTABLISHED"] : []],
            ...filter === ""
              ? ["CREATED", ...privileged ? ["ESTABLISHED"] : [], "CLOSED"]
              : [],
          ],
        ],
      );
    }
  }
});

Deno.test("`record for` ends by itself, with a last reading", async () => {
  const line = "-j -q token 0x8f9f6684 for 0.25";
  const { code, out } = await record(line, new Scripted());
  assertEquals(code, 0);
  assert(linesOf(out).at(-1)!.time_s >= 0.25, out);
});

for (const form of ["", " --svg -"]) {
  Deno.test(`\`record${form} dev\` goes on while the device is gone`, async () => {
    const kernel = new Scripted(
      pass,
      pass,
      () => kernel.devices.delete("eth1"),
    );
    kernel.interfaces = new FakeInterfaces();
    kernel.devices.set("eth1", 2);
    kernel.connection.openSubflow({ ...SECOND, ifIndex: 2 });
    const { code, err } = await record(`dev eth1 for 0.5${form}`, kernel);
    assertEquals([code, err], [0, ""]);
    assertEquals(kernel.devices.has("eth1"), false);
  });
}

Deno.test("`record --svg` draws into a file, once it has ended or is stopped", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const file = `${folder}/a b.svg`;
    const args = (name: string) => [
      ...["record", "token", "0x8f9f6684", "interval", "0.1", "--svg", name],
    ];
    const { signal } = new AbortController();
    const ended = await run(args(file), twoPaths(), signal);
    const said = `The recording is in ${file}\n`;
    assertEquals([ended.code, ended.out, ended.err], [0, said, ""]);
    assertEquals(Deno.statSync(file).mode! & 0o777, 0o644);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
    const svg = Deno.readTextFileSync(file);
    for (
      const text of [
        ...["MPTCP connection 0x8f9f6684", "10.0.1.1 → 10.0.1.2", "2 made"],
        ...["10.0.2.1 → 10.0.1.2", "2 backup", "2 closed: ETIMEDOUT"],
        ...["connection closed", "977 KiB", "879 KiB", "6.84 KiB"],
      ]
    ) assert(svg.includes(`>${text}<`), text);
    assertMatch(svg, /> *\d{4}-\d\d-\d\d [\d:]{8} UTC · Linux 6\.18\.44</);

    // Stopped at once: what there is, is drawn.
    const stopped = await run([...args(file), "-j"], twoPaths());
    assertEquals([stopped.code, stopped.err], [0, ""]);
    assertEquals(JSON.parse(stopped.out), { file });
    assert(Deno.readTextFileSync(file).endsWith("</svg>\n"));

    const printed = await run(args("-"), twoPaths(), signal);
    assertMatch(printed.out, /^<svg [^]*<\/svg>\n$/);
    const json = await run([...args("-"), "-j"], twoPaths(), signal);
    assertMatch(JSON.parse(json.out).svg, /^<svg [^]*<\/svg>\n$/);
    assertEquals([...Deno.readDirSync(folder)].length, 1);

    // Nothing is recorded that could not be written.
    for (const name of [`${folder}/none/a.svg`, folder, "/proc/a.svg"]) {
      const kernel = twoPaths();
      const { code, out, err } = await run(args(name), kernel, signal);
      assert(code !== 0 && out === "" && err.includes(name), err);
      assertEquals(kernel.sent.length, 0);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("`record` says what is wrong with its operands", async () => {
  const lines: Readonly<Record<string, string>> = {
    "record token 5": "There is no connection of token 0x00000005",
    "record for 0": 'Invalid for "0": it is seconds, above 0',
    "record for x": 'Invalid for "x": it is seconds, above 0',
    "record interval 0.05":
      'Invalid interval "0.05": it is seconds, 0.1 to 86400',
    "record --svg": 'Incomplete option "--svg": FILE is needed',
    "limits --svg a": 'Misplaced option "--svg": it belongs to "mptcp record"',
  };
  for (const [line, message] of Object.entries(lines)) {
    const { code, out, err } = await run(line, twoPaths());
    assert(code !== 0 && out === "");
    assertEquals([line, err.split("\n")[0]], [line, `mptcp: ${message}`]);
  }
});
