/**
 * The kernel's netlink-spec schema at its level genetlink-legacy, as far as a
 * single value can be judged by itself.
 *
 * @module
 */

import type { Path } from "./lines.ts";

/** Takes note of a fault. */
export type Report = (path: Path, message: string) => void;

type Check = (value: unknown, path: Path, report: Report) => void;

function is(what: string, test: (value: unknown) => boolean): Check {
  return (value, path, report) => {
    if (test(value)) return;
    const label = path.findLast((part) => typeof part === "string") ?? "spec";
    report(path, `"${label}" must be ${what}, not ${JSON.stringify(value)}`);
  };
}

const text = is("a string", (value) => typeof value === "string");
const bool = is("true or false", (value) => typeof value === "boolean");
const integer = is("a whole number", Number.isSafeInteger);
const uint = is(
  "a whole number of 0 or more",
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
const scalar = is(
  "a string or a whole number",
  (value) => typeof value === "string" || Number.isSafeInteger(value),
);
const name = is(
  "a name in kebab case",
  (value) => /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(String(value)),
);

function oneOf(...words: string[]): Check {
  return is(
    `one of ${words.join(", ")}`,
    (value) => words.includes(value as string),
  );
}

function listOf(item: Check): Check {
  return (value, path, report) => {
    if (!Array.isArray(value)) {
      return is("a list", () => false)(value, path, report);
    }
    value.forEach((element, index) => item(element, [...path, index], report));
  };
}

/** A mapping with these keys; those that end in `!` are required. */
function mapOf(shape: Record<string, Check>): Check {
  const keys = new Map(
    Object.entries(shape).map(([key, check]) => [key.replace("!", ""), check]),
  );
  return (value, path, report) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      return is("a mapping", () => false)(value, path, report);
    }
    for (const [key, element] of Object.entries(value)) {
      const check = keys.get(key);
      if (check !== undefined) check(element, [...path, key], report);
      else {
        const allowed = [...keys.keys()].join(", ");
        report([...path, key], `unknown key "${key}"; allowed: ${allowed}`);
      }
    }
    for (const key of Object.keys(shape)) {
      if (key.endsWith("!") && !(key.slice(0, -1) in value)) {
        report(path, `missing key "${key.slice(0, -1)}"`);
      }
    }
  };
}

/** In the schema, but nothing that this family or its tables know. */
const unsupported: Check = (_value, path, report) =>
  report(path, `"${path.at(-1)}" is not supported by this generator`);

const entry = mapOf({ "name!": name, value: integer, doc: text });

const definition = mapOf({
  "name!": name,
  "type!": oneOf("const", "enum", "flags", "struct"),
  header: text,
  doc: text,
  value: scalar,
  "value-start": integer,
  entries: listOf((value, path, report) =>
    typeof value === "string"
      ? report(path, `entry "${value}" has no "doc"`)
      : entry(value, path, report)
  ),
  "render-max": bool,
  "enum-name": (value, path, report) =>
    value === null || text(value, path, report),
  "name-prefix": text,
  members: unsupported,
});

/** The attribute types of the schema; s8 and s16 only its structs have. */
const TYPES =
  "unused pad flag binary bitfield32 uint sint u8 u16 u32 u64 s8 s16 s32 s64 string nest array-nest nest-type-value";

const attribute = mapOf({
  "name!": name,
  "type!": oneOf(...TYPES.split(" ")),
  doc: text,
  value: uint,
  "type-value": unsupported,
  "byte-order": oneOf("little-endian", "big-endian"),
  "multi-attr": unsupported,
  "nested-attributes": text,
  enum: text,
  "enum-as-flags": bool,
  checks: mapOf({
    "flags-mask": text,
    min: scalar,
    max: scalar,
    "min-len": scalar,
    "max-len": scalar,
    "exact-len": scalar,
  }),
  "sub-type": unsupported,
  "display-hint": oneOf("hex", "mac", "fddi", "ipv4", "ipv6", "uuid"),
  "name-prefix": unsupported,
  struct: unsupported,
});

const message = mapOf({ attributes: listOf(text), value: uint });
const handler = mapOf({
  request: message,
  reply: message,
  pre: text,
  post: text,
});
const flags = listOf(oneOf("admin-perm", "uns-admin-perm"));

/** Checks a whole specification. */
export const checkShape: Check = mapOf({
  "name!": text,
  "doc!": text,
  protocol: oneOf("genetlink", "genetlink-c", "genetlink-legacy"),
  "uapi-header": text,
  "c-family-name": text,
  "c-version-name": text,
  "max-by-define": bool,
  "kernel-policy": oneOf("split", "per-op", "global"),
  "cmd-cnt-name": text,
  "cmd-max-name": text,
  version: uint,
  definitions: listOf(definition),
  "attribute-sets!": listOf(mapOf({
    "name!": name,
    "name-prefix": text,
    "enum-name": text,
    doc: text,
    "subset-of": unsupported,
    "attr-cnt-name": text,
    "attr-max-name": text,
    "attributes!": listOf(attribute),
  })),
  "operations!": mapOf({
    "enum-model": oneOf("unified", "directional"),
    "name-prefix": text,
    "enum-name": text,
    "async-prefix": text,
    "async-enum": text,
    "fixed-header": unsupported,
    "list!": listOf(mapOf({
      "name!": name,
      "doc!": text,
      value: uint,
      "attribute-set": text,
      flags,
      "dont-validate": listOf(oneOf("strict", "dump", "dump-strict")),
      "fixed-header": unsupported,
      do: handler,
      dump: handler,
      notify: unsupported,
      event: mapOf({ attributes: listOf(text) }),
      mcgrp: text,
    })),
  }),
  "mcast-groups": mapOf({
    "list!": listOf(mapOf({ "name!": name, "c-define-name": text, flags })),
  }),
});
