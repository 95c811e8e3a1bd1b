/**
 * A recording as SVG: the rate of each path, stacked, over time. What was sent
 * is above the axis, what was received is below it, both at the same scale.
 *
 * It is legible on any page: it has a background of its own, which is dark
 * where the reader prefers that. It holds no script, and needs nothing else.
 *
 * @module
 */

import { byteText } from "../units.ts";

/** One path: all subflows between two addresses. */
export interface RecordedPath {
  /** IPv4 or IPv6 address of this host. */
  readonly local: string;
  /** IPv4 or IPv6 address of the peer. */
  readonly remote: string;
  /** Ids of the local address, as its subflows had them. */
  readonly ids: readonly number[];
  /** The devices that its subflows were bound to. */
  readonly devs: readonly string[];
}

/** Bits per second, sent and received. */
export type Rates = readonly [sent: number, received: number];

/** What was measured from the end of the sample before to `atMs`. */
export interface Sample {
  /** When it ends, in milliseconds since the recording began. */
  readonly atMs: number;
  /** The rates of the paths, in their order; absent: 0. */
  readonly rates: readonly (Rates | undefined)[];
}

/** Something that happened. */
export interface Mark {
  /** When, in milliseconds since the recording began. */
  readonly atMs: number;
  /** The path that it happened to, by its index; absent: none. */
  readonly path?: number;
  /** What, in a word or two. */
  readonly label: string;
}

/** What is drawn. */
export interface Recording {
  readonly title: string;
  /** What stands below it: when, and on which kernel. */
  readonly subtitle: string;
  readonly paths: readonly RecordedPath[];
  readonly samples: readonly Sample[];
  readonly marks: readonly Mark[];
}

const WIDTH = 960;
const [LEFT, RIGHT] = [90, 936];
const PLOT_HEIGHT = 320;
/** How high a direction is at least that carried anything. */
const LEAST_HEIGHT = 60;
/** How many steps are drawn at most: else several samples become one. */
const MOST_STEPS = 480;
/** The labels of marks stand in rows, as many as are needed up to this. */
const MOST_ROWS = 5;
const ROW = 16;
/** How high a line of the legend is. */
const LINE = 20;
/** How wide a letter is at most, on average. */
const LETTER = 6.8;

/** The units of rates, and how many bit/s each is. */
const UNITS = [
  ["Gbit/s", 1e9],
  ["Mbit/s", 1e6],
  ["kbit/s", 1e3],
  ["bit/s", 1],
] as const;

const READ_IT_SO =
  "The rate of each path over time, stacked: sent above the axis, received below it.";

/** Colours on one background. */
interface Theme {
  readonly ink: string;
  readonly faint: string;
  readonly grid: string;
  readonly ground: string;
  readonly paths: readonly string[];
}

/**
 * The paths have colours of Okabe and Ito, which readers with any colour vision
 * can tell apart; others stand for their yellow and black, which would be lost
 * on one of the backgrounds.
 */
export const LIGHT: Theme = {
  ink: "#1f2328",
  faint: "#59636e",
  grid: "#d1d9e0",
  ground: "#ffffff",
  paths: [
    ...["#0072b2", "#e69f00", "#009e73", "#cc79a7"],
    ...["#56b4e9", "#d55e00", "#602000", "#1f1f47"],
  ],
};

/** What a reader gets who prefers a dark background. */
export const DARK: Theme = {
  ink: "#e6edf3",
  faint: "#9aa4b0",
  grid: "#30363d",
  ground: "#0d1117",
  paths: [
    ...["#2f8fd0", "#e69f00", "#00a878", "#cc79a7"],
    ...["#7cc8f5", "#e0661a", "#8a4420", "#c8e488"],
  ],
};

/** Attributes have the light colours, for programs that know no style. */
const DARK_STYLE = `<style>@media (prefers-color-scheme:dark){${
  [
    `.i{fill:${DARK.ink}}.f{fill:${DARK.faint}}.g{fill:${DARK.ground}}`,
    `.l{stroke:${DARK.ink}}.r{stroke:${DARK.grid}}`,
    ...DARK.paths.map((colour, index) => `.p${index}{fill:${colour}}`),
  ].join("")
}}</style>`;

/** Draws. Equal recordings give equal texts. */
export function recordSvg(recording: Recording): string {
  const { title, subtitle, samples } = recording;
  const layers = layersOf(recording);
  const endMs = Math.max(
    1,
    samples.at(-1)?.atMs ?? 1000,
    ...recording.marks.slice(-1).map(({ atMs }) => atMs),
  );
  const across = (atMs: number) => round(LEFT + atMs / endMs * (RIGHT - LEFT));
  const marks = placed(recording.marks, layers, across);
  const top = 76 + ROW * Math.max(0, ...marks.map(({ row = -1 }) => row + 1));
  const bottom = top + PLOT_HEIGHT;
  const steps = thinned(samples);
  const scale = scaleOf(steps, layers, top);
  const legendTop = bottom + 64;
  const height = legendTop + layers.length * LINE + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<desc>${escaped(`${subtitle}. ${READ_IT_SO}`)}</desc>`,
    DARK_STYLE,
    `<rect class="g" width="${WIDTH}" height="${height}" rx="6" fill="${LIGHT.ground}"/>`,
    text(24, 32, title, { size: 17 }),
    text(24, 52, subtitle, { isFaint: true }),
    ...grid(scale, top, bottom),
    ...timeAxis(endMs, steps, across, bottom),
    `<g shape-rendering="crispEdges">`,
    ...areas(steps, layers, scale, across),
    "</g>",
    line(`M${LEFT} ${scale.zero}H${RIGHT}`),
    ...marks.map((mark) => drawn(mark, top, bottom)),
    unlabelled(marks, top, bottom),
    ...steps.length > 0 ? [] : [
      text((LEFT + RIGHT) / 2, (top + bottom) / 2, "Nothing was measured", {
        anchor: "middle",
        size: 15,
      }),
    ],
    ...legend(layers, samples, legendTop),
    "</svg>",
    "",
  ].join("\n");
}

/** What is drawn in one colour: a path, or all for which none is left. */
interface Layer {
  /** The index of its colour. */
  readonly colour: number;
  /** The indexes of its paths. */
  readonly members: readonly number[];
  /** What the legend says of it, by column. */
  readonly cells: readonly string[];
}

function layersOf({ paths, samples }: Recording): Layer[] {
  const most = LIGHT.paths.length;
  const all = paths.map((_, index) => index);
  const totals = all.map((index) => sum(bytesOf(samples, [index])));
  const own = paths.length <= most ? all : all
    .toSorted((one, other) => totals[other]! - totals[one]! || one - other)
    .slice(0, most - 1).toSorted((one, other) => one - other);
  const layers = own.map((index, colour) => {
    const { local, remote, ids, devs } = paths[index]!;
    const cells = [`${local} → ${remote}`, devs.join(", "), ids.join(", ")];
    return { colour, members: [index], cells };
  });
  if (own.length === all.length) return layers;
  const members = all.filter((index) => !own.includes(index));
  const cells = [`${members.length} other paths`, "", ""];
  return [...layers, { colour: layers.length, members, cells }];
}

/** Averages of as many samples as make one step. */
interface Step extends Sample {
  readonly fromMs: number;
}

function thinned(samples: readonly Sample[]): Step[] {
  const each = Math.ceil(samples.length / MOST_STEPS);
  const steps: Step[] = [];
  for (let at = 0; at < samples.length; at += each) {
    const some = samples.slice(at, at + each);
    const fromMs = samples[at - 1]?.atMs ?? 0;
    const { atMs } = some.at(-1)!;
    const rates: [number, number][] = [];
    let before = fromMs;
    for (const { atMs: until, rates: ofPaths } of some) {
      const share = (until - before) / (atMs - fromMs);
      before = until;
      for (const [index, rate] of ofPaths.entries()) {
        const [sent, received] = rates[index] ?? [0, 0];
        rates[index] = [
          sent + share * (rate?.[0] ?? 0),
          received + share * (rate?.[1] ?? 0),
        ];
      }
    }
    steps.push({ fromMs, atMs, rates });
  }
  return steps;
}

/** The rate of a layer in one direction. */
function rateOf(
  { rates }: Sample,
  { members }: Layer,
  direction: 0 | 1,
): number {
  return sum(members.map((index) => rates[index]?.[direction] ?? 0));
}

/** How rates become heights. */
interface Scale {
  /** Where the axis is. */
  readonly zero: number;
  /** From one line of the grid to the next. */
  readonly tick: number;
  /** What the unit is called, and how many bit/s it is. */
  readonly unit: readonly [name: string, bits: number];
  /** The highest rate that there is room for, each way. */
  readonly room: Rates;
  readonly down: (rate: number, direction: 0 | 1) => number;
}

function scaleOf(
  steps: readonly Step[],
  layers: readonly Layer[],
  top: number,
): Scale {
  const highest = (direction: 0 | 1) =>
    steps.reduce(
      (most, step) =>
        Math.max(
          most,
          sum(layers.map((layer) => rateOf(step, layer, direction))),
        ),
      0,
    );
  const [sent, received] = [highest(0), highest(1)];
  // A little room above, and enough for a direction that carried anything.
  const least = Math.max(sent, received) * LEAST_HEIGHT / PLOT_HEIGHT;
  const roomFor = (rate: number) => rate === 0 ? 0 : Math.max(rate, least);
  const room: Rates = sent + received === 0
    ? [1000, 0]
    : [roomFor(sent) * 1.04, roomFor(received) * 1.04];
  const perPixel = sum(room) / PLOT_HEIGHT;
  const zero = round(top + room[0] / perPixel);
  const tick = stepOf(sum(room), 8, [1, 2, 5, 10]);
  return {
    zero,
    tick,
    unit: UNITS.find(([, bits]) => sum(room) >= bits) ?? UNITS.at(-1)!,
    room,
    down: (rate, direction) =>
      round(zero + (direction === 0 ? -1 : 1) * rate / perPixel),
  };
}

/** A round number that fits up to `most` times. */
function stepOf(
  highest: number,
  most: number,
  factors: readonly number[],
): number {
  const power = 10 ** Math.floor(Math.log10(highest / most));
  return power * factors.find((by) => highest / (power * by) <= most)!;
}

function grid(
  { zero, tick, unit: [unit, bits], room, down }: Scale,
  top: number,
  bottom: number,
): string[] {
  const lines: string[] = [];
  for (const direction of [0, 1] as const) {
    // The axis is a line of its own.
    for (let count = direction; count * tick <= room[direction]; count++) {
      const y = down(count * tick, direction);
      if (count > 0) lines.push(line(`M${LEFT} ${y}H${RIGHT}`, true));
      const label = `${Number((count * tick / bits).toPrecision(6))}`;
      lines.push(text(LEFT - 8, y + 4, label, { anchor: "end" }));
    }
    if (room[direction] === 0) continue;
    const middle = (zero + (direction === 0 ? top : bottom)) / 2;
    const name = direction === 0 ? "sent" : "received";
    const isRoomy = Math.abs(middle - zero) > 60;
    lines.push(
      `<g transform="rotate(-90)">${
        text(-middle, 40, isRoomy ? `${name}, ${unit}` : name, {
          anchor: "middle",
        })
      }</g>`,
    );
  }
  return lines;
}

function timeAxis(
  endMs: number,
  steps: readonly Step[],
  across: (atMs: number) => number,
  bottom: number,
): string[] {
  const seconds = endMs / 1000;
  // Whole minutes where there are some.
  const tick = seconds > 300
    ? 60 * stepOf(seconds / 60, 10, [1, 2, 5, 10])
    : stepOf(seconds, 10, [1, 2, 5, 10]);
  const parts: string[] = [];
  for (let count = 0; count * tick <= seconds * 1.0001; count++) {
    const x = across(count * tick * 1000);
    parts.push(
      line(`M${x} ${bottom}v4`, true),
      text(x, bottom + 18, `${Number((count * tick).toPrecision(6))}`, {
        anchor: "middle",
      }),
    );
  }
  const each = Number((seconds / steps.length).toPrecision(2));
  const average = steps.length === 0 ? "" : `, averages of ${each} s`;
  return [
    ...parts,
    text((LEFT + RIGHT) / 2, bottom + 36, `seconds${average}`, {
      anchor: "middle",
      isFaint: true,
    }),
  ];
}

/**
 * Each layer is drawn from the axis up to the sum of itself and those below it,
 * the highest sum first: the next one covers what belongs to it.
 */
function areas(
  steps: readonly Step[],
  layers: readonly Layer[],
  { zero, down }: Scale,
  across: (atMs: number) => number,
): string[] {
  const paths: string[] = [];
  for (const direction of [0, 1] as const) {
    const sums = steps.map(() => 0);
    const drawn: string[] = [];
    for (const layer of layers) {
      let path = "";
      let y = zero;
      let x = LEFT;
      for (const [index, step] of steps.entries()) {
        sums[index]! += rateOf(step, layer, direction);
        const next = down(sums[index]!, direction);
        if (next !== y) {
          path += `${path === "" ? `M${x} ${zero}` : `H${x}`}V${next}`;
          y = next;
        }
        x = across(step.atMs);
      }
      if (path !== "") {
        const { colour } = layer;
        drawn.unshift(
          `<path class="p${colour}" fill="${
            LIGHT.paths[colour]
          }" d="${path}H${x}V${zero}Z"/>`,
        );
      }
    }
    paths.push(...drawn);
  }
  return paths;
}

/** A mark, and where its label stands; without a row it has none. */
interface PlacedMark {
  readonly x: number;
  readonly label: string;
  readonly layer: Layer | undefined;
  /** Whether the label stands on the left of its line. */
  readonly isLeft: boolean;
  readonly from: number;
  readonly to: number;
  row?: number;
}

function placed(
  marks: readonly Mark[],
  layers: readonly Layer[],
  across: (atMs: number) => number,
): PlacedMark[] {
  const seen = new Set<string>();
  const all = marks.flatMap(({ atMs, path, label: what }): PlacedMark[] => {
    const layer = path === undefined
      ? undefined
      : layers.find(({ members }) => members.includes(path));
    const label = layer === undefined ? what : `${layer.colour + 1} ${what}`;
    const x = across(atMs);
    // What nobody could tell apart is drawn once.
    const key = `${Math.round(x)} ${label}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const width = label.length * LETTER + 20;
    const isLeft = x + width > WIDTH - 8;
    const from = isLeft ? x - width : x;
    return [{ x, label, layer, isLeft, from, to: from + width }];
  });
  // Nothing stands on the line of another one when that which reaches into the
  // others gets the higher row.
  const done: PlacedMark[] = [];
  const order = [
    ...all.filter(({ isLeft }) => isLeft),
    ...all.filter(({ isLeft }) => !isLeft).toReversed(),
  ];
  for (const mark of order) {
    for (let row = 0; row < MOST_ROWS; row++) {
      const isFree = done.every((other) =>
        other.row! > row
          ? !isInside(other.x, mark)
          : other.row === row
          ? mark.to <= other.from || other.to <= mark.from
          : !isInside(mark.x, other)
      );
      if (!isFree) continue;
      mark.row = row;
      done.push(mark);
      break;
    }
  }
  return all;
}

/** Marks without a label: a short line each, where there is room for it. */
function unlabelled(
  marks: readonly PlacedMark[],
  top: number,
  bottom: number,
): string {
  const bare = marks.filter(({ row }) => row === undefined);
  if (bare.length === 0) return "";
  const places = new Set(bare.map(({ x }) => Math.round(x)));
  const path = Array.from(places, (x) => `M${x} ${top - 4}v8`).join("");
  return line(path) +
    text(LEFT, bottom + 36, `${bare.length} marks without a label`, {
      isFaint: true,
    });
}

function isInside(x: number, { from, to }: PlacedMark): boolean {
  return from < x && x < to;
}

/** A line with a label. */
function drawn(
  { x, label, layer, row, isLeft }: PlacedMark,
  top: number,
  bottom: number,
): string {
  if (row === undefined) return "";
  const y = top - 6 - row * ROW;
  const mark =
    `<path class="l" stroke="${LIGHT.ink}" stroke-dasharray="3 2" d="M${x} ${
      y - 9
    }V${bottom}"/>`;
  const beside = (distance: number) =>
    round(isLeft ? x - distance : x + distance);
  const swatch = layer === undefined
    ? ""
    : box(isLeft ? beside(12) : beside(4), y - 8, 8, layer.colour);
  const anchor = isLeft ? "end" : "start";
  return mark + swatch +
    text(beside(layer === undefined ? 4 : 15), y, label, { anchor });
}

function legend(
  layers: readonly Layer[],
  samples: readonly Sample[],
  top: number,
): string[] {
  if (layers.length === 0) return [];
  const rows = layers.map(({ members, cells }) => {
    const [sent, received] = bytesOf(samples, members);
    return [...cells, byteText(sent), byteText(received)];
  });
  const width = (column: number) => {
    const most = Math.max(...rows.map((row) => row[column]!.length));
    return most === 0 ? 0 : LETTER * Math.max(8, most) + 20;
  };
  const device = 66 + width(0);
  const columns = [
    ["path", 66, "start"],
    ["device", device, "start"],
    ["id", device + width(1), "start"],
    ["sent", RIGHT - 86, "end"],
    ["received", RIGHT, "end"],
  ] as const;
  return [
    ...columns.filter((_, column) => width(column) > 0)
      .map(([name, x, anchor]) =>
        text(round(x), top, name, { anchor, isFaint: true })
      ),
    ...layers.map(({ colour }, index) => {
      const y = top + (index + 1) * LINE;
      return box(24, y - 10, 12, colour) +
        text(58, y, `${colour + 1}`, { anchor: "end" }) +
        columns.map(([, x, anchor], column) =>
          text(round(x), y, rows[index]![column]!, { anchor })
        ).join("");
    }),
  ];
}

/** How many bytes some paths carried, each way. */
function bytesOf(
  samples: readonly Sample[],
  members: readonly number[],
): [sent: number, received: number] {
  const bytes: [number, number] = [0, 0];
  let before = 0;
  for (const { atMs, rates } of samples) {
    for (const index of members) {
      const rate = rates[index];
      if (rate === undefined) continue;
      bytes[0] += rate[0] * (atMs - before) / 8000;
      bytes[1] += rate[1] * (atMs - before) / 8000;
    }
    before = atMs;
  }
  return bytes;
}

function text(
  x: number,
  y: number,
  content: string,
  { anchor = "start", isFaint = false, size }: {
    readonly anchor?: "start" | "middle" | "end";
    readonly isFaint?: boolean;
    readonly size?: number;
  } = {},
): string {
  if (content === "") return "";
  return `<text class="${isFaint ? "f" : "i"}" fill="${
    isFaint ? LIGHT.faint : LIGHT.ink
  }" x="${x}" y="${y}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}${
    size === undefined ? "" : ` font-size="${size}"`
  }>${escaped(content)}</text>`;
}

function line(path: string, isFaint = false): string {
  return `<path class="${isFaint ? "r" : "l"}" stroke="${
    isFaint ? LIGHT.grid : LIGHT.ink
  }" d="${path}"/>`;
}

function box(x: number, y: number, size: number, colour: number): string {
  return `<rect class="p${colour}" fill="${
    LIGHT.paths[colour]
  }" x="${x}" y="${y}" width="${size}" height="${size}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What XML cannot hold. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\ufffe\uffff]/g;

/** Text as XML holds it. */
function escaped(text: string): string {
  return text.toWellFormed().replaceAll(UNPRINTABLE, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
