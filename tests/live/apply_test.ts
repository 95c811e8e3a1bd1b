/** `mptcp apply` as a program: killed half-way, and on a terminal that ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { deno, environment, script } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";
import { onTerminal, ptyMissing, type Step } from "../helpers/pty.ts";

const A = `
limits: { subflows: 2, add_addr_accepted: 0 }
endpoints:
  - { address: 10.77.1.1, id: 1, dev: client1, flags: subflow }
  - { address: 10.77.2.1, id: 2, dev: client2, flags: subflow }
  - { address: 192.0.2.1, id: 3, flags: signal }
`;
const B = `
limits: { subflows: 4, add_addr_accepted: 1 }
endpoints:
  - { address: 10.77.1.1, id: 2, dev: client1, flags: subflow }
  - { address: 10.77.2.1, id: 1, dev: client2, flags: [subflow, backup] }
  - { address: "fd77:2::1", id: 4, dev: client2, flags: subflow }
`;

/** A host, and files for it. */
class Desk implements Disposable {
  readonly lab: Lab = Lab.open({ paths: 2 });
  readonly #folder = Deno.makeTempDirSync({ prefix: "mptcp-apply-" });

  /** The words of a command line of ours. */
  command(...words: string[]): string[] {
    const { netns } = this.lab.client;
    return [...deno, "--allow-ffi", script, "-q", "-n", netns, ...words];
  }

  /** A file with this text. */
  file(text: string): string {
    const path = `${this.#folder}/mptcp.yaml`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** Runs a command of ours, by way of another one. */
  run(words: readonly string[], via: readonly string[] = []): number {
    const [command, ...args] = [...via, ...this.command(...words)];
    return new Deno.Command(command!, {
      args,
      env: environment(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().code;
  }

  /** What `ip` shows. */
  contents(): string {
    const { client } = this.lab;
    return client.ip("mptcp", "limits") + client.ip("mptcp", "endpoint");
  }

  [Symbol.dispose](): void {
    this.lab.close();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

liveTest("apply that is killed, and run again, comes to the same end", () => {
  using desk = new Desk();
  const apply = (text: string, via?: string[]) =>
    desk.run(["apply", desk.file(text), "--prune"], via);
  assertEquals(apply(A), 0);
  const start = desk.contents();
  assertEquals(apply(B), 0);
  const end = desk.contents();
  assertMatch(end, /10\.77\.1\.1 id 2 subflow dev client1 /);
  const seen = new Set<string>();
  // Each message to the kernel is one call; most only read.
  for (let when = 12;; when += 3) {
    assertEquals(apply(A), 0);
    assertEquals(desk.contents(), start);
    const code = apply(B, [
      ...["strace", "-f", "-o", "/dev/null", "-e", "trace=sendto", "-e"],
      `inject=sendto:signal=SIGKILL:when=${when}`,
    ]);
    seen.add(desk.contents());
    assertEquals(apply(B), 0);
    assertEquals(desk.contents(), end);
    if (code === 0) break;
  }
  assert(seen.size > 5, `${[...seen]}`);
});

/** What happens at the terminal, the exit code, and whether B is kept. */
const SESSIONS: readonly [
  what: string,
  time: string,
  steps: readonly Step[],
  code: number,
  isKept: boolean,
][] = [
  ["Enter", "20s", [{ type: "\r" }], 0, true],
  ["another key and Enter", "20s", [{ type: "x" }, { type: "\r" }], 0, true],
  ["another key", "2s", [{ type: "x" }], 4, false],
  // It waits for the time to pass, as nobody can press anything.
  ["a window that closes", "4s", ["hangup"], 1, false],
  ["SIGHUP alone", "2s", [{ signal: "SIGHUP" }], 4, false],
  [
    "SIGHUP, and then Enter",
    "20s",
    [{ signal: "SIGHUP" }, { type: "\r" }],
    0,
    true,
  ],
  ["Ctrl-C", "20s", [{ type: "\x03" }], 4, false],
  ["SIGTERM", "20s", [{ signal: "SIGTERM" }], 4, false],
];

for (const [what, time, steps, code, isKept] of SESSIONS) {
  liveTest(`apply --confirm ends with ${what}`, async () => {
    using desk = new Desk();
    assertEquals(desk.run(["apply", desk.file(A)]), 0);
    const before = desk.contents();
    const words = ["apply", desk.file(B), "--prune", "--confirm", time];
    const session = await onTerminal(desk.command(...words), [
      { see: "press Enter within" },
      ...steps,
    ]);
    assertEquals(
      [session.code, desk.contents() === before],
      [code, !isKept],
    );
    if (isKept) assertEquals(desk.run(["plan", desk.file(B), "--prune"]), 0);
  }, ptyMissing());
}
