// A program that takes events and does nothing with them. It says at the end
// how many there were.

import { PathManager } from "../mod.ts";

const controller = new AbortController();
Deno.addSignalListener("SIGTERM", () => controller.abort());
using pm = PathManager.open();
let count = 0;
for await (const { type } of pm.events({ signal: controller.signal })) {
  if (type !== "overrun") count++;
}
console.log(count);
// The signals would keep it.
Deno.exit();
