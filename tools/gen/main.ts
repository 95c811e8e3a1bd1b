/**
 * Generates `codec/mptcp_pm.gen.ts` from `codec/spec/mptcp_pm.yaml`.
 * With `--check` it writes nothing and fails if the file is not up to date.
 *
 * @module
 */

import { render } from "./render.ts";
import { parseSpec, SpecError } from "./spec.ts";

const SPEC = "codec/spec/mptcp_pm.yaml";
const OUTPUT = "codec/mptcp_pm.gen.ts";
const COMMAND = "deno task gen";

/** The text of the generated module for the text of a specification. */
export async function generate(spec: string): Promise<string> {
  const hash = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(spec),
  );
  return await format(render(parseSpec(spec, SPEC), [
    `Generated from ${SPEC} by \`${COMMAND}\`. Do not edit.`,
    `SHA-256 of the specification: ${new Uint8Array(hash).toHex()}`,
  ]));
}

async function format(source: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--no-config", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Runs the generator in the tree at `root` and returns the exit code. */
export async function main(args: string[], root: URL): Promise<number> {
  const check = args.includes("--check");
  if (args.some((arg) => arg !== "--check")) {
    console.error(`usage: ${COMMAND} [--check]`);
    return 255;
  }
  try {
    const wanted = await generate(await Deno.readTextFile(new URL(SPEC, root)));
    const output = new URL(OUTPUT, root);
    const found = await Deno.readTextFile(output).catch(() => undefined);
    if (found === wanted) return 0;
    if (check) {
      console.error(`${OUTPUT} is not what ${SPEC} says; run: ${COMMAND}`);
      return 1;
    }
    await Deno.writeTextFile(output, wanted);
    console.error(`${OUTPUT} written`);
    return 0;
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) {
  Deno.exit(await main(Deno.args, new URL("../../", import.meta.url)));
}
