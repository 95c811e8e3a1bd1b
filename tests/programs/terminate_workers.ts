/**
 * Terminates workers that wait for events. Their sockets stay open until the
 * process ends; the streams of other threads go on.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import type { Job } from "../live/concurrency_test.ts";

const [netns, count] = Deno.args;
using pm = PathManager.open({ netns: netns! });
using stream = pm.events();
for (let round = 0; round < Number(count); round++) {
  const url = new URL("concurrent_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const opened = new Promise((resolve) => worker.onmessage = resolve);
  const job: Job = { kind: "listen", netns: netns!, count: 1 };
  worker.postMessage(job);
  await opened;
  worker.terminate();
}
console.log("terminated");
const { value } = await stream.next();
console.log(value!.type, pm.getLimits().subflows);
