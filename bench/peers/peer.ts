/**
 * A peer of the benchmarks: a process that does something as often as it is
 * told, and says how long that took. It reads lines
 *
 * ```text
 * OPERATION COUNT [ARGUMENT…]
 * ```
 *
 * and answers each with a line: the nanoseconds, or `error` and the reason. So
 * all peers run at the same time, and take turns.
 *
 * @module
 */

/** What a peer answers to an operation that it has not. */
const UNKNOWN = "no such operation";

/** How long one measurement is to take. */
const SLICE_MS = 20;
/** How long an operation is done before it is measured. */
const WARM_UP_MS = 1000;

/** A peer that runs. */
export class Peer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #name: string;

  private constructor(name: string, process: Deno.ChildProcess) {
    this.#name = name;
    this.#process = process;
    this.#requests = process.stdin.getWriter();
    this.#answers = process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /**
   * Starts one.
   *
   * @param name What to call it in errors.
   * @param command The program and its arguments.
   * @param netns Name of the network namespace to start it in.
   */
  static start(name: string, command: readonly string[], netns: string): Peer {
    const process = new Deno.Command("ip", {
      args: ["netns", "exec", netns, ...command],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    return new Peer(name, process);
  }

  /**
   * Warms an operation up.
   *
   * @param operation Its name, and its arguments.
   * @returns Measures it: the nanoseconds that it takes once. Absent: this peer
   * does not have it.
   */
  async prepare(
    operation: readonly string[],
  ): Promise<(() => Promise<number>) | undefined> {
    let count = 1;
    let fastest = await this.#measure(operation, count);
    if (fastest === undefined) return undefined;
    const end = performance.now() + WARM_UP_MS;
    while (performance.now() < end) {
      fastest = Math.min(fastest, (await this.#measure(operation, count))!);
      count = Math.max(1, Math.round(SLICE_MS * 1e6 / fastest));
    }
    return async () => (await this.#measure(operation, count))!;
  }

  async #measure(
    [name, ...args]: readonly string[],
    count: number,
  ): Promise<number | undefined> {
    const line = [name, count, ...args].join(" ");
    await this.#requests.write(new TextEncoder().encode(`${line}\n`));
    let answer = "";
    while (!answer.endsWith("\n")) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`${this.#name} ended at "${line}"`);
      answer += value;
    }
    const error = answer.match(/^error (.*)/)?.[1];
    if (error === UNKNOWN) return undefined;
    if (error === undefined) return Number(answer) / count;
    throw new Error(`${this.#name} fails at "${line}": ${error}`);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#requests.close();
    await this.#answers.cancel();
    await this.#process.status;
  }
}
