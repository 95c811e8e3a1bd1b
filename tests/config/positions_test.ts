/** The positions of values, held against those of the package `yaml` of npm. */
import { assertEquals, assertGreater } from "@std/assert";
import { parse } from "@std/yaml";
// deno-lint-ignore no-import-prefix
import * as yaml from "npm:yaml@2.9.1";
import { findPositions, locator } from "../../config/positions.ts";
import { isMap, type Path, type Tree } from "../../config/types.ts";
import { generatorAt } from "../helpers/random.ts";
import { spoilt, YamlWriter } from "../helpers/random_yaml.ts";

/** What the parser makes of a text; `undefined`: it is not YAML. */
function treeOf(text: string): Tree | undefined {
  try {
    return parse(text, { schema: "failsafe" }) as Tree;
  } catch {
    return undefined;
  }
}

/** Offsets of all keys and values by another parser, if it reads the same. */
function oracle(text: string, tree: Tree): Map<string, number> | undefined {
  // A line may end so for the one parser, and not for the other.
  if (/\r(?!\n)/.test(text)) return undefined;
  const document = yaml.parseDocument(text, {
    schema: "failsafe",
    keepSourceTokens: true,
  });
  if (document.errors.length > 0) return undefined;
  const found = new Map<string, number>();
  const visit = (node: unknown, path: Path): unknown => {
    if (yaml.isScalar(node)) {
      const { source, range, type } = node;
      if (range && (source !== "" || type !== "PLAIN")) {
        found.set(nameOf(path), range[0]);
      }
      return source === "" && type === "PLAIN" ? null : `${node.value}`;
    }
    if (!yaml.isCollection(node)) return null;
    found.set(nameOf(path), node.range![0]);
    if (yaml.isSeq(node)) {
      return node.items.map((item, at) => visit(item, [...path, at]));
    }
    return Object.fromEntries(
      (node as yaml.YAMLMap).items.map(({ key, value }) => {
        const { value: name, range } = key as yaml.Scalar;
        found.set(nameOf([...path, `${name}`], true), range![0]);
        return [`${name}`, visit(value, [...path, `${name}`])];
      }),
    );
  };
  const read = visit(document.contents, []);
  const [one, other] = [read, tree].map((value) =>
    JSON.stringify(sorted(value))
  );
  return one === other ? found : undefined;
}

const nameOf = (path: Path, isKey = false) => JSON.stringify([isKey, ...path]);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value as Tree)) return value;
  return Object.entries(value as object).toSorted()
    .map(([key, one]) => [key, sorted(one)]);
}

/** All ways to keys and values. */
function* pathsOf(tree: Tree, path: Path = []): Generator<[Path, boolean]> {
  yield [path, false];
  if (Array.isArray(tree)) {
    for (const [at, one] of tree.entries()) yield* pathsOf(one, [...path, at]);
  } else if (isMap(tree)) {
    for (const [key, one] of Object.entries(tree)) {
      yield [[...path, key], true];
      yield* pathsOf(one, [...path, key]);
    }
  }
}

/** Compares all positions; how many there are, and how many are known. */
function compare(text: string): { all: number; exact: number } {
  const tree = treeOf(text);
  const places = tree === undefined ? undefined : oracle(text, tree);
  if (tree === undefined || places === undefined) return { all: 0, exact: 0 };
  const root = findPositions(text)?.root ?? { at: 0 };
  const locate = locator(root, tree);
  let [all, exact] = [0, 0];
  for (const [path, isKey] of pathsOf(tree)) {
    const expected = places.get(nameOf(path, isKey));
    if (expected === undefined) continue;
    all++;
    const { at, isExact } = locate(path, isKey);
    if (!isExact) continue;
    exact++;
    assertEquals(at, expected, `${nameOf(path, isKey)}\n${text}`);
  }
  return { all, exact };
}

const SEED = 4226;

Deno.test("positions are those of another parser, in every style", () => {
  let [documents, all, exact] = [0, 0, 0];
  for (let index = 0; index < 4000; index++) {
    const random = generatorAt(SEED, "yaml", index);
    const found = compare(new YamlWriter(random).document());
    if (found.all > 0) documents++;
    all += found.all;
    exact += found.exact;
  }
  assertGreater(documents, 3000);
  assertEquals(exact, all);
});

Deno.test("where positions are known, they are right in spoilt documents, too", () => {
  let [all, exact] = [0, 0];
  for (let index = 0; index < 8000; index++) {
    const random = generatorAt(SEED, "spoilt", index);
    const text = spoilt(random, new YamlWriter(random).document());
    const found = compare(text);
    all += found.all;
    exact += found.exact;
  }
  assertGreater(all, 10_000);
  assertGreater(exact / all, 0.95);
});
