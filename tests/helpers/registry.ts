/**
 * A registry in a folder, which holds this package as JSR would serve it, so
 * that `jsr:@mptcp/pm` is this checkout wherever it is written.
 *
 * @module
 */

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

interface Package {
  readonly name: string;
  readonly version: string;
  readonly exports: string | Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly publish?: { readonly include: readonly string[] };
}

/**
 * Fills a folder, and returns what `JSR_URL` has to be.
 *
 * @param folder Where the registry is to be.
 */
export function makeRegistry(folder: string): string {
  // `@std/cli` as where there is no JSR: the command line needs no other.
  for (const source of [root, `${root}tools/std/cli/`]) publish(source, folder);
  return `file://${folder}/`;
}

function publish(source: string, registry: string): void {
  const { name, version, exports, imports = {}, publish } = JSON.parse(
    Deno.readTextFileSync(`${source}deno.json`),
  ) as Package;
  const place = `${registry}/${name}`;
  for (const included of publish?.include ?? [""]) {
    for (const file of filesIn(source, included)) {
      write(`${place}/${version}/${file}`, unfold(source + file, imports));
    }
  }
  write(`${place}/meta.json`, { versions: { [version]: {} } });
  write(`${place}/${version}_meta.json`, {
    exports: typeof exports === "string" ? { ".": exports } : exports,
    manifest: {},
  });
}

function* filesIn(source: string, path: string): Generator<string> {
  if (!Deno.statSync(source + path).isDirectory) return yield path;
  for (const { name, isDirectory } of Deno.readDirSync(source + path)) {
    yield* filesIn(source, `${path}${name}${isDirectory ? "/" : ""}`);
  }
}

/** A file with the imports of deno.json written out, as `deno publish` does. */
function unfold(path: string, imports: Readonly<Record<string, string>>) {
  return Object.entries(imports).reduce(
    (text, [name, url]) =>
      ["from ", "import("].reduce(
        (text, how) => text.replaceAll(`${how}"${name}`, `${how}"${url}`),
        text,
      ),
    Deno.readTextFileSync(path),
  );
}

function write(path: string, content: string | object): void {
  Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(
    path,
    typeof content === "string" ? content : JSON.stringify(content),
  );
}
