/**
 * What `mptcp status` says, from what was read.
 *
 * @module
 */

import type { EventListener, Managers, Settings } from "../../diag/mod.ts";
import type { Endpoint, Limits } from "../../mod.ts";
import { folded, widest } from "../cells.ts";
import { count, deviceName } from "../output.ts";
import { snakeKeys } from "../snake_case.ts";
import { paint, type Screen, type Style } from "../style.ts";

/** Connections by count. */
export interface ConnectionCount {
  readonly total: number;
  readonly established: number;
  /** Those that fell back to TCP. */
  readonly fallback: number;
  readonly subflows: number;
  /** Subflows that this host asked for, and that have no answer yet. */
  readonly subflowsOpening: number;
  /** Connections some of whose subflows cannot be seen. */
  readonly partial: number;
}

/** What became of connections and joins since the namespace exists. */
export interface SinceBoot {
  /** Connections that fell back to TCP. */
  readonly fallbacks: number;
  /** Joins that this host asked for; absent: the kernel does not count them. */
  readonly joinsSent?: number | undefined;
  /** Of those the ones that the peer answered. */
  readonly joinsAnswered: number;
  /**
   * Joins that could not be sent, for want of an address, device or route;
   * absent: the kernel does not count them.
   */
  readonly joinsNotSent?: number | undefined;
  /** Joins of peers. */
  readonly joinsAccepted: number;
  /** Joins of peers that this host refused. */
  readonly joinsRefused: number;
}

/** An endpoint, and why it makes no path. */
export interface EndpointState extends Endpoint {
  readonly advice: string | undefined;
}

/** What was read; absent: it could not be. */
export interface Status {
  readonly kernel: string | undefined;
  readonly settings: Settings | undefined;
  readonly listeners: readonly EventListener[] | undefined;
  readonly limits: Limits | undefined;
  readonly endpoints: readonly EndpointState[] | undefined;
  readonly connections: ConnectionCount | undefined;
  readonly sinceBoot: SinceBoot | undefined;
  readonly managers: Managers | undefined;
  /** Why what is absent could not be read. */
  readonly unknown: Readonly<Record<string, string>>;
}

type Line = readonly [text: string, style?: Style | undefined];

/** One screen. */
export function statusText(status: Status, screen: Screen): string {
  const rows: (readonly [label: string, lines: readonly Line[]])[] = [
    ["kernel", [kernelLine(status)]],
    ["path manager", [managerLine(status)]],
    ["scheduler", [[status.settings?.scheduler ?? UNKNOWN]]],
    ["limits", [limitsLine(status)]],
    ["endpoints", endpointLines(status)],
    ["connections", [connectionLine(status)]],
    ["since boot", bootLines(status)],
    ["managers", managerLines(status)],
  ];
  // One reason may be that of several.
  const unknown = Map.groupBy(Object.entries(status.unknown), ([, why]) => why);
  if (unknown.size > 0) {
    rows.push([
      "not seen",
      Array.from(unknown, ([why, names]) => [
        `${names.map(([name]) => name).join(", ")}: ${why}`,
        "yellow",
      ]),
    ]);
  }
  const width = widest(rows.map(([label]) => label)) + GAP.length;
  return rows.flatMap(([label, lines]) =>
    lines.flatMap(([text, style]) =>
      folded(text, screen.columns - width).map((line) =>
        paint(screen, line, style)
      )
    ).map((line, at) =>
      `${paint(screen, (at === 0 ? label : "").padEnd(width), "dim")}${line}\n`
    )
  ).join("");
}

const GAP = "  ";

const UNKNOWN = "not known";

function kernelLine({ kernel, settings }: Status): Line {
  const name = kernel === undefined ? UNKNOWN : `Linux ${kernel}`;
  if (settings === undefined) return [`${name}, MPTCP not known`, "yellow"];
  return settings.enabled
    ? [`${name}, MPTCP enabled`]
    : [`${name}, MPTCP disabled (net.mptcp.enabled is 0)`, "red"];
}

/** Before Linux 6.15 it is a number, and before 5.19 there is no choice. */
function modeOf({ pathManager, pmType = 0 }: Settings): string {
  return pathManager ?? ["kernel", "userspace"][pmType] ?? `${pmType}`;
}

function managerLine({ settings, listeners }: Status): Line {
  const mode = settings && modeOf(settings);
  const names = listeners?.map(({ process, pid, portId }) =>
    process === undefined ? `port id ${portId}` : `${process} (${pid})`
  );
  const listening = names === undefined
    ? "who listens to events is not known"
    : names.length === 0
    ? "nobody listens to events"
    : `${names.join(", ")} listen${names.length === 1 ? "s" : ""} to events`;
  const isAlone = mode === "userspace" && names?.length === 0;
  return [
    `${mode ?? UNKNOWN}; ${listening}` +
    (isAlone ? ": no connection gets a second subflow" : ""),
    isAlone ? "red" : undefined,
  ];
}

function limitsLine({ limits }: Status): Line {
  if (limits === undefined) return [UNKNOWN, "yellow"];
  const { subflows, addAddrAccepted } = limits;
  return [
    `subflows ${subflows}, add_addr_accepted ${addAddrAccepted}`,
    subflows === 0 ? "red" : undefined,
  ];
}

function endpointLines({ endpoints }: Status): readonly Line[] {
  if (endpoints === undefined) return [[UNKNOWN, "yellow"]];
  if (endpoints.length === 0) return [["none"]];
  return endpoints.flatMap((endpoint): Line[] => {
    const { address, port, id, flags, advice } = endpoint;
    const device = deviceName(endpoint);
    const words = [
      address,
      ...port === 0 ? [] : [`port ${port}`],
      `id ${id}`,
      ...flags,
      ...device === undefined ? [] : [`dev ${device}`],
    ];
    return [
      [words.join(" ")],
      ...advice === undefined ? [] : [[`  ${advice}`, "yellow"] as Line],
    ];
  });
}

function connectionLine({ connections }: Status): Line {
  if (connections === undefined) return [UNKNOWN, "yellow"];
  const { total, established, fallback, subflows, subflowsOpening, partial } =
    connections;
  if (total === 0) return ["none"];
  return [
    [
      `${established} established`,
      ...total > established
        ? [`${total - established} opening or closing`]
        : [],
      count(subflows, "subflow"),
      ...subflowsOpening > 0 ? [`${subflowsOpening} of them unanswered`] : [],
      ...fallback > 0 ? [`${fallback} fell back to TCP`] : [],
      ...partial > 0 ? [`${partial} with subflows that cannot be seen`] : [],
    ].join(", "),
  ];
}

function bootLines({ sinceBoot }: Status): readonly Line[] {
  if (sinceBoot === undefined) return [[UNKNOWN, "yellow"]];
  const { fallbacks, joinsSent, joinsAnswered, joinsNotSent } = sinceBoot;
  const { joinsAccepted, joinsRefused } = sinceBoot;
  return [
    [`${fallbacks} ${fallbacks === 1 ? "fallback" : "fallbacks"} to TCP`],
    [
      "joins from here: " + [
        ...joinsSent === undefined ? [] : [`${joinsSent} sent`],
        `${joinsAnswered} answered`,
        ...joinsNotSent === undefined
          ? []
          : [`${joinsNotSent} could not be sent`],
      ].join(", "),
    ],
    [`joins to here: ${joinsAccepted} accepted, ${joinsRefused} refused`],
  ];
}

function managerLines({ managers }: Status): readonly Line[] {
  if (managers === undefined) return [[UNKNOWN, "yellow"]];
  const { found, seesAll } = managers;
  const lines: Line[] = found.map(({ name, pid, about }) => [
    `${name} (${pid}): ${about}`,
    "yellow",
  ]);
  if (lines.length === 0) {
    lines.push(["neither NetworkManager nor mptcpd is seen"]);
  }
  if (!seesAll) {
    lines.push(["processes outside of this container are not seen"]);
  }
  return lines;
}

/** For programs; `null` is what could not be read. */
export function statusJson(
  { kernel, settings, listeners, limits, endpoints, connections, ...rest }:
    Status,
): unknown {
  return {
    version: 1,
    ...snakeKeys({
      kernel: kernel ?? null,
      settings: settings === undefined
        ? null
        : { ...settings, pathManager: modeOf(settings) },
      eventListeners: listeners ?? null,
      limits: limits ?? null,
      endpoints: endpoints?.map(({ advice = null, ...endpoint }) => ({
        ...endpoint,
        advice,
      })) ?? null,
      connections: connections ?? null,
      sinceBoot: rest.sinceBoot === undefined ? null : {
        ...rest.sinceBoot,
        joinsSent: rest.sinceBoot.joinsSent ?? null,
        joinsNotSent: rest.sinceBoot.joinsNotSent ?? null,
      },
      managers: rest.managers ?? null,
    }) as object,
    unknown: rest.unknown,
  };
}
