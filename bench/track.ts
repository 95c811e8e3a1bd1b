// A program that keeps what it knows of each connection, as a path manager
// does, with the kernel that is not one:
//
//     deno run --v8-flags=--expose-gc bench/track.ts FAMILY COUNT…
//
// It prints, as JSON, how long the events took to take until there were COUNT
// connections, and the bytes of the heap then.

import { align4, GENL_HDRLEN, NLMSG_HDRLEN } from "../codec/mod.ts";
import {
  MPTCP_ATTR_DADDR4,
  MPTCP_ATTR_DADDR6,
  MPTCP_ATTR_DPORT,
  MPTCP_ATTR_TOKEN,
} from "../codec/mptcp_pm.gen.ts";
import { PathManager, type PathManagerEvent } from "../mod.ts";
import { FakeKernel } from "../testing/mod.ts";
import { golden } from "../tests/helpers/golden.ts";

/** How many events come before they are taken. */
const BATCH = 500;

const [family, ...counts] = Deno.args;
const captured = golden(`event/kpm-v${family}/server/created`).bytes;
const token = find(MPTCP_ATTR_TOKEN, 4);
const address = find(
  family === "4" ? MPTCP_ATTR_DADDR4 : MPTCP_ATTR_DADDR6,
  4,
);
const port = find(MPTCP_ATTR_DPORT, 2);
const kernel = new FakeKernel();
using pm = PathManager.open({ namespace: kernel });
using stream = pm.events();
const connections = new Map<number, PathManagerEvent>();
const found: { count: number; ms: number; heap: number }[] = [];
let ms = 0;
const empty = heap();
for (const count of counts.map(Number)) {
  while (connections.size < count) {
    const batch = Math.min(BATCH, count - connections.size);
    for (let index = 0; index < batch; index++) emit(connections.size + index);
    const start = performance.now();
    for (let index = 0; index < batch; index++) {
      const { value } = await stream.next();
      if (value?.type === "created") connections.set(value.token, value);
    }
    ms += performance.now() - start;
  }
  found.push({ count, ms, heap: heap() - empty });
}
console.log(JSON.stringify(found));

/** Another client connects: the captured event, with its address and token. */
function emit(index: number): void {
  const datagram = captured.slice();
  const view = new DataView(datagram.buffer);
  // Odd, so that each token comes once; tokens are of all 32 bits.
  view.setUint32(token, Math.imul(index + 1, 0x9e3779b1), true);
  view.setUint32(address, 0x0a000000 + index);
  // Clients of IPv6 choose the half of their addresses at random.
  if (family === "6") view.setUint32(address - 4, Math.imul(index, 0x85ebca6b));
  view.setUint16(port, 1024 + index % 60000);
  kernel.emit(datagram);
}

/** Where the last four bytes of an attribute's payload are, or two of a port. */
function find(type: number, length: number): number {
  const view = new DataView(captured.buffer);
  let offset = NLMSG_HDRLEN + GENL_HDRLEN;
  while (view.getUint16(offset + 2, true) !== type) {
    offset += align4(view.getUint16(offset, true));
  }
  return offset + view.getUint16(offset, true) - length;
}

function heap(): number {
  (globalThis as { gc?: () => void }).gc!();
  return Deno.memoryUsage().heapUsed;
}
