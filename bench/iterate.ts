/**
 * Goes through the connections, keeps none, and prints what that takes at the
 * most, in bytes: on the heap, in buffers, and in the resident set.
 *
 * @module
 */

import { openNamespace } from "../mod.ts";
import { Diag } from "../diag/mod.ts";

let heap = 0;
let buffers = 0;

function look(): void {
  const { heapUsed, external } = Deno.memoryUsage();
  heap = Math.max(heap, heapUsed);
  buffers = Math.max(buffers, external);
}

using diag = Diag.open();
let count = 0;
for (const _ of diag.connections()) if (++count % 100 === 0) look();
// Deno has no permission to read it.
using namespace = openNamespace();
const status = namespace.readFile("/proc/self/status")!;
const rss = Number(status.match(/^VmHWM:\s+(\d+) kB$/m)![1]) * 1024;
console.log(JSON.stringify({ count, heap, buffers, rss }));
