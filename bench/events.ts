/**
 * How many events get through, and how soon: without the kernel, and from it.
 *
 * @module
 */

import { decodeNlMessages } from "../codec/nlmsghdr.ts";
import { PathManager } from "../mod.ts";
import { decodeEvent } from "../ops/event.ts";
import { Lab } from "../testing/lab.ts";
import { MptcpSocket } from "../testing/mptcp_socket.ts";
import { churn, churnAside, EVENTS_OF_CLIENT } from "../tests/support/churn.ts";
import { goldenOf } from "../tests/support/golden.ts";
import { replay } from "../tests/support/replay.ts";

const EVENTS = 1_000_000;
const CONNECTIONS = 5000;
const ROUNDS = 1000;

/** Measures, and prints a table. */
export async function events(): Promise<void> {
  console.log("Events\n");
  print("decoded, per second", perSecond(EVENTS, decodeAll()));
  // Once more, now that the code is warm.
  await replay(EVENTS / 10);
  const { events, ms } = await replay(EVENTS);
  print("delivered of a fake kernel, per second", perSecond(events, ms));
  const missing = Lab.missing();
  if (missing !== undefined) {
    console.log(`Nothing from the kernel: ${missing}`);
    return;
  }
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  print("kept for a reader that does not read", await kept(lab, pm));
  const alone = await timed(() => churnAside(lab, CONNECTIONS));
  print("connections, unheard, per second", perSecond(CONNECTIONS, alone));
  const { heard, lost } = await listenTo(lab, pm);
  print("connections, heard, per second", perSecond(CONNECTIONS, heard));
  print(
    "their events, delivered, per second",
    perSecond(CONNECTIONS * EVENTS_OF_CLIENT.length - lost, heard),
  );
  print("their events, lost", lost);
  const times = (await latencies(lab, pm)).toSorted((a, b) => a - b);
  for (const percentile of [50, 99]) {
    const us = times[Math.floor(times.length * percentile / 100)]! * 1000;
    print(`from listen() to its event, p${percentile}, µs`, us);
  }
}

function print(what: string, value: number): void {
  console.log(
    what.padEnd(44) + Math.round(value).toLocaleString("en").padStart(12),
  );
}

function perSecond(count: number, ms: number): number {
  return count / ms * 1000;
}

async function timed(action: () => unknown): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** How long decoding alone takes, in milliseconds. */
function decodeAll(): number {
  const captured = goldenOf("event").map(({ bytes }) => bytes);
  const decode = (count: number) => {
    for (let index = 0; index < count; index++) {
      const [message] = decodeNlMessages(captured[index % captured.length]!);
      decodeEvent(message!, () => "eth0");
    }
  };
  decode(EVENTS / 10);
  const start = performance.now();
  decode(EVENTS);
  return performance.now() - start;
}

/** How many events the kernel keeps before the first is lost. */
async function kept(lab: Lab, pm: PathManager): Promise<number> {
  using stream = pm.events();
  churn(lab, CONNECTIONS);
  let count = 0;
  // All that is there comes before the next turn of the event loop.
  setTimeout(() => stream.close(), 0);
  for await (const { type } of stream) if (type !== "overrun") count++;
  return count;
}

/** How long connections take that are heard, and how many events are lost. */
async function listenTo(
  lab: Lab,
  pm: PathManager,
): Promise<{ heard: number; lost: number }> {
  using stream = pm.events();
  const wanted = CONNECTIONS * EVENTS_OF_CLIENT.length;
  let count = 0;
  const heard = await timed(async () => {
    const made = churnAside(lab, CONNECTIONS)
      // All events are there: what is not read at once is lost.
      .then(() => setTimeout(() => stream.close(), 100));
    for await (const { type } of stream) {
      if (type !== "overrun" && ++count === wanted) break;
    }
    await made;
  });
  return { heard, lost: wanted - count };
}

/** How long events take to get here, in milliseconds. */
async function latencies(lab: Lab, pm: PathManager): Promise<number[]> {
  const times: number[] = [];
  using stream = pm.events({ types: ["listener-created"] });
  for (let round = 0; round < ROUNDS; round++) {
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
