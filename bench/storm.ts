/**
 * Events of real connections, as fast as the machine makes them: who keeps up,
 * and at what price.
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { run } from "../testing/host.ts";
import { Lab } from "../testing/lab.ts";
import { MptcpSocket } from "../testing/mptcp_socket.ts";
import { churnAside, EVENTS_OF_CLIENT } from "../tests/helpers/churn.ts";
import { Listener } from "./listener.ts";
import { notMeasured, type Report } from "./report.ts";
import { median } from "./rounds.ts";

/** Each listener is the first in one of them. */
const ROUNDS = 4;
/** Each makes connections, one after the other. */
const WORKERS = 2;
/** Connections that are not measured: programs get faster as they run. */
const WARM_UP = 1000;
const STORM = 4000;
/** What every queue takes, and what none does. */
const BURSTS = [800, 4000] as const;
const TITLE = "A storm";
/** Sockets that are made to listen, to see how soon that is known. */
const LATENCIES = 1000;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** The listeners, by name. */
function listeners(): ReadonlyMap<string, readonly string[]> {
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-ffi"];
  const config = run(Deno.execPath(), "run", "-A", `${root}tools/std/config.ts`)
    .trim();
  return new Map([
    ["nobody", []],
    ["a program with `pm.events()`", [...deno, `${root}bench/listen.ts`]],
    ["`mptcp monitor`", [
      ...[...deno, ...config === "" ? [] : [config]],
      ...[`${root}cli.ts`, "monitor"],
    ]],
    [IP, ["ip", "mptcp", "monitor"]],
  ]);
}

const IP = "`ip mptcp monitor`";

/** What one round has shown of one listener. */
interface Round {
  /** How long the connections of the storm took, in milliseconds. */
  readonly madeMs: number;
  /** How long it took until their events were read, too. */
  readonly readMs: number;
  /** How many of their events were lost. */
  readonly lost: number;
  /** Processor time of the listener meanwhile. */
  readonly cpuMs: number;
  readonly bursts: readonly Burst[];
}

/** What a listener that was stopped has done when it could go on. */
interface Burst {
  readonly lost: number;
  /** How long it took until its queue was empty. */
  readonly readMs: number;
}

/** Measures storms, bursts, and how soon an event is there. */
export async function storm(): Promise<Report[]> {
  const missing = Lab.missing();
  if (missing !== undefined) return [notMeasured(TITLE, missing)];
  // One for all: a kernel that still removes the last would be slower.
  using lab = Lab.open();
  const all = listeners();
  const rounds = new Map([...all.keys()].map((name) => [name, [] as Round[]]));
  for (let round = 0; round < ROUNDS; round++) {
    const turn = [...all];
    for (const [name, command] of [...turn.splice(round), ...turn]) {
      rounds.get(name)!.push(await measure(lab, command));
    }
  }
  return [stormReport(rounds), burstReport(rounds), await latencyReport(lab)];
}

/** One round; without a command, of connections that nobody hears of. */
async function measure(
  lab: Lab,
  command: readonly string[],
): Promise<Round> {
  if (command.length === 0) {
    await make(lab, WARM_UP);
    const madeMs = await timed(() => make(lab, STORM));
    return { madeMs, readMs: madeMs, lost: 0, cpuMs: 0, bursts: [] };
  }
  await using listener = await Listener.start(lab.client.netns, command);
  await make(lab, WARM_UP);
  await listener.caughtUp();
  const { dropped, cpuMs } = listener;
  let madeMs = 0;
  const readMs = await timed(async () => {
    madeMs = await timed(() => make(lab, STORM));
    await listener.caughtUp();
  });
  const storm = {
    madeMs,
    readMs,
    lost: listener.dropped - dropped,
    cpuMs: listener.cpuMs - cpuMs,
  };
  const bursts = [];
  for (const count of BURSTS) bursts.push(await burst(lab, listener, count));
  const { dropped: lost } = listener;
  await check(listener, lost);
  return { ...storm, bursts };
}

async function burst(
  lab: Lab,
  listener: Listener,
  connections: number,
): Promise<Burst> {
  const { dropped } = listener;
  listener.pause();
  await make(lab, connections);
  const readMs = await timed(() => {
    listener.resume();
    return listener.caughtUp();
  });
  return { lost: listener.dropped - dropped, readMs };
}

/** A listener has written all that the kernel has not dropped, or it lies. */
async function check(listener: Listener, dropped: number): Promise<void> {
  const text = await listener.end();
  const delivered = /^\d+\n$/.test(text)
    ? Number(text)
    : text.matchAll(/^\[ *(CREATED|ESTABLISHED|CLOSED)\]/gm).toArray().length;
  const wanted = eventsOf(WARM_UP + STORM + BURSTS[0] + BURSTS[1]) - dropped;
  if (delivered !== wanted) {
    throw new Error(`${wanted} events, but ${delivered} were delivered`);
  }
}

function eventsOf(connections: number): number {
  return connections * EVENTS_OF_CLIENT.length;
}

async function make(lab: Lab, connections: number): Promise<void> {
  await Promise.all(
    Array.from(
      { length: WORKERS },
      () => churnAside(lab, connections / WORKERS),
    ),
  );
}

async function timed(action: () => unknown): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

type Rounds = ReadonlyMap<string, readonly Round[]>;

function stormReport(rounds: Rounds): Report {
  const us = (name: string) =>
    medianOf(
      rounds.get(name)!,
      ({ cpuMs, lost }) => cpuMs * 1000 / (eventsOf(STORM) - lost),
    );
  return {
    title: TITLE,
    text: `${STORM} connections, made by ${WORKERS} threads as fast as they ` +
      "can, one after the other, each with a byte both ways: " +
      `${EVENTS_OF_CLIENT.length} events each for the host that connects. ` +
      "Their rate is that of the makers and of the kernel; what a listener " +
      "costs is its processor time, system calls included (`schedstat` of all " +
      "its threads). Listeners write to a file, and have seen " +
      `${WARM_UP} connections before. Medians of ${ROUNDS} interleaved ` +
      "rounds.",
    columns: [
      "heard by",
      "connections a second",
      "events a second",
      "lost",
      "CPU µs an event",
      "of `ip`",
      "share of a core",
    ],
    rows: [...rounds].map(([name, rounds]) => {
      const made = medianOf(rounds, ({ madeMs }) => STORM / madeMs * 1000);
      if (us(name) === 0) {
        return [name, count(made), ...Array<string>(5).fill("–")];
      }
      return [
        name,
        count(made),
        count(medianOf(
          rounds,
          ({ lost, readMs }) => (eventsOf(STORM) - lost) / readMs * 1000,
        )),
        count(medianOf(rounds, ({ lost }) => lost)),
        us(name).toFixed(1),
        (us(name) / us(IP)).toFixed(2),
        `${
          (medianOf(rounds, ({ cpuMs, readMs }) => cpuMs / readMs) * 100)
            .toFixed(0)
        } %`,
      ];
    }),
  };
}

function burstReport(rounds: Rounds): Report {
  return {
    title: "A burst",
    text: "The same listeners are stopped (SIGSTOP) while connections are " +
      "made, and go on: how long until the queue is empty, and how many " +
      "events were dropped, because it was full. The queues differ: ours has " +
      "4 MiB, that of `ip` 2 MiB, and the kernel counts some 830 bytes for an " +
      "event.",
    columns: ["heard by", "events", "lost", "caught up, ms", "µs an event"],
    rows: [...rounds].flatMap(([name, rounds]) =>
      BURSTS.flatMap((connections, index) => {
        const bursts = rounds.flatMap(({ bursts }) => bursts[index] ?? []);
        if (bursts.length === 0) return [];
        const events = eventsOf(connections);
        return [[
          name,
          count(events),
          count(medianOf(bursts, ({ lost }) => lost)),
          medianOf(bursts, ({ readMs }) => readMs).toFixed(1),
          medianOf(
            bursts,
            ({ lost, readMs }) => readMs * 1000 / (events - lost),
          ).toFixed(1),
        ]];
      })
    ),
  };
}

async function latencyReport(lab: Lab): Promise<Report> {
  using pm = PathManager.open({ netns: lab.client.netns });
  const times = (await latencies(lab, pm)).toSorted((one, other) =>
    one - other
  );
  return {
    title: "How soon an event is there",
    text: `From \`listen()\` to the event of it in \`pm.events()\`, which ` +
      `waits: ${LATENCIES} times.`,
    columns: ["percentile", "µs"],
    rows: [50, 99].map((percentile) => [
      String(percentile),
      count(times[Math.floor(times.length * percentile / 100)]! * 1000),
    ]),
  };
}

/** How long events take to get here, in milliseconds. */
async function latencies(lab: Lab, pm: PathManager): Promise<number[]> {
  const times: number[] = [];
  using stream = pm.events({ types: ["listener-created"] });
  for (let round = 0; round < LATENCIES; round++) {
    const next = stream.next();
    // By then a thread waits.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const start = performance.now();
    using _listener = MptcpSocket.listen(
      lab.client.netns,
      { address: "0.0.0.0", port: 0 },
    );
    await next;
    times.push(performance.now() - start);
  }
  return times;
}

function medianOf<Value>(
  values: readonly Value[],
  of: (value: Value) => number,
): number {
  return median(values.map(of));
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
