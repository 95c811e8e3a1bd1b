/**
 * Makes the package as it is published, in `.package/`: what is here, and the
 * command line in few small files, since Deno takes time for each module that
 * it loads, and V8 for each byte of those that are used. What is imported when
 * it is used is in files of its own.
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

/** The copyright lines of what is not ours, which the bundler drops. */
function notices(config: string): string[] {
  const info = deno("info", "--json", `--config=${config}`, "cli.ts");
  const modules: { readonly local?: string }[] = JSON.parse(info).modules;
  const lines = modules.flatMap(({ local }) =>
    local?.startsWith(root) === false
      ? Deno.readTextFileSync(local).match(/^\/\/ Copyright.*\n/)?.[0] ?? []
      : []
  );
  return [...new Set(lines)];
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
  for (const name of config.publish.include) {
    cpSync(root + name, folder + name, { recursive: true });
  }
  // `@std/cli` comes along, from where this machine has it.
  deno(
    ...["bundle", "--quiet", "--minify", "--code-splitting"],
    `--config=${path}`,
    ...["--outdir", `${folder}cli`, "cli.ts"],
  );
  const cli = `${folder}cli/cli.js`;
  const code = Deno.readTextFileSync(cli);
  Deno.writeTextFileSync(cli, `${notices(path).join("")}${code}`);
  config.exports["./cli"] = "./cli/cli.js";
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
