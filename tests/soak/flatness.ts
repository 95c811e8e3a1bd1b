/**
 * Whether memory is flat: a judgement on its weight after each cycle.
 *
 * @module
 */

/** How much a series may grow. */
export interface Allowance {
  /** In all, however long it is: the engine compiles, and keeps spare pages. */
  readonly once: number;
  /** With each cycle. */
  readonly perCycle: number;
}

/** What was found of a series. */
export interface Verdict {
  /** How much it grows with each cycle. */
  readonly growth: number;
  /** How much it may. */
  readonly limit: number;
  readonly isFlat: boolean;
}

/** Into how many parts a series is cut: as many values it has at least. */
export const PARTS = 8;

/**
 * How much a series grows with each value: the median of the steps from one
 * part of it to the next, each part told by its own median. A leak grows in
 * every part; what the engine compiles at first, or takes from the system all
 * at once, in a few of them only. And one value that stands out is none of a
 * median.
 */
export function growthOf(series: readonly number[]): number {
  const length = series.length / PARTS;
  if (length < 1) throw new RangeError(`Too few values: ${series.length}`);
  const parts = Array.from({ length: PARTS }, (_, part) =>
    median(
      series.slice(Math.round(part * length), Math.round((part + 1) * length)),
    ));
  const steps = parts.slice(1).map((value, part) => value - parts[part]!);
  return median(steps) / length;
}

/** Judges a series. */
export function judge(
  series: readonly number[],
  { once, perCycle }: Allowance,
): Verdict {
  const growth = growthOf(series);
  const limit = perCycle + once / series.length;
  return { growth, limit, isFlat: growth <= limit };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
