/**
 * How soon a connection gets its second subflow: by the kernel alone, by a
 * program in C, and by `mptcp manage fullmesh`.
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { mptcp } from "./commands.ts";
import { Listener } from "./listener.ts";
import { outcome } from "./peers/contest.ts";
import { compile } from "./peers/install.ts";
import { inRealTime } from "./real_time.ts";
import { notMeasured, type Report } from "./report.ts";

const TITLE = "The second subflow";
/** Each is started anew in each of them. */
const ROUNDS = 3;
/** Connections that are not measured: programs get faster as they run. */
const WARM_UP = 500;
const MEASURED = 500;
/** Between two connections, in microseconds. */
const WAIT_US = 2000;
const PORT = 5000;

const PERCENTILES = [50, 99] as const;
const TARGETS: Readonly<Record<number, number>> = { 50: 3, 99: 4 };

const IN_KERNEL = "the kernel's path manager";
const REFERENCE = "C";
const OURS = "`mptcp manage fullmesh`";

/** Measures the time from an event to what is done about it. */
export async function secondSubflow(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  const inC = [
    compile("manager", "manager.c"),
    ...[client.address(2), client.dev(2)],
  ];
  const managers = {
    [IN_KERNEL]: () => measureKernel(lab),
    [REFERENCE]: () => measureC(lab, inC),
    [OURS]: () => measureOurs(lab),
  };
  const found = new Map<string, number[]>();
  {
    using _priority = inRealTime();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, measure] of Object.entries(managers)) {
        found.set(name, [...found.get(name) ?? [], ...await measure()]);
      }
    }
  }
  return [reportOf(found)];
}

/** The kernel opens a subflow for an endpoint. */
function measureKernel(lab: Lab): number[] {
  const { client } = lab;
  using pm = PathManager.open({ netns: client.netns });
  const { id } = pm.addAddr({ address: client.address(2), flags: ["subflow"] });
  try {
    return connect(lab);
  } finally {
    pm.delAddr({ id });
  }
}

/** A program in C does, which leaves the mode to others. */
async function measureC(
  lab: Lab,
  command: readonly string[],
): Promise<number[]> {
  const { netns } = lab.client;
  using pm = PathManager.open({ netns });
  using _mode = pm.setMode("userspace");
  await using manager = await Listener.start(netns, command);
  return measure(lab, manager);
}

async function measureOurs(lab: Lab): Promise<number[]> {
  const { netns } = lab.client;
  const command = mptcp("manage", "fullmesh");
  await using manager = await Listener.startManager(netns, command);
  const found = measure(lab, manager);
  // It takes its mode back.
  await manager.end();
  return found;
}

function measure(lab: Lab, manager: Listener): number[] {
  const found = connect(lab);
  if (manager.dropped > 0) throw new Error("events were lost");
  return found;
}

/** Makes connections, and gives the times of those that count, in µs. */
function connect({ client, server }: Lab): number[] {
  const program = compile("second_subflow", "second_subflow.c");
  const lines = run(
    ...[program, client.netns, server.netns, server.address(1)] as const,
    ...[`${PORT}`, `${WARM_UP + MEASURED}`, `${WAIT_US}`],
  );
  return lines.trim().split("\n").slice(WARM_UP).map((ns) => Number(ns) / 1000);
}

function reportOf(found: ReadonlyMap<string, readonly number[]>): Report {
  const at = (name: string, percentile: number) => {
    const sorted = found.get(name)!.toSorted((one, other) => one - other);
    return sorted[Math.floor(sorted.length * percentile / 100)]!;
  };
  return {
    title: TITLE,
    text:
      "From the packet that establishes a connection on the client to the " +
      "SYN of its second subflow, by the kernel's time stamps for a packet " +
      `socket there: ${ROUNDS * MEASURED} connections each, one after the ` +
      `other, in ${ROUNDS} interleaved rounds, in real time. C ` +
      "(`bench/peers/manager.c`, libmnl) does no more than to send the " +
      "command. Ratios are to C.",
    columns: [
      "",
      ...PERCENTILES.flatMap((percentile) => [
        ...[percentile === 50 ? "median, µs" : `${percentile} %, µs`],
        ...["ratio", "target"],
      ]),
    ],
    rows: [...found.keys()].map((name) => [
      name,
      ...PERCENTILES.flatMap((percentile) => {
        const us = at(name, percentile);
        const ratio = us / at(REFERENCE, percentile);
        const target = name === OURS ? TARGETS[percentile] : undefined;
        return [us.toFixed(0), ratio.toFixed(2), outcome(ratio, target)];
      }),
    ]),
  };
}
