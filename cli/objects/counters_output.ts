/**
 * Counters for people, for programs, and for collectors of metrics.
 *
 * @module
 */

import { counterChanges, counterDoc, type Counters } from "../../diag/mod.ts";
import { widest } from "../cells.ts";

/** A counter that was selected. */
type Row = readonly [name: string, value: number];

/** Narrower than this, a sentence goes on wherever it is. */
const NARROW = 20;

/** Those to show. */
export function rowsOf(counters: Counters, all: boolean): Row[] {
  return Object.entries(counters)
    .map(([name, value = 0]): Row => [name, value])
    .filter(([, value]) => all || value !== 0);
}

/** What has changed from one reading to the next. */
export function changesOf(
  before: Counters,
  after: Counters,
  all: boolean,
): Row[] {
  return rowsOf(counterChanges(before, after), true).filter(([name, value]) =>
    all || value !== (counterDoc(name).isGauge ? before[name] : 0)
  );
}

/** Whether the kernel has any of MPTCP. */
export function hasMptcp(counters: Counters): boolean {
  return Object.keys(counters)
    .some((name) => counterDoc(name).group === "MPTcpExt");
}

/** A line for each, with its sentence, which goes on below itself. */
export function table(
  rows: readonly Row[],
  columns: number,
  format: (row: Row) => string = ([, value]) => String(value),
): string {
  const names = widest(rows.map(([name]) => name));
  const values = widest(rows.map(format));
  const indent = names + values + 4;
  return rows.map((row) => {
    const [name] = row;
    const { about } = counterDoc(name);
    const lines = wrap(about, Math.max(columns - indent, NARROW));
    return `${name.padEnd(names)}  ${format(row).padStart(values)}  ${
      lines.join(`\n${" ".repeat(indent)}`)
    }`.trimEnd() + "\n";
  }).join("");
}

/** Breaks a text between words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** How much was counted, or what there is now. */
export function change([name, value]: Row): string {
  return counterDoc(name).isGauge ? String(value) : `+${value}`;
}

/** Which side a counter is about, for a reader who has no table. */
const SIDES = {
  connecting: " (on the connecting side)",
  accepting: " (on the accepting side)",
  both: "",
};

/**
 * The text that a collector of metrics reads: the classic one of Prometheus has
 * `_total` in the name of a family, OpenMetrics has it in that of the sample only.
 */
export function exposition(
  counters: Counters,
  form: "prometheus" | "openmetrics",
): string {
  const families = rowsOf(counters, true).map(([name, value]) => {
    const { group, side, about, isGauge } = counterDoc(name);
    const family = `mptcp_netstat_${group}_${name.replaceAll(/\W/g, "_")}`;
    const sample = isGauge ? family : `${family}_total`;
    const described = form === "prometheus" ? sample : family;
    const help = about === "" ? `A counter of ${group}` : about + SIDES[side];
    return `# HELP ${described} ${help}.\n` +
      `# TYPE ${described} ${isGauge ? "gauge" : "counter"}\n` +
      `${sample} ${value}\n`;
  });
  return families.join("") + (form === "openmetrics" ? "# EOF\n" : "");
}
