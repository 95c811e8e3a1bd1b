/**
 * What it costs to know all connections.
 *
 * @module
 */

import { listConnections } from "../diag/connections.ts";
import type { Namespace } from "../netlink/transport.ts";
import { openNamespace } from "../mod.ts";
import { Tracker } from "../policy/mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { FakeKernel } from "../testing/mod.ts";
import { OpenConnections } from "./open_connections.ts";
import { outcome } from "./peers/contest.ts";
import { inRealTime } from "./real_time.ts";
import { record, replay } from "./recorded.ts";
import { notMeasured, type Report } from "./report.ts";
import { median, rounds } from "./rounds.ts";

const COUNT = 100_000;
/** So many are real. */
const REAL = 20_000;
const ROUNDS = 5;

const TARGET_US = 3;
const TARGET_BYTES = 600;
/** For all. */
const TARGET_MS = 2000;

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
  const recorded = await look(recordedNamespace());
  using lab = Lab.open({ paths: 2 });
  await using opened = new OpenConnections(lab);
  await opened.grow(REAL);
  using namespace = openNamespace(lab.client.netns);
  const real = await look(namespace);
  const row = (name: string, key: keyof Look) => [
    name,
    recorded[key].toFixed(0),
    real[key].toFixed(0),
    key === "list" ? "" : outcome(real[key], TARGET_MS * REAL / COUNT),
  ];
  return {
    title,
    text: "Connections with two subflows each, by " +
      "`tracker.resync()`, read in one go as `manage()` does: medians of " +
      `${ROUNDS} interleaved rounds, in real time, of ${
        COUNT.toLocaleString("en")
      } ` +
      "of the fake kernel, without the kernel, from recorded bytes, and of " +
      `${REAL.toLocaleString("en")} real ones. The kernel has four places ` +
      "for MPTCP sockets for each MB of memory, and falls back to TCP where " +
      "it finds none: so there are no more real ones, whose both ends are " +
      "here. The target is 2 s for 100,000.",
    columns: [
      "",
      `${COUNT.toLocaleString("en")} recorded, ms`,
      `${REAL.toLocaleString("en")} real, ms`,
      "target",
    ],
    rows: [
      row("listed alone", "list"),
      row("none was known", "first"),
      row("all were known", "again"),
    ],
  };
}

/** What a look takes, in milliseconds. */
type Look = Readonly<Record<"list" | "first" | "again", number>>;

async function look(namespace: Namespace): Promise<Look> {
  const all = () => listConnections(namespace, Infinity);
  const timed = (action: () => void) => {
    const start = performance.now();
    action();
    return performance.now() - start;
  };
  const known = new Tracker();
  known.resync(all());
  using _priority = inRealTime();
  return await rounds({
    list: () => timed(() => all().forEach(() => {})),
    first: () => timed(() => new Tracker().resync(all())),
    again: () => timed(() => known.resync(all())),
  }, ROUNDS);
}

/** What the fake kernel says of as many connections as are wanted. */
function recordedNamespace(): Namespace {
  const kernel = new FakeKernel();
  for (let index = 0; index < COUNT; index++) {
    const port = 1024 + index % 60_000;
    const network = Math.floor(index / 60_000);
    const remote = { address: `10.1.${network}.1`, port: 443 };
    const local = { address: "10.0.1.1", port };
    // As `tracked.ts` does: tokens are of all 32 bits.
    const token = Math.imul(index + 1, 0x9e37_79b1) >>> 0;
    const connection = kernel.connect(token, { local, remote });
    connection.openSubflow({
      local: { address: "10.0.2.1", port },
      ...{ remote, locId: 1 },
    });
  }
  return replay(record(kernel, (namespace) => {
    listConnections(namespace, Infinity).forEach(() => {});
  }));
}
