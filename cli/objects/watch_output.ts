/**
 * What `mptcp watch` says: a line for each thing that it did, and why.
 *
 * @module
 */

import type {
  NewEndpoint,
  Step,
  WaitingEvent,
  WatchEvent,
  WatchStatus,
} from "../../config/mod.ts";
import { count, type Output } from "../output.ts";
import { paint, type Screen, type Style } from "../style.ts";
import { clock } from "./monitor_output.ts";
import { endpointJson, endpointText, shown, stepJson } from "./plan_output.ts";

/** An event. */
export function watchOutput(
  event: WatchEvent,
  file: string,
  screen: Screen,
  hasTime: boolean,
): Output {
  const [style, text] = textOf(event, file);
  const now = hasTime ? clock().json : undefined;
  const time = now === undefined ? "" : `[${now}] `;
  const lines = text === "" ? [] : `${time}${text}`.split("\n");
  return {
    text: lines.map((line) => `${paint(screen, line, style)}\n`).join(""),
    isPainted: true,
    json: {
      ...now !== undefined && { timestamp: now },
      event: event.type,
      ...jsonOf(event),
    },
  };
}

/** How it is, in a line. */
export function statusText(
  { endpoints, waiting, refused }: WatchStatus,
): string {
  return `${count(endpoints, "endpoint")} of the file` +
    (waiting === 0 ? "" : `, ${waiting} waiting`) +
    (refused === undefined ? "" : `; refused: ${refused}`);
}

function textOf(
  event: WatchEvent,
  file: string,
): [style: Style | undefined, text: string] {
  switch (event.type) {
    case "ready":
      return ["bold", `ready: ${statusText(event)}`];
    case "done": {
      const { step, why } = event;
      // It is told where it is added again.
      const isTold = step.op !== "del-addr" || !step.isReplaced;
      return isTold ? stepLine(step, why) : [undefined, ""];
    }
    case "waiting":
      return ["dim", `${endpointText(named(event))} waits: ${event.why}`];
    case "refused": {
      const { why, times, retryMs } = event;
      const often = times === 1 ? "" : ` ${times} times`;
      return ["red", `refused${often}, again in ${retryMs / 1000} s: ${why}`];
    }
    case "undone": {
      const why = "left alone: another program undoes it each time";
      return ["red", stepLine(event.step, why)[1]];
    }
    case "warning":
      return ["yellow", `warning: ${event.why}`];
    case "file":
      switch (event.state) {
        case "taken":
          return [undefined, `${file} has changed`];
        case "same":
          return [undefined, `${file} says the same as before`];
        case "refused":
          return [
            "red",
            `${file} has changed, and is not taken:\n${event.why}`,
          ];
        case "unreadable":
          return ["red", `${event.why}`];
      }
  }
}

/** What is done, and why. */
function stepLine(step: Step, why: string): [Style, string] {
  const [sign, style, text] = shown({ ...step, reason: why });
  return [style, `${sign} ${text}${"endpoint" in step ? "" : ` (${why})`}`];
}

/** An endpoint of the file, whose device may not be there. */
function named({ endpoint }: WaitingEvent): NewEndpoint {
  const { place: _, port = 0, dev, ...others } = endpoint;
  return { ...others, port, ifIndex: 0, ...dev && { dev, ifIndex: -1 } };
}

function jsonOf(event: WatchEvent): Record<string, unknown> {
  switch (event.type) {
    case "done":
      return { ...stepJson(event.step), why: event.why };
    case "undone":
      return stepJson(event.step);
    case "waiting":
      return { endpoint: endpointJson(named(event)), why: event.why };
    case "refused": {
      const { why, times, retryMs } = event;
      return { why, times, retry_ms: retryMs };
    }
    case "ready":
      return { endpoints: event.endpoints, waiting: event.waiting };
    case "warning":
      return { why: event.why };
    case "file":
      return {
        state: event.state,
        ...event.why !== undefined && { why: event.why },
      };
  }
}
