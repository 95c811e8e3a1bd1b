// Generated from codec/spec/nftables.yaml by `deno task gen`. Do not edit.
// SHA-256 of the specification: 31e56674f6aaa826ab8cf1c12dab047632de9d8de43c561b196bacd324248769
// deno-fmt-ignore-file

/**
 * Firewall rules of the network namespace in which the netlink socket was
 * opened.
 *
 * @module
 */

import type { AttrSet, MessagePolicy, StructPolicy } from "./policy.ts";

/** Number of the netlink protocol. */
export const NETLINK_NETFILTER = 12 as const;
/** IPv4 and IPv6. */
export const NFPROTO_INET = 1 as const;
/** IPv4. */
export const NFPROTO_IP = 2 as const;
/** ARP. */
export const NFPROTO_ARP = 3 as const;
/** All that a device receives or sends. */
export const NFPROTO_NETDEV = 5 as const;
/** What passes a bridge. */
export const NFPROTO_BRIDGE = 7 as const;
/** IPv6. */
export const NFPROTO_IP6 = 10 as const;
/** They are dropped. */
export const NF_DROP = 0 as const;
/** They are accepted. */
export const NF_ACCEPT = 1 as const;
/** Number of `table` in {@linkcode CHAIN}. */
export const NFTA_CHAIN_TABLE = 1 as const;
/** Number of `name` in {@linkcode CHAIN}. */
export const NFTA_CHAIN_NAME = 3 as const;
/** Number of `hook` in {@linkcode CHAIN}. */
export const NFTA_CHAIN_HOOK = 4 as const;
/** Number of `policy` in {@linkcode CHAIN}. */
export const NFTA_CHAIN_POLICY = 5 as const;
/** Number of `use` in {@linkcode CHAIN}. */
export const NFTA_CHAIN_USE = 6 as const;

/** A name in {@linkcode NF_PROTOS}. */
export type NfProto = "inet" | "ip" | "arp" | "netdev" | "bridge" | "ip6";

/** What packets a table is for. */
export const NF_PROTOS: Readonly<Record<number, { readonly name: NfProto;
  readonly doc: string } | undefined>> = {
  1: { name: "inet", doc: "IPv4 and IPv6." },
  2: { name: "ip", doc: "IPv4." },
  3: { name: "arp", doc: "ARP." },
  5: { name: "netdev", doc: "All that a device receives or sends." },
  7: { name: "bridge", doc: "What passes a bridge." },
  10: { name: "ip6", doc: "IPv6." },
};

/** A name in {@linkcode NF_VERDICTS}. */
export type NfVerdict = "drop" | "accept";

/** What becomes of packets that no rule decides about. */
export const NF_VERDICTS: Readonly<Record<number, { readonly name: NfVerdict;
  readonly doc: string } | undefined>> = {
  0: { name: "drop", doc: "They are dropped." },
  1: { name: "accept", doc: "They are accepted." },
};

/** Layout of the struct `nfgenmsg`. */
export const NFGENMSG: StructPolicy<Nfgenmsg> = { name: "nfgenmsg", length: 4, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "version", kind: "u8", offset: 1 },
  { key: "resId", kind: "u16", offset: 2, bigEndian: true },
] };

/** The struct `nfgenmsg`. The header of all messages. */
export interface Nfgenmsg {
  /** Family of the table; 0 in a request: all. See {@linkcode NF_PROTOS}. */
  readonly family: number;
  /** Always 0. */
  readonly version: number;
  /** Lower half of the generation of the rules. */
  readonly resId: number;
}

/** Table of the set `chain`. */
export const CHAIN: AttrSet<ChainAttrs> = { name: "chain", attrs: [
  undefined, { type: 1, name: "table", key: "table", kind: "string" },
  undefined, { type: 3, name: "name", key: "name", kind: "string" },
  { type: 4, name: "hook", key: "hook", kind: "binary" },
  { type: 5, name: "policy", key: "policy", kind: "u32", bigEndian: true },
  { type: 6, name: "use", key: "use", kind: "u32", bigEndian: true },
] };

/** Attributes of the set `chain`. Properties of a chain. */
export interface ChainAttrs {
  /** Name of its table. */
  readonly table?: string | undefined;
  /** Its name. */
  readonly name?: string | undefined;
  /** Where packets come to it; absent: by a jump only. */
  readonly hook?: Uint8Array | undefined;
  /**
   * What becomes of packets that no rule decides about. See
   * {@linkcode NF_VERDICTS}.
   */
  readonly policy?: number | undefined;
  /** Number of its rules, and of those that jump to it. */
  readonly use?: number | undefined;
}

/** The name of a message. */
export type MessageName = "getchain" | "newchain";

/** The messages, in the order of the specification. */
export const MESSAGES: {
  /** Ask for one chain, or with NLM_F_DUMP for all. Needs CAP_NET_ADMIN. */
  readonly "getchain": MessagePolicy<Nfgenmsg, Pick<ChainAttrs, never>>;
  /** A chain, as the answer to getchain. */
  readonly "newchain": MessagePolicy<Nfgenmsg, Pick<ChainAttrs, "table" |
    "name" | "hook" | "policy" | "use">>;
} = {
  "getchain": { name: "getchain", type: 2564, header: NFGENMSG, set: CHAIN },
  "newchain": { name: "newchain", type: 2563, header: NFGENMSG, set: CHAIN },
};
