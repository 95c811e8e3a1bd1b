/**
 * Measured points and the straight line through them, as SVG.
 *
 * @module
 */

import { fit, type Line, type Point } from "./fit.ts";
import type { Plot } from "./report.ts";

/** What to draw. */
export interface Chart {
  /** Name of the file, such as `"endpoints.svg"`. */
  readonly file: string;
  /** What it shows, for those who do not see it. */
  readonly alt: string;
  /** What is counted to the right. */
  readonly x: string;
  /** The unit of what was measured. */
  readonly unit: string;
  /** The unit of what one more costs, and how many of it the other one is. */
  readonly each: readonly [unit: string, factor: number];
  /** The points, by what they are called. */
  readonly series: Readonly<Record<string, readonly Point[]>>;
}

const [WIDTH, HEIGHT] = [640, 360];
const [LEFT, RIGHT, BOTTOM] = [80, 40, 48];
/** How high a line of the legend is, which stands above the rest. */
const LEGEND = 20;

// All can be read on white and on black: a picture does not learn which of its
// themes GitHub shows it in.
const INK = "#768390";
const COLOURS = ["#2f81f7", "#db6d28", "#2da44e"];

/** Draws. Both axes start at 0. */
export function plot(chart: Chart): Plot {
  const { file, alt, x, unit, series } = chart;
  const top = 20 + LEGEND * Object.keys(series).length;
  const points = Object.values(series).flat();
  const xTicks = ticks(Math.max(...points.map(([x]) => x)));
  const yTicks = ticks(Math.max(...points.map(([, y]) => y)));
  const [xEnd, yEnd] = [xTicks.at(-1)!, yTicks.at(-1)!];
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM];
  const across = (x: number) => round(LEFT + x / xEnd * (right - LEFT));
  const down = (y: number) => round(bottom - y / yEnd * (bottom - top));
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escape(alt)}</title>`,
    `<clipPath id="inside"><rect x="${LEFT}" y="${top}" width="${
      right - LEFT
    }" height="${bottom - top}"/></clipPath>`,
    ...yTicks.map((tick) =>
      `<path stroke="${INK}" stroke-opacity="${
        tick === 0 ? 1 : 0.3
      }" d="M${LEFT} ${down(tick)}H${right}"/>` +
      text(LEFT - 8, down(tick) + 4, "end", number(tick))
    ),
    ...xTicks.map((tick) =>
      text(across(tick), bottom + 18, "middle", number(tick))
    ),
    text((LEFT + right) / 2, HEIGHT - 8, "middle", x),
    `<g transform="rotate(-90)">${
      text(-(top + bottom) / 2, 16, "middle", unit)
    }</g>`,
  ];
  for (const [index, [name, points]] of Object.entries(series).entries()) {
    const line = fit(points);
    const { slope, intercept } = line;
    const [each, none, r2] = equation(line, chart);
    const colour = COLOURS[index]!;
    const at = (x: number) => `${across(x)} ${down(intercept + slope * x)}`;
    svg.push(
      `<path clip-path="url(#inside)" stroke="${colour}" d="M${at(0)}L${
        at(xEnd)
      }"/>`,
      ...points.map(([x, y]) =>
        `<circle cx="${across(x)}" cy="${down(y)}" r="4" fill="${colour}"/>`
      ),
      `<circle cx="${LEFT + 4}" cy="${
        LEGEND * (index + 1) - 4
      }" r="4" fill="${colour}"/>`,
      text(
        LEFT + 16,
        LEGEND * (index + 1),
        "start",
        `${name.replaceAll("`", "")}: ${each} each, ${none} for none, R² ${r2}`,
      ),
    );
  }
  return { file, alt, svg: [...svg, "</svg>", ""].join("\n") };
}

/** What one more costs, what none costs, and R². */
export function equation(
  { slope, intercept, r2 }: Line,
  { unit, each: [eachUnit, factor] }: Pick<Chart, "unit" | "each">,
): [each: string, none: string, r2: string] {
  return [
    `${number(slope * factor)} ${eachUnit}`,
    `${number(intercept)} ${unit}`,
    r2.toFixed(4),
  ];
}

/** From 0 past the highest value, in some five steps of 1, 2 or 5. */
export function ticks(highest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(highest / 5));
  const step = power * [1, 2, 5, 10].find((by) => highest / (power * by) <= 6)!;
  return Array.from(
    { length: Math.ceil(highest / step) + 1 },
    (_, index) => Number((index * step).toPrecision(12)),
  );
}

/** Three digits, or all that are before the point. */
export function number(value: number): string {
  const digits = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toLocaleString("en", {
    maximumFractionDigits: Math.max(0, 3 - digits),
  }).replace("-", "−");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(x: number, y: number, anchor: string, content: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${
    escape(content)
  }</text>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
