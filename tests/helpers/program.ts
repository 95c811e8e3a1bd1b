import { within } from "./within.ts";

/** A program of `tests/programs/` that runs beside the test. */
export class Program implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;

  /** Starts it; without more permissions it has that of FFI. */
  constructor(
    name: string,
    args: readonly string[],
    ...permissions: readonly string[]
  ) {
    this.process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--allow-ffi", ...permissions],
        decodeURIComponent(
          new URL(`../programs/${name}.ts`, import.meta.url).pathname,
        ),
        ...args,
      ],
      stdin: "null",
      stdout: "piped",
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).spawn();
    this.#output = this.process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** What it prints next; absent: it has closed its output. */
  async text(timeoutMs?: number): Promise<string | undefined> {
    const read = this.#output.read();
    return (await within(read, () => "output", timeoutMs)).value;
  }

  /** The rest of what it prints, and how it ends. */
  async end(timeoutMs?: number): Promise<
    { text: string; code: number; signal: Deno.Signal | null }
  > {
    let text = "";
    for (let more; (more = await this.text(timeoutMs)) !== undefined;) {
      text += more;
    }
    const { code, signal } = await within(this.process.status, () => "its end");
    return { text, code, signal };
  }

  /** Kills it if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output.cancel();
    try {
      this.process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.process.status;
  }
}
