/**
 * Sends the same random commands to the running kernel and to the fake one,
 * and compares what they answer, what events they cause and what is there, as
 * `Diag` sees it, too.
 *
 * usage: deno task model [--commands N] [--seed N] [--run N]
 *
 * A run is 500 commands, at the start of which nothing is there. `--run N` does
 * one alone. The fewest commands that show a difference are printed.
 *
 * Nothing is left out of what is compared, but some things do not happen here,
 * because they are of others than `mptcp_pm`, or decided by who is first:
 *
 * - several requests in one datagram, and what generic netlink says of the
 *   headers of unknown commands; sockets without the options for acks, which
 *   the captured conversations have;
 * - an established in-kernel connection, which goes by endpoints and limits on
 *   its own, except the implicit endpoint that it makes;
 * - a subflow from any address (`0.0.0.0`), which routing decides, or to an
 *   address where nobody is, which takes seconds;
 * - more subflows than the peer takes, and commands for a connection that has
 *   none left: what they send waits for one;
 * - a connection that fell back to TCP: nothing shows its token.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Lab } from "../../testing/lab.ts";
import { STEPS_PER_RUN } from "./run.ts";
import type { Order, Report } from "./worker.ts";

const WORKERS = 4;

async function work(order: Order): Promise<Report> {
  const worker = new Worker(import.meta.resolve("./worker.ts"), {
    type: "module",
  });
  const { promise, resolve, reject } = Promise.withResolvers<Report>();
  worker.onmessage = ({ data }: MessageEvent<Report>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(order);
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

async function main(): Promise<number> {
  const missing = Lab.missing();
  if (missing !== undefined) {
    console.error(`model: ${missing}`);
    return 2;
  }
  const options = parseArgs(Deno.args, {
    string: ["commands", "seed", "run"],
    default: { commands: "100000", seed: `${Date.now() % 0x7fffffff}` },
    unknown(arg) {
      throw new Error(`Unknown argument "${arg}"`);
    },
  });
  const seed = Number(options.seed);
  const [first, end] = options.run === undefined
    ? [0, Math.ceil(Number(options.commands) / STEPS_PER_RUN)]
    : [Number(options.run), Number(options.run) + 1];
  const start = performance.now();
  const next = new Int32Array(new SharedArrayBuffer(4)).fill(first);
  const reports = await Promise.all(
    Array.from(
      { length: Math.min(WORKERS, end - first) },
      () => work({ seed, next, end }),
    ),
  );
  printAnswers(reports);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const count = (end - first) * STEPS_PER_RUN;
  console.log(`\nseed ${seed}: ${count} steps in ${seconds} s`);
  for (const { difference } of reports) {
    if (difference === undefined) continue;
    const { run, text } = difference;
    console.log(`DIFFERENCE: --seed ${seed} --run ${run}\n${text}`);
    return 1;
  }
  console.log("no difference");
  return 0;
}

/** How often the running kernel gave each answer to each command. */
function printAnswers(reports: readonly Report[]): void {
  const sums = new Map<string, number>();
  for (const [answer, count] of reports.flatMap((one) => [...one.answers])) {
    sums.set(answer, (sums.get(answer) ?? 0) + count);
  }
  for (const answer of [...sums.keys()].sort()) {
    console.log(`${sums.get(answer)}`.padStart(8), answer);
  }
}

if (import.meta.main) Deno.exit(await main());
