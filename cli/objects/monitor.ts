import { type Command, command, words } from "../words/grammar.ts";
import { connectionFilter } from "../words/operands.ts";
import {
  EVENT_WORDS,
  eventOutput,
  eventType,
  type Type,
} from "./monitor_output.ts";

/** `mptcp monitor …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Show what happens, as it happens",
    operands: {
      types: words(
        "event NAME…",
        "the events to show",
        [
          ["event", "the events to show follow"],
          ...EVENT_WORDS,
        ],
        eventType,
      ),
      token: connectionFilter.token,
    },
    options: ["resync", "timestamp", "tshort", "explain"],
    async *run(
      context,
      { types = [], timestamp, tshort, explain, ...options },
    ) {
      const pm = context.pm();
      const stop = context.stop();
      const wanted = types.filter((type): type is Type => type !== "event");
      const events = pm.events({
        ...options,
        // Whatever is asked for: what is missing is never hidden.
        ...wanted.length > 0 && { types: [...wanted, "overrun"] },
        signal: stop.signal,
      });
      for await (const event of events) {
        const output = eventOutput(
          event,
          tshort ? "short" : timestamp ? "long" : undefined,
          explain,
        );
        await stop.writable();
        if (stop.signal.aborted) return;
        yield output;
      }
    },
  }),
];
