/**
 * How long a whole process takes, from start to end: what somebody waits who
 * types a command.
 *
 * @module
 */

import { deno, environment, mptcp, root } from "./commands.ts";
import { outcome } from "./peers/contest.ts";
import { peers } from "./peers/install.ts";
import type { Report } from "./report.ts";
import { inRealTime } from "./real_time.ts";
import { rounds } from "./rounds.ts";

const ROUNDS = 50;
/** How long all may take. */
const WITHIN_MS = 45_000;

const TARGET = 1.4;

const EMPTY = "empty script";

/** The commands by what they are called; all read, none changes anything. */
function commands(): [name: string, command: string[], target?: number][] {
  const show = ["endpoint", "show"];
  return [
    [EMPTY, deno("bench/empty.ts")],
    ["mptcp --help", mptcp("--help"), TARGET],
    ["mptcp limits show", mptcp("limits", "show"), TARGET],
    ["mptcp endpoint show", mptcp(...show), TARGET],
    ["mptcp connection show", mptcp("connection", "show")],
    ["mptcp status", mptcp("status")],
    ["bin/mptcp endpoint show, from a checkout", [`${root}bin/mptcp`, ...show]],
    ["ip mptcp endpoint show", ["ip", "mptcp", ...show]],
    ...peers().flatMap(({ name, show }): [string, string[]][] =>
      show === undefined ? [] : [[`${name}, the same`, [...show]]]
    ),
  ];
}

/** Measures the processes. */
export async function processes(): Promise<Report[]> {
  // The first run fills caches, and shows whether the command works at all.
  const all = commands().filter(([, command]) => works(command));
  using _priority = inRealTime();
  const ms = await rounds(
    Object.fromEntries(all.map(([name, command]) => [name, () => {
      const start = performance.now();
      runOnce(command);
      return performance.now() - start;
    }])),
    ROUNDS,
    WITHIN_MS,
  );
  return [{
    title: "Whole processes",
    text: "From start to end, in the namespace that the benchmarks run in, " +
      "which is only read, in real time: medians of interleaved rounds. Ratios are to a " +
      "Deno script that is empty, with the same permission and configuration. " +
      "`mptcp` is the package as it is published.",
    columns: ["", "ms", "ratio", "target"],
    rows: all.map(([name, , target]) => {
      const ratio = ms[name]! / ms[EMPTY]!;
      return [
        ...[name, ms[name]!.toFixed(1), ratio.toFixed(2)],
        outcome(ratio, target),
      ];
    }),
  }];
}

function runOnce([program, ...args]: readonly string[]): void {
  const { success, stderr } = new Deno.Command(program!, {
    args,
    env: environment,
    stdin: "null",
  }).outputSync();
  if (success) return;
  throw new Error(
    `${[program, ...args].join(" ")}: ${
      new TextDecoder().decode(stderr).trim()
    }`,
  );
}

/** Whether a program is there; `ip` need not be. */
function works(command: readonly string[]): boolean {
  try {
    runOnce(command);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`NOT MEASURED: ${command.join(" ")}: no such program`);
    return false;
  }
}
