import type { Namespace } from "../mod.ts";

/** The output could not be written. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

const encoder = new TextEncoder();
/** Used again and again: to touch memory for the first time takes longer. */
const encoded = new Uint8Array(3 * 2 ** 15);

/** Writes all of it, and is content when nobody reads it any more. */
export function write(
  stream: { writeSync(bytes: Uint8Array): number },
  output: string | Uint8Array,
): void {
  const all = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) {
      at += stream.writeSync(bytes.subarray(at));
    }
  };
  try {
    if (typeof output !== "string") return all(output);
    for (let rest = output; rest !== "";) {
      const { read, written } = encoder.encodeInto(rest, encoded);
      all(encoded.subarray(0, written));
      rest = rest.slice(read);
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return;
    throw new OutputError(`Cannot write: ${(error as Error).message}`);
  }
}

/** Characters of a line: twice what the longest report has. */
const LONGEST_LINE = 2 ** 27;

/**
 * Lines from pieces of text, each as soon as it is complete.
 *
 * @throws {Deno.errors.NotSupported} One has no end, as far as can be told.
 */
export async function* lines(
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncIterable<string> {
  let rest = "";
  for await (const piece of pieces) {
    const [end, ...others] = piece.split("\n");
    rest += end;
    if (rest.length > LONGEST_LINE) {
      throw new Deno.errors.NotSupported(
        `Cannot read a line of more than ${LONGEST_LINE / 2 ** 20} MiB`,
      );
    }
    if (others.length === 0) continue;
    yield rest;
    rest = others.pop()!;
    yield* others;
  }
  if (rest !== "") yield rest;
}

/** The one read of standard input that is under way, or not yet taken. */
let input: Promise<Uint8Array | null> | undefined;

/**
 * What comes next on standard input, `null` at its end. A read cannot be ended:
 * who does not wait any more leaves what it brings to the next reader.
 */
export function nextInput(): Promise<Uint8Array | null> {
  return input ??= (async () => {
    const buffer = new Uint8Array(4096);
    const got = await Deno.stdin.read(buffer);
    return got === null ? null : buffer.subarray(0, got);
  })();
}

/** Takes what {@linkcode nextInput} gave, so that it is given no more. */
export function takeInput(): void {
  input = undefined;
}

async function* inputText(): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for (let bytes; (bytes = await nextInput()) !== null;) {
    takeInput();
    yield decoder.decode(bytes, { stream: true });
  }
  yield decoder.decode();
}

/** The text of a file, or of standard input if it is called `-`. */
export function textOf(
  file: string,
  open: () => Namespace,
): AsyncIterable<string> | Iterable<string> {
  if (file === "-") {
    return inputText();
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

/** A word as a shell takes it. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", `'\\''`)}'`;
}
