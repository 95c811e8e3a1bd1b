/**
 * Generates `codec/*.gen.ts` from `codec/spec/*.yaml`, one from each.
 * With `--check` it writes nothing and fails if a file is not up to date.
 *
 * @module
 */

import { DocumentError } from "../../config/document.ts";
import { render } from "./render.ts";
import { parseSpec } from "./resolve.ts";

const SPECS = "codec/spec/";
const COMMAND = "deno task gen";

/** The text of the generated module for the text of the specification `path`. */
export async function generate(spec: string, path: string): Promise<string> {
  const hash = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(spec),
  );
  return render(await parseSpec(spec, path), [
    `Generated from ${path} by \`${COMMAND}\`. Do not edit.`,
    `SHA-256 of the specification: ${new Uint8Array(hash).toHex()}`,
  ]);
}

/** Whether one module is up to date, or was brought so. */
async function bring(
  path: string,
  root: URL,
  check: boolean,
): Promise<boolean> {
  const output = path.replace("/spec/", "/").replace(".yaml", ".gen.ts");
  const spec = await Deno.readTextFile(new URL(path, root));
  const wanted = await generate(spec, path);
  const found = await Deno.readTextFile(new URL(output, root))
    .catch(() => undefined);
  if (found === wanted) return true;
  if (check) {
    console.error(`${output} is not what ${path} says; run: ${COMMAND}`);
    return false;
  }
  await Deno.writeTextFile(new URL(output, root), wanted);
  console.error(`${output} written`);
  return true;
}

/** Runs the generator in the tree at `root` and returns the exit code. */
export async function main(args: string[], root: URL): Promise<number> {
  const check = args.includes("--check");
  if (args.some((arg) => arg !== "--check")) {
    console.error(`usage: ${COMMAND} [--check]`);
    return 255;
  }
  let isCurrent = true;
  for (const { name } of Deno.readDirSync(new URL(SPECS, root))) {
    try {
      isCurrent = await bring(SPECS + name, root, check) && isCurrent;
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      console.error(error.message);
      isCurrent = false;
    }
  }
  return isCurrent ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(await main(Deno.args, new URL("../../", import.meta.url)));
}
