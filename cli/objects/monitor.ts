import { type Command, command, words } from "../words/grammar.ts";
import { connectionFilter } from "../words/operands.ts";
import { eventOutput, EVENTS, type Type } from "./monitor_output.ts";

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
          ...EVENTS.map(([type, help, name]) =>
            [type, `${help} (${name})`] as const
          ),
        ],
        // As it is printed, too.
        (word) => EVENTS.find(([, , name]) => name === word)?.[0] ?? word,
      ),
      token: connectionFilter.token,
    },
    options: ["timestamp", "tshort", "explain"],
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
