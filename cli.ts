/**
 * The command line `mptcp`:
 *
 * ```sh
 * deno run --allow-ffi jsr:@mptcp/pm/cli endpoint show
 * ```
 *
 * @module
 */

import { confirmation } from "./cli/confirmation.ts";
import { main } from "./cli/main.ts";
import { service } from "./cli/service.ts";
import { lines, rerun, textOf, write } from "./cli/stdio.ts";
import { stop } from "./cli/stop.ts";
import { screen } from "./cli/style.ts";
import { openNamespace, PathManager, replaceFile } from "./mod.ts";

if (import.meta.main) {
  // Sooner than to wait for nothing more to do.
  Deno.exit(
    await main(Deno.args, {
      out: (output) => write(Deno.stdout, output),
      write: (bytes) => Deno.stdout.write(bytes),
      err: (text) => write(Deno.stderr, text),
      open: (options) => PathManager.open(options),
      namespace: openNamespace,
      lines: (file) => lines(textOf(file, openNamespace)),
      replaceFile,
      stop,
      confirmation,
      service,
      screen,
      rerun: () => rerun(import.meta.url, Deno.args),
    }),
  );
}
