/**
 * The kernel's netlink-spec schema at its levels genetlink-legacy and
 * netlink-raw: the shape of a document, as far as one value can be checked by
 * itself, and its type.
 *
 * @module
 */

import {
  bool,
  type Check,
  integer,
  is,
  listOf,
  mapOf,
  oneOf,
  text,
  uint,
} from "../../config/checks.ts";

const scalar = is(
  "a string or a whole number",
  (value) => typeof value === "string" || Number.isSafeInteger(value),
);
const name = is(
  "a name in kebab case",
  (value) => /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(String(value)),
);

/** In the schema, but nothing that these families or their tables know. */
const unsupported: Check = (_value, path, report) =>
  report(path, `"${path.at(-1)}" is not supported by this generator`);

const entry = mapOf({ "name!": name, value: integer, doc: text });
const byteOrder = oneOf("little-endian", "big-endian");
const displayHint = oneOf("hex", "mac", "fddi", "ipv4", "ipv6", "uuid");

const member = mapOf({
  "name!": name,
  "type!": oneOf(
    ..."u8 u16 u32 u64 s8 s16 s32 s64 string pad binary".split(" "),
  ),
  len: uint,
  doc: text,
  "byte-order": byteOrder,
  enum: text,
  "enum-as-flags": bool,
  "display-hint": displayHint,
  struct: unsupported,
});

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
  members: listOf(member),
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
  "byte-order": byteOrder,
  "multi-attr": bool,
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
  "display-hint": displayHint,
  "name-prefix": unsupported,
  struct: text,
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
  protocol: oneOf(
    "genetlink",
    "genetlink-c",
    "genetlink-legacy",
    "netlink-raw",
  ),
  protonum: uint,
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
    "fixed-header": text,
    "list!": listOf(mapOf({
      "name!": name,
      "doc!": text,
      value: uint,
      "attribute-set": text,
      flags,
      "dont-validate": listOf(oneOf("strict", "dump", "dump-strict")),
      "fixed-header": text,
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

/** Anything that has a name, and most often a text about it. */
interface Named {
  readonly name: string;
  readonly doc?: string;
}

/** A constant, a list of words, or a struct. */
export interface Definition extends Named {
  readonly type: "const" | "enum" | "flags" | "struct";
  readonly "name-prefix"?: string;
  readonly value?: string | number;
  readonly "value-start"?: number;
  readonly entries?: readonly (Named & { readonly value?: number })[];
  readonly members?: readonly (Named & {
    readonly type: string;
    readonly len?: number;
    readonly "byte-order"?: string;
    readonly enum?: string;
  })[];
}

/** An attribute. */
export interface AttributeEntry extends Named {
  readonly type: string;
  readonly value?: number;
  readonly "byte-order"?: string;
  readonly "multi-attr"?: boolean;
  readonly "nested-attributes"?: string;
  readonly enum?: string;
  readonly "display-hint"?: string;
  readonly checks?: Readonly<Record<string, string | number>>;
  readonly struct?: string;
}

/** What one message carries. */
export interface Message {
  readonly attributes?: readonly string[];
  readonly value?: number;
}

/** A command, an event, or a message of netlink-raw. */
export interface Operation extends Named {
  readonly value?: number;
  readonly "attribute-set"?: string;
  readonly "fixed-header"?: string;
  readonly flags?: readonly string[];
  readonly do?: { readonly request?: Message; readonly reply?: Message };
  readonly dump?: { readonly request?: Message; readonly reply?: Message };
  readonly event?: Message;
  readonly mcgrp?: string;
}

/** A document that {@linkcode checkShape} found nothing wrong with. */
export interface Specification extends Named {
  readonly doc: string;
  readonly protocol?: string;
  readonly protonum?: number;
  readonly "c-family-name"?: string;
  readonly "c-version-name"?: string;
  readonly version?: number;
  readonly definitions?: readonly Definition[];
  readonly "attribute-sets": readonly (Named & {
    readonly "name-prefix"?: string;
    readonly attributes: readonly AttributeEntry[];
  })[];
  readonly operations: {
    readonly "enum-model"?: "unified" | "directional";
    readonly "name-prefix"?: string;
    readonly "async-prefix"?: string;
    readonly "fixed-header"?: string;
    readonly list: readonly Operation[];
  };
  readonly "mcast-groups"?: {
    readonly list: readonly (Named & { readonly "c-define-name"?: string })[];
  };
}
