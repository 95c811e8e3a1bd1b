/** The laboratory to play in, and the demonstration, as people start them. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { root, run } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { onTerminal, ptyMissing, type Step } from "../helpers/pty.ts";
import { Lab } from "../../testing/lab.ts";

const missing = Lab.missing() ?? ptyMissing();
const LAB = ["deno", "run", "-A", "--no-config", `${root}lab/main.ts`];

/** What there is of laboratories and of what was started in them. */
function allTraces(): string[] {
  const names = (folder: string) =>
    Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`);
  const sleeping = run(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null"])
    .out.split("\0").filter((word) => word === "99.77");
  return [...names("/run"), ...names("/run/netns"), ...names("/tmp")]
    .filter((name) => /mptcp-(\d+-[0-9a-f]{8}|lab-)/.test(name))
    .concat(sleeping);
}

/** Remembers what others have left, and gives what has come since. */
function traces(): () => string[] {
  const before = allTraces();
  return () => allTraces().filter((trace) => !before.includes(trace));
}

/** Plays in a laboratory at a terminal, which has to leave nothing. */
async function play(code: number, ...steps: Step[]): Promise<string> {
  const left = traces();
  const session = await onTerminal([...LAB, "--traffic"], [
    { see: "client# " },
    ...steps,
  ], { size: [100, 40] });
  assertEquals(session.code, code, session.output);
  if (session.after !== undefined) assertEquals(session.after, session.before);
  assertEquals(left(), []);
  return session.output;
}

liveTest(
  "the laboratory has a shell on each host, and the end of the first removes it",
  async () => {
    const output = await play(
      0,
      { type: "mptcp endpoint add 10.77.2.1 dev client2 subflow\n" },
      { see: "client# " },
      { type: "until mptcp connection | grep -w established; do :; done\n" },
      { see: "-> 10.77.1.2:443" },
      { see: "client# " },
      // The words are completed.
      { type: "mptcp limi\t" },
      { see: "limits " },
      { type: "show\n" },
      { see: "add_addr_accepted 0" },
      { see: "client# " },
      { type: "lab cut 1; cat /sys/class/net/client1/carrier\n" },
      { see: "\r0\r\n" },
      { see: "client# " },
      { type: "lab restore 1; lab cut\n" },
      { see: "usage: lab cut PATH" },
      { see: "client# " },
      { type: "server\n" },
      { see: "server# " },
      { type: "mptcp endpoint add 10.77.2.2 signal; mptcp endpoint\n" },
      { see: "10.77.2.2 id 1 signal" },
      { see: "server# " },
      { type: "sleep 99.77 &\n" },
      { see: "server# " },
      { type: "\x04" },
      { see: "client# " },
      { type: "nohup sleep 99.77 >/dev/null 2>&1 &\n" },
      { see: "client# " },
      { type: "\x04" },
    );
    assertStringIncludes(output, "10.77.2.1 ──── path 2 ──── 10.77.2.2\r\n");
    assertStringIncludes(output, "It sends to the server all the time.");
  },
  missing,
);

for (
  const [name, code, end] of [
    ["SIGTERM", 143, { signal: "SIGTERM" }],
    ["SIGINT", 130, { signal: "SIGINT" }],
    ["a closed window", 129, "hangup"],
  ] as const
) {
  liveTest(`${name} removes the laboratory, and what runs in it`, async () => {
    await play(
      code,
      { type: "sleep 99.77\n" },
      { sleep: 0.2 },
      end,
    );
  }, missing);
}

liveTest(
  "without a terminal the laboratory takes the lines of a script, and waits for no traffic",
  () => {
    const left = traces();
    const line =
      "mptcp endpoint add 10.77.3.1; server hostname; mptcp endpoint; " +
      "until mptcp connection | grep -q established; do :; done; " +
      "lab cut 1; exit 7";
    const { code, out, err } = run([
      ...["sh", "-c", `echo "${line}" | exec "$@"`, "sh"],
      ...["timeout", "300", ...LAB, "--paths=3", "--traffic"],
    ]);
    assertEquals([code, err.includes("hint:")], [7, true], err);
    assertMatch(out, /^\S+\n10\.77\.3\.1 id 1 \n$/);
    assertEquals(left(), []);
  },
);

liveTest("a laboratory that fails on the way leaves nothing", () => {
  const left = traces();
  const { code, out, err } = run(LAB, { env: { TMPDIR: "/proc/nowhere" } });
  assertEquals([code, out], [1, ""]);
  assertMatch(err, /^lab: No such file or directory/);
  assertEquals(left(), []);
});

liveTest(
  "who cannot have a laboratory, or a demonstration, is told why",
  () => {
    const without = ["setpriv", "--bounding-set=-net_admin"];
    for (const [name, program] of [["lab", "main"], ["demo", "demo"]]) {
      const script = `${root}lab/${program}.ts`;
      const rows: [command: string[], message: string][] = [
        [["deno", "run", "--no-prompt", script], "run it with deno run -A "],
        [
          [...without, "deno", "run", "-A", script],
          "making network namespaces needs root",
        ],
      ];
      for (const [command, message] of rows) {
        const { code, out, err } = run(command);
        assertEquals([code, out], [1, ""], err);
        assert(err.startsWith(`${name}: `) && err.includes(message), err);
      }
    }
    const { code, out, err } = run([...LAB, "--delay", "x"]);
    assertEquals([code, out, err], [
      ...[1, "", "lab: --delay takes a number: --delay MS\n"],
    ]);
    assertMatch(
      run([...LAB, "--help"]).out,
      /^A laboratory .*\n\nusage: deno run/,
    );
  },
);
