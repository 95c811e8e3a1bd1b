/**
 * Makes the package as it is published, in `.package/`: the library as it is
 * here, and the command line in one file, since Deno takes 0.1 ms for each
 * module that it loads.
 *
 * ```sh
 * deno run -A tools/package.ts                     # make it
 * deno run -A tools/package.ts publish --dry-run   # and run deno in it
 * ```
 *
 * @module
 */

import { cpSync } from "node:fs";

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);
const folder = `${root}.package/`;

/** Runs deno to its end, and gives what it printed. */
function deno(...args: string[]): string {
  const { success, stdout } = new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stderr: "inherit",
  }).outputSync();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

function make(): void {
  // Nothing where JSR can be had, else the config that has the stand-ins.
  const std = deno("run", "-A", "tools/std/config.ts");
  const path = std === "" ? "deno.json" : std.replace("--config=", "");
  const config = JSON.parse(Deno.readTextFileSync(root + path));
  Deno.mkdirSync(folder, { recursive: true });
  for (const { name } of Deno.readDirSync(folder)) {
    Deno.removeSync(folder + name, { recursive: true });
  }
  const { include } = config.publish;
  for (const name of include) {
    if (name === "cli.ts" || name === "cli/") continue;
    cpSync(root + name, folder + name, { recursive: true });
  }
  // `@std/cli` comes along, from where this machine has it.
  deno(
    ...["bundle", "--quiet", `--config=${path}`],
    ...["--outdir", `${folder}cli`, "cli.ts"],
  );
  config.exports["./cli"] = "./cli/cli.js";
  config.publish = {
    include: include.filter((name: string) => name !== "cli.ts"),
  };
  config.links &&= config.links.map((link: string) => root + link);
  if (config.lock) config.lock.path = root + config.lock.path;
  Deno.writeTextFileSync(
    `${folder}deno.json`,
    `${JSON.stringify(config, null, 2)}\n`,
  );
}

if (import.meta.main) {
  make();
  if (Deno.args.length > 0) {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: Deno.args,
      cwd: folder,
    }).spawn().status;
    Deno.exitCode = code;
  }
}
