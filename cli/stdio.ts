import type { Namespace } from "../mod.ts";

/** The output could not be written. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** Writes all of a text, and is content when nobody reads it any more. */
export function write(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return;
    throw new OutputError(`Cannot write: ${(error as Error).message}`);
  }
}

/** Lines from pieces of text, each as soon as it is complete. */
export async function* lines(
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncIterable<string> {
  let rest = "";
  for await (const piece of pieces) {
    const complete = (rest + piece).split("\n");
    rest = complete.pop()!;
    yield* complete;
  }
  if (rest !== "") yield rest;
}

/** The text of a file, or of standard input if it is called `-`. */
export function textOf(
  file: string,
  open: () => Namespace,
): AsyncIterable<string> | Iterable<string> {
  if (file === "-") {
    return Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  }
  using namespace = open();
  const text = namespace.readFile(file);
  if (text !== undefined) return [text];
  throw new Deno.errors.NotFound(`Cannot read ${file}: there is no such file`);
}

/**
 * The command line that runs this program again, with the permission to call
 * libc.
 */
export function rerun(script: string, args: readonly string[]): string {
  const { protocol, pathname } = new URL(script);
  const name = script.startsWith("https://jsr.io/")
    ? "jsr:@mptcp/pm/cli"
    : protocol === "file:"
    ? decodeURIComponent(pathname)
    : script;
  return ["deno run --allow-ffi", ...[name, ...args].map(quote)].join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}
