/**
 * The specification as a typed model, and everything that can be wrong in it.
 *
 * @module
 */

import { parse } from "@std/yaml";
import type { AttrKind } from "../../codec/policy.ts";
import { locator, type Path } from "./lines.ts";
import { checkShape, type Report } from "./schema.ts";

// The types below have the keys of the document and, in camel case, what is
// added to it while it is checked.

/** Anything with a number. */
export interface Item {
  readonly name: string;
  /** Its documentation; {@linkcode parseSpec} takes the release away from it. */
  doc: string;
  /** Its number; for an entry of type `flags` the bit, not its index. */
  value: number;
  /** The Linux release that introduced it, such as `5.7`. */
  since: string;
  /** Name of its constant, in the kernel's spelling. */
  constant: string;
}

export interface Definition extends Item {
  readonly type: "const" | "enum" | "flags" | "struct";
  readonly "name-prefix"?: string;
  readonly "value-start"?: number;
  readonly entries?: readonly Item[];
}

export interface Attribute extends Item {
  readonly type: string;
  readonly "byte-order"?: "little-endian" | "big-endian";
  readonly "nested-attributes"?: string;
  readonly enum?: string;
  readonly "display-hint"?: string;
  readonly checks?: Readonly<Record<string, string | number>>;
  kind: AttrKind | "unused" | "pad";
}

export interface AttributeSet {
  readonly name: string;
  doc: string;
  readonly "name-prefix"?: string;
  readonly attributes: readonly Attribute[];
}

export interface Message {
  readonly attributes?: readonly string[];
  readonly value?: number;
}

export interface Handler {
  readonly request?: Message;
  readonly reply?: Message;
}

export interface Operation extends Item {
  readonly "attribute-set": string;
  readonly flags?: readonly string[];
  readonly do?: Handler;
  readonly dump?: Handler;
  readonly event?: Message;
  readonly mcgrp?: string;
  /** Whether only its number is of interest. */
  reserved: boolean;
}

export interface Group {
  readonly name: string;
  readonly "c-define-name"?: string;
  constant: string;
}

export interface Spec {
  readonly name: string;
  doc: string;
  readonly "c-family-name"?: string;
  readonly "c-version-name"?: string;
  readonly version?: number;
  readonly definitions?: readonly Definition[];
  /** A set that another one nests comes before it. */
  "attribute-sets": readonly AttributeSet[];
  readonly operations: {
    readonly "enum-model"?: "unified" | "directional";
    readonly "name-prefix"?: string;
    readonly "async-prefix"?: string;
    readonly list: readonly Operation[];
  };
  readonly "mcast-groups"?: { readonly list: readonly Group[] };
}

/** The faults of a specification, each on a line `FILE:LINE: text`. */
export class SpecError extends Error {
  override name = "SpecError";
}

/** `mptcp-pm-cmd-add-addr` -> `MPTCP_PM_CMD_ADD_ADDR` */
export function constantCase(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

/**
 * Reads a specification and checks all of it. Throws a {@linkcode SpecError}
 * with `file` and the line of each fault.
 */
export function parseSpec(text: string, file: string): Spec {
  const lineOf = locator(text);
  const faults: { line: number; message: string }[] = [];
  const report: Report = (path, message) => {
    faults.push({ line: lineOf(path), message });
  };

  let spec: unknown;
  try {
    // Aliases share objects, and each is completed by itself.
    spec = JSON.parse(JSON.stringify(parse(text) ?? null));
  } catch (error) {
    const message = (error as Error).message.split(/:?\n/)[0]!;
    const line = /line (\d+)|\((\d+):\d+\)/.exec(message);
    faults.push({ line: Number(line?.[1] ?? line?.[2] ?? 1), message });
  }
  if (faults.length === 0) checkShape(spec, [], report);
  if (faults.length === 0) new Resolver(spec as Spec, report).resolve();
  if (faults.length === 0) return spec as Spec;
  throw new SpecError(
    faults.sort((a, b) => a.line - b.line)
      .map(({ line, message }) => `${file}:${line}: ${message}`).join("\n"),
  );
}

const KINDS =
  "unused pad flag binary u8 u16 u32 u64 s8 s16 s32 s64 string nest array"
    .split(" ");

/** Follows the references of a well-formed document and completes it. */
class Resolver {
  readonly #spec: Spec;
  readonly #report: Report;
  readonly #constants = new Map<string, string | number>();

  constructor(spec: Spec, report: Report) {
    this.#spec = spec;
    this.#report = report;
  }

  resolve(): void {
    const spec = this.#spec;
    const { definitions = [], "mcast-groups": groups } = spec;
    const sets = spec["attribute-sets"];
    spec.doc = prose(spec.doc);
    this.#each(groups?.list ?? [], ["mcast-groups", "list"], (group, path) => {
      const name = group["c-define-name"] ?? `${spec.name}-mcgrp-${group.name}`;
      group.constant = this.#define(name, group.name, path);
    });
    this.#each(definitions, ["definitions"], this.#definition);
    this.#each(sets, ["attribute-sets"], this.#set);
    this.#operations();
    this.#innerFirst();
  }

  #definition = (definition: Definition, path: Path): void => {
    const { name, type, entries } = definition;
    const prefix = definition["name-prefix"];
    this.#describe(definition, path);
    if (type === "struct") {
      this.#report([...path, "type"], 'type "struct" is not supported');
    } else if (type === "const") {
      if (definition.value === undefined) return this.#missing("value", path);
      const constant = (prefix ?? "") + name;
      definition.constant = this.#define(constant, definition.value, path);
    } else {
      if (entries === undefined) return this.#missing("entries", path);
      let next = definition["value-start"] ?? 0;
      const taken = new Set<number>();
      this.#each(entries, [...path, "entries"], (entry, path) => {
        const value = entry.value ?? next;
        next = value + 1;
        entry.value = type === "flags" ? 2 ** value : value;
        this.#complete(entry, prefix ?? `${this.#spec.name}-${name}-`, path);
        this.#unique(entry.value, taken, "value", path);
      });
    }
  };

  #set = (set: AttributeSet, path: Path): void => {
    const { name, definitions = [], "attribute-sets": sets } = this.#spec;
    const prefix = set["name-prefix"] ?? `${name}-${set.name}-a-`;
    this.#describe(set, path);
    let next = 1;
    const taken = new Set<number>();
    this.#each(set.attributes, [...path, "attributes"], (attribute, path) => {
      attribute.value ??= next;
      next = attribute.value + 1;
      this.#complete(attribute, prefix, path);
      this.#unique(attribute.value, taken, "value", path);
      // nla_type has 14 bits, and a table has an element for each number.
      if (attribute.value > 0x3fff) this.#report(path, "value exceeds 16383");
      attribute.kind = this.#kind(attribute, path);
      const { enum: type, checks, "nested-attributes": nested } = attribute;
      const mask = checks?.["flags-mask"];
      this.#known(type, definitions, path, "enum");
      this.#known(mask, definitions, path, "checks", "flags-mask");
      this.#known(nested, sets, path, "nested-attributes");
    });
  };

  /** The layout of an attribute: its type, narrowed by the display hint. */
  #kind(attribute: Attribute, path: Path): Attribute["kind"] {
    const { type, checks = {}, "display-hint": hint } = attribute;
    const order = attribute["byte-order"];
    const length = checks["exact-len"] ?? checks["min-len"];
    const kind = type === "array-nest" ? "array" : type;
    const nests = kind === "array" || kind === "nest";
    if (!KINDS.includes(kind)) {
      this.#report([...path, "type"], `type "${type}" is not supported`);
    }
    if (nests && attribute["nested-attributes"] === undefined) {
      this.#missing("nested-attributes", path);
    }
    if (order === "little-endian" || (order && !/^[us]\d/.test(type))) {
      this.#report([...path, "byte-order"], `no "${order}" ${type} supported`);
    }
    if (hint === "ipv4") {
      if (type === "u32" && order === "big-endian") return "ipv4";
      this.#report([...path, "display-hint"], '"ipv4" needs a big-endian u32');
    }
    if (hint === "ipv6") {
      if (type === "binary" && length === 16) return "ipv6";
      this.#report([...path, "display-hint"], '"ipv6" needs a 16-byte binary');
    }
    return kind as Attribute["kind"];
  }

  #operations(): void {
    const { list, ...model } = this.#spec.operations;
    const groups = this.#spec["mcast-groups"]?.list ?? [];
    const commands = model["name-prefix"] ?? `${this.#spec.name}-cmd-`;
    const events = model["async-prefix"] ?? commands;
    const command = { next: 1, taken: new Set<number>() };
    const event = model["enum-model"] === "directional"
      ? { next: 1, taken: new Set<number>() }
      : command;
    this.#each(list, ["operations", "list"], (operation, path) => {
      const { do: do_, dump } = operation;
      const space = operation.event ? event : command;
      const values = [
        operation.value,
        ...[do_?.request, do_?.reply, dump?.request, dump?.reply]
          .map((message) => message?.value),
      ].filter((value) => value !== undefined);
      if (new Set(values).size > 1) {
        this.#report(path, `different values in one: ${values.join(", ")}`);
      }
      operation.value = values[0] ?? space.next;
      space.next = operation.value + 1;
      operation.reserved = operation.value === 0 ||
        !(do_ ?? dump ?? operation.event);
      this.#complete(operation, operation.event ? events : commands, path);
      this.#unique(operation.value, space.taken, "value", path);
      this.#known(operation.mcgrp, groups, path, "mcgrp");
      this.#messages(operation, path);
    });
  }

  /** Checks the attributes that the messages of an operation list. */
  #messages(operation: Operation, path: Path): void {
    const { "attribute-set": name, do: do_, dump, event } = operation;
    const sets = this.#spec["attribute-sets"];
    this.#known(name, sets, path, "attribute-set");
    if (name === undefined && !operation.reserved) {
      this.#missing("attribute-set", path);
    }
    const set = sets.find((set) => set.name === name);
    if (set === undefined) return;
    const attributes = set.attributes
      .filter(({ type }) => type !== "unused" && type !== "pad");
    const check = (message: Message | undefined, ...keys: string[]) => {
      const taken = new Set<string>();
      message?.attributes?.forEach((name, index) => {
        const place = [...path, ...keys, "attributes", index];
        this.#known(name, attributes, place);
        this.#unique(name, taken, "attribute", place);
      });
    };
    check(do_?.request, "do", "request");
    check(do_?.reply, "do", "reply");
    check(dump?.request, "dump", "request");
    check(dump?.reply, "dump", "reply");
    check(event, "event");
  }

  /** Orders the sets so that a table can refer to those it nests. */
  #innerFirst(): void {
    const sets = this.#spec["attribute-sets"];
    const ordered: AttributeSet[] = [];
    const visit = (set: AttributeSet, outer: AttributeSet[]) => {
      if (outer.includes(set)) {
        const path = ["attribute-sets", sets.indexOf(set)];
        return this.#report(path, `set "${set.name}" nests itself`);
      }
      if (ordered.includes(set)) return;
      for (const { "nested-attributes": nested } of set.attributes) {
        const inner = sets.find(({ name }) => name === nested);
        if (inner !== undefined) visit(inner, [...outer, set]);
      }
      ordered.push(set);
    };
    for (const set of sets) visit(set, []);
    this.#spec["attribute-sets"] = ordered;
  }

  /** Visits the items of a list, whose names must differ. */
  #each<T extends { readonly name: string }>(
    items: readonly T[],
    path: Path,
    visit: (item: T, path: Path) => void,
  ): void {
    const taken = new Set<string>();
    for (const [index, item] of items.entries()) {
      // In constants and in members the two separators look the same.
      const name = item.name.replaceAll("_", "-");
      this.#unique(name, taken, "name", [...path, index]);
      visit(item, [...path, index]);
    }
  }

  /** Names the constant of an item and takes the release from its `doc`. */
  #complete(item: Item, prefix: string, path: Path): void {
    this.#describe(item, path);
    item.constant = this.#define(prefix + item.name, item.value, path);
    const [, doc, since] = /^(.+) Since (\d+\.\d+)\.$/.exec(item.doc) ?? [];
    if (item.doc !== "" && since === undefined) {
      this.#report([...path, "doc"], '"doc" must end in "Since X.Y."');
    }
    item.doc = doc ?? "";
    item.since = since ?? "";
  }

  #describe(item: { doc?: string }, path: Path): void {
    item.doc = prose(item.doc ?? "");
    if (item.doc === "") this.#missing("doc", path);
  }

  /** Two items may make the same constant, but not with different values. */
  #define(name: string, value: string | number, path: Path): string {
    const constant = constantCase(name);
    const other = this.#constants.get(constant) ?? value;
    if (other !== value) {
      this.#report(path, `${constant} is ${value} here, ${other} elsewhere`);
    }
    this.#constants.set(constant, value);
    return constant;
  }

  #known(
    name: string | number | undefined,
    items: readonly { readonly name: string }[],
    path: Path,
    ...keys: string[]
  ): void {
    if (name === undefined || items.some((item) => item.name === name)) return;
    const names = items.map((item) => item.name).join(", ");
    this.#report([...path, ...keys], `no "${name}" among ${names || "none"}`);
  }

  #unique<T>(value: T, taken: Set<T>, what: string, path: Path): void {
    if (taken.has(value)) this.#report(path, `duplicate ${what} "${value}"`);
    taken.add(value);
  }

  #missing(key: string, path: Path): void {
    this.#report(path, `missing key "${key}"`);
  }
}

function prose(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
