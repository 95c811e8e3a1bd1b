/**
 * What connections carry, as a screen of any size.
 *
 * @module
 */

import {
  ackedBytes,
  type Connection,
  type ConnectionRate,
  type Rates,
  type Subflow,
  type SubflowRate,
} from "../../diag/mod.ts";
import { cellsOf, cutEnd, cutMiddle, widest } from "../cells.ts";
import { printable } from "../printable.ts";
import { paint, type Screen, type Style } from "../style.ts";
import { count, deviceName } from "../output.ts";
import { byteText, rateText, timeText } from "../units.ts";
import { endText, isStuck, tokenText } from "./connection_output.ts";
import { bitPerSecOf } from "./top_ranking.ts";

/** Part of a line: a text and how it looks. */
type Cell = readonly [text: string, style?: Style | undefined];

/** The columns from left to right, and how wide each is at least. */
const COLUMNS = {
  path: { heading: "connection", least: 0 },
  dev: { heading: "dev", least: 0 },
  state: { heading: "state", least: 0 },
  sent: { heading: "sent", least: 11 },
  received: { heading: "received", least: 11 },
  rtt: { heading: "rtt", least: 7 },
  retransmits: { heading: "retrans", least: 7 },
  ids: { heading: "ids", least: 3 },
  share: { heading: "share", least: 5 },
  totalSent: { heading: "total sent", least: 10 },
  totalReceived: { heading: "total received", least: 14 },
} as const;

type Column = keyof typeof COLUMNS;

const NAMES = Object.keys(COLUMNS) as Column[];

/** Those that read from the left. */
const LEFT: readonly Column[] = ["path", "dev", "state", "share"];

/** Which go first where there is no room for all; the path stays. */
const GOING: readonly Column[] = [
  ...["totalReceived", "totalSent", "dev", "share", "ids"] as const,
  ...["retransmits", "rtt"] as const,
];
/** Which go when the path has been cut to this. */
const GOING_LAST: readonly Column[] = ["received", "state", "sent"];
const SHORTEST_PATH = 8;

/** Between columns, and where there is no room for that. */
const GAPS = ["  ", " "] as const;
const WIDEST_BAR = 20;

/** A line of the table; the share is drawn when its width is known. */
interface Row {
  readonly cells: Partial<Record<Column, Cell>>;
  readonly share?: number;
  /** Whether it has ended. */
  readonly isPast?: boolean;
}

/**
 * Draws what connections carry, in the order in which they are given, on as many
 * lines and columns as there are: the last that do not fit are counted.
 *
 * @param rates What `Ranking` tells.
 * @param screen How large it is; no terminal has all lines.
 */
export function frame(
  rates: readonly ConnectionRate[],
  screen: Screen,
): string[] {
  const { columns, rows: height = Infinity } = screen;
  let lines = [summary(rates, screen)];
  if (rates.length > 0 && height > 1) {
    const hasHeading = height > 3;
    const room = height - (hasHeading ? 2 : 1);
    const { rows, hidden } = fill(rates, room);
    lines = lines.concat(table(rows, screen, hasHeading));
    if (hidden !== "") {
      lines.push(paint(screen, cutEnd(`not shown: ${hidden}`, columns), "dim"));
    }
  }
  return lines.slice(0, height);
}

/** How much there is in all. */
function summary(rates: readonly ConnectionRate[], screen: Screen): string {
  const living = rates.filter(({ ended }) => !ended);
  const subflows = living.flatMap(({ subflows }) => subflows)
    .filter(({ ended }) => !ended);
  const text = [
    count(living.length, "connection"),
    count(subflows.length, "subflow"),
    `sent ${bits(sum(living, "sentBitPerSec"))}`,
    `received ${bits(sum(living, "receivedBitPerSec"))}`,
  ].join("  ");
  const keys = "  q quits";
  const isRoom = screen.rows !== undefined &&
    cellsOf(text + keys) <= screen.columns;
  return paint(screen, cutEnd(text, screen.columns), "bold") +
    (isRoom ? paint(screen, keys, "dim") : "");
}

function sum(
  rates: readonly ConnectionRate[],
  name: keyof Rates,
): number | undefined {
  const known = rates.flatMap((rate) => rate[name] ?? []);
  // Where there is none, nothing is carried.
  if (known.length === 0 && rates.length > 0) return undefined;
  return known.reduce((sum, rate) => sum + rate, 0);
}

/** The rows that fit, and what does not. */
function fill(rates: readonly ConnectionRate[], room: number) {
  const needed = rates.reduce((sum, one) => sum + 1 + one.subflows.length, 0);
  const isAll = needed <= room;
  // A single line is better used for a connection.
  let left = isAll || room < 2 ? room : room - 1;
  const rows: Row[] = [];
  let shown = 0;
  let subflows = 0;
  for (const rate of rates) {
    if (left < 1) break;
    const those = [
      connectionRow(rate),
      ...rate.subflows.slice(0, left - 1)
        .map((one) => subflowRow(one, rate)),
    ];
    rows.push(...those);
    left -= those.length;
    subflows += rate.subflows.length + 1 - those.length;
    shown++;
  }
  const hidden = [
    ...subflows > 0 ? [count(subflows, "subflow")] : [],
    ...shown < rates.length ? [count(rates.length - shown, "connection")] : [],
  ].join(", ");
  return { rows, hidden: room < 2 ? "" : hidden };
}

function connectionRow(rate: ConnectionRate): Row {
  const { connection, ended } = rate;
  const { token, remote, state, fallback, partial } = connection;
  const words: Cell = ended
    ? ["gone"]
    : fallback
    ? ["fallback", "magenta"]
    : state !== "established"
    ? [state, "yellow"]
    : partial
    ? ["partial", "yellow"]
    : [""];
  return {
    cells: {
      path: [`${tokenText(token)} ${endText(remote)}`, "bold"],
      state: words,
      ...figures(rate, totalsOf(connection)),
    },
    isPast: ended === true,
  };
}

function subflowRow(rate: SubflowRate, of: ConnectionRate): Row {
  const { subflow } = rate;
  const { local, remote, rttUs, retransmits = 0 } = subflow;
  const { connection } = of;
  const isElsewhere = remote.address !== connection.remote.address ||
    remote.port !== connection.remote.port;
  const isPast = rate.ended === true || of.ended === true;
  const all = bitPerSecOf(of);
  return {
    cells: {
      path: [
        `  ${endText(local)}` + (isElsewhere ? ` -> ${endText(remote)}` : ""),
      ],
      dev: [deviceName(subflow) ?? "", "cyan"],
      state: isPast ? [of.ended ? "gone" : "closed"] : words(subflow),
      ...figures(rate, {
        sent: ackedBytes(subflow),
        received: subflow.bytesReceived,
      }),
      rtt: [rttUs === undefined ? "-" : timeText(rttUs)],
      retransmits: [`${retransmits}`, retransmits > 0 ? "yellow" : undefined],
      ids: [`${local.id}/${remote.id}`],
    },
    ...!isPast && all > 0 && { share: bitPerSecOf(rate) / all },
    isPast,
  };
}

/** What is not as usual, each with a word. */
function words(subflow: Subflow): Cell {
  const { state, backup } = subflow;
  const text = [
    ...state === "established" ? [] : [state],
    ...backup ? ["backup"] : [],
    ...isStuck(subflow) ? ["no acks"] : [],
  ].join(" ");
  return [text, text === "backup" ? "yellow" : "red"];
}

function figures(
  { sentBitPerSec, receivedBitPerSec, ended }: Rates & { ended?: true },
  total: Totals,
): Row["cells"] {
  return {
    sent: [bits(ended ? undefined : sentBitPerSec)],
    received: [bits(ended ? undefined : receivedBitPerSec)],
    totalSent: [bytes(total.sent)],
    totalReceived: [bytes(total.received)],
  };
}

/** Bytes in all; absent: not known. */
interface Totals {
  readonly sent: number | undefined;
  readonly received: number | undefined;
}

/** Before Linux 6.5 a connection has none of its own. */
function totalsOf(
  { bytesAcked, bytesReceived, subflows }: Connection,
): Totals {
  const sum = (bytesOf: (subflow: Subflow) => number | undefined) =>
    subflows.reduce((sum, subflow) => sum + (bytesOf(subflow) ?? 0), 0);
  return {
    sent: bytesAcked ?? sum(ackedBytes),
    received: bytesReceived ?? sum((subflow) => subflow.bytesReceived),
  };
}

function bits(perSec: number | undefined): string {
  return perSec === undefined ? "-" : rateText(perSec);
}

function bytes(number: number | undefined): string {
  return number === undefined ? "-" : byteText(number);
}

/** The rows in the columns that there is room for. */
function table(
  rows: readonly Row[],
  screen: Screen,
  hasHeading: boolean,
): string[] {
  const { widths, gap } = fit(rows, screen.columns);
  const line = ({ cells, share, isPast }: Row, heading?: Style) =>
    NAMES.filter((name) => widths[name] !== undefined).map((name) => {
      const width = widths[name]!;
      const [text, style] = name === "share" && heading === undefined
        ? [bar(share ?? 0, width), "green"] as const
        : cells[name] ?? [""];
      const shown = cutMiddle(printable(text), width);
      const space = " ".repeat(width - cellsOf(shown));
      const painted = paint(screen, shown, heading ?? (isPast ? "dim" : style));
      return LEFT.includes(name) ? painted + space : space + painted;
    }).join(gap).trimEnd();
  const headings: Row = {
    cells: Object.fromEntries(
      NAMES.map((name) => [name, [COLUMNS[name].heading]]),
    ),
  };
  return [
    ...hasHeading ? [line(headings, "dim")] : [],
    ...rows.map((row) => line(row)),
  ];
}

/** How the columns fit. */
interface Fit {
  /** How wide each one is; absent: there is no room for it. */
  readonly widths: Partial<Record<Column, number>>;
  /** What is between them. */
  readonly gap: string;
}

function fit(rows: readonly Row[], columns: number): Fit {
  const widths: Partial<Record<Column, number>> = {};
  let gap: string = GAPS[0];
  for (const name of NAMES) {
    const { heading, least } = COLUMNS[name];
    const content = widest(
      rows.map(({ cells }) => printable(cells[name]?.[0] ?? "")),
    );
    // Where no row has one, there is no column.
    if (content > 0 || least > 0) {
      widths[name] = Math.max(content, heading.length, least);
    }
  }
  const rest = () =>
    Object.values(widths).reduce(
      (rest, width) => rest - width - gap.length,
      columns + gap.length,
    );
  for (const name of GOING) if (rest() < 0) delete widths[name];
  if (widths.share !== undefined) {
    widths.share = Math.min(WIDEST_BAR, widths.share + rest());
  }
  const path = widths.path!;
  const cutTo = (least: number) =>
    widths.path = Math.max(
      Math.min(least, path),
      Math.min(widths.path! + rest(), path),
    );
  cutTo(SHORTEST_PATH);
  if (rest() < 0) gap = GAPS[1];
  for (const name of GOING_LAST) if (rest() < 0) delete widths[name];
  // What has gone may have left more than was needed.
  cutTo(1);
  return { widths, gap };
}

/** A part of a whole, in halves of a character. */
function bar(share: number, width: number): string {
  const halves = Math.round(Math.min(share, 1) * width * 2);
  return "█".repeat(halves / 2) + (halves % 2 === 1 ? "▌" : "");
}
