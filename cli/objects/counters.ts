import type { Context } from "../context.ts";
import type { Output } from "../output.ts";
import { ticks } from "../ticks.ts";
import { type Command, command, UsageError, words } from "../words/grammar.ts";
import { interval } from "../words/operands.ts";

/** `mptcp counters …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Show what the kernel has counted since the namespace exists",
    operands: {
      all: words("all", "those that are 0, too", [
        ["all", "those that are 0, too"],
      ]),
      interval,
    },
    options: ["watch", "prometheus", "openmetrics", "out"],
    async *run(context, options) {
      const { prometheus, openmetrics, watch } = options;
      const out = options.out === "-" ? undefined : options.out;
      const form = prometheus
        ? "prometheus"
        : openmetrics
        ? "openmetrics"
        : undefined;
      const { interval = watch ? 1 : undefined } = options;
      if (prometheus && openmetrics) {
        throw new UsageError(
          '"--prometheus" and "--openmetrics" contradict each other',
        );
      }
      if (form !== undefined) {
        yield* metrics(context, form, out, interval);
      } else if (options.out !== undefined) {
        throw new UsageError(
          'Incomplete command: "--out" needs --prometheus or --openmetrics',
        );
      } else yield* counters(context, options.all !== undefined, interval);
    },
  }),
];

/** What has been counted, or the changes from then on. */
async function* counters(
  context: Context,
  all: boolean,
  interval: number | undefined,
): AsyncGenerator<Output> {
  const { change, changesOf, hasMptcp, rowsOf, table } = await import(
    "./counters_output.ts"
  );
  const diag = await context.diag();
  const { columns } = context.screen;
  let before = diag.counters();
  if (!hasMptcp(before)) context.hint("this kernel has no counters of MPTCP");
  if (interval === undefined) {
    const rows = rowsOf(before, all);
    if (rows.length === 0) context.hint('all are 0; "all" shows them');
    yield { text: table(rows, columns), json: Object.fromEntries(rows) };
    return;
  }
  const stop = context.stop();
  for await (const _ of ticks(interval, stop.signal)) {
    const after = diag.counters();
    const rows = changesOf(before, after, all);
    before = after;
    await stop.writable();
    if (stop.signal.aborted) return;
    yield {
      text: rows.length === 0 ? "" : `${table(rows, columns, change)}\n`,
      json: Object.fromEntries(rows),
    };
  }
}

/** The text for a collector, once or again and again. */
async function* metrics(
  context: Context,
  form: "prometheus" | "openmetrics",
  out: string | undefined,
  interval: number | undefined,
): AsyncGenerator<Output> {
  if (out === undefined && context.json) {
    throw new UsageError(`"--${form}" and "-j" contradict each other`);
  }
  if (out === undefined && interval !== undefined) {
    throw new UsageError(
      "Incomplete command: --out FILE is missing, to be replaced at each " +
        "interval",
    );
  }
  const { exposition } = await import("./counters_output.ts");
  const diag = await context.diag();
  const text = () => exposition(diag.counters(), form);
  if (out === undefined) {
    yield { text: text(), json: undefined };
    return;
  }
  context.replaceFile(out, text());
  if (interval === undefined) return;
  for await (const _ of ticks(interval, context.stop().signal)) {
    context.replaceFile(out, text());
  }
}
