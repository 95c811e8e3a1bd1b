/**
 * What `mptcp manage` takes: while connections come and go, and while it looks
 * at subflows that are in use.
 *
 * @module
 */

import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { mptcp } from "./commands.ts";
import { Listener } from "./listener.ts";
import { OpenConnections } from "./open_connections.ts";
import { outcome } from "./peers/contest.ts";
import { compile } from "./peers/install.ts";
import { inRealTime } from "./real_time.ts";
import { notMeasured, type Report } from "./report.ts";

const PORT = 5000;
const WARM_UP = 500;
/** A connection takes 1.4 ms. */
const STORMS = [
  { name: "10,000 a minute", count: 3000, waitUs: 4500 },
  { name: "as fast as they come", count: 5000, waitUs: 0 },
] as const;
const STORM_TARGET = 50;

const BUSY = 1000;
const EVERY_MS = 100;
const BUSY_MS = 10_000;
const BUSY_TARGET = 5;
/** With how many subflows each connection has then. */
const POLICIES = { backup: 2, "on-demand": 1 } as const;

/** Measures the processor time of a manager. */
export async function managed(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured("A manager", missing)];
  return [await storms(), await busy()];
}

/** A manager, and a while in which it is watched. */
async function share(
  manager: Listener,
  action: () => unknown,
): Promise<{ readonly percent: number; readonly ms: number }> {
  const { cpuMs } = manager;
  const start = performance.now();
  await action();
  const ms = performance.now() - start;
  return { percent: (manager.cpuMs - cpuMs) / ms * 100, ms };
}

async function storms(): Promise<Report> {
  using lab = Lab.open({ paths: 2 });
  const { client, server } = lab;
  const program = compile("second_subflow", "second_subflow.c");
  const make = (count: number, waitUs: number) => {
    const ends = [client.netns, server.netns, server.address(1)] as const;
    run(program, ...ends, `${PORT}`, `${count}`, `${waitUs}`);
  };
  using _priority = inRealTime();
  const command = mptcp("manage", "fullmesh");
  await using manager = await Listener.startManager(client.netns, command);
  make(WARM_UP, STORMS[0].waitUs);
  const rows: string[][] = [];
  for (const { name, count, waitUs } of STORMS) {
    const { dropped } = manager;
    const { percent, ms } = await share(manager, () => make(count, waitUs));
    rows.push([
      name,
      Math.round(count / ms * 60_000).toLocaleString("en"),
      `${manager.dropped - dropped}`,
      `${percent.toFixed(1)} %`,
      waitUs > 0 ? outcome(percent, STORM_TARGET) : "",
    ]);
  }
  await manager.end();
  return {
    title: "A manager under a storm",
    text: "`mptcp manage fullmesh`, while connections come one after the " +
      "other, each with a byte both ways, wait for their second subflow, and " +
      "go. Its processor time by `schedstat` of all its threads, and the events " +
      "that the kernel dropped because its queue was full.",
    columns: ["", "connections a minute", "lost", "share of a core", "target"],
    rows,
  };
}

async function busy(): Promise<Report> {
  const rows: string[][] = [];
  for (const [policy, subflows] of Object.entries(POLICIES)) {
    using lab = Lab.open({ paths: 2 });
    using _priority = inRealTime();
    const command = mptcp("manage", policy);
    await using manager = await Listener.startManager(
      lab.client.netns,
      command,
    );
    await using opened = new OpenConnections(lab, EVERY_MS);
    await opened.grow(BUSY, subflows);
    const { percent } = await share(
      manager,
      () => new Promise((resolve) => setTimeout(resolve, BUSY_MS)),
    );
    await manager.end();
    rows.push([
      `\`mptcp manage ${policy}\``,
      `${percent.toFixed(1)} %`,
      outcome(percent, BUSY_TARGET),
    ]);
  }
  return {
    title: "A manager that looks at subflows",
    text: `${BUSY.toLocaleString("en")} connections, each of which sends a ` +
      `segment every ${EVERY_MS} ms: processor time as above, for ` +
      `${BUSY_MS / 1000} s after all are there.`,
    columns: ["", "share of a core", "target"],
    rows,
  };
}
