/**
 * What a stream of events shows, for tests.
 *
 * @module
 */

import type { EventOf, EventStream, PathManagerEvent } from "../../mod.ts";

/**
 * Waits for a promise.
 *
 * @throws {Error} It does not settle in time.
 */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  timeoutMs = 5000,
): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${timeoutMs} ms in vain for ${what()}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes events from a stream, in any order. */
export class Witness implements Disposable {
  readonly #stream: EventStream;
  readonly #untaken: PathManagerEvent[] = [];
  /** All that came, in the order of the kernel. */
  readonly seen: PathManagerEvent[] = [];

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  /** Takes the first event of a type that was not taken yet, and fits. */
  async take<Type extends PathManagerEvent["type"]>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    const isWanted = (event: PathManagerEvent) =>
      event.type === type && fits(event as EventOf<Type>);
    const index = this.#untaken.findIndex(isWanted);
    if (index >= 0) {
      return this.#untaken.splice(index, 1)[0] as EventOf<Type>;
    }
    for (;;) {
      const { value } = await within(
        this.#stream.next(),
        () => `${type}; not taken are ${Deno.inspect(this.#untaken)}`,
      );
      if (value === undefined) throw new Error("The stream has ended");
      this.seen.push(value);
      if (isWanted(value)) return value as EventOf<Type>;
      this.#untaken.push(value);
    }
  }

  /** Ends the stream. */
  [Symbol.dispose](): void {
    this.#stream.close();
  }
}
