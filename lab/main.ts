/**
 * A laboratory to play in: two hosts, any number of paths between them, and a
 * shell on each. It needs root on Linux, and `ip`; nothing outside of it
 * changes, and at the end it is removed.
 *
 * ```sh
 * sudo deno run -A jsr:@mptcp/pm/lab --paths 2 --traffic
 * ```
 *
 * @module
 */

import { Lab } from "../testing/lab.ts";
import { run } from "../testing/host.ts";
import { Commands } from "./commands.ts";
import { readOptions, type ShellOptions, USAGE } from "./options.ts";
import { send } from "./traffic.ts";

/** The signals that end it, and their numbers. */
const ENDS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** How many paths the drawing has at most. */
const DRAWN = 8;

/** What there is, and what can be done with it. */
function introduction(lab: Lab, options: ShellOptions): string {
  const { paths = 1, rate, delayMs = 0, lossPercent = 0, traffic } = options;
  const numbers = Array.from({ length: paths }, (_, index) => index + 1);
  const lines = numbers.slice(0, DRAWN).map((path) => {
    const [from, to] = [lab.client.address(path), lab.server.address(path)];
    return `     ${from} ──── path ${path} ──── ${to}\n`;
  });
  return `Two hosts, paths of ${rate} Mbit/s` +
    (delayMs > 0 ? `, ${delayMs} ms` : "") +
    (lossPercent > 0 ? `, ${lossPercent} % loss` : "") +
    ` between them. They are removed when this shell ends.

     client                      server
${lines.join("")}${paths > DRAWN ? "     …\n" : ""}
This shell is on the client.${
      traffic ? " It sends to the server all the time." : ""
    }

  mptcp …              the command line
  server               a shell on the server; server mptcp … is one command
  lab cut 1            cut a path; lab restore 1 restores it
  exit                 remove all of it

To begin with:

  mptcp endpoint add ${lab.client.address(2)} dev client2 subflow
  mptcp ${traffic ? "connection" : "endpoint"}

`;
}

/** Runs a shell on the client until it ends, or something else ends it. */
async function play(
  lab: Lab,
  options: ShellOptions,
  ended: PromiseWithResolvers<number>,
): Promise<number> {
  using commands = new Commands(lab, options.paths ?? 1);
  const isTerminal = Deno.stdin.isTerminal();
  if (isTerminal) console.log(introduction(lab, options));
  const shell = new Deno.Command(`${commands.folder}/client`, {
    env: { PATH: `${commands.folder}:${Deno.env.get("PATH")}` },
  }).spawn();
  shell.status.then(({ code }) => ended.resolve(isTerminal ? 0 : code));
  const stop = new AbortController();
  const traffic = send(lab, options, stop.signal);
  try {
    return await ended.promise;
  } finally {
    stop.abort();
    await endProcesses(lab.client.netns, lab.server.netns);
    await Promise.all([shell.status, traffic]);
  }
}

/** Ends all that was started on the hosts; what does not obey is killed. */
async function endProcesses(...hosts: readonly string[]): Promise<void> {
  for (const signal of ["SIGHUP", "SIGKILL"] as const) {
    for (let round = 0; round < 10; round++) {
      const pids = hosts.flatMap((netns) =>
        run("ip", "netns", "pids", netns).split("\n")
      ).filter((pid) => pid !== "");
      if (pids.length === 0) return;
      for (const pid of round === 0 ? pids : []) kill(Number(pid), signal);
      await pause(50);
    }
  }
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Makes the laboratory, and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const { traffic: _, ...ofLab } = options;
  const ended = Promise.withResolvers<number>();
  let code = 0;
  for (const [name, number] of Object.entries(ENDS)) {
    Deno.addSignalListener(name as Deno.Signal, () => {
      code = 128 + number;
      ended.resolve(code);
    });
  }
  try {
    using lab = Lab.open(ofLab);
    return await play(lab, options, ended);
  } catch (error) {
    // Ctrl-C reaches the programs that the lab runs, too.
    await pause(0);
    if (code !== 0) return code;
    throw error;
  }
}

if (import.meta.main) {
  let code = 1;
  try {
    code = await main(Deno.args);
  } catch (error) {
    const { message } = error as Error;
    const isRefused = error instanceof Deno.errors.NotCapable;
    console.error(
      isRefused
        ? "lab: run it with deno run -A jsr:@mptcp/pm/lab"
        : `lab: ${message}`,
    );
  }
  // Else it would wait for signals.
  Deno.exit(code);
}
