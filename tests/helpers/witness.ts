import type { EventOf, EventStream, PathManagerEvent } from "../../mod.ts";
import { within } from "./within.ts";

/**
 * Waits for events, in any order. While a stream of events is open anywhere on
 * the machine, connections with the userspace path manager accept joins and
 * announcements, in all namespaces: so close it as soon as it has served.
 */
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
