/**
 * How connections are written: a tree for people, objects for programs.
 *
 * @module
 */

import type { Connection, SocketEnd, Subflow } from "../../diag/mod.ts";
import { cellsOf, widest } from "../cells.ts";
import { deviceName } from "../output.ts";
import { printable } from "../printable.ts";
import { snakeCase, snakeKeys } from "../snake_case.ts";
import { paint, type Screen, type Style } from "../style.ts";
import { byteText, timeText } from "../units.ts";

/** Part of a line: a text and how it looks. */
type Cell = readonly [text: string, style?: Style | undefined];

/** Groups of cells, which stay together where a line is too short. */
type Row = readonly (readonly Cell[])[];

const NOTHING: Cell = [""];
const GAP = "  ";
const DEEPEST = "      ";

/** An address and a port, as `ss` writes them. */
export function endText({ address, port }: SocketEnd): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A token, as events and `ss` show it. */
export function tokenText(token: number): string {
  return token.toString(16).padStart(8, "0");
}

/** A connection and its subflows, no line wider than the screen if it can be. */
export function tree(connection: Connection, screen: Screen): string {
  const { subflows } = connection;
  const lines = [
    ...fold([heading(connection, screen)], screen, "", "    "),
    ...fold(
      subflows.map((subflow) => subflowCells(subflow, screen)),
      screen,
      "  ",
      DEEPEST,
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Both ends; two IPv6 addresses may be too wide for one line. */
function pathCells(
  local: SocketEnd,
  remote: SocketEnd,
  { columns }: Screen,
): readonly Cell[] {
  const [from, to] = [endText(local), `-> ${endText(remote)}`];
  const isWide = DEEPEST.length + from.length + 1 + to.length > columns;
  return isWide ? [[from], [to]] : [[`${from} ${to}`], NOTHING];
}

/** Everything that is known of a connection. */
export function details(connection: Connection, screen: Screen): string {
  const { subflows, ...own } = connection;
  const lines = [
    ...fold([heading(connection, screen)], screen, "", "    "),
    ...wrap(fields(own), screen, "    "),
    ...subflows.flatMap((subflow) => [
      ...fold([subflowCells(subflow, screen)], screen, "  ", DEEPEST),
      ...wrap(fields(subflow), screen, DEEPEST),
    ]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function heading(
  { token, local, remote, state, fallback, partial, subflows }: Connection,
  screen: Screen,
): Row {
  const missing = partial
    ? "not all subflows can be seen"
    : subflows.length === 0
    ? "no subflow"
    : "";
  return [[
    [`token ${tokenText(token)}`, "bold"],
    ...pathCells(local, remote, screen),
    [state, state === "established" ? undefined : "yellow"],
    fallback ? ["fallback to TCP", "magenta"] : NOTHING,
    missing === "" ? NOTHING : [missing, "yellow"],
  ]];
}

/** Whether it has sent what no ack comes for. */
export function isStuck({ state, sendQueue, backoff = 0 }: Subflow): boolean {
  return state === "established" && sendQueue > 0 && backoff > 0;
}

function subflowCells(subflow: Subflow, screen: Screen): Row {
  const { local, remote, state, backup, rttUs, retransmits } = subflow;
  const device = deviceName(subflow);
  const { bytesSent, bytesReceived } = subflow;
  const path: readonly Cell[] = [
    ...pathCells(local, remote, screen),
    [`id ${local.id}/${remote.id}`],
    [device === undefined ? "" : `dev ${device}`, "cyan"],
    state === "established" ? NOTHING : [state, "red"],
    backup ? ["backup", "yellow"] : NOTHING,
    isStuck(subflow) ? ["no acks", "red"] : NOTHING,
  ];
  const figures: readonly Cell[] = [
    [rttUs === undefined ? "" : `rtt ${timeText(rttUs)}`],
    [bytesSent === undefined ? "" : `sent ${byteText(bytesSent)}`],
    [bytesReceived === undefined ? "" : `received ${byteText(bytesReceived)}`],
    retransmits ? [`${retransmits} retransmitted`, "yellow"] : NOTHING,
  ];
  return [path, figures];
}

/**
 * Writes rows in columns. Where they are too wide, each group of columns stands
 * on a line of its own, and so do columns that still do not fit: nothing is cut.
 */
function fold(
  rows: readonly Row[],
  screen: Screen,
  indent: string,
  deeper: string,
): string[] {
  const widths = (rows[0] ?? []).map((group, at) =>
    group.map((_, column) =>
      widest(rows.map((row) => printable(row[at]![column]![0])))
    )
  );
  const whole = widths.flat().filter((width) => width > 0)
    .reduce((sum, width) => sum + width + GAP.length, indent.length);
  const isWide = whole - GAP.length > screen.columns;
  return rows.flatMap((row) => {
    const lines: string[] = [];
    let line = indent;
    let used = indent.length;
    const end = () => {
      if (line.trim() !== "") lines.push(line.trimEnd());
      line = deeper;
      used = deeper.length;
    };
    row.forEach((group, at) => {
      if (isWide && at > 0) end();
      group.forEach(([raw, style], column) => {
        const width = widths[at]![column]!;
        if (width === 0) return;
        const text = printable(raw);
        if (used + width > screen.columns && line.trim() !== "") end();
        line += paint(screen, text, style) +
          " ".repeat(width - cellsOf(text)) + GAP;
        used += width + GAP.length;
      });
    });
    end();
    return lines;
  });
}

/** Names and values, as many on a line as fit. */
function wrap(
  values: readonly string[],
  screen: Screen,
  indent: string,
): string[] {
  const lines: string[] = [];
  let line = "";
  for (const value of values) {
    const text = paint(screen, value, undefined);
    if (
      line !== "" && line.length + GAP.length + text.length > screen.columns
    ) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? indent + text : line + GAP + text;
  }
  return line === "" ? lines : [...lines, line];
}

/** What the first lines do not show already. */
const SHOWN = new Set([
  ...["token", "local", "remote", "state", "fallback", "subflows", "partial"],
  ...["dev", "backup"],
]);

/** The other figures, as `name value`. */
function fields(values: object): string[] {
  return Object.entries(values).filter(([key]) => !SHOWN.has(key))
    .map(([key, value]) =>
      `${snakeCase(key)} ${Array.isArray(value) ? value.join(" ") : value}`
    );
}

/** A connection as JSON has it, but for the names. */
export function withTokenText(connection: Connection): object {
  return { ...connection, token: `0x${connection.token.toString(16)}` };
}

/** A connection for programs: all fields, in snake case. */
export function connectionJson(
  connection: Connection,
): Record<string, unknown> {
  return snakeKeys(withTokenText(connection)) as Record<string, unknown>;
}
