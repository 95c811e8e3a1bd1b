/**
 * Sends commands and takes events until a program listens on a port. Then it
 * prints as JSON the number of commands, of wrong answers, and of events by type.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

const [netns, port] = Deno.args;
using pm = PathManager.open({ netns: netns! });
using stream = pm.events();
const seen: Record<string, number> = {};
let [commands, wrong] = [0, 0];
let isOver = false;
console.log("ready");
const taking = (async () => {
  for await (const event of stream) {
    seen[event.type] = (seen[event.type] ?? 0) + 1;
    if (event.type !== "listener-created") continue;
    if (event.local.port === Number(port)) break;
  }
  isOver = true;
})();
while (!isOver) {
  // Busy nearly all the time, so that it is stopped during a command.
  for (let count = 0; count < 100; count++) {
    const subflows = commands++ % 8;
    pm.setLimits({ subflows });
    if (pm.getLimits().subflows !== subflows) wrong++;
  }
  await new Promise((resolve) => setTimeout(resolve));
}
await taking;
console.log(JSON.stringify({ commands, wrong, seen }));
