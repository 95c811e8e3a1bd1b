/**
 * A program that ends workers in the midst of waiting. What they had is left to
 * the process; the streams of others go on, and the process ends by itself.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import type { Job } from "./concurrent_worker.ts";

const [netns, count] = Deno.args;
using pm = PathManager.open({ netns: netns! });
using stream = pm.events();
for (let round = 0; round < Number(count); round++) {
  const url = new URL("concurrent_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const opened = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(
    { kind: "hear", netns: netns!, count: 1 } satisfies Job,
  );
  await opened;
  worker.terminate();
}
console.log("terminated");
const { value } = await stream.next();
console.log(value!.type, pm.getLimits().subflows);
