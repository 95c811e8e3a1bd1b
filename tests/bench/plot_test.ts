import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { number, plot, ticks } from "../../bench/plot.ts";

const chart = {
  file: "some.svg",
  alt: "Time < against > number & more",
  x: "things",
  unit: "ms",
  each: ["µs", 1000],
  series: { one: [[0, 1], [500, 2]], other: [[100, 5], [400, 5]] },
} as const;

Deno.test("`plot()` draws each point, and each line with its equation", () => {
  const { svg } = plot(chart);
  // And one of each colour in the legend.
  assertEquals(svg.match(/<circle /g)?.length, 4 + 2);
  assertStringIncludes(svg, "one: 2 µs each, 1 ms for none, R² 1.0000<");
  assertStringIncludes(svg, "other: 0 µs each, 5 ms for none, R² 1.0000<");
});

Deno.test("`plot()` places points on its axes", () => {
  // x from 80 for 0 to 600 for 500, y from 312 for 0 to 60 for 5.
  assertStringIncludes(plot(chart).svg, '<circle cx="600" cy="211.2"');
});

Deno.test("`plot()` says what it shows, as text that is no markup", () => {
  const { svg } = plot(chart);
  assertStringIncludes(svg, "<title>Time &lt; against > number &amp; more<");
});

for (const highest of [0.0007, 1, 8, 250, 4999, 5000, 1e6]) {
  Deno.test(`\`ticks()\` go just past ${highest}, in round steps`, () => {
    const all = ticks(highest);
    const step = all[1]!;
    assertEquals(all[0], 0);
    assert(all.at(-1)! >= highest && all.at(-2)! < highest, `${all}`);
    assert(/^[125]e/.test(step.toExponential()), `${step}`);
    assert(all.length >= 4 && all.length <= 8, `${all}`);
  });
}

for (
  const [value, text] of [
    [0, "0"],
    [0.000712, "0.000712"],
    [0.0456, "0.0456"],
    [3.14159, "3.14"],
    [42.42, "42.4"],
    [1234567.8, "1,234,568"],
    [-2.5, "−2.5"],
  ] as const
) {
  Deno.test(`\`number()\` writes ${value} as ${text}`, () => {
    assertEquals(number(value), text);
  });
}
