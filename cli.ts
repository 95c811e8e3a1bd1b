/**
 * The command line `mptcp`:
 *
 * ```sh
 * deno run --allow-ffi jsr:@mptcp/pm/cli endpoint show
 * ```
 *
 * @module
 */

import { main } from "./cli/main.ts";
import { rerun, write } from "./cli/stdio.ts";

if (import.meta.main) {
  Deno.exitCode = await main(Deno.args, {
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    async open(options) {
      const { PathManager } = await import("./mod.ts");
      return PathManager.open(options);
    },
    async stop() {
      const { stop } = await import("./cli/stop.ts");
      return stop();
    },
    rerun: () => rerun(import.meta.url, Deno.args),
  });
}
