import { assertEquals } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { draw, drawing } from "../../tools/arrows.ts";
import {
  type Import,
  isAllowed,
  readImports,
  unitOf,
  UNITS,
} from "../../tools/imports.ts";
import { withPart } from "../../tools/page.ts";
import { root } from "../helpers/command_line.ts";

const imports = readImports();
const units = Object.keys(UNITS);
const published = imports.filter(({ from }) =>
  denoJson.publish.include.some((place) => from.startsWith(place))
);
const textOf = ({ from, to }: Import) => `${from} imports ${to}`;

Deno.test("each directory and each module beside them is in the table", () => {
  const names = [...Deno.readDirSync(root)].flatMap(({ name, isDirectory }) =>
    isDirectory ? `${name}/` : /\.ts$/.test(name) ? name : []
  ).filter((name) => !/^(\.|coverage|node_modules|bin|docs)/.test(name));
  assertEquals(names.filter((name) => unitOf(name) === undefined), []);
});

Deno.test("the table lets nothing import what comes after it", () => {
  for (const [unit, [, imports, loads = []]] of Object.entries(UNITS)) {
    const later = units.slice(units.indexOf(unit));
    const known = [...imports, ...loads].map(unitOf)
      .filter((one) => one !== undefined);
    assertEquals(known.filter((one) => later.includes(one)), [], unit);
  }
});

Deno.test("no module imports what the table does not let it", () => {
  assertEquals(imports.filter((one) => !isAllowed(one)).map(textOf), []);
});

Deno.test("what few commands need is loaded when it is used", () => {
  const early = published.filter(({ to, kind }) =>
    to === "@std/yaml" && kind === "static"
  );
  assertEquals(early.map(textOf), []);
});

Deno.test("no program of the tests is imported", () => {
  const programs = imports.filter(({ to }) => to.startsWith("tests/programs/"));
  assertEquals(programs.map(textOf), []);
});

Deno.test("no published modules import each other in a circle", () => {
  const left = new Map<string, string[]>();
  for (const { from, to, kind } of published) {
    if (kind === "static") left.set(from, [...left.get(from) ?? [], to]);
  }
  // Without those that import nothing more, again and again.
  for (let size = Infinity; left.size < size;) {
    size = left.size;
    for (const [from, targets] of left) {
      if (!targets.some((to) => left.has(to))) left.delete(from);
    }
  }
  assertEquals([...left], []);
});

Deno.test("the table is strict", () => {
  const rows: [
    from: string,
    to: string,
    isAllowed: boolean,
    kind?: Import["kind"],
  ][] = [
    ["codec/a.ts", "codec/b.ts", true],
    ["codec/a.ts", "ffi/b.ts", false],
    ["codec/a.ts", "npm:b", false],
    ["ffi/a.ts", "codec/b.ts", true],
    ["ffi/a.ts", "node:net", false],
    ["netlink/a.ts", "ffi/b.ts", true],
    ["netlink/a.ts", "ops/b.ts", false],
    ["ops/a.ts", "ffi/b.ts", false],
    ["ops/a.ts", "mod.ts", false],
    ["ops/a.ts", "@std/assert", false],
    ["ops/a.ts", "diag/b.ts", false],
    ["ops/a.ts", "diag/b.ts", true, "dynamic"],
    ["ops/a.ts", "diag/b.ts", true, "type"],
    ["ops/a.ts", "ffi/b.ts", false, "dynamic"],
    ["diag/a.ts", "netlink/b.ts", true],
    ["diag/a.ts", "ops/b.ts", false],
    ["doctor/checks/a.ts", "diag/b.ts", true],
    ["config/a.ts", "doctor/b.ts", false],
    ["config/a.ts", "@std/yaml", true],
    ["mod.ts", "diag/mod.ts", false],
    ["testing/a.ts", "cli/b.ts", false],
    ["testing/a.ts", "tests/helpers/b.ts", false],
    ["cli/a.ts", "codec/mod.ts", true],
    ["cli/a.ts", "codec/attrs.ts", false],
    ["cli/objects/a.ts", "diag/mod.ts", true],
    ["cli/a.ts", "@std/cli/parse-args", true],
    ["cli/a.ts", "@std/client", false],
    ["cli.ts", "ops/a.ts", false],
    ["tests/helpers/a.ts", "tests/live/b.ts", false],
    ["tests/live/a.ts", "tests/helpers/b.ts", true],
    ["elsewhere/a.ts", "codec/b.ts", false],
  ];
  for (const [from, to, expected, kind = "static"] of rows) {
    const one = { from, to, kind };
    assertEquals(isAllowed(one), expected, textOf(one));
  }
});

Deno.test("imports are read as Deno understands them", () => {
  const folder = `${Deno.makeTempDirSync({ prefix: "mptcp-" })}/`;
  const url = new URL(`file://${folder}`);
  try {
    Deno.writeTextFileSync(`${folder}b.ts`, "export type B = 1;");
    Deno.writeTextFileSync(`${folder}c.json`, "{}");
    Deno.writeTextFileSync(
      `${folder}a.ts`,
      `/** import "./in_doc.ts" */
import type { B } from "./b.ts";
export * from "@std/cli/parse-args";
import {
  a,
} from "jsr:@a/a";
// import "./in_comment.ts";
import c from "./c.json" with { type: "json" };
type D = import("npm:d").D;
const e = await import("@mptcp/pm/codec");
export const text = \`import "./in_text.ts"\`;
`,
    );
    assertEquals(
      readImports(url).map(({ from, to, kind }) => [from, to, kind]),
      [
        ["a.ts", "b.ts", "type"],
        ["a.ts", "@std/cli/parse-args", "static"],
        ["a.ts", "jsr:@a/a", "static"],
        ["a.ts", "c.json", "static"],
        ["a.ts", "npm:d", "type"],
        ["a.ts", "codec/mod.ts", "dynamic"],
      ],
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the drawing in CONTRIBUTING.md shows what is imported", () => {
  const text = Deno.readTextFileSync(`${root}CONTRIBUTING.md`);
  assertEquals(text, withPart(text, "deno task arrows", drawing(imports)));
  const one = (from: string, to: string): Import => ({
    from,
    to,
    kind: "static",
  });
  assertEquals(
    draw([
      one("codec/a.ts", "codec/b.ts"),
      one("cli/a.ts", "codec/c.ts"),
      one("cli/b.ts", "@std/cli"),
    ]),
    "cli/    the command line: a file for each object  -> codec/\n" +
      "codec/  pure: bytes to values and back",
  );
});
