/**
 * From a specification to the model of what is rendered, and everything that
 * can be wrong in it beyond its shape.
 *
 * @module
 */

import type { AttrKind, IntegerKind } from "../../codec/policy.ts";
import { INTEGER_WIDTH } from "../../codec/scalar.ts";
import { readDocument } from "../../config/document.ts";
import type { Path, Report } from "../../config/types.ts";
import type {
  Attribute,
  AttributeSet,
  Constant,
  Member,
  Model,
  Struct,
  Words,
} from "./model.ts";
import {
  type AttributeEntry,
  type Definition,
  type Message,
  type Operation,
  SPECIFICATION,
  type Specification,
} from "./schema.ts";
import { Scope } from "./scope.ts";

/**
 * Reads a specification and checks all of it. Throws a `DocumentError` with
 * `file` and the place of each fault.
 */
export function parseSpec(
  text: string,
  file: string,
): Promise<Model> {
  return readDocument(text, file, (tree, report) => {
    let hasShape = true;
    const spec = SPECIFICATION.read(tree, [], (...fault) => {
      hasShape = false;
      report(...fault);
    });
    return hasShape ? resolve(spec as Specification, report) : undefined;
  });
}

const isRaw = ({ protocol }: Specification) => protocol === "netlink-raw";

/** Follows the references of a document of the right shape. */
function resolve(spec: Specification, report: Report): Model {
  const scope = new Scope(report, !isRaw(spec));
  const { definitions = [], "attribute-sets": entries } = spec;
  const constants = familyConstants(scope, spec);
  const words: Words[] = [];
  const structs: Struct[] = [];
  scope.each(definitions, ["definitions"], (definition, path) => {
    const { name, type, value, entries, members } = definition;
    const doc = scope.prose(definition, path);
    const prefix = definition["name-prefix"];
    if (type === "const") {
      if (value === undefined) return scope.missing("value", path);
      const constant = scope.define((prefix ?? "") + name, value, path);
      constants.push({ constant, value, doc });
    } else if (type === "struct") {
      if (members === undefined) return scope.missing("members", path);
      structs.push({ name, doc, ...layout(scope, spec, definition, path) });
    } else {
      if (entries === undefined) return scope.missing("entries", path);
      let next = definition["value-start"] ?? 0;
      const numbers = new Set<number>();
      const items = scope.each(entries, [...path, "entries"], (entry, path) => {
        const index = entry.value ?? next;
        next = index + 1;
        const value = type === "flags" ? 2 ** index : index;
        const own = prefix ?? `${spec.name}-${name}-`;
        const item = scope.numbered(entry, value, own, path);
        scope.unique(value, numbers, "value", path);
        return item;
      });
      words.push({ name, doc, type, entries: items });
    }
  });
  const sets = scope.each(entries, ["attribute-sets"], (set, path) => ({
    name: set.name,
    doc: scope.prose(set, path),
    attributes: attributes(scope, spec, set, [...path, "attributes"]),
  }));
  return {
    ...{ doc: scope.prose(spec, []), constants, words, structs },
    sets: innerFirst(scope, sets),
    ...operations(scope, spec, sets),
  };
}

/** What names the family or the protocol, and its multicast groups. */
function familyConstants(scope: Scope, spec: Specification): Constant[] {
  const { name, protonum, version = 1, operations } = spec;
  const rows: Constant[] = [];
  const add = (own: string, value: string | number, doc: string, path: Path) =>
    rows.push({ constant: scope.define(own, value, path), value, doc });
  const family = spec["c-family-name"];
  if (isRaw(spec)) {
    if (protonum === undefined) scope.missing("protonum", []);
    const doc = "Number of the netlink protocol.";
    add(family ?? `netlink-${name}`, protonum ?? 0, doc, []);
  } else {
    const doc = "Name of the generic-netlink family.";
    add(family ?? `${name}-family-name`, name, doc, []);
    const own = spec["c-version-name"] ?? `${name}-family-version`;
    add(own, version, "Version of the family, for the message header.", []);
  }
  const groups = spec["mcast-groups"]?.list ?? [];
  scope.each(groups, ["mcast-groups", "list"], (group, path) => {
    const isUsed = operations.list.some(({ mcgrp }) => mcgrp === group.name);
    const purpose = isUsed ? "of the events" : "to which nothing is sent";
    const own = group["c-define-name"] ?? `${name}-mcgrp-${group.name}`;
    add(own, group.name, `Name of the multicast group ${purpose}.`, path);
  });
  return rows;
}

/** Where the members of a struct are: its padding is in the list. */
function layout(
  scope: Scope,
  { operations, definitions = [] }: Specification,
  { name, members = [] }: Definition,
  path: Path,
): Omit<Struct, "name" | "doc"> {
  let length = 0;
  const found = scope.each(
    members,
    [...path, "members"],
    (member, path): Member | undefined => {
      const { type, len, enum: words } = member;
      const offset = length;
      const width = INTEGER_WIDTH[type as IntegerKind] ?? len ?? 0;
      length += width;
      if (width === 0) scope.missing("len", path);
      if (type in INTEGER_WIDTH && offset % width !== 0) {
        scope.report(path, `at byte ${offset}, no multiple of ${width}`);
      }
      if (type === "pad") return undefined;
      scope.known(words, definitions, path, "enum");
      const kind = type as Member["kind"];
      const isBigEndian = scope.isBigEndian(member, path);
      const item = scope.described(member, path);
      return { ...item, kind, offset, width, isBigEndian, words };
    },
  );
  const isHeader = [operations, ...operations.list]
    .some((item) => item["fixed-header"] === name);
  return { length, isHeader, members: found };
}

function attributes(
  scope: Scope,
  { name, definitions = [], "attribute-sets": sets }: Specification,
  set: Specification["attribute-sets"][number],
  path: Path,
): Attribute[] {
  const prefix = set["name-prefix"] ?? `${name}-${set.name}-a-`;
  const structs = definitions.filter(({ type }) => type === "struct");
  let next = 1;
  const numbers = new Set<number>();
  return scope.each(
    set.attributes,
    path,
    (attribute, path): Attribute | undefined => {
      const { type, struct, enum: words, checks } = attribute;
      const nested = attribute["nested-attributes"];
      const value = attribute.value ?? next;
      next = value + 1;
      const item = scope.numbered(attribute, value, prefix, path);
      scope.unique(value, numbers, "value", path);
      // nla_type has 14 bits, and a table has an element for each number.
      if (value > 0x3fff) scope.report(path, "value exceeds 16383");
      const mask = checks?.["flags-mask"];
      scope.known(words, definitions, path, "enum");
      scope.known(mask, definitions, path, "checks", "flags-mask");
      scope.known(nested, sets, path, "nested-attributes");
      scope.known(struct, structs, path, "struct");
      if (type === "unused" || type === "pad") return undefined;
      const kind = kindOf(scope, attribute, path);
      const isBigEndian = scope.isBigEndian(attribute, path);
      const isMulti = attribute["multi-attr"] === true;
      return { ...item, kind, isBigEndian, isMulti, nested, struct, words };
    },
  );
}

const KINDS =
  "flag binary bitfield32 u8 u16 u32 u64 s8 s16 s32 s64 string nest array"
    .split(" ");

/** The layout of an attribute: its type, narrowed by its other keys. */
function kindOf(
  scope: Scope,
  attribute: AttributeEntry,
  path: Path,
): AttrKind {
  const { type, checks = {}, struct, "display-hint": hint } = attribute;
  const length = checks["exact-len"] ?? checks["min-len"];
  const kind = type === "array-nest" ? "array" : type;
  const nests = kind === "array" || kind === "nest";
  if (!KINDS.includes(kind)) {
    scope.report([...path, "type"], `type "${type}" is not supported`);
  }
  if (nests && attribute["nested-attributes"] === undefined) {
    scope.missing("nested-attributes", path);
  }
  if (hint === "ipv4") {
    if (type === "u32" && attribute["byte-order"] === "big-endian") return hint;
    scope.report([...path, "display-hint"], '"ipv4" needs a big-endian u32');
  }
  if (hint === "ipv6") {
    if (type === "binary" && length === 16) return hint;
    scope.report([...path, "display-hint"], '"ipv6" needs a 16-byte binary');
  }
  if (struct !== undefined) {
    if (type === "binary") return "struct";
    scope.report([...path, "struct"], "a struct needs a binary");
  }
  return kind as AttrKind;
}

/** Orders the sets so that a table can refer to those it nests. */
function innerFirst(
  scope: Scope,
  sets: readonly AttributeSet[],
): AttributeSet[] {
  const ordered: AttributeSet[] = [];
  const visit = (set: AttributeSet, outer: AttributeSet[]): void => {
    if (outer.includes(set)) {
      const path = ["attribute-sets", sets.indexOf(set)];
      return scope.report(path, `set "${set.name}" nests itself`);
    }
    if (ordered.includes(set)) return;
    for (const { nested } of set.attributes) {
      const inner = sets.find(({ name }) => name === nested);
      if (inner !== undefined) visit(inner, [...outer, set]);
    }
    ordered.push(set);
  };
  for (const set of sets) visit(set, []);
  return ordered;
}

function operations(
  scope: Scope,
  spec: Specification,
  sets: readonly AttributeSet[],
): Pick<Model, "commands" | "events" | "messages"> {
  const commands: Model["commands"][number][] = [];
  const events: Model["events"][number][] = [];
  const messages: Model["messages"][number][] = [];
  const { list, ...model } = spec.operations;
  const groups = spec["mcast-groups"]?.list ?? [];
  const definitions = spec.definitions ?? [];
  const structs = definitions.filter(({ type }) => type === "struct");
  const prefix = model["name-prefix"] ?? `${spec.name}-cmd-`;
  const asked = { next: 1, numbers: new Set<number>() };
  const sent = model["enum-model"] === "directional"
    ? { next: 1, numbers: new Set<number>() }
    : asked;

  scope.each(list, ["operations", "list"], (operation, path) => {
    const { do: do_, dump, event, mcgrp, "attribute-set": set } = operation;
    const found = messagesOf(operation);
    // Requests of netlink-raw are numbered apart from what the kernel sends.
    const isSent = event !== undefined || isRaw(spec) && !do_?.request;
    const space = isSent ? sent : asked;
    const values = [operation, ...found.map(([message]) => message)]
      .map(({ value }) => value).filter((value) => value !== undefined);
    if (new Set(values).size > 1) {
      scope.report(path, `different values in one: ${values.join(", ")}`);
    }
    const value = values[0] ?? space.next;
    space.next = value + 1;
    const header = operation["fixed-header"] ?? model["fixed-header"];
    const own = event ? model["async-prefix"] ?? prefix : prefix;
    // The messages of netlink-raw have constants in the kernel's headers only.
    const item = isRaw(spec)
      ? { ...scope.described(operation, path), value, constant: "" }
      : scope.numbered(operation, value, own, path);
    scope.unique(value, space.numbers, "value", path);
    scope.known(mcgrp, groups, path, "mcgrp");
    scope.known(set, spec["attribute-sets"], path, "attribute-set");
    scope.known(header, structs, path, "fixed-header");
    // A reserved number.
    if (value === 0 || found.length === 0) return;
    if (set === undefined) return scope.missing("attribute-set", path);
    const known = sets.find(({ name }) => name === set)?.attributes;
    for (const [{ attributes = [] }, ...keys] of found) {
      const names = new Set<string>();
      for (const [index, name] of attributes.entries()) {
        const place = [...path, ...keys, "attributes", index];
        if (known !== undefined) scope.known(name, known, place);
        scope.unique(name, names, "attribute", place);
      }
    }
    const [[{ attributes = [] }]] = found as [[Message]];
    if (isRaw(spec)) {
      if (header === undefined) return scope.missing("fixed-header", path);
      if (found.length > 1) scope.report(path, "more than one message");
      messages.push({ ...item, set, header, attributes });
    } else if (header !== undefined) {
      scope.report(path, "a fixed header needs netlink-raw");
    } else if (event) events.push({ ...item, set, attributes });
    else {
      const replies = [do_?.reply, dump?.reply].filter((reply) => reply);
      const names = replies.flatMap((reply) => reply!.attributes ?? []);
      commands.push({
        ...item,
        set,
        needsAdmin: operation.flags !== undefined,
        request: do_?.request?.attributes ?? [],
        reply: replies.length === 0 ? undefined : [...new Set(names)],
        dumpRequest: dump && (dump.request?.attributes ?? []),
      });
    }
  });
  return { commands, events, messages };
}

/** The messages of an operation, each with the keys that lead to it. */
function messagesOf({ do: do_, dump, event }: Operation) {
  const all: [Message | undefined, ...string[]][] = [
    [do_?.request, "do", "request"],
    [do_?.reply, "do", "reply"],
    [dump?.request, "dump", "request"],
    [dump?.reply, "dump", "reply"],
    [event, "event"],
  ];
  return all.filter((one): one is [Message, ...string[]] =>
    one[0] !== undefined
  );
}
