import type { Connection, ConnectionFilter } from "../../diag/mod.ts";
import { NotFoundError } from "../../mod.ts";
import type { Context } from "../context.ts";
import type { Output } from "../output.ts";
import { type Command, command, UsageError } from "../words/grammar.ts";
import { connectionFilter, filterOf, interval } from "../words/operands.ts";
import { tokenText } from "./connection_output.ts";
import { listing } from "./listing.ts";

/** `mptcp top`, which is also `mptcp connection show --watch` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Show what connections and their subflows carry, every second",
    operands: { ...connectionFilter, interval },
    async *run(context, { interval, ...filter }) {
      yield* watchConnections(context, filterOf(filter), interval);
    },
  }),
];

/**
 * Shows what connections carry, again and again: on a terminal as a screen that
 * is drawn anew, else as one output for each interval.
 *
 * @param context What the command works with.
 * @param filter Which connections.
 * @param seconds The interval.
 * @throws {NotFoundError} There is no connection of the token.
 */
export async function* watchConnections(
  context: Context,
  filter: ConnectionFilter,
  seconds = 1,
): AsyncGenerator<Output> {
  const diag = await context.diag();
  const { token } = filter;
  if (token !== undefined && diag.connection(token) === undefined) {
    throw new NotFoundError(
      "connection",
      `There is no connection of token 0x${tokenText(token)}`,
    );
  }
  if (context.screen.rows !== undefined && !context.json) {
    if (context.trace && Deno.stderr.isTerminal()) {
      throw new UsageError(
        "The trace would be written into the screen: send it to a file, " +
          "with 2>trace",
      );
    }
    await draw(context, listing(diag, filter), seconds);
  } else yield* print(context, listing(diag, filter), seconds);
}

/** Until q is pressed. */
async function draw(
  context: Context,
  list: () => Connection[],
  seconds: number,
): Promise<void> {
  const [{ RateMeter }, { Ranking }, { frame }, { Terminal }] = await Promise
    .all([
      import("../../diag/mod.ts"),
      import("./top_ranking.ts"),
      import("./top_output.ts"),
      import("../terminal.ts"),
    ]);
  const meter = new RateMeter();
  const ranking = new Ranking();
  const read = () => ranking.update(meter.update(list(), performance.now()));
  const interval = seconds * 1000;
  let due = performance.now() + interval;
  // Whatever can fail does so before the screen is taken.
  let rates = read();
  frame(rates, context.screen);
  using terminal = new Terminal();
  const redraw = () => {
    const { screen } = context;
    terminal.draw(frame(rates, screen), screen);
  };
  redraw();
  for (;;) {
    const happening = await terminal.next(due - performance.now());
    if (typeof happening === "object") {
      if (/^q$/i.test(happening.key)) return;
      continue;
    }
    if (happening === undefined) {
      rates = read();
      // What took too long, or a time when the program was stopped, is left out.
      due = Math.max(due, performance.now() - interval) + interval;
    }
    redraw();
  }
}

/** The first at once, until it is stopped. */
async function* print(
  context: Context,
  list: () => Connection[],
  seconds: number,
): AsyncGenerator<Output> {
  const [{ RateMeter }, { Ranking }, { frame }, { ratesJson }, { ticks }] =
    await Promise.all([
      import("../../diag/mod.ts"),
      import("./top_ranking.ts"),
      import("./top_output.ts"),
      import("./rates_output.ts"),
      import("../ticks.ts"),
    ]);
  const meter = new RateMeter();
  const ranking = new Ranking();
  const stop = context.stop();
  const begin = performance.now();
  const output = (): Output => {
    const now = performance.now();
    const rates = meter.update(list(), now);
    if (context.json) {
      return {
        text: "",
        json: {
          timestamp: new Date().toISOString(),
          time_s: Math.round(now - begin) / 1000,
          connections: ratesJson(rates),
        },
      };
    }
    const lines = frame(ranking.update(rates), {
      columns: Infinity,
      color: false,
    });
    return {
      text: lines.map((line) => `${line}\n`).join("") + "\n",
      json: undefined,
    };
  };
  yield output();
  for await (const _ of ticks(seconds, stop.signal)) {
    const next = output();
    await stop.writable();
    if (stop.signal.aborted) return;
    yield next;
  }
}
