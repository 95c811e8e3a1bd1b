/**
 * The kernel's netlink-spec schema at its levels genetlink-legacy and
 * netlink-raw: the shape of a document, as far as one value can be checked by
 * itself, and its type.
 *
 * @module
 */

import {
  bool,
  integer as integerFrom,
  listOf,
  mapOf,
  oneOf,
  scalar,
  text,
  textOf,
  type Type,
} from "../../config/types.ts";

const integer = integerFrom(Number.MIN_SAFE_INTEGER);
const uint = integerFrom(0);

/** A whole number, or the name of a constant. */
const value = scalar(
  "a text or a whole number",
  {},
  (text) => /^-?\d+$/.test(text) ? Number(text) : text,
);
const name = textOf("a name in kebab case", /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/);

/** In the schema, but nothing that these families or their tables know. */
const unsupported: Type<never> = {
  what: "nothing",
  schema: {},
  read: (_value, path, report) =>
    void report(
      path,
      `"${path.at(-1)}" is not supported by this generator`,
    ) as never,
};

const entry = mapOf({ "name!": name, value: integer, doc: text });
const byteOrder = oneOf("byte order", "little-endian", "big-endian");
const displayHint = oneOf(
  "display hint",
  ..."hex mac fddi ipv4 ipv6 uuid".split(" "),
);

const member = mapOf({
  "name!": name,
  "type!": oneOf(
    "type",
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
  "type!": oneOf("type", "const", "enum", "flags", "struct"),
  header: text,
  doc: text,
  value,
  "value-start": integer,
  entries: listOf({
    ...entry,
    read: (value, path, report) =>
      typeof value === "string"
        ? void report(path, `entry "${value}" has no "doc"`)
        : entry.read(value, path, report),
  }),
  "render-max": bool,
  "enum-name": {
    ...text,
    read: (value, path, report) =>
      value === null ? undefined : text.read(value, path, report),
  },
  "name-prefix": text,
  members: listOf(member),
});

/** The attribute types of the schema; s8 and s16 only its structs have. */
const TYPES =
  "unused pad flag binary bitfield32 uint sint u8 u16 u32 u64 s8 s16 s32 s64 string nest array-nest nest-type-value";

const attribute = mapOf({
  "name!": name,
  "type!": oneOf("type", ...TYPES.split(" ")),
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
    min: value,
    max: value,
    "min-len": value,
    "max-len": value,
    "exact-len": value,
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
const flags = listOf(oneOf("flag", "admin-perm", "uns-admin-perm"));

/** Checks a whole specification. */
export const SPECIFICATION: Type<unknown> = mapOf({
  "name!": text,
  "doc!": text,
  protocol: oneOf(
    "protocol",
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
  "kernel-policy": oneOf("policy", "split", "per-op", "global"),
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
    "enum-model": oneOf("model", "unified", "directional"),
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
      "dont-validate": listOf(oneOf("check", "strict", "dump", "dump-strict")),
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

/** A document that {@linkcode SPECIFICATION} found nothing wrong with. */
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
