/**
 * The sets of attributes that are decoded, and those of which the codec has a
 * table of its own: here they are written from the headers of Linux.
 *
 * @module
 */

import type {
  AttrKind,
  AttrPolicy,
  AttrSet,
  StructPolicy,
} from "../../codec/mod.ts";
import * as mptcpPm from "../../codec/mptcp_pm.gen.ts";
import * as nftables from "../../codec/nftables.gen.ts";
import * as rtnetlink from "../../codec/rtnetlink.gen.ts";
import * as sockDiag from "../../codec/sock_diag.gen.ts";

/** A struct that is refused if it is short, so that it comes back whole. */
const HEADER: StructPolicy = {
  name: "header",
  length: 11,
  isHeader: true,
  members: [
    { key: "family", kind: "u8", offset: 0 },
    { key: "port", kind: "u16", offset: 2, bigEndian: true },
    { key: "bytes", kind: "binary", offset: 4, length: 3 },
    { key: "index", kind: "s32", offset: 7 },
  ],
};

/** A set with an attribute of each kind. */
export const EVERYTHING: AttrSet = setOf("everything", {
  u8: "u8",
  s8: "s8",
  u16: "u16",
  s16: "s16",
  u32: "u32",
  s32: "s32",
  u64: "u64",
  s64: "s64",
  ipv4: "ipv4",
  ipv6: "ipv6",
  binary: "binary",
  string: "string",
  flag: "flag",
  bitfield32: "bitfield32",
  struct: { kind: "struct", struct: HEADER },
  several: { kind: "string", multi: true },
  severalNests: { kind: "nest", nested: mptcpPm.ADDRESS, multi: true },
  nest: mptcpPm.ATTR,
  array: [mptcpPm.ENDPOINT],
  bigEndian: { kind: "s16", bigEndian: true },
  bigEndianToo: { kind: "u64", bigEndian: true },
});

/** `NLMSGERR_ATTR_*`, and `NL_POLICY_TYPE_ATTR_*` in the fourth. */
export const EXTACK: AttrSet = setOf("extack", {
  message: "string",
  offset: "u32",
  cookie: "binary",
  policy: setOf("policy", {
    type: "u32",
    minValueS: "s64",
    maxValueS: "s64",
    minValueU: "u64",
    maxValueU: "u64",
    minLength: "u32",
    maxLength: "u32",
  }),
  missing: "u32",
  missingNest: "u32",
});

/** `CTRL_ATTR_*`. */
export const FAMILY: AttrSet = setOf("family", {
  id: "u16",
  name: "string",
  version: "u32",
  hdrsize: "u32",
  maxattr: "u32",
  ops: [setOf("op", { id: "u32", flags: "u32" })],
  mcastGroups: [setOf("group", { name: "string", id: "u32" })],
});

/** A set with these attributes, numbered from 1. */
function setOf(
  name: string,
  kinds: Record<
    string,
    AttrKind | AttrSet | [AttrSet] | Omit<AttrPolicy, "type" | "name" | "key">
  >,
): AttrSet {
  const attrs = Object.entries(kinds).map(([key, kind], index): AttrPolicy => ({
    type: index + 1,
    name: key,
    key,
    ...typeof kind === "string"
      ? { kind }
      : Array.isArray(kind)
      ? { kind: "array", nested: kind[0] }
      : "attrs" in kind
      ? { kind: "nest", nested: kind }
      : kind,
  }));
  return { name, attrs: [undefined, ...attrs] };
}

/** The sets of the specifications, whichever they are. */
export const SETS: readonly AttrSet[] = [
  ...[mptcpPm, sockDiag, rtnetlink, nftables].flatMap((module) =>
    Object.values(module).filter((value): value is AttrSet =>
      typeof value === "object" && "attrs" in value
    )
  ),
  EVERYTHING,
];
