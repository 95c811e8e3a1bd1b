/**
 * What it costs to know all connections.
 *
 * @module
 */

import { Diag } from "../diag/mod.ts";
import { Tracker } from "../policy/mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { OpenConnections } from "./open_connections.ts";
import { outcome } from "./peers/contest.ts";
import { inRealTime } from "./real_time.ts";
import { notMeasured, type Report } from "./report.ts";
import { median, rounds } from "./rounds.ts";

const COUNT = 100_000;
/** So many are real. */
const REAL = 10_000;
const ROUNDS = 5;

const TARGET_US = 3;
const TARGET_BYTES = 600;
const TARGET_MS = 200;

const KEEPERS = ["nothing", "tracker"] as const;

/** Measures what following takes, and looking. */
export async function tracker(): Promise<Report[]> {
  return [following(), await looking()];
}

/** What a program prints that follows events. */
interface Followed {
  readonly us: number;
  readonly one: number;
  readonly two: number;
}

function following(): Report {
  const found = Object.fromEntries(
    KEEPERS.map((keeper) => [keeper, [] as Followed[]]),
  );
  {
    using _priority = inRealTime();
    for (let round = 0; round < ROUNDS; round++) {
      for (const keeper of KEEPERS) found[keeper]!.push(follow(keeper));
    }
  }
  const middle = (keeper: string, key: keyof Followed) =>
    median(found[keeper]!.map((one) => one[key]));
  const decoding = middle("nothing", "us");
  const more = middle("tracker", "us") - decoding;
  const bytes = middle("tracker", "one");
  return {
    title: "Tracker",
    text: `${COUNT.toLocaleString("en")} connections of the fake kernel ` +
      "(`bench/tracked.ts`): each is created and established, gets a second " +
      "subflow, loses it, and gets it again. The time of an event, also " +
      "without that of decoding it, and the heap for a connection, with the " +
      "initial subflow and with two: medians of " +
      `${ROUNDS} interleaved processes, in real time.`,
    columns: [
      ...["", "µs", "over decoding", "target", "bytes", "target"],
      "with two subflows",
    ],
    rows: [
      ["events, decoded", decoding.toFixed(2), "", "", "", "", ""],
      [
        ...["`Tracker`", middle("tracker", "us").toFixed(2), more.toFixed(2)],
        ...[outcome(more, TARGET_US), bytes.toFixed(0)],
        ...[outcome(bytes, TARGET_BYTES), middle("tracker", "two").toFixed(0)],
      ],
    ],
  };
}

function follow(keeper: string): Followed {
  const program = new URL("tracked.ts", import.meta.url).pathname;
  return JSON.parse(run(
    ...[Deno.execPath(), "run", "--quiet", "--v8-flags=--expose-gc"] as const,
    ...["-A", decodeURIComponent(program), keeper, `${COUNT}`],
  ));
}

async function looking(): Promise<Report> {
  const title = "Tracker, a look";
  const missing = Lab.missing();
  if (missing !== undefined) return notMeasured(title, missing);
  using lab = Lab.open({ paths: 2 });
  await using opened = new OpenConnections(lab);
  await opened.grow(REAL);
  using diag = Diag.open({ netns: lab.client.netns });
  const timed = (action: () => void) => {
    const start = performance.now();
    action();
    return performance.now() - start;
  };
  const known = new Tracker();
  known.resync(diag.connections());
  using _priority = inRealTime();
  const ms = await rounds({
    list: () => timed(() => [...diag.connections()]),
    first: () => timed(() => new Tracker().resync(diag.connections())),
    again: () => timed(() => known.resync(diag.connections())),
  }, ROUNDS);
  return {
    title,
    text: `${REAL.toLocaleString("en")} real connections with two subflows ` +
      `each, by \`tracker.resync(diag.connections())\`: medians of ${ROUNDS} ` +
      "interleaved rounds, in real time. The target is 2 s for 100,000.",
    columns: ["", "ms", "target"],
    rows: [
      ["`diag.connections()` alone", ms.list.toFixed(0), ""],
      ["none was known", ms.first.toFixed(0), outcome(ms.first, TARGET_MS)],
      ["all were known", ms.again.toFixed(0), outcome(ms.again, TARGET_MS)],
    ],
  };
}
