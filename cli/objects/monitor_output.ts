/**
 * Events, as `ip mptcp monitor` writes them.
 *
 * @module
 */

import type { PathManagerEvent } from "../../mod.ts";
import { deviceName, type Output } from "../output.ts";

/** What is in an event's `type`. */
export type Type = PathManagerEvent["type"];

/** The events, what they are, and what `ip mptcp monitor` calls them. */
export const EVENTS: readonly (readonly [Type, string, string])[] = [
  ["created", "a connection was made", "CREATED"],
  ["established", "it can have subflows now", "ESTABLISHED"],
  ["closed", "it was closed here", "CLOSED"],
  ["announced", "the peer announced an address", "ANNOUNCED"],
  ["removed", "the peer took one back", "REMOVED"],
  ["sub-established", "a subflow was made", "SF_ESTABLISHED"],
  ["sub-closed", "a subflow was closed", "SF_CLOSED"],
  ["sub-priority", "the peer changed its priority", "SF_PRIO"],
  ["listener-created", "a program listens", "LISTENER_CREATED"],
  ["listener-closed", "it no longer does", "LISTENER_CLOSED"],
  ["overrun", "events were lost", "OVERRUN"],
  ["unknown", "an event of a later kernel", "UNKNOWN"],
];

/** What their names mean, for help and completion. */
export const EVENT_WORDS: readonly (readonly [Type, string])[] = EVENTS.map(
  ([type, help, name]) => [type, `${help} (${name})`],
);

/** The type of an event, where it is written as it is printed. */
export function eventType(word: string): string {
  return EVENTS.find(([, , name]) => name === word)?.[0] ?? word;
}

/** What errors of subflows mean for paths. */
const MEANINGS: { readonly [code: string]: string } = {
  ENETUNREACH: "there is no route from the local address",
  ECONNABORTED: "the subflow was destroyed on this host",
  ECONNRESET: "the peer, or something on the path, reset the subflow",
  ETIMEDOUT: "the path does not answer: a firewall, a wrong route",
  ECONNREFUSED: "nothing listens on the remote address and port",
  EHOSTUNREACH: "the next hop does not answer on this device",
};

/** One event. */
export function eventOutput(
  event: PathManagerEvent,
  timestamp: "long" | "short" | undefined,
  explain: boolean,
): Output {
  const fields = [
    ...fieldsOf(event),
    ..."synthetic" in event ? [["synthetic", true, "synthetic"] as const] : [],
  ];
  const name = EVENTS.find(([type]) => type === event.type)![2];
  const label = event.type === "unknown" ? `${name} ${event.cmd}` : name;
  const now = timestamp && clock();
  const why = explain ? meaning(event) : "";
  return {
    text:
      (now === undefined
        ? ""
        : timestamp === "short"
        ? `[${now.json}] `
        : `Timestamp: ${now.text}\n`) +
      `[${event.type === "unknown" ? label : label.padStart(16)}]` +
      fields.map(([key, value, text = `${key}=${value}`]) => ` ${text}`)
        .join("") +
      (why === "" ? "" : ` # ${why}`) + "\n",
    json: {
      ...now !== undefined && { timestamp: now.json },
      event: label,
      ...Object.fromEntries(fields),
      ...why !== "" && { explanation: why },
    },
  };
}

/** Key and value, and the text where that is not `key=value`. */
type Field = readonly [key: string, value: unknown, text?: string];

/** The fields in the order of `ip mptcp monitor`. */
function fieldsOf(event: PathManagerEvent): Field[] {
  switch (event.type) {
    case "created":
    case "established":
      return [...subflowFields(event), ...flagFields(event)];
    case "closed":
      return [tokenField(event)];
    case "announced":
      return [
        tokenField(event),
        ["remid", event.remId],
        addressField("daddr", event.address),
        ["dport", event.port],
      ];
    case "removed":
      return [tokenField(event), ["remid", event.remId]];
    case "sub-established":
    case "sub-closed":
    case "sub-priority": {
      const { backup, error, ifIndex, reset } = event;
      const dev = deviceName(event);
      return [
        ...subflowFields(event),
        ["backup", Number(backup)],
        ...error === undefined ? [] : [["error", error.errno] as const],
        ...dev === undefined
          ? []
          : [["ifindex", ifIndex] as const, ["dev", dev] as const],
        ...reset === undefined ? [] : [
          ["reset_reason", reset.reason] as const,
          ["reset_flags", reset.flags.toString(16)] as const,
        ],
      ];
    }
    case "listener-created":
    case "listener-closed":
      return [
        addressField("saddr", event.local.address),
        ["sport", event.local.port],
      ];
    default:
      return [];
  }
}

type End = { readonly address: string; readonly port: number };

function subflowFields(event: {
  readonly token: number;
  readonly remId: number;
  readonly locId: number;
  readonly local: End;
  readonly remote: End;
}): Field[] {
  return [
    tokenField(event),
    ["remid", event.remId],
    ["locid", event.locId],
    addressField("saddr", event.local.address),
    addressField("daddr", event.remote.address),
    ["sport", event.local.port],
    ["dport", event.remote.port],
  ];
}

function tokenField({ token }: { readonly token: number }): Field {
  const hex = token.toString(16);
  return ["token", `0x${hex}`, `token=${hex.padStart(8, "0")}`];
}

function addressField(key: string, address: string): Field {
  return [`${key}${address.includes(":") ? 6 : 4}`, address];
}

function flagFields(event: {
  readonly serverSide: boolean;
  readonly denyJoinId0: boolean;
  readonly flags: number;
}): Field[] {
  // What the two words below do not say.
  const others = (event.flags & ~3).toString(16);
  return [
    ...event.serverSide ? [["server_side", true, "server_side"] as const] : [],
    ...event.denyJoinId0
      ? [["deny_join_id0", true, "deny_join_id0"] as const]
      : [],
    ...others === "0" ? [] : [["flags", others, `flags=0x${others}`] as const],
  ];
}

function meaning(event: PathManagerEvent): string {
  if (event.type === "sub-established") {
    return "backup is what the peer asks for, whatever this host does";
  }
  if (!("reset" in event || "error" in event)) return "";
  const { error, reset } = event;
  return [
    error && `${error.message}: ${MEANINGS[error.code] ?? error.code}`,
    reset &&
    `reset by the peer (${reset.name}): ${reset.message}` +
      (reset.transient ? " Trying again may succeed." : ""),
  ].filter(Boolean).join("; ");
}

/**
 * As `ip -t` and, in JSON, `ip -ts` write it: local time, microseconds. `Date`
 * and `Temporal` do not take every TZ for the same zone: one says all of it.
 */
export function clock(): { text: string; json: string } {
  const now = Temporal.Now.instant();
  const date = new Date(now.epochMilliseconds);
  const [weekday, month, day, year, time] = date.toString().split(" ");
  const usec = String(now.epochNanoseconds / 1000n % 1_000_000n);
  const number = String(date.getMonth() + 1).padStart(2, "0");
  return {
    text: `${weekday} ${month} ${day!.replace(/^0/, " ")} ${time} ${year} ` +
      `${usec} usec`,
    json: `${year}-${number}-${day}T${time}.${usec.padStart(6, "0")}`,
  };
}
