import type { Snapshot } from "../../doctor/mod.ts";
import type { Context } from "../context.ts";
import { visible } from "../printable.ts";
import { type Command, command } from "../words/grammar.ts";

/** `mptcp report` */
export const COMMANDS: readonly Command[] = [
  command({
    summary:
      "Write all that the doctor looks at, as JSON that `mptcp doctor --from` " +
      "reads",
    operands: {},
    options: ["anonymize", "reproduce", "text"],
    async run(context, { anonymize: isAnonymous, reproduce, text: isText }) {
      const { anonymize, snapshotJson } = await import("../../doctor/mod.ts");
      const taken = reproduce
        ? await takeTwice(context)
        : await takeOnce(context);
      const snapshot = isAnonymous ? anonymize(taken) : taken;
      context.hint(isAnonymous ? REPLACED : AS_IT_IS);
      if (isText) {
        const { reportText } = await import("./report_text.ts");
        const text = reportText(snapshot);
        return { text, json: { text } };
      }
      const json = snapshotJson(snapshot);
      return {
        // Else it were no JSON where a name has control characters.
        text: visible(json),
        isPainted: true,
        json: JSON.parse(json),
      };
    },
  }),
];

const AS_IT_IS = "the report has addresses, and names of devices and " +
  "processes: --anonymize replaces them";

const REPLACED = "replaced are addresses, names of devices, processes, hosts " +
  "and firewall tables, and user ids; kernel, distribution, settings, " +
  "counters, ports, tokens, process ids and times are as they were read";

async function takeOnce(context: Context): Promise<Snapshot> {
  const { collect } = await import("../../doctor/mod.ts");
  const { signal } = context.stop();
  return await collect({ namespace: context.place(), signal });
}

/** Before a fault, and after it. */
async function takeTwice(context: Context): Promise<Snapshot> {
  const { reproduce } = await import("../../doctor/mod.ts");
  const { signal } = context.stop();
  // Ctrl-C ends it while nothing has happened yet; later it says that it has.
  const early = new AbortController();
  const stop = () => early.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  return await reproduce({
    namespace: context.place(),
    signal: early.signal,
    async happen() {
      signal.removeEventListener("abort", stop);
      context.ask("make the fault happen, then press Enter, or Ctrl-C");
      await Promise.race([enter(context), aborted(signal)]);
    },
  });
}

/** Waits for a line; where nobody can write one, for ever. */
async function enter(context: Context): Promise<void> {
  try {
    for await (const _ of context.lines("-")) return;
  } catch {
    // There is no standard input.
  }
  await new Promise(() => {});
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
