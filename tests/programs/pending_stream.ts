/**
 * A program with a stream of events: what is left of it keeps it from ending,
 * or does not.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

const [netns, mode] = Deno.args;
using pm = PathManager.open({ netns: netns! });
// Nothing that this would hear of happens.
const stream = pm.events({ types: ["closed"] });
if (mode === "idle") {
  console.log("the stream is open, and nobody waits");
} else {
  const end = stream.next();
  console.log("waiting");
  if (mode === "close") {
    await pm.events({ types: ["listener-created"] }).next();
    stream.close();
  }
  console.log(`done: ${(await end).done}`);
}
