/**
 * Writes the TypeScript of a specification. The layout is left to `deno fmt`,
 * except for comments, which it does not wrap.
 *
 * @module
 */

import {
  type Attribute,
  type AttributeSet,
  constantCase,
  type Definition,
  type Item,
  type Operation,
  type Spec,
} from "./spec.ts";

/** The whole generated module; the lines of `stamp` go into its header. */
export function render(spec: Spec, stamp: readonly string[]): string {
  const { definitions = [], "attribute-sets": sets } = spec;
  const { list } = spec.operations;
  const held = sets.flatMap((set) => set.attributes.map((item) => item.enum));
  return [
    stamp.map((line) => `// ${line}\n`).join(""),
    comment(spec.doc, "@module"),
    "import type { AttrInput, AttrSet, EventPolicy, OpPolicy } " +
    'from "./policy.ts";\n',
    ...constants(spec),
    ...definitions.filter(({ name }) => held.includes(name)).flatMap(words),
    ...sets.flatMap((set) => [table(set), members(set)]),
    ...commands(list.filter(({ event, reserved }) => !event && !reserved)),
    ...events(list.filter(({ event, reserved }) => event && !reserved)),
  ].join("\n");
}

function constants(spec: Spec): string[] {
  const { name, version = 1, definitions = [] } = spec;
  const { list } = spec.operations;
  const rows: [constant: string, value: string | number, doc: string][] = [
    [
      constantCase(spec["c-family-name"] ?? `${name}-family-name`),
      name,
      "Name of the generic-netlink family.",
    ],
    [
      constantCase(spec["c-version-name"] ?? `${name}-family-version`),
      version,
      "Version of the family, for the message header.",
    ],
  ];
  for (const { name, constant } of spec["mcast-groups"]?.list ?? []) {
    const used = list.some(({ mcgrp }) => mcgrp === name);
    const purpose = used ? "of the events" : "to which nothing is sent";
    rows.push([constant, name, `Name of the multicast group ${purpose}.`]);
  }
  for (const { type, constant, value, doc } of definitions) {
    if (type === "const") rows.push([constant, value, doc]);
  }
  const items = [
    ...list,
    ...definitions.flatMap(({ entries = [] }) => entries),
    ...spec["attribute-sets"].flatMap(({ attributes }) => attributes),
  ];
  for (const item of items) {
    // The whole text stands where the item is used.
    const [sentence] = /^.*?\.(?= |$)/.exec(item.doc) ?? [item.doc];
    rows.push([item.constant, item.value, `${sentence} ${since(item)}`]);
  }
  // An event may be both a definition's entry and an operation.
  const written = new Set<string>();
  return rows.filter(([name]) => !written.has(name) && written.add(name)).map((
    [name, value, doc],
  ) =>
    `${comment(doc)}export const ${name} = ${JSON.stringify(value)} as const;\n`
  );
}

/** `addr-flags` becomes the type `AddrFlag` and the list `ADDR_FLAGS`. */
function wordsNames(definition: string): { word: string; list: string } {
  const singular = definition.replace(/s$/, "");
  return {
    word: pascalCase(singular),
    list: `${constantCase(singular)}S`,
  };
}

function words({ name, type, doc, entries = [] }: Definition): string[] {
  const { word, list } = wordsNames(name);
  const [shape, brackets, rows] = type === "flags"
    ? [
      `readonly (readonly [word: ${word}, bit: number])[]`,
      "[]",
      entries.map(({ name, constant }) => `["${name}", ${constant}],`),
    ]
    : [
      `Readonly<Record<number, { readonly name: ${word};` +
      " readonly doc: string } | undefined>>",
      "{}",
      entries.map(({ name, value, doc }) =>
        `${value}: { name: "${name}", doc: ${JSON.stringify(doc)} },`
      ),
    ];
  return [
    `${comment(`A name in {@linkcode ${list}}.`)}export type ${word} = ` +
    `${entries.map(({ name }) => `"${name}"`).join(" | ")};\n`,
    `${comment(doc)}export const ${list}: ${shape} = ` +
    `${brackets[0]}\n${rows.join("\n")}${brackets[1]};\n`,
  ];
}

function table({ name, attributes, doc }: AttributeSet): string {
  const rows: string[] = [];
  for (const attribute of attributes) {
    const { name, value, kind } = attribute;
    if (kind === "unused" || kind === "pad") continue;
    const nested = attribute["nested-attributes"];
    const order = attribute["byte-order"] && /^[us]/.test(kind)
      ? ", bigEndian: true"
      : "";
    rows[value] = `{ type: ${value}, name: "${name}", ` +
      `key: "${camelCase(name)}", kind: "${kind}"${order}` +
      (nested === undefined ? "" : `, nested: ${constantCase(nested)}`) + "}";
  }
  const dense = Array.from(rows, (row) => `${row ?? "undefined"},\n`).join("");
  return `${comment(`Table of the set \`${name}\`. ${doc}`)}` +
    `export const ${constantCase(name)}: AttrSet<${attrsType(name)}> = ` +
    `{\nname: "${name}", attrs: [\n${dense}] };\n`;
}

function members({ name, attributes, doc }: AttributeSet): string {
  const rows = attributes
    .filter(({ kind }) => kind !== "unused" && kind !== "pad")
    .map((attribute) => {
      const { name, doc, enum: type } = attribute;
      const see = type ? ` See {@linkcode\u00a0${wordsNames(type).list}}.` : "";
      return comment(`${doc}${see} ${since(attribute)}`, "", 1) +
        `readonly ${camelCase(name)}?: ${typeOf(attribute)} | undefined;`;
    });
  const head = `interface ${attrsType(name)}`;
  return block(`Attributes of the set \`${name}\`. ${doc}`, head, rows);
}

function commands(list: readonly Operation[]): string[] {
  const types: string[] = [];
  const requests: string[] = [];
  const dumps: string[] = [];
  const replies: string[] = [];
  const policies: string[] = [];
  const rows: string[] = [];
  for (const command of list) {
    const { name, doc, do: do_, dump, constant } = command;
    const set = command["attribute-set"];
    const admin = command.flags !== undefined;
    const need = admin ? " Needs CAP_NET_ADMIN." : "";
    const message = (
      suffix: string,
      names: readonly string[],
      what: string,
    ) => {
      const type = pascalCase(name) + suffix;
      const attrs = suffix === "Reply"
        ? attrsType(set)
        : `AttrInput<${attrsType(set)}>`;
      types.push(pick(type, attrs, names, what));
      return member(name, type, what.slice(0, what.indexOf(".") + 1));
    };
    const [request, reply, dumped] = ["Request", "Reply", "DumpRequest"]
      .map((suffix) => pascalCase(name) + suffix);
    requests.push(message(
      "Request",
      do_?.request?.attributes ?? [],
      `Request of \`${name}\`. ${doc}${need} ${since(command)}`,
    ));
    if (dump !== undefined) {
      const names = dump.request?.attributes ?? [];
      dumps.push(message("DumpRequest", names, `Dump request of \`${name}\`.`));
    }
    const answers = [do_?.reply, dump?.reply].filter((reply) => reply);
    const names = answers.flatMap((reply) => reply!.attributes ?? []);
    replies.push(
      answers.length === 0
        ? member(name, "unknown", `\`${name}\` is only acknowledged.`)
        : message("Reply", [...new Set(names)], `Reply to \`${name}\`.`),
    );
    policies.push(
      `readonly "${name}": OpPolicy<${request}` +
        (answers.length === 0 ? "" : `, ${reply}`) +
        (dump === undefined ? "" : `, ${dumped}`) + ">;",
    );
    rows.push(
      `"${name}": { name: "${name}", cmd: ${constant}, ` +
        `set: ${constantCase(set)}, ` +
        `admin: ${admin}, since: "${command.since}" },`,
    );
  }
  return [
    ...types,
    block("The requests, by command.", "interface Requests", requests),
    block(
      "The requests of dumps, by command.",
      "interface DumpRequests",
      dumps,
    ),
    block("The replies, by command.", "interface Replies", replies),
    `${comment("The name of a command.")}export type OpName = ` +
    `${list.map(({ name }) => `"${name}"`).join(" | ")};\n`,
    block(
      "The commands, in the order of the specification.",
      `const OPS: {${policies.join("")}} =`,
      rows,
    ),
  ];
}

function events(list: readonly Operation[]): string[] {
  const types: string[] = [];
  const rows: string[] = [];
  const policies: string[] = [];
  for (const event of list) {
    const { name, constant, "attribute-set": set } = event;
    const type = `${pascalCase(name)}EventAttrs`;
    const what = `Attributes of the event \`${name}\`.`;
    const doc = `${what} ${event.doc} ${since(event)}`;
    types.push(pick(type, attrsType(set), event.event?.attributes ?? [], doc));
    rows.push(member(name, type, what));
    policies.push(
      `"${name}": { name: "${name}", cmd: ${constant}, ` +
        `set: ${constantCase(set)}, ` +
        `since: "${event.since}" },`,
    );
  }
  return [
    ...types,
    block("The attributes of the events, by event.", "interface Events", rows),
    `${
      comment("The name of an event.")
    }export type EventName = keyof Events;\n`,
    block(
      "The events, in the order of the specification.",
      "const EVENTS: { readonly [Name in EventName]: EventPolicy<Events[Name]> } =",
      policies,
    ),
  ];
}

function pick(
  type: string,
  attrs: string,
  names: readonly string[],
  doc: string,
): string {
  const keys = names.map((name) => `"${camelCase(name)}"`).join(" | ");
  return `${comment(doc)}export type ${type} = ` +
    `Pick<${attrs}, ${keys || "never"}>;\n`;
}

function block(doc: string, head: string, rows: readonly string[]): string {
  const end = head.endsWith("=") ? "};" : "}";
  return `${comment(doc)}export ${head} {\n${rows.join("\n")}\n${end}\n`;
}

function member(name: string, type: string, doc: string): string {
  return `${comment(doc)}readonly "${name}": ${type};`;
}

/** A doc comment, wrapped for its depth of indentation. */
function comment(text: string, tag = "", depth = 0): string {
  const width = 77 - 2 * depth;
  const lines: string[] = [];
  for (const word of text.replaceAll("*/", "*\\/").split(" ")) {
    const line = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || line.length > width) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  if (tag !== "") lines.push("", tag);
  const wrapped = lines.length === 1 && lines[0]!.length + 4 <= width
    ? `/** ${lines[0]} */\n`
    : `/**\n${lines.map((line) => ` * ${line}\n`).join("")} */\n`;
  return wrapped.replaceAll("\u00a0", " ");
}

/** With no-break spaces, so that {@linkcode comment} keeps it on one line. */
function since(item: Item): string {
  return `Since\u00a0Linux\u00a0${item.since}.`;
}

function typeOf(attribute: Attribute): string {
  const { kind, "nested-attributes": nested = "" } = attribute;
  if (kind === "nest") return attrsType(nested);
  if (kind === "array") return `readonly ${attrsType(nested)}[]`;
  if (kind === "binary") return "Uint8Array";
  if (kind === "flag") return "true";
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
