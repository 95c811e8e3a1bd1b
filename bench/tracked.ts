// What following connections takes beyond their events, with the kernel that is
// not one:
//
//     deno run --v8-flags=--expose-gc bench/tracked.ts nothing|tracker COUNT
//
// Each of COUNT connections is created and established, gets a second subflow,
// loses it and gets it again. It prints, as JSON, the time of an event in µs,
// and the bytes of the heap for a connection, before and after the second
// subflow.

import { align4, GENL_HDRLEN, NLMSG_HDRLEN } from "../codec/mod.ts";
import {
  MPTCP_ATTR_DADDR4,
  MPTCP_ATTR_DPORT,
  MPTCP_ATTR_TOKEN,
} from "../codec/mptcp_pm.gen.ts";
import { PathManager } from "../mod.ts";
import { Tracker } from "../policy/mod.ts";
import { FakeKernel } from "../testing/mod.ts";
import { golden } from "../tests/helpers/golden.ts";

/** How many events come before they are taken. */
const BATCH = 500;

const [keeper, count] = [Deno.args[0], Number(Deno.args[1])];
const kernel = new FakeKernel();
using pm = PathManager.open({ namespace: kernel });
using stream = pm.events();
const tracker = new Tracker();
const isTracking = keeper === "tracker";

const [created, established, opened] = [
  ...["upm-v4/server/created", "upm-v4/server/established"],
  "upm-v4-subflow-create/server/sub-established",
].map((name, index) => message(name, index < 2 ? 0x0a000000 : 0x0b000000));
const closed = { ...opened!, bytes: opened!.bytes.slice() };
closed.bytes[NLMSG_HDRLEN] = 11;

/** A captured event, where in it is what differs, and where clients are. */
function message(name: string, network: number) {
  const { bytes } = golden(`event/${name}`);
  const view = new DataView(bytes.buffer);
  const find = (type: number) => {
    let offset = NLMSG_HDRLEN + GENL_HDRLEN;
    while (view.getUint16(offset + 2, true) !== type) {
      offset += align4(view.getUint16(offset, true));
    }
    return offset + 4;
  };
  return {
    bytes,
    network,
    token: find(MPTCP_ATTR_TOKEN),
    address: find(MPTCP_ATTR_DADDR4),
    port: find(MPTCP_ATTR_DPORT),
  };
}

/** Another client: its own token, addresses and ports. */
function emit(
  { bytes, token, address, port, network }: ReturnType<typeof message>,
  index: number,
): void {
  const datagram = bytes.slice();
  const view = new DataView(datagram.buffer);
  // Odd, so that each token comes once; tokens are of all 32 bits.
  view.setUint32(token, Math.imul(index + 1, 0x9e3779b1), true);
  view.setUint32(address, network + index);
  view.setUint16(port, 1024 + index % 60000);
  kernel.emit(datagram);
}

let ms = 0;
let events = 0;

async function take(...messages: ReturnType<typeof message>[]): Promise<void> {
  for (let first = 0; first < count; first += BATCH) {
    const end = Math.min(count, first + BATCH);
    for (let index = first; index < end; index++) {
      for (const one of messages) emit(one, index);
    }
    const taken = (end - first) * messages.length;
    const start = performance.now();
    for (let left = taken; left > 0; left--) {
      const { value } = await stream.next();
      if (isTracking) tracker.take(value!);
    }
    ms += performance.now() - start;
    events += taken;
  }
}

function heap(): number {
  (globalThis as { gc?: () => void }).gc!();
  return Deno.memoryUsage().heapUsed;
}

const empty = heap();
await take(created!, established!);
const one = (heap() - empty) / count;
await take(opened!, closed, opened!);
const two = (heap() - empty) / count;
const subflows = [...tracker.connections.values()]
  .reduce((sum, { subflows }) => sum + subflows.length, 0);
if (isTracking && subflows !== 2 * count) {
  throw new Error(`${subflows} subflows of ${count} connections`);
}
console.log(JSON.stringify({ us: 1000 * ms / events, one, two }));
