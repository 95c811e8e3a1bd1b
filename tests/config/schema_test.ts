/**
 * The JSON Schema, held against the parser: by a validator and a YAML parser as
 * editors have them.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
// deno-lint-ignore no-import-prefix
import { Ajv } from "npm:ajv@8.17.1";
// deno-lint-ignore no-import-prefix
import * as yaml from "npm:yaml@2.9.1";
import {
  configSchema,
  type JsonSchema,
  parseConfig,
} from "../../config/mod.ts";
import { Diag } from "../../diag/mod.ts";
import { liveTest } from "../helpers/live.ts";
import { generatorAt, pick, type Random } from "../helpers/random.ts";
import { run } from "../helpers/run_main.ts";
import { BAD_FILES } from "./bad_files.ts";
import { GOOD_FILES } from "./good_files.ts";

const schema = configSchema();
const isValid = new Ajv({
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
})
  .compile(schema);

/** What an editor shows of a text; a tag that is not known is not its task. */
const read = (text: string) =>
  yaml.parse(text.replace(/^\ufeff/, ""), { logLevel: "error" });

/** Faults of one value, which the schema has to find. */
const OF_SCHEMA =
  /: unknown (key|flag|family|scope|state|word|sysctl) (?!.*a list is)|: missing key|can only be read|is empty|nothing is (written|asked)|: must be .*, not (a list|a mapping|-?\d+|"[a-z]+")$/;

Deno.test("an editor sees what is wrong with one value", () => {
  let count = 0;
  for (const [text, ...faults] of BAD_FILES) {
    if (!faults.some((fault) => OF_SCHEMA.test(fault))) continue;
    count++;
    assertEquals([text, isValid(read(text))], [text, false]);
  }
  assert(count > 90, `${count}`);
});

Deno.test("an editor finds nothing wrong in a good file", () => {
  for (const [text] of GOOD_FILES) {
    // An editor goes by the quotes: what is in them is no number, and else it is.
    if (/['"]\d+['"]|dev: (\d|null)/.test(text)) continue;
    const value = read(text);
    const isRight = isValid(value);
    assertEquals([text, isRight, isValid.errors], [text, true, null]);
  }
});

/** Words that a file may have somewhere. */
const SCALARS = [
  ...["10.0.0.1", "fd00::1", "10.0.0.0/8", "eth0", "wlan*", "all", "100-199"],
  ...[
    "ipv4",
    "ipv6",
    "global",
    "link",
    "device",
    "temporary",
    "kernel",
    "0x40",
  ],
  ...["signal", "subflow", "backup", "fullmesh", 1, 7, 64, 255, true, false],
];

/** What of a schema says how to make a value. */
interface Kind {
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly type?: unknown;
}

/** A value of a schema, most often a right one. */
function valueOf(random: Random, kind: Kind): unknown {
  if (random(30) === 0) {
    const one = pick(random, SCALARS);
    // A number is a text to the parser, and none to an editor.
    return /"(integer|boolean)"|:\[\d/.test(JSON.stringify(kind))
      ? one
      : `${one}`;
  }
  const { anyOf, allOf, properties, items } = kind;
  if (anyOf) return valueOf(random, pick(random, anyOf));
  if (allOf) return valueOf(random, MATCH);
  if (items) {
    return Array.from({ length: random(3) }, () => valueOf(random, items));
  }
  if (!properties) return scalarOf(random, kind);
  const keys = Object.entries(properties)
    .filter(([key]) => key !== "$schema" && random(3) === 0);
  return Object.fromEntries(
    keys.map(([key, one]) => [key, valueOf(random, one)]),
  );
}

const { match: MATCH } = schema["definitions"] as { readonly match: Kind };

/** One of the words that fit. */
function scalarOf(random: Random, kind: Kind): unknown {
  if (kind.const !== undefined) return kind.const;
  const fits = new RegExp(kind.pattern ?? "");
  const type = kind.type === "integer" ? "number" : kind.type;
  return pick(
    random,
    kind.enum ??
      SCALARS.filter((one) => typeof one === type && fits.test(`${one}`)),
  );
}

Deno.test("what the parser takes is right for an editor", async () => {
  let [taken, refused] = [0, 0];
  for (let index = 0; index < 5000; index++) {
    const value = valueOf(generatorAt(4226, "schema", index), schema);
    const text = JSON.stringify(value);
    const config = await parseConfig(text).catch(() => undefined);
    if (config === undefined) refused++;
    else {
      taken++;
      assertEquals([text, isValid(value), isValid.errors], [text, true, null]);
    }
  }
  assert(taken > 1000 && refused > 1000, `${taken} and ${refused}`);
});

/** All schemas in it that have keys. */
function* mappings(schema: JsonSchema): Generator<JsonSchema> {
  if ("properties" in schema && "type" in schema) yield schema;
  for (const [key, one] of Object.entries(schema)) {
    if (typeof one !== "object" || key === "enum" || key === "oneOf") continue;
    yield* mappings(one as JsonSchema);
  }
}

Deno.test("each key is described, and no other is allowed", () => {
  assertMatch(`${schema["$id"]}`, /^https:\/\//);
  const found = [...mappings(schema)];
  assertEquals(found.length, 6);
  for (const { properties, additionalProperties } of found) {
    assertEquals(additionalProperties, false);
    for (const [key, one] of Object.entries(properties as JsonSchema)) {
      const { description } = one as { readonly description?: string };
      assertMatch(`${key}: ${description}`, /: [A-Z][^]*\.$/);
    }
  }
});

Deno.test("`mptcp schema` prints the schema, and opens nothing", async () => {
  const { code, out, err, opened } = await run("schema", new Error("opened"));
  assertEquals([code, err, opened], [0, "", []]);
  assertEquals(JSON.parse(out), schema);
  assertMatch(
    out,
    /^\{\n {2}"\$schema": "http:\/\/json-schema.org\/draft-07\/schema#",\n/,
  );
  const json = await run("-j schema", new Error("opened"));
  assertEquals(json.out, `${JSON.stringify(schema)}\n`);
});

liveTest(
  "the sysctls of the running kernel are known, with their values",
  async () => {
    using diag = Diag.open();
    assertEquals(Object.keys(diag.settings().unknown), []);
    const names = [...Deno.readDirSync("/proc/sys/net/mptcp")]
      .map(({ name }) => name).filter((name) => !name.startsWith("available_"));
    const { properties } = (schema["properties"] as Record<string, JsonSchema>)[
      "settings"
    ] as { readonly properties: JsonSchema };
    assertEquals(names.filter((name) => !(name in properties)), []);
    const settings = Object.fromEntries(
      names.map((name) => [
        name,
        Deno.readTextFileSync(`/proc/sys/net/mptcp/${name}`).trim(),
      ]),
    );
    const text = JSON.stringify({ settings });
    assertEquals(await parseConfig(text), { settings });
  },
);
