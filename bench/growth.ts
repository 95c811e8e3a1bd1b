/**
 * What one more costs: one more endpoint, event, connection.
 *
 * @module
 */

import { NetlinkError, PathManager } from "../mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import {
  MptcpSocket,
  POLLIN,
  waitForSockets,
} from "../testing/mptcp_socket.ts";
import { churn, EVENTS_OF_CLIENT } from "../tests/helpers/churn.ts";
import { fit, type Point } from "./fit.ts";
import { type Chart, equation, number, plot } from "./plot.ts";
import type { Report } from "./report.ts";
import { median, rounds } from "./rounds.ts";

const ROUNDS = 5;
const ANNOUNCED = [1, 10, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250];
/** In events; the queue takes some 5000. */
const QUEUED = [300, 900, 1500, 2100, 2700, 3300, 3900, 4500];
const OPEN = [500, 1000, 1500, 2000, 2500, 3000, 3500, 4000];
const TRACKED = [1, 10, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
  .map((thousands) => thousands * 1000);
/** How often a command is measured, and for how long. */
const SLICES = 31;
const SLICE_MS = 2;
const TIMEOUT_MS = 5000;

/** Measures growth; the plots show each point. */
export async function growth(): Promise<Report[]> {
  const charts = tracked();
  const missing = Lab.missing();
  if (missing === undefined) {
    charts.unshift(endpoints(), announced(), await queued());
    charts.push(...await open());
  } else {
    console.error(`NOT MEASURED: growth in the kernel: ${missing}`);
  }
  return [{
    title: "Growth",
    text: "Straight lines through what was measured, by least squares: what " +
      "one more costs, what it costs with none, and how well the points lie " +
      "on the line. A point is the median of " +
      `${SLICES} slices of ${SLICE_MS} ms for commands, of ${ROUNDS} ` +
      "interleaved rounds for queued events, and one measurement for " +
      "connections, of which there are more and more. Tracked connections " +
      "are events of the fake kernel in a `Map` (`bench/track.ts`); open ones " +
      "are real, and both of their ends are here. A cost that does not grow " +
      "has no slope, and an R² that says nothing.",
    columns: ["", "of how many", "one more", "none", "R²"],
    rows: charts.flatMap((chart) =>
      Object.entries(chart.series).map(([name, points]) => [
        name,
        `${number(points[0]![0])} to ${number(points.at(-1)![0])} ${chart.x}`,
        ...equation(fit(points), chart),
      ])
    ),
    plots: charts.map(plot),
  }];
}

/** The endpoints of a namespace. */
function endpoints(): Chart {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  microseconds(() => pm.dumpAddrs()); // Once more, when the code is warm.
  const points: Point[] = [];
  while (hasRoom(pm, `10.79.0.${points.length + 1}`)) {
    points.push([points.length + 1, microseconds(() => pm.dumpAddrs())]);
  }
  return {
    file: "endpoints.svg",
    alt: "The time of dumpAddrs() against the number of endpoints",
    x: "endpoints",
    unit: "µs",
    each: ["ns", 1000],
    series: { "`dumpAddrs()`": points },
  };
}

function hasRoom(pm: PathManager, address: string): boolean {
  try {
    pm.addAddr({ address, flags: ["subflow"] });
    return true;
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ERANGE") return false;
    throw error;
  }
}

/** The addresses that are announced on one connection. */
function announced(): Chart {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.server.netns });
  using _former = pm.setMode("userspace");
  using connection = lab.connect();
  connection.transfer(1000);
  const { token } = connection.server;
  let made = 0;
  const points = ANNOUNCED.map((count): Point => {
    while (made < count) {
      made++;
      pm.announce({ token, address: `10.78.0.${made}`, id: made });
    }
    return [count, microseconds(() => pm.dumpAddrs({ token }))];
  });
  return {
    file: "announced.svg",
    alt: "The time of dumpAddrs({ token }) against the announced addresses",
    x: "announced addresses",
    unit: "µs",
    each: ["ns", 1000],
    series: { "`dumpAddrs({ token })`": points },
  };
}

/** How long a command takes, in microseconds. */
function microseconds(command: () => unknown): number {
  return median(Array.from({ length: SLICES }, () => {
    const start = performance.now();
    let ms = 0;
    let count = 0;
    for (; ms < SLICE_MS; count++) {
      command();
      ms = performance.now() - start;
    }
    return ms / count * 1000;
  }));
}

/** Events that wait in the socket for a program that was busy. */
async function queued(): Promise<Chart> {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const take = async (count: number) => {
    using stream = pm.events();
    churn(lab, count / EVENTS_OF_CLIENT.length);
    const start = performance.now();
    for (let taken = 0; taken < count; taken++) {
      const { value } = await stream.next();
      if (value?.type === "overrun") throw new Error("The queue is too short");
    }
    return performance.now() - start;
  };
  // Once more, when the code is warm.
  await take(QUEUED.at(-1)!);
  const found = await rounds<string>(
    Object.fromEntries(QUEUED.map((count) => [count, () => take(count)])),
    ROUNDS,
  );
  const points = QUEUED.map((count): Point => [count, found[count]!]);
  return {
    file: "events.svg",
    alt: "The time to take queued events against their number",
    x: "queued events",
    unit: "ms",
    each: ["µs", 1000],
    series: { "`pm.events()`": points },
  };
}

/** Connections that a program keeps in a Map, in time and in bytes. */
function tracked(): Chart[] {
  const found = ["4", "6"].map((family) =>
    [`IPv${family}`, track(family)] as const
  );
  const series = (name: string, what: "ms" | "heap", factor: number) =>
    Object.fromEntries(
      found.map(([family, points]) => [
        `${name}, ${family}`,
        points.map((point): Point => [point.count, point[what] * factor]),
      ]),
    );
  return [
    {
      file: "tracked_time.svg",
      alt: "The time to hear of connections against their number",
      x: "tracked connections",
      unit: "s",
      each: ["µs", 1e6],
      series: series("hearing of a connection", "ms", 1e-3),
    },
    {
      file: "tracked_bytes.svg",
      alt: "The heap against the number of connections that it holds",
      x: "tracked connections",
      unit: "MB",
      each: ["bytes", 1e6],
      series: series("keeping a connection", "heap", 1e-6),
    },
  ];
}

function track(
  family: string,
): { readonly count: number; readonly ms: number; readonly heap: number }[] {
  const program = decodeURIComponent(
    new URL("track.ts", import.meta.url).pathname,
  );
  return JSON.parse(run(
    ...[Deno.execPath(), "run", "--quiet", "--v8-flags=--expose-gc"],
    ...[program, family, ...TRACKED.map(String)],
  ));
}

/** Real connections that are open at the same time, and are heard of. */
async function open(): Promise<Chart[]> {
  using lab = Lab.open();
  const { client, server } = lab;
  using pm = PathManager.open({ netns: client.netns });
  using _former = pm.setMode("userspace");
  using stream = pm.events({ types: ["established", "overrun"] });
  using sockets = new DisposableStack();
  const listener = sockets.use(
    MptcpSocket.listen(server.netns, { address: "0.0.0.0", port: 0 }),
  );
  const to = { address: server.address(1), port: listener.local.port };
  const tokens = new Set<number>();
  const empty = slab();
  const memory: Point[] = [];
  const command: Point[] = [];
  for (const count of OPEN) {
    while (tokens.size < count) {
      const near = sockets.use(
        MptcpSocket.connect(client.netns, client.address(1), to, TIMEOUT_MS),
      );
      const far = sockets.use(listener.accept(TIMEOUT_MS));
      for (const [from, to] of [[near, far], [far, near]] as const) {
        from.send(1);
        waitForSockets([[to, POLLIN]], TIMEOUT_MS, "get a byte");
        to.receive();
      }
      const { value } = await stream.next();
      if (value?.type !== "established" || value.token !== near.token) {
        throw new Error(`The event of a connection is ${value?.type}`);
      }
      tokens.add(value.token);
    }
    memory.push([count, (slab() - empty) / 1e6]);
    const token = [...tokens][count >> 1]!;
    command.push([count, microseconds(() => pm.dumpAddrs({ token }))]);
  }
  return [
    {
      file: "open_memory.svg",
      alt: "The slabs of the kernel against the number of open connections",
      x: "open connections",
      unit: "MB",
      each: ["bytes", 1e6],
      series: { "both ends of a connection, in the kernel": memory },
    },
    {
      file: "open_command.svg",
      alt: "The time of a command for one of many open connections",
      x: "open connections",
      unit: "µs",
      each: ["ns", 1000],
      series: { "`dumpAddrs({ token })` of one of many": command },
    },
  ];
}

/** What all objects of the kernel take, in bytes. */
function slab(): number {
  const [, kilobytes] = Deno.readTextFileSync("/proc/meminfo")
    .match(/^Slab: +(\d+) kB$/m)!;
  return Number(kilobytes) * 1024;
}
