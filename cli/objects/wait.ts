import type { Connection } from "../../diag/mod.ts";
import type { WaitOptions } from "../../mod.ts";
import type { Context } from "../context.ts";
import {
  type Command,
  command,
  integer,
  type Operand,
  option,
  required,
  UsageError,
  words,
} from "../words/grammar.ts";
import { connectionFilter, seconds } from "../words/operands.ts";
import { connectionJson, tree } from "./connection_output.ts";
import { EVENT_WORDS, eventOutput, eventType } from "./monitor_output.ts";

/** How many there have to be. */
const atLeast: Operand<number, true> = {
  usage: "N",
  help: "how many there are at least",
  required: true,
  words: [],
  values: [],
  takesValue: false,
  read(word, _value, before) {
    if (!/^\d/.test(word)) return undefined;
    if (before === undefined) return integer("number", word);
    throw new UsageError(
      `Two numbers, "${before}" and "${word}": one is needed`,
    );
  },
};

const { token } = connectionFilter;
const timeout = option(
  "timeout",
  "SECONDS",
  "how long to wait, 0.1 to 86400, or 0 to look once",
  (keyword, value) => value === "0" ? 0 : seconds(keyword, value),
);

/** Waits with what the words say, until somebody stops the program. */
async function waiting<Found>(
  context: Context,
  timeout: number | undefined,
  wait: (options: WaitOptions) => Promise<Found>,
): Promise<Found> {
  const { signal } = context.stop();
  try {
    return await wait({
      signal,
      ...timeout !== undefined && { timeoutMs: Math.round(timeout * 1000) },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new DOMException("Stopped before it came", "AbortError");
  }
}

function texts(context: Context, connections: readonly Connection[]): string {
  return connections.map((one) => tree(one, context.screen)).join("");
}

/** `mptcp wait …` */
export const COMMANDS: readonly Command[] = [
  command({
    word: "subflows",
    summary: "Wait until a connection has so many established subflows",
    operands: { subflows: atLeast, token, timeout },
    async run(context, { timeout, ...condition }) {
      const pm = context.pm();
      const found = await waiting(
        context,
        timeout,
        (options) => pm.waitFor(condition, options),
      );
      return {
        text: texts(context, [found]),
        isPainted: true,
        json: connectionJson(found),
      };
    },
  }),
  command({
    word: "connections",
    summary:
      "Wait until so many connections are there, without fallback to TCP",
    operands: { connections: atLeast, timeout },
    async run(context, { timeout, connections }) {
      const pm = context.pm();
      const found = await waiting(
        context,
        timeout,
        (options) => pm.waitFor({ connections }, options),
      );
      return {
        text: texts(context, found),
        isPainted: true,
        json: found.map(connectionJson),
      };
    },
  }),
  command({
    word: "event",
    summary: "Wait until something happens",
    operands: {
      event: required(
        words("NAME…", "any of these events", EVENT_WORDS, eventType),
      ),
      token,
      timeout,
    },
    async run(context, { timeout, ...condition }) {
      const pm = context.pm();
      const found = await waiting(
        context,
        timeout,
        (options) => pm.waitFor(condition, options),
      );
      return eventOutput(found, undefined, false);
    },
  }),
];
