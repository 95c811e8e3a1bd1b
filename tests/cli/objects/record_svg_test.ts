/** The drawing of a recording, read by a parser that is not ours. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  DARK,
  LIGHT,
  type Mark,
  type Rates,
  type Recording,
  recordSvg,
} from "../../../cli/objects/record_svg.ts";
import { generator, type Random } from "../../helpers/random.ts";

/** One element: its name, attributes and text. */
interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

const PARSER = `
import json, sys
import xml.etree.ElementTree as tree
json.dump([[{"tag": e.tag.split("}")[1], "attributes": e.attrib,
  "text": e.text or ""} for e in tree.fromstring(svg).iter()]
  for svg in json.load(sys.stdin)], sys.stdout)`;

/** What Python's parser makes of drawings. */
async function parsed(svgs: readonly string[]): Promise<Element[][]> {
  const parser = new Deno.Command("python3", {
    args: ["-c", PARSER],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = parser.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(svgs)));
  await writer.close();
  const { success, stdout } = await parser.output();
  assert(success, "not well-formed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A recording of so many paths and samples. */
function recording(
  random: Random,
  paths: number,
  samples: number,
  marks: number,
  most: Rates = [20e6, 5e6],
): Recording {
  let atMs = 0;
  const made = Array.from({ length: samples }, () => ({
    atMs: atMs += 900 + random(200),
    rates: Array.from(
      { length: paths },
      () =>
        random(5) === 0
          ? undefined
          : [random(most[0] + 1), random(most[1] + 1)] as const,
    ),
  }));
  return {
    title: "MPTCP connection 0x8f9f6684",
    subtitle: "2026-11-28 21:36:30 UTC · Linux 6.18.44",
    paths: Array.from({ length: paths }, (_, index) => ({
      local: `10.0.${index}.1`,
      remote: `10.0.${index}.2`,
      ids: [index],
      devs: [`eth${index}`],
    })),
    samples: made,
    marks: Array.from({ length: marks }, (): Mark => ({
      atMs: random(atMs),
      label: ["made", "closed: ETIMEDOUT", "no backup"][random(3)]!,
      ...random(4) > 0 && paths > 0 && { path: random(paths) },
    })).toSorted((one, other) => one.atMs - other.atMs),
  };
}

const HOSTILE = `<script>&"'\x1b]0;\ud800`;

Deno.test("`recordSvg()` draws what is well-formed, complete in itself and not large", async () => {
  const random = generator(3);
  const recordings: Recording[] = [
    recording(random, 0, 0, 0),
    recording(random, 1, 0, 0),
    { ...recording(random, 1, 0, 0), marks: [{ atMs: 3, label: "made" }] },
    recording(random, 1, 1, 1),
    recording(random, 8, 3600, 40),
    recording(random, 8, 3600, 4000, [400e9, 400e9]),
    recording(random, 40, 100, 10),
    recording(random, 2, 10, 2, [0, 0]),
    recording(random, 2, 10, 2, [0, 9]),
    {
      ...recording(random, 1, 5, 0),
      title: HOSTILE,
      paths: [{ local: HOSTILE, remote: "::", ids: [0, 2], devs: [HOSTILE] }],
      marks: [{ atMs: 900, path: 0, label: HOSTILE }],
    },
  ];
  const svgs = recordings.map(recordSvg);
  assertEquals(svgs, recordings.map(recordSvg));
  const drawings = await parsed(svgs);
  for (const [index, elements] of drawings.entries()) {
    const svg = svgs[index]!;
    assert(svg.length < 200_000, `${svg.length} bytes`);
    assert(!/href|url\(|@import|NaN|Infinity|undefined/.test(svg), svg);
    assertEquals(
      elements.filter(({ tag }) =>
        !["svg", "title", "desc", "style", "rect", "text", "g", "path"]
          .includes(tag)
      ),
      [],
    );
    for (const { tag, attributes } of elements) {
      if (tag !== "rect" && tag !== "text") continue;
      const [x, y] = [
        Number(attributes["x"] ?? 0),
        Number(attributes["y"] ?? 0),
      ];
      const { width, height } = elements[0]!.attributes;
      if (x < 0) continue; // Turned by 90 degrees.
      assert(x <= Number(width) && y <= Number(height), `${x} ${y}`);
    }
  }
  const texts = (index: number) => drawings[index]!.map(({ text }) => text);
  assertStringIncludes(texts(0).join(), "Nothing was measured");
  assert(texts(6).includes("33 other paths"));
  const shown = HOSTILE.replace("\x1b", "�").replace("\ud800", "�");
  for (const text of [shown, `${shown} → ::`, `1 ${shown}`, "0, 2"]) {
    assert(texts(9).includes(text), text);
  }
});

/** The heights of the areas of one direction at a time, the lowest first. */
function heights(elements: readonly Element[], isSent: boolean, x: number) {
  const areas = elements.filter(({ tag, attributes }) =>
    tag === "path" && /^p\d$/.test(attributes["class"] ?? "")
  ).map(({ attributes }) => {
    const d = attributes["d"]!;
    const zero = Number(d.match(/^M\S+ ([\d.]+)/)![1]);
    let [at, y, height] = [Number(d.match(/^M([\d.]+)/)![1]), zero, 0];
    for (const [, letter, number] of d.matchAll(/([HV])([\d.]+)/g)) {
      if (letter === "V") y = Number(number);
      else {
        if (at <= x && x < Number(number)) height = zero - y;
        at = Number(number);
      }
    }
    const isAbove = Number(d.match(/V([\d.]+)/)![1]) < zero;
    return { isAbove, height: Math.abs(height), colour: attributes["class"]! };
  });
  return areas.filter(({ isAbove }) => isAbove === isSent)
    .toSorted((one, other) => one.colour < other.colour ? -1 : 1);
}

/** Pixels for each bit/s, by the lines of the grid and what they say. */
function scaleOf(elements: readonly Element[]): number {
  const texts = elements.filter(({ tag }) => tag === "text");
  const unit = texts.find(({ text }) => /^(sent|received), /.test(text))!.text;
  const factor = { G: 1e9, M: 1e6, k: 1e3, b: 1 }[unit.split(", ")[1]![0]!]!;
  const ticks = texts.filter(({ attributes }) =>
    attributes["text-anchor"] === "end" && attributes["x"] === "82"
  ).map(({ text, attributes }) => [Number(text), Number(attributes["y"])]);
  const zero = ticks.find(([value]) => value === 0)![1]!;
  const [value, y] = ticks.reduce((one, other) =>
    Math.abs(other[1]! - zero) > Math.abs(one[1]! - zero) ? other : one
  );
  return Math.abs(y! - zero) / (value! * factor);
}

Deno.test("the areas of `recordSvg()` are as high as the rates, by its own grid", async () => {
  const random = generator(4);
  const recordings = Array.from(
    { length: 40 },
    (_, index) =>
      recording(random, 1 + index % 8, 1 + random(60), random(9), [
        10 ** (2 + random(9)),
        10 ** (2 + random(9)),
      ]),
  );
  const drawings = await parsed(recordings.map(recordSvg));
  let compared = 0;
  for (const [index, { samples, paths }] of recordings.entries()) {
    const elements = drawings[index]!;
    const perBit = scaleOf(elements);
    const end = samples.at(-1)!.atMs;
    for (const [at, { atMs, rates }] of samples.entries()) {
      const middle = (atMs + (samples[at - 1]?.atMs ?? 0)) / 2;
      const x = 90 + middle / end * (936 - 90);
      for (const direction of [0, 1] as const) {
        const drawn = heights(elements, direction === 0, x);
        let sum = 0;
        for (const path of paths.keys()) {
          sum += rates[path]?.[direction] ?? 0;
          const area = drawn.find(({ colour }) => colour === `p${path}`);
          const expected = sum * perBit;
          // Both the grid and the area are rounded to tenths.
          const tolerance = 0.2 + expected * 0.005;
          assert(
            Math.abs((area?.height ?? 0) - expected) <= tolerance,
            `${index} ${at} ${path}: ${area?.height}, not ${expected}`,
          );
          compared++;
        }
      }
    }
  }
  assert(compared > 5000);
});

Deno.test("`recordSvg()` keeps the bytes where it makes one step of several samples", async () => {
  const recorded = recording(generator(5), 2, 3600, 0, [1e7, 1e7]);
  const [elements] = await parsed([recordSvg(recorded)]);
  const perBit = scaleOf(elements!);
  let bits = 0;
  let before = 0;
  for (const { atMs, rates } of recorded.samples) {
    bits += (atMs - before) / 1000 *
      rates.reduce((sum, rate) => sum + (rate?.[0] ?? 0), 0);
    before = atMs;
  }
  let drawn = 0;
  for (let x = 90.25; x < 936; x += 0.5) {
    drawn += 0.5 *
      Math.max(...heights(elements!, true, x).map(({ height }) => height));
  }
  const seconds = before / 1000 / (936 - 90);
  assert(Math.abs(drawn / perBit * seconds / bits - 1) < 0.01);
});

Deno.test("the labels of `recordSvg()` do not stand on each other, nor on the line of another", async () => {
  const random = generator(6);
  const recordings = Array.from(
    { length: 60 },
    (_, index) =>
      recording(random, 1 + index % 8, 30, 1 + random(index < 40 ? 8 : 200)),
  );
  const drawings = await parsed(recordings.map(recordSvg));
  let labels = 0;
  for (const elements of drawings) {
    const lines = elements.filter(({ attributes }) =>
      "stroke-dasharray" in attributes
    ).map(({ attributes }) => {
      const [, x, y] = attributes["d"]!.match(/^M([\d.]+) ([\d.]+)V/)!;
      return { x: Number(x), top: Number(y) };
    });
    const boxes = elements.filter(({ text, tag }) =>
      tag === "text" && /made$|closed: ETIMEDOUT$|no backup$/.test(text)
    ).map(({ text, attributes }) => {
      const x = Number(attributes["x"]);
      // As wide as a browser draws these letters at most.
      const width = text.length * 6.6;
      const isLeft = attributes["text-anchor"] === "end";
      const y = Number(attributes["y"]);
      return { from: isLeft ? x - width : x, to: isLeft ? x : x + width, y };
    });
    assertEquals(boxes.length, lines.length);
    labels += boxes.length;
    for (const [index, { from, to, y }] of boxes.entries()) {
      assert(from > 0 && to < 960);
      for (const other of boxes.slice(index + 1)) {
        assert(other.y !== y || other.to <= from || to <= other.from);
      }
      for (const { x, top } of lines) {
        assert(top >= y || x <= from || to <= x, `${x} in ${from} to ${to}`);
      }
    }
  }
  assert(labels > 300);
});

/** Machado's matrices: red, green and blue as some readers see them. */
const SIGHTS: readonly (readonly (readonly [number, number, number])[])[] = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
];

function linear(colour: string): number[] {
  return [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

function luminance([red, green, blue]: number[]): number {
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** CIE L*a*b*. */
function lab([red, green, blue]: number[]): number[] {
  const [x, y, z] = [
    (0.4124 * red! + 0.3576 * green! + 0.1805 * blue!) / 0.9505,
    luminance([red!, green!, blue!]),
    (0.0193 * red! + 0.1192 * green! + 0.9505 * blue!) / 1.089,
  ].map((part) => part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116);
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

Deno.test("readers with any colour vision can tell the paths apart, and from the background", () => {
  for (const { ground, ink, faint, paths } of [LIGHT, DARK]) {
    const contrast = (colour: string) => {
      const [low, high] = [colour, ground].map((one) => luminance(linear(one)))
        .toSorted((one, other) => one - other);
      return (high! + 0.05) / (low! + 0.05);
    };
    for (const colour of paths) assert(contrast(colour) > 2.2, colour);
    for (const colour of [ink, faint]) assert(contrast(colour) > 4.5, colour);
    for (const sight of SIGHTS) {
      const seen = paths.map((colour) => {
        const parts = linear(colour);
        return lab(
          sight.map((row) =>
            Math.min(
              1,
              Math.max(
                0,
                row.reduce((sum, by, at) => sum + by * parts[at]!, 0),
              ),
            )
          ),
        );
      });
      for (const [index, one] of seen.entries()) {
        for (const other of seen.slice(index + 1)) {
          const distance = Math.hypot(
            ...one.map((part, at) => part - other[at]!),
          );
          assert(distance > 12, `${paths[index]}: ${distance}`);
        }
      }
    }
  }
});
