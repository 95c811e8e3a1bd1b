/**
 * What a benchmark found, and how it is printed.
 *
 * @module
 */

/** A picture of a {@linkcode Report}. */
export interface Plot {
  /** Name of its file in `bench/plots/`, such as `"endpoints.svg"`. */
  readonly file: string;
  /** What it shows, for those who do not see it. */
  readonly alt: string;
  /** The picture. */
  readonly svg: string;
}

/** A table, and what to know of it. */
export interface Report {
  /** Such as `"Round trip"`. */
  readonly title: string;
  /** What was measured, against what, how often. */
  readonly text: string;
  /** Headings of the columns; the first column names the rows. */
  readonly columns: readonly string[];
  /** The rows; numbers are printed as they are, so rounded before. */
  readonly rows: readonly (readonly string[])[];
  /** Pictures. */
  readonly plots?: readonly Plot[];
}

/** A benchmark; those that need several tables give several reports. */
export type Benchmark = () => Promise<Report[]>;

/** What stands in the place of what cannot be measured here. */
export function notMeasured(title: string, why: string): Report {
  return { title, text: `Not measured: ${why}.`, columns: [], rows: [] };
}

/** The report as a section of a Markdown file. */
export function markdown(
  { title, text, columns, rows, plots }: Report,
): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => row[index]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, index) =>
        index === 0
          ? cell.padEnd(widths[index]!)
          : cell.padStart(widths[index]!)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, index) =>
    index === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [
    `## ${title}`,
    text,
    ...rows.length === 0 ? [] : [[columns, rule, ...rows].map(line).join("\n")],
    ...plots?.map(({ file, alt }) => `![${alt}](plots/${file})`) ?? [],
  ].join("\n\n") + "\n";
}
