/**
 * Writes the TypeScript of a model. It has a layout of its own, which takes
 * half the lines of that of `deno fmt`.
 *
 * @module
 */

import type {
  Attribute,
  AttributeSet,
  Described,
  Item,
  Member,
  Model,
  Struct,
  Words,
} from "./model.ts";
import { constantCase } from "./scope.ts";

/** The whole generated module; the lines of `stamp` go into its header. */
export function render(model: Model, stamp: readonly string[]): string {
  const body = [
    constants(model),
    ...model.words.flatMap(words),
    ...model.structs.flatMap((struct) => [layout(struct), members(struct)]),
    ...model.sets.flatMap((set) => [table(set), values(set)]),
    ...commands(model.commands),
    ...events(model.events),
    ...messages(model.messages),
  ].join("\n");
  const types = ["AttrInput", "AttrSet", "Bitfield32", "EventPolicy"]
    .concat("MessagePolicy", "OpPolicy", "StructPolicy")
    .filter((type) => body.includes(`${type}<`) || body.includes(`: ${type} `));
  return [
    stamp.map((line) => `// ${line}\n`).join("") + "// deno-fmt-ignore-file\n",
    comment(model.doc, "\n@module"),
    `import type { ${types.join(", ")} } from "./policy.ts";\n`,
    body,
  ].join("\n");
}

function constants(
  { constants, words, sets, commands, events }: Model,
): string {
  const row = (constant: string, value: string | number, doc: string) =>
    `${comment(doc)}export const ${constant} = ${
      JSON.stringify(value)
    } as const;\n`;
  // The whole text stands where the item is used.
  const short = (item: Item) =>
    row(
      item.constant,
      item.value,
      about({ ...item, doc: /^.*?\.(?= |$)/.exec(item.doc)?.[0] ?? item.doc }),
    );
  return [
    ...constants.map(({ constant, value, doc }) => row(constant, value, doc)),
    ...[...commands, ...events].map(short),
    ...words.flatMap(({ entries }) => entries).map(short),
    ...sets.flatMap(({ name, attributes }) =>
      attributes.map((item) =>
        row(
          item.constant,
          item.value,
          `Number of \`${item.name}\` in {@linkcode\u00a0${
            constantCase(name)
          }}.`,
        )
      )
    ),
  ].join("");
}

/** `addr-flags` becomes the type `AddrFlag` and the list `ADDR_FLAGS`. */
function wordsNames(definition: string): { word: string; list: string } {
  const singular = definition.replace(/s$/, "");
  return {
    word: pascalCase(singular),
    list: `${constantCase(singular)}S`,
  };
}

function words({ name, type, doc, entries }: Words): string[] {
  const { word, list } = wordsNames(name);
  const [shape, open, rows, close] = type === "flags"
    ? [
      `readonly (readonly\u00a0[word:\u00a0${word},\u00a0bit:\u00a0number])[]`,
      "[",
      entries.map(({ name, constant }) => `  ["${name}", ${constant}],\n`),
      "]",
    ]
    : [
      `Readonly<Record<number, { readonly\u00a0name: ${word}; ` +
      "readonly\u00a0doc:\u00a0string } | undefined>>",
      "{",
      entries.map(({ name, value, doc }) =>
        `  ${value}: { name: "${name}", doc: ${JSON.stringify(doc)} },\n`
      ),
      "}",
    ];
  return [
    comment(`A name in {@linkcode ${list}}.`) +
    wrap(`export type ${word} = ${union(entries.map(({ name }) => name))};`),
    `${comment(doc)}${wrap(`export const ${list}: ${shape} = ${open}`)}` +
    `${rows.join("")}${close};\n`,
  ];
}

function layout({ name, length, isHeader, members }: Struct): string {
  const rows = members.map(({ name, kind, offset, width, isBigEndian }) =>
    `  { key: "${camelCase(name)}", kind: "${kind}", offset: ${offset}` +
    (kind === "binary" ? `, length: ${width}` : "") +
    (isBigEndian ? ", bigEndian: true" : "") + " },\n"
  );
  const header = isHeader ? ", isHeader: true" : "";
  return `${comment(`Layout of the struct \`${name}\`.`)}` +
    `export const ${constantCase(name)}: StructPolicy<${pascalCase(name)}> = ` +
    `{ name: "${name}", length: ${length}${header}, members: [\n` +
    `${rows.join("")}] };\n`;
}

function members({ name, doc, isHeader, members }: Struct): string {
  const [optional, type] = isHeader ? ["", ""] : ["?", " | undefined"];
  const rows = members.map((member) =>
    comment(about(member), "", 2) +
    `  readonly ${camelCase(member.name)}${optional}: ` +
    `${scalarType(member.kind)}${type};\n`
  );
  return `${comment(`The struct \`${name}\`. ${doc}`)}` +
    `export interface ${pascalCase(name)} {\n${rows.join("")}}\n`;
}

function table({ name, attributes }: AttributeSet): string {
  const rows: string[] = [];
  for (const attribute of attributes) {
    const { name, value, kind, nested, struct } = attribute;
    const isInteger = /^[us]\d/.test(kind);
    rows[value] = `{ type: ${value}, name: "${name}", ` +
      `key: "${camelCase(name)}", kind: "${kind}"` +
      (isInteger && attribute.isBigEndian ? ", bigEndian: true" : "") +
      (attribute.isMulti ? ", multi: true" : "") +
      (kind === "struct" ? `, struct: ${constantCase(struct!)}` : "") +
      (nested === undefined ? "" : `, nested: ${constantCase(nested)}`) + " }";
  }
  const dense = Array.from(rows, (row) => `${row ?? "undefined"},\n`).join("")
    .replaceAll("undefined,\n", "undefined, ").replaceAll(/^/gm, "  ")
    .trimEnd();
  return `${comment(`Table of the set \`${name}\`.`)}` +
    `export const ${constantCase(name)}: AttrSet<${attrsType(name)}> = ` +
    `{ name: "${name}", attrs: [\n${dense}\n] };\n`;
}

function values({ name, attributes, doc }: AttributeSet): string {
  const rows = attributes.map((attribute) =>
    comment(about(attribute), "", 2) +
    `  readonly ${camelCase(attribute.name)}?: ${
      typeOf(attribute)
    } | undefined;\n`
  );
  return `${comment(`Attributes of the set \`${name}\`. ${doc}`)}` +
    `export interface ${attrsType(name)} {\n${rows.join("")}}\n`;
}

function commands(list: Model["commands"]): string[] {
  return registry("OPS", "OpName", "command", list, (command) => {
    const { set, request, reply, dumpRequest, needsAdmin } = command;
    const attrs = attrsType(set);
    const types = [
      pick(`AttrInput<${attrs}>`, request),
      reply && pick(attrs, reply),
      dumpRequest && pick(`AttrInput<${attrs}>`, dumpRequest),
    ].filter((type) => type !== undefined);
    return [
      needsAdmin ? "Needs CAP_NET_ADMIN." : "",
      `OpPolicy<${types.join(", ")}>`,
      `cmd: ${command.constant}, set: ${constantCase(set)}, ` +
      `admin: ${needsAdmin}, since: "${command.since}"`,
    ];
  });
}

function events(list: Model["events"]): string[] {
  return registry("EVENTS", "EventName", "event", list, (event) => [
    "",
    `EventPolicy<${pick(attrsType(event.set), event.attributes)}>`,
    `cmd: ${event.constant}, set: ${constantCase(event.set)}`,
  ]);
}

function messages(list: Model["messages"]): string[] {
  return registry("MESSAGES", "MessageName", "message", list, (message) => {
    const { value, set, header, attributes } = message;
    const types = [pascalCase(header), pick(attrsType(set), attributes)];
    return [
      "",
      `MessagePolicy<${types.join(", ")}>`,
      `type: ${value}, header: ${constantCase(header)}, set: ${
        constantCase(set)
      }`,
    ];
  });
}

/** The type of the names, and a constant with what is known by each name. */
function registry<T extends Described>(
  constant: string,
  type: string,
  what: string,
  list: readonly T[],
  entry: (item: T) => [need: string, type: string, fields: string],
): string[] {
  if (list.length === 0) return [];
  const rows = list.map((item) => ({ item, entry: entry(item) }));
  return [
    comment(`The name of a ${what}.`) +
    wrap(`export type ${type} = ${union(list.map(({ name }) => name))};`),
    `${comment(`The ${what}s, in the order of the specification.`)}` +
    `export const ${constant}: {\n` +
    rows.map(({ item, entry: [need, type] }) =>
      comment(about(item, need), "", 2) +
      wrap(`readonly "${item.name}": ${type};`, 2)
    ).join("") + "} = {\n" +
    rows.map(({ item: { name }, entry: [, , fields] }) =>
      `  "${name}": { name: "${name}", ${fields} },\n`
    ).join("") + "};\n",
  ];
}

/** The documentation of an item: its text, what it needs, its release. */
function about(item: Described & { words?: string | undefined }, need = "") {
  const { doc, since, words } = item;
  return [
    doc,
    words && `See {@linkcode\u00a0${wordsNames(words).list}}.`,
    need,
    // No-break spaces: they keep together, and are replaced in the end.
    since && `Since\u00a0Linux\u00a0${since}.`,
  ].filter(Boolean).join(" ");
}

function pick(type: string, names: readonly string[]): string {
  return `Pick<${type},\u00a0${union(names.map(camelCase))}>`;
}

function union(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(" | ") || "never";
}

/** Breaks a text at its spaces. */
function fill(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || line.length > width) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines;
}

/** Code without spaces in strings, on as many lines as it takes. */
function wrap(code: string, depth = 0): string {
  const lines = fill(code, 78 - depth).join(`\n${" ".repeat(depth + 2)}`);
  return `${" ".repeat(depth)}${lines}\n`.replaceAll("\u00a0", " ");
}

/** A doc comment, wrapped for its depth of indentation. */
function comment(text: string, tag = "", depth = 0): string {
  const lines = fill(text.replaceAll("*/", "*\\/"), 77 - depth);
  const indent = " ".repeat(depth);
  if (tag !== "") lines.push(...tag.split("\n"));
  const wrapped = lines.length === 1 && lines[0]!.length <= 73 - depth
    ? `${indent}/** ${lines[0]} */\n`
    : `${indent}/**\n${
      lines.map((line) => `${indent} * ${line}`.trimEnd() + "\n").join("")
    }${indent} */\n`;
  return wrapped.replaceAll("\u00a0", " ");
}

function typeOf(attribute: Attribute): string {
  const { kind, nested, struct, isMulti } = attribute;
  const type = kind === "nest" || kind === "array"
    ? attrsType(nested!)
    : kind === "struct"
    ? pascalCase(struct!)
    : scalarType(kind);
  return isMulti || kind === "array" ? `readonly ${type}[]` : type;
}

function scalarType(kind: Attribute["kind"] | Member["kind"]): string {
  if (kind === "binary") return "Uint8Array";
  if (kind === "flag") return "true";
  if (kind === "bitfield32") return "Bitfield32";
  if (kind === "u64" || kind === "s64") return "bigint";
  return /^[us]\d/.test(kind) ? "number" : "string";
}

function attrsType(set: string): string {
  return `${pascalCase(set.replace(/-attr$/, ""))}Attrs`;
}

function camelCase(name: string): string {
  return name.replaceAll(/[-_]./g, (pair) => pair[1]!.toUpperCase());
}

function pascalCase(name: string): string {
  return name[0]!.toUpperCase() + camelCase(name).slice(1);
}
