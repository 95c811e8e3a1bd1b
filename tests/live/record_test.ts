/** What `mptcp record` says of a real connection. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import { environment, launcher } from "../helpers/command_line.ts";
import { atRest } from "../helpers/at_rest.ts";
import { liveTest } from "../helpers/live.ts";

const text = new TextDecoder();

/** Still the owner of this checkout, but no more than that. */
const WITHOUT_PRIVILEGE = [
  ...["setpriv", "--inh-caps=-all", "--bounding-set=-all"],
];

/** A client with the userspace path manager, and a connection. */
function openLab() {
  using resources = new DisposableStack();
  const lab = resources.use(Lab.open({ paths: 2, rate: 50 }));
  lab.client.sysctl("net.mptcp.pm_type", 1);
  const pm = resources.use(PathManager.open({ netns: lab.client.netns }));
  const peer = resources.use(PathManager.open({ netns: lab.server.netns }));
  peer.setLimits({ subflows: 2 });
  const connection = lab.connect();
  connection.transfer(1000);
  const { token } = connection.client;
  const { port } = connection.server.local;
  const second = {
    token,
    local: { address: lab.client.address(2), id: 2, port: 40_002 },
    remote: { address: lab.server.address(2), port },
  };
  const moved = resources.move();
  return {
    ...{ lab, pm, connection, second },
    start: (...args: string[]) =>
      new Deno.Command(launcher, {
        args: [
          ...["-n", lab.client.netns, "record", "token", `${token}`],
          ...["interval", "0.2", ...args],
        ],
        env: environment(),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    acked: () =>
      lab.client.subflows().reduce((sum, one) => sum + one.bytesAcked, 0),
    [Symbol.dispose]: () => moved.dispose(),
  };
}

/** What a program prints, as it comes. */
function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const said = { text: "", end: Promise.resolve() };
  said.end = (async () => {
    const texts = stream.pipeThrough(new TextDecoderStream());
    for await (const text of texts) said.text += text;
  })();
  return said;
}

/** How it ends, and what it has said on standard error. */
async function endOf(
  { stderr, status }: Deno.ChildProcess,
): Promise<[code: number, err: string]> {
  const err = await new Response(stderr).text();
  return [(await status).code, err];
}

/** Until the recording listens, as the kernel shows it. */
async function listening(netns: string): Promise<void> {
  const ofProgram = () =>
    new Deno.Command("ip", {
      args: ["netns", "exec", netns, "cat", "/proc/net/netlink"],
    }).outputSync();
  await until(
    () =>
      text.decode(ofProgram().stdout).split("\n").some((line) =>
        // Protocol 16, not of the kernel, in a group.
        /^\S+ +16 +[1-9]\d* +(?!00000000)\S/.test(line)
      ),
    "the recording to listen",
  );
}

liveTest("`record` adds up to what `ss` says, and has the events", async () => {
  using made = openLab();
  const { lab, pm, connection, second, start, acked } = made;
  await atRest(lab.client);
  const before = acked();
  const recording = start("-j");
  const said = collect(recording.stdout);
  await listening(lab.client.netns);
  await until(() => said.text.includes('"connections"'), "a reading");
  await connection.transferAsync(3_000_000);
  pm.subflowCreate({ ...second, dev: lab.client.dev(2) });
  await until(() => lab.client.subflows().length === 2, "the second subflow");
  await connection.transferAsync(6_000_000);
  pm.setSubflowBackup({ ...second, backup: true });
  await connection.transferAsync(1_000_000);
  await atRest(lab.client);
  const sent = acked() - before;
  const count = () => said.text.split('"connections"').length;
  const readings = count();
  await until(() => count() > readings + 1, "the last reading");
  pm.subflowDestroy(second);
  await until(() => said.text.includes('"SF_CLOSED"'), "its end");
  recording.kill("SIGINT");
  assertEquals(await endOf(recording), [0, ""]);
  await said.end;

  const lines = said.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.flatMap(({ event }) => event ?? []), [
    ...["SF_ESTABLISHED", "SF_PRIO", "SF_CLOSED"],
  ]);
  let bits = 0;
  let at = 0;
  const carrying = new Set<string>();
  for (const { time_s, connections } of lines) {
    if (connections === undefined) continue;
    assertEquals(connections.length, 1);
    for (const { local, sent_bit_per_sec = 0 } of connections[0].subflows) {
      bits += sent_bit_per_sec * (time_s - at);
      if (sent_bit_per_sec > 1e6) carrying.add(local.address);
    }
    at = time_s;
  }
  assertEquals([...carrying], [lab.client.address(1), lab.client.address(2)]);
  // Times have milliseconds, and intervals 200 of them; and a subflow may have
  // acknowledged data twice, over each path.
  assert(sent >= 1e7, `${sent}`);
  assert(Math.abs(bits / 8 / sent - 1) < 0.02, `${bits / 8}, not ${sent}`);
});

liveTest(
  "`record --svg` draws when it is stopped, and without privilege",
  async () => {
    using made = openLab();
    const { lab, pm, connection, second, start } = made;
    const folder = Deno.makeTempDirSync();
    const file = `${folder}/record.svg`;
    try {
      const recording = start("--svg", file);
      await listening(lab.client.netns);
      await connection.transferAsync(1_000_000);
      pm.subflowCreate({ ...second, dev: lab.client.dev(2) });
      await until(() => lab.client.subflows().length === 2, "the second");
      await connection.transferAsync(4_000_000);
      assertEquals([...Deno.readDirSync(folder)].length, 0);
      recording.kill("SIGTERM");
      const { code, stdout, stderr } = await recording.output();
      assertEquals(
        [code, text.decode(stdout), text.decode(stderr)],
        [0, `The recording is in ${file}\n`, ""],
      );
      const svg = Deno.readTextFileSync(file);
      const release = Deno.osRelease();
      const dev = lab.client.dev(2);
      for (const shown of [`Linux ${release}`, "2 made", dev, "sent, Mbit/s"]) {
        assert(svg.includes(shown), shown);
      }

      // Without a privilege in this namespace, to the end of the connection.
      const unprivileged = new Deno.Command("ip", {
        args: [
          ...[
            "netns",
            "exec",
            lab.client.netns,
            ...WITHOUT_PRIVILEGE,
            launcher,
          ],
          ...["record", "token", `${second.token}`, "interval", "0.2"],
        ],
        env: environment(),
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const said = collect(unprivileged.stdout);
      await until(() => said.text.includes("10.77.2.1:"), "both subflows");
      pm.subflowDestroy(second);
      await until(() => /SF_CLOSED\] token=/.test(said.text), "its end");
      connection.close();
      const [exitCode, hint] = await endOf(unprivileged);
      assertEquals(exitCode, 0);
      assertMatch(hint, /^hint: events cannot be seen[^\n]*\n$/);
      await said.end;
      const out = said.text;
      assertMatch(out, /CLOSED\] token=\w+\n[^]*closed\n$/);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);
