import type { EventOf, EventStream, PathManagerEvent } from "../../mod.ts";

/**
 * Takes the first event of a type that fits, and forgets those before it.
 *
 * @throws {Error} None comes in time; the stream is closed then.
 */
export async function nextEvent<Type extends PathManagerEvent["type"]>(
  events: EventStream,
  type: Type,
  fits: (event: EventOf<Type>) => boolean = () => true,
  timeoutMs = 3000,
): Promise<EventOf<Type>> {
  const seen: PathManagerEvent[] = [];
  const timer = setTimeout(() => events.close(), timeoutMs);
  try {
    for (;;) {
      const { value, done } = await events.next();
      if (done) {
        throw new Error(
          `Waited ${timeoutMs} ms in vain for the event ${type}; there came ` +
            Deno.inspect(seen),
        );
      }
      const event = value as EventOf<Type>;
      if (value.type === type && fits(event)) return event;
      seen.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
}
