/**
 * The straight line through measured points, by least squares.
 *
 * @module
 */

/** What was measured at one place. */
export type Point = readonly [x: number, y: number];

/** A straight line, and how well the points lie on it. */
export interface Line {
  /** What one more costs. */
  readonly slope: number;
  /** What none costs. */
  readonly intercept: number;
  /** The share of the variance that the line explains; 1: all. */
  readonly r2: number;
}

/** Fits a line through two points or more, not all above one another. */
export function fit(points: readonly Point[]): Line {
  const [meanX, meanY] = [0, 1].map((axis) =>
    sum(points.map((point) => point[axis]!)) / points.length
  ) as [number, number];
  const xx = sum(points.map(([x]) => (x - meanX) ** 2));
  const xy = sum(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  const yy = sum(points.map(([, y]) => (y - meanY) ** 2));
  const slope = xy / xx;
  return {
    slope,
    intercept: meanY - slope * meanX,
    // Points that are all at one height lie on their line.
    r2: yy === 0 ? 1 : xy ** 2 / (xx * yy),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
