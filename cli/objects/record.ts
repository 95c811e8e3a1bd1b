import type { Diag } from "../../diag/mod.ts";
import {
  checkReplaceable,
  isPermissionError,
  MptcpError,
  NotFoundError,
  type PathManagerEvent,
  replaceFile,
} from "../../mod.ts";
import type { Context } from "../context.ts";
import type { Output } from "../output.ts";
import {
  type Command,
  command,
  option,
  UsageError,
  type Values,
} from "../words/grammar.ts";
import {
  connectionFilter,
  filterOf,
  seconds,
  secondsIn,
} from "../words/operands.ts";
import { tokenText } from "./connection_output.ts";
import { listing } from "./listing.ts";
import { eventOutput } from "./monitor_output.ts";
import type { Happening, Reading } from "./recorder.ts";

/** How long to record. */
const duration = option(
  "for",
  "SECONDS",
  "how long; absent: until it is stopped, or the connection of the token ends",
  (keyword, value) => {
    const number = secondsIn(value);
    if (number > 0) return number;
    throw new UsageError(
      `Invalid ${keyword} "${value}": it is seconds, above 0`,
    );
  },
);

const interval = option(
  "interval",
  "SECONDS",
  "how often to read what was carried, 0.1 to 86400; absent: 1",
  seconds,
);

const OPERANDS = { ...connectionFilter, duration, interval };

/** `mptcp record …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Record what connections and their subflows carry over time",
    operands: OPERANDS,
    options: ["svg"],
    async *run(context, values) {
      const { svg } = values;
      const diag = await context.diag();
      if (svg === undefined) {
        yield* lines(context, diag, values);
        return;
      }
      // Sooner than to find out after the recording.
      if (svg !== "-") checkReplaceable(svg);
      const drawing = await draw(context, diag, values);
      if (svg === "-") {
        yield { text: drawing, json: { svg: drawing } };
        return;
      }
      replaceFile(svg, drawing);
      yield { text: `The recording is in ${svg}\n`, json: { file: svg } };
    },
  }),
];

/** For each interval a line for each subflow, and one for each event. */
async function* lines(
  context: Context,
  diag: Diag,
  values: Values<typeof OPERANDS>,
): AsyncGenerator<Output> {
  const [{ RateMeter }, { ratesJson, ratesLines }] = await Promise.all([
    import("../../diag/mod.ts"),
    import("./rates_output.ts"),
  ]);
  const meter = new RateMeter();
  for await (const one of observed(context, diag, values)) {
    const { atMs } = one;
    const stamp = { timestamp: new Date().toISOString(), time_s: inS(atMs) };
    const time = `${inS(atMs).toFixed(3).padStart(8)} s  `;
    if ("event" in one) {
      const { text, json } = eventOutput(one.event, undefined, false);
      yield { text: time + text, json: { ...stamp, ...json as object } };
      continue;
    }
    const rates = meter.update(one.connections, atMs);
    // There are no rates at the beginning.
    if (atMs === 0) continue;
    yield {
      text: ratesLines(rates).map((line) => `${time}${line}\n`).join(""),
      json: { ...stamp, connections: ratesJson(rates) },
    };
  }
}

function inS(atMs: number): number {
  return Math.round(atMs) / 1000;
}

/** Records to the end, and draws. */
async function draw(
  context: Context,
  diag: Diag,
  values: Values<typeof OPERANDS>,
): Promise<string> {
  const [{ Recorder }, { recordSvg }, { RateMeter }] = await Promise.all([
    import("./recording.ts"),
    import("./record_svg.ts"),
    import("../../diag/mod.ts"),
  ]);
  const { token } = values;
  const kernel = diag.kernelRelease();
  const meter = new RateMeter();
  const recorder = new Recorder();
  const began = new Date();
  for await (const one of observed(context, diag, values)) {
    if ("event" in one) recorder.happened(one);
    else recorder.measured(one.atMs, meter.update(one.connections, one.atMs));
  }
  return recordSvg({
    title: token === undefined
      ? "MPTCP connections"
      : `MPTCP connection 0x${tokenText(token)}`,
    subtitle: `${began.toISOString().replace("T", " ").slice(0, 19)} UTC · ` +
      `Linux ${kernel}`,
    ...recorder,
  });
}

/** What is there, and what happens, of the connections that are asked for. */
async function* observed(
  context: Context,
  diag: Diag,
  values: Values<typeof OPERANDS>,
): AsyncGenerator<Reading | Happening> {
  const [{ recorded }, { Changes }] = await Promise.all([
    import("./recorder.ts"),
    import("./record_changes.ts"),
  ]);
  const filter = filterOf(values);
  const { token } = filter;
  const { duration, interval = 1 } = values;
  const list = listing(diag, filter);
  const isThere = (token: number) => diag.connection(token) !== undefined;
  if (token !== undefined && !isThere(token)) {
    throw new NotFoundError(
      "connection",
      `There is no connection of token 0x${tokenText(token)}`,
    );
  }
  const stop = context.stop();
  const events = eventsOf(context, token, stop.signal);
  const changes = new Changes(isThere);
  const tokens = new Set<number>();
  const isWanted = (event: PathManagerEvent) => {
    if (!("token" in event)) return event.type === "overrun";
    if (Object.keys(filter).length === 0 || tokens.has(event.token)) {
      return true;
    }
    return list({ token: event.token }).length > 0;
  };
  const source = {
    read() {
      const connections = list();
      for (const { token } of connections) tokens.add(token);
      return connections;
    },
    events,
    intervalMs: interval * 1000,
    forMs: duration === undefined ? undefined : duration * 1000,
    signal: stop.signal,
  };
  for await (const one of recorded(source)) {
    await stop.writable();
    if ("event" in one) {
      if (isWanted(one.event) && changes.isNew(one.event)) yield one;
      continue;
    }
    const { atMs, connections } = one;
    for (const event of changes.update(connections)) {
      // What events tell, they tell sooner.
      if (events === undefined || UNTOLD.includes(event.type)) {
        yield { atMs, event };
      }
    }
    yield one;
    if (token !== undefined && connections.length === 0 && !isThere(token)) {
      return;
    }
  }
}

/**
 * What no event may tell: the priority that this host asks for, and the end of
 * a connection that the peer aborted.
 */
const UNTOLD: readonly PathManagerEvent["type"][] = ["sub-priority", "closed"];

function eventsOf(
  context: Context,
  token: number | undefined,
  signal: AbortSignal,
): AsyncIterable<PathManagerEvent> | undefined {
  try {
    return context.pm().events({
      ...token !== undefined && { token },
      signal,
    });
  } catch (error) {
    if (!(error instanceof MptcpError)) throw error;
    const why = isPermissionError(error)
      ? "they need CAP_NET_ADMIN"
      : error.message;
    context.hint(
      `events cannot be seen, so that changes are found by comparing readings: ${why}`,
    );
    return undefined;
  }
}
