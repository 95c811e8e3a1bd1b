import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { Lab } from "../../testing/lab.ts";
import {
  BATCHES,
  BEFORE,
  DIFFERENT,
  expand,
  REFUSED,
  SAME,
} from "../helpers/lines_of_ip.ts";
import { liveTest } from "../helpers/live.ts";
import { run, wordsOf } from "../helpers/run_main.ts";

/** Exit code and standard output. */
type Outcome = readonly [code: number, out: string];

/** Who runs a line as `ip` takes it: `ip`, or the command line here. */
type Actor = (netns: string, line: string, input?: string) => Promise<Outcome>;

const ip: Actor = async (netns, line, input = "") => {
  const child = new Deno.Command("ip", {
    args: ["-n", netns, ...wordsOf(line)],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A program that has ended reads nothing.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout } = await child.output();
  return [code, new TextDecoder().decode(stdout)];
};

const ours: Actor = async (netns, line, input) => {
  const words = ["-n", netns, ...wordsOf(line.replace(/(^| )mptcp( |$)/, "$1"))]
    .filter((word) => word !== "");
  const { code, out } = await run(words, "running", undefined, input);
  return [code, out];
};

/** `ip` calls by their bits the flags that are younger than it is. */
function named([code, out]: Outcome): Outcome {
  return [
    code,
    out.replaceAll("rawflags 20", "laminar")
      .replaceAll('"rawflags":"20"', '"laminar":true'),
  ];
}

/** All that can be shown of a namespace. */
const SHOWS = ["mptcp endpoint", "-j mptcp endpoint", "mptcp limits"];

/** Asserts that a namespace looks the same to both. */
async function assertLooksSame(netns: string, ...lines: string[]) {
  for (const line of lines) {
    assertEquals(
      [line, ...named(await ours(netns, line))],
      [line, ...named(await ip(netns, line))],
    );
  }
}

/** Two hosts that are put into the same state, again and again. */
function twoHosts() {
  const labs = [Lab.open({ paths: 2 }), Lab.open({ paths: 2 })] as const;
  const hosts = labs.map((lab) => ({
    netns: lab.client.netns,
    pm: PathManager.open({ netns: lab.client.netns }),
  }));
  const state = (at: number) => {
    const { pm } = hosts[at]!;
    return { endpoints: [...pm.dumpAddrs()], limits: pm.getLimits() };
  };
  return {
    async reset() {
      const lines = [
        "endpoint flush",
        ...BEFORE.endpoints.map((endpoint) => `endpoint add ${endpoint}`),
        `limits set ${BEFORE.limits}`,
      ];
      for (const { netns } of hosts) {
        assertEquals(await ours(netns, "-b -", lines.join("\n")), [0, ""]);
      }
    },
    state,
    /** What both do with a line, and how their hosts are afterwards. */
    async both(line: string, input?: string) {
      await this.reset();
      const theirs = await ip(hosts[0]!.netns, line, input);
      const own = await ours(hosts[1]!.netns, line, input);
      return {
        ip: { code: theirs[0], out: named(theirs)[1], ...state(0) },
        ours: { code: own[0], out: own[1], ...state(1) },
      };
    },
    netns: hosts[1]!.netns,
    [Symbol.dispose]() {
      for (const { pm } of hosts) pm.close();
      for (const lab of labs) lab.close();
    },
  };
}

for (const { heading, lines } of SAME) {
  liveTest(
    `\`mptcp\` does and prints what \`ip mptcp\` does, byte by byte: ${heading}`,
    async () => {
      using hosts = twoHosts();
      for (const pattern of lines) {
        for (const line of expand(pattern)) {
          const { ip, ours } = await hosts.both(line);
          assertEquals([line, ip.code, ours], [line, 0, ip]);
        }
        await assertLooksSame(hosts.netns, ...SHOWS);
      }
    },
  );
}

liveTest(
  "`mptcp` refuses what `ip mptcp` refuses, and nothing changes",
  async () => {
    using hosts = twoHosts();
    await hosts.reset();
    const before = hosts.state(0);
    for (const [line, [code, ofIp]] of Object.entries(REFUSED)) {
      const { ip, ours } = await hosts.both(line);
      assertEquals([line, ours], [line, { code, out: "", ...before }]);
      assertNotEquals([line, ip.code], [line, 0]);
      if (ofIp !== undefined) assertEquals([line, ip.code], [line, ofIp]);
    }
  },
);

liveTest(
  "`mptcp` differs from `ip mptcp` where it is meant to, and says why",
  async () => {
    using hosts = twoHosts();
    await hosts.reset();
    const before = hosts.state(0);
    for (const [line, [code, ofIp, why]] of Object.entries(DIFFERENT)) {
      const { ip, ours } = await hosts.both(line);
      assertEquals([line, ours.code], [line, code]);
      if (code !== 0) {
        assertEquals([line, ours], [line, {
          code,
          out: "",
          ...before,
        }]);
      }
      assert(why.length > 0);
      // With a release of `ip` that does the same there is nothing to say.
      if (ofIp === undefined) continue;
      assertEquals([line, ip.code], [line, ofIp]);
      assertNotEquals([line, ours], [line, ip]);
    }
  },
);

liveTest("`mptcp -batch` does and prints what `ip -batch` does", async () => {
  using hosts = twoHosts();
  const folder = Deno.makeTempDirSync();
  try {
    for (const [text, options = ""] of BATCHES) {
      const file = `${folder}/lines`;
      Deno.writeTextFileSync(file, text);
      for (const [name, input] of [[file], ["-", text]] as const) {
        const line = `${options} -batch ${name}`.trim();
        const { ip, ours } = await hosts.both(line, input);
        assertEquals([text, line, ours.code === 0], [
          text,
          line,
          ip.code === 0,
        ]);
        assertEquals([text, { ...ours, code: 0 }], [text, { ...ip, code: 0 }]);
      }
    }
    const [code] = await ours(hosts.netns, `-b ${folder}/none`);
    assertEquals([code, (await ip(hosts.netns, `-b ${folder}/none`))[0]], [
      1,
      1,
    ]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

liveTest(
  "`mptcp endpoint show` names devices that are gone or renamed as `ip` does",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { netns } = lab.client;
    await ours(netns, "endpoint add 10.77.1.1 subflow dev client1");
    await ours(netns, "endpoint add 10.77.2.1 subflow dev client2");
    lab.client.ip("link", "delete", "client1");
    lab.client.ip("link", "set", "client2", "name", "wan-0.1@x");
    await assertLooksSame(netns, ...SHOWS);
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
    await assertLooksSame(netns, ...SHOWS);
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
    assertEquals(await ip(netns, "mptcp endpoint"), [
      0,
      "10.77.1.1 id 1 subflow fullmesh \n",
    ]);
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
      assertEquals(await ip(netns, "mptcp endpoint"), [0, ""]);
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
