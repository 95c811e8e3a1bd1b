/**
 * What an agent prints, which goes on where nobody reads it.
 *
 * @module
 */

import { OutputError } from "./stdio.ts";

/** How many characters wait for a slow reader. */
const MOST = 2 ** 18;
/** For so long, in milliseconds, the end waits for a reader that takes nothing. */
const LAST_MS = 200;

/**
 * Writes texts one after the other, aside. Where a reader is too slow, the newest
 * wait, and the others are lost.
 */
export class Log {
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  readonly #lostText: (lines: number) => string;
  #waiting: string[] = [];
  #length = 0;
  /** When something was written last, or there was something to write again. */
  #movedMs = 0;
  /** How many lines were lost before those that wait. */
  #lost = 0;
  #writing: Promise<void> | undefined;
  #isRead = true;
  #failure: OutputError | undefined;

  /**
   * Writes nothing yet.
   *
   * @param write Writes some of the bytes, and says how many.
   * @param lostText What is said of lines that were lost.
   */
  constructor(
    write: (bytes: Uint8Array) => Promise<number>,
    lostText: (lines: number) => string,
  ) {
    this.#write = write;
    this.#lostText = lostText;
  }

  /**
   * Takes a text, whole lines, to write it when there is room.
   *
   * @throws {OutputError} An earlier one could not be written.
   */
  say(text: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (text === "" || !this.#isRead) return;
    this.#waiting.push(text);
    this.#length += text.length;
    while (this.#length > MOST && this.#waiting.length > 1) {
      const text = this.#waiting.shift()!;
      this.#length -= text.length;
      this.#lost += text.split("\n").length - 1;
    }
    if (this.#writing !== undefined) return;
    this.#movedMs = performance.now();
    this.#writing = this.#writeAll();
  }

  /**
   * Waits until all is written, as long as somebody reads. Where nobody has read
   * for a while, it waits no longer.
   *
   * @throws {OutputError} Something could not be written.
   */
  async end(): Promise<void> {
    let before = -1;
    while (this.#writing !== undefined && this.#movedMs !== before) {
      before = this.#movedMs;
      const leftMs = Math.max(0, before + LAST_MS - performance.now());
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, leftMs);
      await Promise.race([this.#writing, promise]);
      clearTimeout(timer);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** All that waits; empty: nothing does. */
  #next(): string {
    const lost = this.#lost === 0 ? "" : this.#lostText(this.#lost);
    const text = lost + this.#waiting.join("");
    this.#waiting = [];
    this.#length = this.#lost = 0;
    return text;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let text; (text = this.#next()) !== "";) {
        let bytes = new TextEncoder().encode(text);
        while (bytes.length > 0) {
          const took = await this.#write(bytes);
          this.#movedMs = performance.now();
          bytes = bytes.subarray(took);
        }
      }
    } catch (error) {
      this.#isRead = false;
      if (!(error instanceof Deno.errors.BrokenPipe)) {
        this.#failure = new OutputError(
          `Cannot write: ${(error as Error).message}`,
        );
      }
    }
    this.#writing = undefined;
  }
}
