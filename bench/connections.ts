/**
 * What it costs to list thousands of connections.
 *
 * @module
 */

import { Diag } from "../diag/mod.ts";
import { openNamespace } from "../mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { deno, environment, mptcp } from "./commands.ts";
import { Contest, outcome } from "./peers/contest.ts";
import { OpenConnections } from "./open_connections.ts";
import { peers } from "./peers/install.ts";
import { inRealTime } from "./real_time.ts";
import { record } from "./recorded.ts";
import { notMeasured, type Report } from "./report.ts";
import { rounds } from "./rounds.ts";

/** How many connections there are, one number after the other. */
const COUNTS = [1_000, 10_000];
const ROUNDS = 9;
const WITHIN_MS = 30_000;
const TARGET_PROCESS = 1.5;
const TARGET_IN_C = 1.6;

const TITLE = "Connections";

/** Measures the lists. */
export async function connections(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  using lab = Lab.open({ paths: 2 });
  const { netns } = lab.client;
  await using opened = new OpenConnections(lab);
  const memory: string[][] = [];
  for (const count of COUNTS) {
    await opened.grow(count);
    memory.push([`${number(count)} connections`, ...memoryOf(netns)]);
  }
  return [
    await wholeProcesses(netns),
    await eachSocket(netns),
    {
      title: `${TITLE}, memory`,
      text: "A script that goes through `diag.connections()` and keeps none, " +
        "with the permission and configuration of the command line: what V8 " +
        "has on its heap and in buffers, the most that was seen, after each " +
        "100 connections, and the most that was resident (`VmHWM`). Up to " +
        "16,384 connections are kept as bytes until their subflows are read.",
      columns: ["", "heap, MB", "buffers, MB", "RSS, MB"],
      rows: memory,
    },
  ];
}

function number(value: number): string {
  return value.toLocaleString("en");
}

/** The command line beside `ss`, which takes two processes. */
async function wholeProcesses(netns: string): Promise<Report> {
  const commands = {
    mptcp: mptcp("-n", netns, "-j", "connection"),
    mptcpSockets: ["ss", "-N", netns, "-HMni"],
    tcpSockets: ["ss", "-N", netns, "-Htni"],
  };
  using _priority = inRealTime();
  const ms = await rounds(
    {
      mptcp: () => timed(commands.mptcp),
      mptcpSockets: () => timed(commands.mptcpSockets),
      tcpSockets: () => timed(commands.tcpSockets),
    },
    ROUNDS,
    WITHIN_MS,
  );
  const both = ms.mptcpSockets + ms.tcpSockets;
  const ratio = ms.mptcp / both;
  return {
    title: TITLE,
    text:
      `${number(COUNTS.at(-1)!)} real connections with two subflows each, ` +
      "listed by whole processes that write to `/dev/null`, in real time: " +
      "medians of interleaved rounds.",
    columns: ["", "ms", "ratio", "target"],
    rows: [
      ["ss -HMni", ms.mptcpSockets.toFixed(0), "", ""],
      ["ss -Htni", ms.tcpSockets.toFixed(0), "", ""],
      ["both", both.toFixed(0), "1.00", ""],
      [
        ...["mptcp -j connection", ms.mptcp.toFixed(0), ratio.toFixed(2)],
        outcome(ratio, TARGET_PROCESS),
      ],
    ],
  };
}

function timed([program, ...args]: readonly string[]): number {
  const start = performance.now();
  const { success } = new Deno.Command(program!, {
    args,
    env: environment,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).outputSync();
  if (!success) throw new Error(`${program} ${args.join(" ")} fails`);
  return performance.now() - start;
}

/** The library beside C, with the kernel and without. */
async function eachSocket(netns: string): Promise<Report> {
  const file = await Deno.makeTempFile();
  try {
    using namespace = openNamespace(netns);
    await Deno.writeFile(
      file,
      record(namespace, (recorder) => {
        using diag = Diag.open({ namespace: recorder });
        for (const _ of diag.connections());
      }),
    );
    await using contest = Contest.open(netns, peers("C"));
    const things = 3 * COUNTS.at(-1)!;
    const rows = [
      await contest.row({
        ...{ name: "asked of the kernel", operation: ["connections"], things },
        target: TARGET_IN_C,
      }),
      await contest.row({
        ...{
          name: "recorded",
          operation: ["decode-connections", file],
          things,
        },
        target: TARGET_IN_C,
      }),
    ];
    return {
      title: `${TITLE}, a socket of them`,
      text: "The same list by `diag.connections()`, and in C " +
        "(`bench/peers/sock_diag.c`): both dumps of both families, decoded into " +
        "structures with the same fields, addresses as text, and joined by " +
        "token. The time of a socket, of which a connection has three; " +
        "measured as above, with the kernel, and from recorded bytes.",
      columns: contest.columns,
      rows,
    };
  } finally {
    await Deno.remove(file);
  }
}

/** What a script takes that goes through the connections, in MB. */
function memoryOf(netns: string): string[] {
  const text = run(
    ...["ip", "netns", "exec", netns, "env", "DENO_NO_UPDATE_CHECK=1"] as const,
    ...deno("bench/iterate.ts"),
  );
  const { heap, buffers, rss } = JSON.parse(text);
  return [heap, buffers, rss].map((bytes) => (bytes / 1e6).toFixed(1));
}
