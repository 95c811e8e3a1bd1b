import { assertEquals } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { run, wordsOf } from "../helpers/run_main.ts";

/** Exit code and standard output. */
type Outcome = readonly [code: number, out: string];

/** Who runs a command: `ip mptcp`, or the command line here. */
type Actor = (netns: string, line: string) => Promise<Outcome>;

const ip: Actor = (netns, line) => {
  const words = wordsOf(line);
  const json = words[0] === "-j" ? [words.shift()!] : [];
  const { code, stdout } = new Deno.Command("ip", {
    args: ["-n", netns, ...json, "mptcp", ...words],
    stderr: "null",
  }).outputSync();
  return Promise.resolve([code, new TextDecoder().decode(stdout)]);
};

const ours: Actor = async (netns, line) => {
  const { code, out } = await run(`-n ${netns} ${line}`, "running");
  return [code, out];
};

/** All that can be shown of a namespace, but for endpoints one by one. */
const SHOWS = [
  ...["endpoint show", "-j endpoint show", "endpoint", "-j endpoint"],
  ...["limits show", "limits", "e s", "l sh"],
];

/** `ip` calls by their bits the flags that are younger than it is. */
function named([code, out]: Outcome): Outcome {
  return [
    code,
    out.replaceAll("rawflags 20", "laminar")
      .replaceAll('"rawflags":"20"', '"laminar":true'),
  ];
}

/** Asserts that namespaces look the same, and the same to both actors. */
async function assertSame(namespaces: string[], lines: string[], what: string) {
  for (const line of lines) {
    const expected = named(await ip(namespaces[0]!, line));
    for (const netns of namespaces) {
      for (const actor of [ip, ours]) {
        assertEquals(
          named(await actor(netns, line)),
          expected,
          `"${line}" of ${actor.name} after ${what}`,
        );
      }
    }
  }
}

/**
 * Does the same in two namespaces, once with `ip` and once with ours, which
 * take turns, and asserts after each change that both look the same.
 */
async function assertSameWay(changes: string[]): Promise<void> {
  using one = Lab.open({ paths: 2 });
  using other = Lab.open({ paths: 2 });
  const namespaces = [one.client.netns, other.client.netns];
  await assertSame(namespaces, SHOWS, "nothing");
  for (const [turn, line] of changes.entries()) {
    const actors = turn % 2 === 0 ? [ip, ours] : [ours, ip];
    const outcomes = [
      await actors[0]!(namespaces[0]!, line),
      await actors[1]!(namespaces[1]!, line),
    ];
    assertEquals([line, ...outcomes], [line, [0, ""], [0, ""]]);
    await assertSame(namespaces, SHOWS, line);
  }
}

liveTest(
  "`mptcp endpoint` does and shows what `ip mptcp endpoint` does, byte by byte",
  () =>
    assertSameWay([
      "endpoint add 10.77.1.1",
      "endpoint add 10.77.2.1 subflow dev client2",
      "endpoint add fd77:1::1 subflow fullmesh backup dev client1",
      "endpoint add dev client2 id 9 backup signal fd77:2::1",
      "endpoint add 10.77.1.1 signal port 10100 dev client1",
      "endpoint add fd77:1::1 port 10100 signal id 0x20",
      "endpoint add 198.51.100.7 id 255 signal subflow backup",
      "endpoint add ::1 subflow",
      "endpoint change id 2 backup",
      "endpoint change id 2 fullmesh backup",
      "endpoint change id 2 nobackup nofullmesh",
      "endpoint change 10.77.1.1 port 10100 backup",
      "endpoint change fd77:2::1 nobackup",
      "endpoint delete id 0x1",
      "endpoint delete id 0 10.77.1.1",
      "endpoint delete id 255",
      "endpoint add 192.0.2.1",
      "endpoint flush",
      "endpoint flush",
      "e a 10.77.1.1 subflow",
      "en c id 1 backup",
      "endp d id 1",
      "e fl",
      "endpoint add 2001:DB8:0:0:1:0:0:1 id 1",
      "endpoint add 2001:db8::2:0:0:1 id 2",
      "endpoint add ::192.0.2.33 id 3",
      "endpoint add fe80::1 dev client1 id 4",
      "endpoint add 0.0.0.1 id 5",
      "endpoint add 255.255.255.255 id 6",
      "endpoint add ff02::1 id 7",
      "endpoint add 1:2:3:4:5:6:7:8 id 8",
    ]),
);

liveTest(
  "`mptcp limits` does and shows what `ip mptcp limits` does, byte by byte",
  () =>
    assertSameWay([
      "limits set subflows 4",
      "limits set add_addr_accepted 3 subflows 5",
      "limits set add_addr_accepted 8",
      "limits set subflows 0x6",
      "limits set subflows 0 add_addr_accepted 0",
      "l s subflows 1",
      "lim se add_addr_accepted 1",
    ]),
);

liveTest(
  "`mptcp endpoint show id` shows what `ip mptcp endpoint show id` does",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    const endpoints = [
      "10.77.1.1 id 1 dev client1 subflow backup",
      "10.77.1.1 id 2 port 10100 signal",
      "fd77:1::1 id 0xff signal",
    ];
    for (const line of endpoints) await ours(netns, `endpoint add ${line}`);
    for (const id of ["1", "2", "255", "0xff"]) {
      const show = `endpoint show id ${id}`;
      await assertSame([netns], [show, `-j ${show}`], "adding");
    }
  },
);

liveTest(
  "`mptcp endpoint show` names devices that are gone or renamed as `ip` does",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { netns } = lab.client;
    await ours(netns, "endpoint add 10.77.1.1 subflow dev client1");
    await ours(netns, "endpoint add 10.77.2.1 subflow dev client2");
    lab.client.ip("link", "delete", "client1");
    lab.client.ip("link", "set", "client2", "name", "wan-0.1@x");
    await assertSame([netns], SHOWS, "the loss");
    const [, out] = await ours(netns, "endpoint");
    assertEquals(
      out,
      "10.77.1.1 id 1 subflow dev if11 \n" +
        "10.77.2.1 id 2 subflow dev wan-0.1@x \n",
    );
  },
);

liveTest(
  "`mptcp endpoint` shows laminar, which `ip` may only know by its bit",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    await ours(netns, "endpoint add 10.77.1.1 laminar backup");
    await ours(netns, "endpoint add 10.77.1.2 subflow laminar");
    await assertSame([netns], SHOWS, "adding");
  },
);

liveTest(
  "`mptcp endpoint change` leaves the flag alone that it is not told of",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    // `ip` would take `nobackup` for no flags at all.
    await ours(netns, "endpoint add 10.77.1.1 backup fullmesh subflow");
    await ours(netns, "endpoint change id 1 nobackup");
    assertEquals(await ip(netns, "endpoint"), [
      0,
      "10.77.1.1 id 1 subflow fullmesh \n",
    ]);
  },
);

/**
 * What is wrong with a line, and how it ends: the exit code here and that of
 * `ip`, which is left out where it depends on its version.
 */
const WRONG: readonly (readonly [string, number, number?])[] = [
  ["", 255, 255],
  ["foo", 255, 255],
  ["endpoint foo", 255, 255],
  ["limits foo", 255, 255],
  ["ep sh", 255, 255],
  ["endpoint add", 255, 255],
  ["endpoint add subflow", 255, 255],
  ["endpoint add 10.77.1.9 id 0", 255],
  ["endpoint add 10.77.1.9 id 256", 255, 255],
  ["endpoint add 10.77.1.9 id abc", 255, 255],
  ["endpoint add 10.77.1.9 id", 255, 255],
  ["endpoint add 10.77.1.9 dev nosuch", 255, 255],
  ["endpoint add 10.77.1.9 dev bad/name", 255, 255],
  ["endpoint add 10.77.1.9 port 99999 signal", 255, 255],
  ["endpoint add 10.77.1.9 port 100", 255, 255],
  ["endpoint add 10.77.1.9 signal fullmesh", 255, 255],
  ["endpoint add 10.77.1.9 fullmesh signal", 255, 255],
  ["endpoint add 10.77.1.9 implicit", 255],
  ["endpoint change id 1 subflow", 255, 255],
  ["endpoint change id 1 port 10100 backup", 2, 255],
  ["endpoint change id 0 backup", 255],
  ["endpoint delete", 255, 255],
  ["endpoint delete id 0", 255, 255],
  ["endpoint show id 0", 255],
  ["limits set subflows -1", 255, 255],
  ["limits set subflows", 255, 255],
  ["limits set foo 1", 255, 255],
  // The kernel refuses.
  ["endpoint add 10.77.1.1 subflow", 2, 2],
  ["endpoint add 10.77.1.9 id 1", 2, 2],
  ["endpoint add 10.77.1.9 port 100 signal", 2, 2],
  ["endpoint change id 2 fullmesh", 2, 2],
  ["endpoint change id 99 backup", 2, 2],
  ["endpoint change 10.200.0.1 backup", 2, 2],
  ["endpoint delete id 99", 2, 2],
  ["endpoint show id 99", 2, 2],
  ["limits set subflows 9", 2, 2],
  // `ip` sends these, and the kernel refuses.
  ["endpoint add 10.77.1.9 signal subflow port 100", 255, 2],
  ["endpoint change backup", 255, 2],
  // An address that is none is nothing that the kernel was asked about.
  ["endpoint add 10.77.1.9 whatever", 255, 1],
  ["endpoint add nosuch.invalid", 255, 1],
  // `ip` makes something of these: nothing, the last of two, or all there is.
  ["limits s", 255, 0],
  ["limits set", 255, 0],
  ["limits set subflow 2", 255, 0],
  ["limits show subflows 3", 255, 0],
  ["endpoint change id 2", 255, 0],
  ["endpoint add 10.77.1.3 10.77.1.4", 255],
  ["endpoint flush garbage", 255, 0],
];

liveTest(
  "`mptcp` ends with the exit code that was promised, for each mistake",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    const reset = async () => {
      await ours(netns, "endpoint flush");
      await ours(netns, "endpoint add 10.77.1.1 id 1");
      await ours(netns, "endpoint add 10.77.1.2 id 2 signal");
    };
    for (const [line, expected, ofIp] of WRONG) {
      await reset();
      const before = await ip(netns, "endpoint");
      const { code, out, err } = await run(
        [...wordsOf(line), "-n", netns],
        "running",
      );
      assertEquals([line, code, out], [line, expected, ""]);
      assertEquals(/^(mptcp: .+\n|mptcp: controls)/.test(err), true, err);
      assertEquals(await ip(netns, "endpoint"), before);
      if (ofIp !== undefined) {
        assertEquals([line, (await ip(netns, line))[0]], [line, ofIp]);
      }
    }
  },
);

liveTest(
  "`mptcp endpoint delete` also takes what `ip` does not: address and device",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    for (const selector of ["id 1 10.77.1.1", "10.77.1.1", "dev client1"]) {
      await ours(netns, "endpoint flush");
      await ours(netns, "endpoint add 10.77.1.1 id 1 dev client1");
      assertEquals(await ours(netns, `endpoint delete ${selector}`), [0, ""]);
      assertEquals(await ip(netns, "endpoint"), [0, ""]);
    }
  },
);

liveTest(
  "`mptcp -n` ends with 1 where there is no such namespace",
  async () => {
    using lab = Lab.open();
    const { netns } = lab.client;
    const path = `/run/netns/${netns}`;
    const lines: [string, number][] = [
      [netns, 0],
      [path, 0],
      [`${path}x`, 1],
      [`${netns}x`, 1],
      ["/proc/version", 1],
      [`${Deno.pid}`, 0],
      ["2147483647", 1],
      ["0", 255],
    ];
    for (const [where, code] of lines) {
      const { code: ended, out } = await run(`limits -n ${where}`, "running");
      assertEquals([where, ended, out !== ""], [where, code, code === 0]);
    }
  },
);
