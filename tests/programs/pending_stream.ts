/**
 * Opens a stream of events: one that is waited for keeps the process running,
 * another one does not.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

const [netns, mode] = Deno.args;
using pm = PathManager.open({ netns: netns! });
// No such event happens.
const stream = pm.events({ types: ["closed"] });
if (mode === "idle") {
  console.log("idle");
} else {
  const end = stream.next();
  console.log("waiting");
  if (mode === "close") {
    await pm.events({ types: ["listener-created"] }).next();
    stream.close();
  }
  console.log(`done: ${(await end).done}`);
}
