/**
 * What became of the connections of `mptcp doctor to`.
 *
 * @module
 */

import type { Connection } from "../../diag/mod.ts";
import { type Attempt, outcomeText, type Snapshot } from "../../doctor/mod.ts";
import { cellsOf, folded, widest } from "../cells.ts";
import { printable } from "../printable.ts";
import { paint, type Screen, type Style } from "../style.ts";
import { connectionJson } from "./connection_output.ts";

const STYLES: Readonly<Record<Attempt["outcome"], Style | undefined>> = {
  mptcp: "green",
  tcp: "magenta",
  blackhole: "red",
  failed: "red",
};

/** A line for each way: source, device, endpoint, and what became of it. */
export function wayLines(
  { target, addresses = [] }: Snapshot,
  screen: Screen,
  indent: number,
): string[] {
  const attempts = target?.attempts ?? [];
  const isOne = new Set(attempts.map(({ address }) => address)).size < 2;
  const rows = attempts.map(({ address, source, local, dev, id }) => {
    const from = source ?? local;
    const own = addresses.find((one) => one.address === from);
    return [
      from ?? "",
      dev ?? own?.dev ?? "",
      id === undefined ? "" : `id ${id}`,
      isOne ? "" : `to ${address}`,
    ].map(printable);
  });
  const widths = (rows[0] ?? []).map((_, column) =>
    widest(rows.map((row) => row[column]!))
  );
  return rows.flatMap((row, at) => {
    const cells = row.flatMap((cell, column) =>
      widths[column] === 0
        ? []
        : [cell + " ".repeat(widths[column]! - cellsOf(cell))]
    );
    const start = `  ${cells.join("  ")}  `;
    const { outcome } = attempts[at]!;
    const text = outcomeText(attempts[at]!);
    const style = STYLES[outcome];
    return indent + start.length + text.length <= screen.columns
      ? [start + paint(screen, text, style)]
      : [
        start.trimEnd(),
        ...folded(`    ${text}`, screen.columns - indent)
          .map((row) => paint(screen, row, style)),
      ];
  });
}

/** The same for programs, with the connection that got through. */
export function targetJson({ target, connections }: Snapshot): unknown {
  const [connection] = (connections ?? []) as readonly Connection[];
  return {
    ...target,
    ...connection !== undefined && { connection: connectionJson(connection) },
  };
}
