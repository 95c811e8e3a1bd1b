/**
 * A program that does commands and hears events until something listens on a
 * port, and then says how it went, as JSON.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";

/** How it went. */
export interface Nap {
  /** How many commands were done. */
  readonly commands: number;
  /** How many of them had another answer than they should. */
  readonly wrong: number;
  /** How many events of each type came. */
  readonly seen: Readonly<Record<string, number>>;
}

if (import.meta.main) {
  const [netns, port] = Deno.args;
  using pm = PathManager.open({ netns: netns! });
  using stream = pm.events();
  const seen: Record<string, number> = {};
  let [commands, wrong] = [0, 0];
  let isOver = false;
  console.log("ready");
  const hearing = (async () => {
    for await (const event of stream) {
      seen[event.type] = (seen[event.type] ?? 0) + 1;
      if (event.type !== "listener-created") continue;
      if (event.local.port === Number(port)) break;
    }
    isOver = true;
  })();
  while (!isOver) {
    // Busy nearly all the time, so that it is stopped in the midst of them.
    for (let count = 0; count < 100; count++) {
      const subflows = commands++ % 8;
      pm.setLimits({ subflows });
      if (pm.getLimits().subflows !== subflows) wrong++;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  await hearing;
  console.log(JSON.stringify({ commands, wrong, seen } satisfies Nap));
}
