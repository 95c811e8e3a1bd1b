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
    open: async (options) => {
      const { PathManager } = await import("./mod.ts");
      return PathManager.open(options);
    },
    stop: async () => (await import("./cli/stop.ts")).stop(),
    rerun: () => rerun(import.meta.url, Deno.args),
  });
}
