/**
 * What an event costs from its bytes to an object, without the kernel.
 *
 * @module
 */

import {
  decodeAttrs,
  decodeGenlPayload,
  decodeNlMessages,
} from "../codec/mod.ts";
import { EVENTS } from "../codec/mptcp_pm.gen.ts";
import { type EventsOptions, PathManager, SyscallError } from "../mod.ts";
import { decodeEvent } from "../ops/event.ts";
import { FakeKernel } from "../testing/mod.ts";
import { goldenOf } from "../tests/helpers/golden.ts";
import type { Report } from "./report.ts";
import { rounds } from "./rounds.ts";

const ROUNDS = 15;
/** How many events each contender takes in a round. */
const COUNT = 200_000;
const TARGET_PER_SECOND = 1_000_000;
/** What an event that is dropped may cost of one that is passed on. */
const TARGET_DROPPED = 1 / 3;
const ENOBUFS = 105;

/** Built of `events.c` with the other peers. */
const PEER = decodeURIComponent(
  new URL("peers/.build/events", import.meta.url).pathname,
);

const captured = goldenOf("event").map(({ bytes }) => bytes);

const PASSED = "`pm.events()`";
const DROPPED = {
  types: "the same, dropped by `types`",
  token: "the same, dropped by `token`",
};

const TITLE = "Events from a buffer";
const TEXT = `The ${captured.length} captured events of \`tests/golden/\`, ` +
  "IPv4 and IPv6, again and again: medians of " +
  `${ROUNDS} interleaved rounds of ${COUNT.toLocaleString("en")} events. C ` +
  "(`bench/peers/events.c`, libmnl) fills a structure with the same fields; " +
  "most of its time goes to `inet_ntop()`, so it is measured without, too. " +
  "The last rows are the whole library but the socket: events that are passed " +
  "on, and such that a filter drops, as a share of them.";

/** Measures decoding and delivery. */
export async function events(): Promise<Report[]> {
  const inC = {
    "C, addresses as text": () => decodeInC("text"),
    "C, addresses as bytes": () => decodeInC("bytes"),
  };
  const ours = {
    "`decodeAttrs()` of `@mptcp/pm/codec`": () => timed(decodeAll),
    "`decodeEvent()`, as in `pm.events()`": () => timed(decodeEvents),
    [PASSED]: () => deliver({}),
    [DROPPED.types]: () => deliver({ types: ["overrun"] }),
    // No captured connection has it.
    [DROPPED.token]: () => deliver({ token: 1 }),
  };
  const isBuilt = isFile(PEER);
  if (!isBuilt) console.error(`NOT MEASURED: C: there is no ${PEER}`);
  const figures = await rounds<string>({ ...isBuilt && inC, ...ours }, ROUNDS);
  const reference = figures["C, addresses as text"];
  return [{
    title: TITLE,
    text: TEXT,
    columns: ["", "ns an event", "events a second", "of C", "target"],
    rows: Object.entries(figures).map(([name, ns]) => [
      name,
      ns.toFixed(0),
      Math.round(1e9 / ns).toLocaleString("en"),
      reference === undefined ? "–" : (ns / reference).toFixed(2),
      name.startsWith("`decodeEvent")
        ? rate(1e9 / ns)
        : Object.values(DROPPED).includes(name)
        ? share(ns / figures[PASSED]!)
        : "",
    ]),
  }];
}

/** An event that is dropped, of one that is passed on. */
function share(of: number): string {
  const met = of <= TARGET_DROPPED;
  return `${of.toFixed(2)}, ≤ ${TARGET_DROPPED.toFixed(2)}: ` +
    (met ? "met" : "missed");
}

/** The nanoseconds that each event takes from the socket to a program. */
async function deliver(options: EventsOptions): Promise<number> {
  const namespace = new FakeKernel();
  let sent = 0;
  namespace.subscribe = (protocol, groups) =>
    Object.assign(
      FakeKernel.prototype.subscribe.call(namespace, protocol, groups),
      {
        receive() {
          if (sent < COUNT) return captured[sent++ % captured.length];
          // This ends the round: the event "overrun" follows.
          if (sent++ > COUNT) return undefined;
          throw new SyscallError("recvfrom", ENOBUFS, "receive");
        },
      },
    );
  using pm = PathManager.open({ namespace });
  const start = performance.now();
  for await (const { type } of pm.events(options)) {
    if (type === "overrun") break;
  }
  return (performance.now() - start) / COUNT * 1e6;
}

function rate(perSecond: number): string {
  const met = perSecond >= TARGET_PER_SECOND;
  return `≥ ${TARGET_PER_SECOND.toLocaleString("en")} a second: ` +
    (met ? "met" : "missed");
}

/** The nanoseconds that each of the events takes. */
function timed(decode: (datagram: Uint8Array) => unknown): number {
  const start = performance.now();
  for (let index = 0; index < COUNT; index++) {
    decode(captured[index % captured.length]!);
  }
  return (performance.now() - start) / COUNT * 1e6;
}

function decodeAll(datagram: Uint8Array): void {
  for (const { payload } of decodeNlMessages(datagram)) {
    decodeAttrs(EVENTS.created.set, decodeGenlPayload(payload).attrs);
  }
}

function decodeEvents(datagram: Uint8Array): void {
  for (const message of decodeNlMessages(datagram)) {
    decodeEvent(message);
  }
}

async function decodeInC(addresses: "text" | "bytes"): Promise<number> {
  const peer = new Deno.Command(PEER, {
    args: [addresses, String(COUNT)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = peer.stdin.getWriter();
  for (const datagram of captured) await writer.write(datagram);
  await writer.close();
  const { success, stdout } = await peer.output();
  if (!success) throw new Error("events.c could not read the captured events");
  return Number(new TextDecoder().decode(stdout)) / COUNT;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
