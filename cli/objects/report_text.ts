/**
 * A report for the maintainers of the kernel's MPTCP, who know the headings from
 * `mptcp-get-debug` of mptcpd: the commands that print such lines.
 *
 * @module
 */

import {
  type Connection,
  counterDoc,
  type Counters,
  type Listener,
  type SocketState,
  sysctlTexts,
} from "../../diag/mod.ts";
import type { Snapshot } from "../../doctor/mod.ts";
import { PLAIN } from "../style.ts";
import { endText, tree } from "./connection_output.ts";
import { changesOf, rowsOf } from "./counters_output.ts";
import { endpoints } from "./endpoint.ts";
import { limits } from "./limits.ts";
import { eventOutput } from "./monitor_output.ts";

type Section = readonly [heading: string, text: string];

/** All of the report; what could not be read has the reason in its place. */
export function reportText(snapshot: Snapshot): string {
  const { before, events = [], takenAt, unknown } = snapshot;
  const first = before ?? snapshot;
  const monitor: Section[] = before === undefined ? [] : [
    ...sockets(before),
    [
      "ip mptcp monitor: start",
      reason(unknown, "events") +
      events.map(({ atMs, event }) =>
        `${(atMs / 1000).toFixed(3)} s ${
          eventOutput(event, undefined, false).text
        }`
      ).join(""),
    ],
    ["ip mptcp monitor: stop", ""],
  ];
  const sections: Section[] = [
    ["uname -sr", part(first, "kernel", (kernel) => `Linux ${kernel}\n`)],
    [
      "cat /etc/os-release",
      part(first, "distribution", (name) => `PRETTY_NAME="${name}"\n`),
    ],
    [
      "sysctl net.mptcp",
      part(
        first,
        "settings",
        (settings) =>
          Object.entries(sysctlTexts(settings))
            .map(([name, value]) => `net.mptcp.${name} = ${value}\n`).join(""),
      ),
    ],
    [
      "ip mptcp endpoint show",
      part(first, "endpoints", (list) => endpoints(list).text),
    ],
    [
      "ip mptcp limits show",
      part(first, "limits", (both) => limits(both).text),
    ],
    ...monitor,
    ...sockets(snapshot),
    [
      "nstat",
      part(
        snapshot,
        "counters",
        (counters) => nstat(counters, before?.counters),
      ),
    ],
  ];
  return `mptcp report: taken ${takenAt}\n` +
    sections.map(([heading, text]) => `\n== ${heading} ==\n${text}`).join("");
}

/** A part of a snapshot, or why it is not there. */
function part<Name extends keyof Snapshot>(
  snapshot: Snapshot,
  name: Name,
  write: (value: NonNullable<Snapshot[Name]>) => string,
): string {
  const value = snapshot[name];
  return value == null ? reason(snapshot.unknown, name) : write(value);
}

function reason(unknown: Snapshot["unknown"], name: string): string {
  return unknown[name] === undefined ? "" : `# ${unknown[name]}\n`;
}

function sockets(snapshot: Snapshot): Section[] {
  return [
    [
      "ss -ManiH",
      part(
        snapshot,
        "connections",
        (list) => list.map(connectionText).join(""),
      ) +
      part(snapshot, "listeners", (list) => list.map(listenerText).join("")),
    ],
    [
      "mptcp connection show",
      part(
        snapshot,
        "connections",
        (list) => list.map((connection) => tree(connection, PLAIN)).join(""),
      ),
    ],
  ];
}

/** What `ss` calls the states, where it is not the same in capitals. */
const STATES: { readonly [_ in SocketState]?: string } = {
  established: "ESTAB",
  listening: "LISTEN",
  closed: "UNCONN",
};

function stateText(state: SocketState): string {
  return STATES[state] ?? state.toUpperCase();
}

/** What `ss` calls the figures, in its order. */
const FIGURES: readonly (readonly [keyof Connection, string])[] = [
  ["extraSubflows", "subflows"],
  ["addAddrSignal", "add_addr_signal"],
  ["addAddrAccepted", "add_addr_accepted"],
  ["subflowsMax", "subflows_max"],
  ["addAddrSignalMax", "add_addr_signal_max"],
  ["addAddrAcceptedMax", "add_addr_accepted_max"],
  ["fallback", "fallback"],
  ["remoteKeyReceived", "remote_key"],
  ["token", "token"],
  ["localAddrUsed", "local_addr_used"],
  ["localAddrMax", "local_addr_max"],
  ["checksums", "csum_enabled"],
  ["retransmits", "retransmits"],
  ["bytesRetransmitted", "bytes_retrans"],
  ["bytesSent", "bytes_sent"],
  ["bytesReceived", "bytes_received"],
  ["bytesAcked", "bytes_acked"],
  ["subflowsTotal", "subflows_total"],
  ["lastDataSentMs", "last_data_sent"],
  ["lastDataReceivedMs", "last_data_recv"],
  ["lastAckReceivedMs", "last_ack_recv"],
];

function connectionText(connection: Connection): string {
  const { state, receiveQueue, sendQueue, local, remote } = connection;
  const figures = FIGURES.flatMap(([name, word]) => {
    const value = connection[name];
    if (name === "token") return [`${word}:${connection.token.toString(16)}`];
    return value ? [value === true ? word : `${word}:${value}`] : [];
  });
  return `${stateText(state)} ${receiveQueue} ${sendQueue} ${endText(local)} ` +
    `${endText(remote)}\n\t ${figures.join(" ")}\n`;
}

function listenerText({ local, state, backlog, backlogMax }: Listener): string {
  return `${stateText(state)} ${backlog} ${backlogMax} ${endText(local)} ` +
    `${local.address.includes(":") ? "[::]" : "0.0.0.0"}:*\n`;
}

/** What was counted since the first reading, or since boot. */
function nstat(counters: Counters, before: Counters | undefined): string {
  const rows = before === undefined
    ? rowsOf(counters, false)
    : changesOf(before, counters, false);
  return "#kernel\n" +
    rows.map(([name, value]) =>
      (counterDoc(name).group + name).padEnd(32) +
      `${String(value).padEnd(18)} 0.0\n`
    ).join("");
}
