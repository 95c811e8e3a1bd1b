/**
 * How much memory a monitor takes that runs.
 *
 * @module
 */

import { type Host, Lab, until } from "../testing/mod.ts";
import { churnAside, EVENTS_OF_CLIENT } from "../tests/helpers/churn.ts";
import { deno, environment, mptcp } from "./commands.ts";
import { outcome } from "./peers/contest.ts";
import { notMeasured, type Report } from "./report.ts";
import { median } from "./rounds.ts";

const ROUNDS = 3;
const EVENTS = 10_000;
/** A few more, since events may be lost. */
const CONNECTIONS = Math.ceil(1.1 * EVENTS / EVENTS_OF_CLIENT.length);

/** How long a process is left alone before it is looked at. */
const SETTLE_MS = 1000;

/** How long a program may take to print its lines. */
const TIMEOUT_MS = 60_000;

const TARGET = 1.25;

const TITLE = "Memory";
const TEXT =
  `Of a process that waits, ${SETTLE_MS / 1000} s after it began to, by ` +
  `\`/proc/PID/smaps_rollup\`: medians of ${ROUNDS} processes each. RSS counts ` +
  "all pages, also those that other processes share: what one such process " +
  "takes that is alone. It is what the target is about, since PSS, which " +
  "divides the shared pages, depends on how many Denos run beside it. Ratios " +
  "are to a Deno script that only waits, with the same permission and " +
  "configuration. A process that has been busy has more of Deno's own code in " +
  "memory, above all its compiler: so there is a script that prints lines.";

const printed = EVENTS.toLocaleString("en");
const EMPTY = "script that waits";
const PRINTED = `the same, having printed ${printed} lines`;
const MONITOR = "mptcp monitor";
const BUSY = `the same, having printed some ${printed} events`;
const IP = "ip mptcp monitor";

/** What a process takes, in bytes. */
interface Memory {
  readonly rss: number;
  readonly pss: number;
}

/** Measures the processes. */
export async function memory(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  const found: Record<string, Memory[]> = {
    [EMPTY]: [],
    [PRINTED]: [],
    [MONITOR]: [],
    [BUSY]: [],
    [IP]: [],
  };
  for (let round = 0; round < ROUNDS; round++) {
    using lab = Lab.open();
    const { client } = lab;
    for (const [name, lines] of [[EMPTY, 1], [PRINTED, EVENTS]] as const) {
      const script = deno("bench/waiting.ts", `${lines}`);
      await using program = Program.start(client, script);
      await until(() => program.lines === lines, `${lines} lines`, TIMEOUT_MS);
      found[name]!.push(await program.settled());
    }
    {
      await using monitor = Program.start(client, mptcp("monitor"));
      await listening(client);
      found[MONITOR]!.push(await monitor.settled());
      await churnAside(lab, CONNECTIONS);
      await until(
        () => monitor.lines >= EVENTS,
        `${EVENTS} events`,
        TIMEOUT_MS,
      );
      found[BUSY]!.push(await monitor.settled());
    }
    {
      await using ip = Program.start(client, ["ip", "mptcp", "monitor"]);
      await listening(client);
      found[IP]!.push(await ip.settled());
    }
  }
  const middle = (name: string, kind: keyof Memory) =>
    median(found[name]!.map((memory) => memory[kind]));
  return [{
    title: TITLE,
    text: TEXT,
    columns: ["", "RSS, MB", "ratio", "target", "PSS, MB", "ratio"],
    rows: Object.keys(found).map((name) => {
      const cells = (["rss", "pss"] as const).map((kind) => {
        const bytes = middle(name, kind);
        return [bytes / 1e6, bytes / middle(EMPTY, kind)] as const;
      });
      const [rss, pss] = cells.map(([mb, ratio]) => [
        mb.toFixed(1),
        ratio.toFixed(2),
      ]);
      const target = name === MONITOR || name === BUSY ? TARGET : undefined;
      return [name, ...rss!, outcome(cells[0]![1], target), ...pss!];
    }),
  }];
}

/** Waits until something listens to the events in the host. */
async function listening(host: Host): Promise<void> {
  await until(
    () =>
      // Protocol, port id and groups.
      /^\S+ +16 +\S+ +0*[1-9a-f]/m.test(host.exec("cat", "/proc/net/netlink")),
    "the monitor to listen",
  );
}

/** A program that runs, and prints lines. */
class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  /** How many lines it has printed. */
  lines = 0;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#read();
  }

  async #read(): Promise<void> {
    for await (const bytes of this.#process.stdout) {
      for (const byte of bytes) if (byte === 10) this.lines++;
    }
  }

  static start(host: Host, command: readonly string[]): Program {
    return new Program(
      new Deno.Command("ip", {
        args: ["netns", "exec", host.netns, ...command],
        env: environment,
        stdin: "null",
        stdout: "piped",
      }).spawn(),
    );
  }

  /** What it takes, once it has been idle for a while. */
  async settled(): Promise<Memory> {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const path = `/proc/${this.#process.pid}/smaps_rollup`;
    const text = Deno.readTextFileSync(path);
    const bytes = (name: string) =>
      Number(text.match(new RegExp(`^${name}: +(\\d+) kB$`, "m"))![1]) * 1024;
    return { rss: bytes("Rss"), pss: bytes("Pss") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}
