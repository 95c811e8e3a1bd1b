/**
 * Decides where `@std/*` comes from, and prints what `deno` must be told:
 * nothing where JSR can be had, else `--config=` with a copy of deno.json that
 * links the stand-ins beside this file.
 *
 * ```sh
 * deno test $(deno run -A tools/std/config.ts)     # run, check, lint, test, ...
 * cd $(deno run -A tools/std/config.ts --tree)     # doc and publish
 * deno run -A tools/std/config.ts --tree doc mod.ts
 * ```
 *
 * `deno doc` and `deno publish` take deno.json only. `--tree` prints a folder
 * whose deno.json is the right one: this one, or a temporary copy. With
 * arguments it runs `deno` with them in that folder, and removes the copy.
 *
 * `STD_SOURCE=jsr` or `STD_SOURCE=npm` decides; else what is cached; else
 * whether JSR answers within two seconds. `deno` itself waits for ever where
 * packets are dropped.
 *
 * @module
 */

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const standIns = ["assert", "cli", "yaml"];
const derived = "deno.npm.json";
const notCopied = ["coverage", "node_modules", derived];

const atRoot = () => Deno.cwd() + "/" === root;

const readJson = (path: string) => JSON.parse(Deno.readTextFileSync(path));

async function isJsr(): Promise<boolean> {
  const source = Deno.env.get("STD_SOURCE");
  if (!source) return await isCached() || await answers();
  if (source === "jsr" || source === "npm") return source === "jsr";
  throw new TypeError(`STD_SOURCE must be "jsr" or "npm", not "${source}"`);
}

/** The modules that the stand-ins offer, which are those the project uses. */
function modules(): { name: string; path: string; url: string }[] {
  return standIns.flatMap((folder) => {
    const { name, exports } = readJson(`${root}tools/std/${folder}/deno.json`);
    return Object.entries<string>(
      typeof exports === "string" ? { ".": exports } : exports,
    ).map(([path, file]) => ({
      name,
      path: path.slice(1),
      url: new URL(`${folder}/${file}`, import.meta.url).href,
    }));
  });
}

async function isCached(): Promise<boolean> {
  const { imports } = readJson(root + "deno.json");
  const code = modules().map(({ name, path }) =>
    `import "${imports[name]}${path}";`
  );
  // Not `deno check`: that one asks the network in spite of the flag.
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--cached-only", "--no-config", "--no-lock", code.join("")],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

async function answers(): Promise<boolean> {
  const registry = Deno.env.get("JSR_URL") ?? "https://jsr.io/";
  try {
    const response = await fetch(new URL("@std/assert/meta.json", registry), {
      signal: AbortSignal.timeout(2000),
    });
    // The portal of a hotel answers too, but not with JSON.
    await response.json();
    return response.ok;
  } catch {
    return false;
  }
}

/** deno.json with the stand-ins as `links`; `from` leads to `tools/std/`. */
function withLinks(from: string): string {
  const config = readJson(root + "deno.json");
  config.links = standIns.map((folder) => from + folder);
  // Of its own: with the stand-ins, Deno would drop JSR's entries from a lock
  // that has them, or refuse it when frozen.
  config.lock = {
    path: from + "deno.lock",
    frozen: Boolean(Deno.env.get("CI")),
  };
  return JSON.stringify(config, null, 2) + "\n";
}

/** Writes the derived config unless it is there, and says how to use it. */
function derive(): string {
  const path = root + derived;
  const text = withLinks("./tools/std/");
  try {
    if (readText(path) !== text) replace(path, text);
  } catch {
    // The checkout is not ours to write. The same thing without a file, which
    // only does not serve the commands that take no import map.
    const imports = Object.fromEntries(
      modules().map(({ name, path, url }) => [name + path, url]),
    );
    const map = encodeURIComponent(JSON.stringify({ imports }));
    return `--import-map=data:application/json,${map}`;
  }
  return `--config=${atRoot() ? derived : path}`;
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** Renames into place, so that a reader sees a whole file at any time. */
function replace(path: string, text: string): void {
  const temporary = `${path}.${Deno.pid}`;
  Deno.writeTextFileSync(temporary, text);
  Deno.renameSync(temporary, path);
}

/** Copies the project and puts the links into the copy's deno.json. */
async function copyTree(): Promise<string> {
  const { cpSync } = await import("node:fs");
  const copy = Deno.makeTempDirSync({ prefix: "mptcp-" });
  for (const { name } of Deno.readDirSync(root)) {
    if (name.startsWith(".") || notCopied.includes(name)) continue;
    cpSync(root + name, `${copy}/${name}`, { recursive: true });
  }
  // To the folders here: inside the copy, `deno publish` would find that they
  // are missing in the package.
  const config = withLinks(root + "tools/std/");
  Deno.writeTextFileSync(`${copy}/deno.json`, config);
  return copy;
}

async function runInTree(args: string[], jsr: boolean): Promise<number> {
  const folder = jsr ? root : await copyTree();
  try {
    const deno = new Deno.Command(Deno.execPath(), { args, cwd: folder });
    return (await deno.spawn().status).code;
  } finally {
    if (!jsr) Deno.removeSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const [tree, ...command] = Deno.args;
  try {
    const jsr = await isJsr();
    if (!tree) {
      if (!jsr) console.log(derive());
    } else if (tree !== "--tree") {
      throw new TypeError(`Unknown argument "${tree}"`);
    } else if (command.length === 0) {
      console.log(!jsr ? await copyTree() : atRoot() ? "." : root);
    } else {
      Deno.exitCode = await runInTree(command, jsr);
    }
  } catch (error) {
    console.error(`tools/std/config.ts: ${(error as Error).message}`);
    // A task goes on when a `$(...)` of it fails. What it starts next must not.
    console.log("--std-source-is-undecided");
    Deno.exitCode = 1;
  }
}
