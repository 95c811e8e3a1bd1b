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
