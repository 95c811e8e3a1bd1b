// Generated from codec/spec/rtnetlink.yaml by `deno task gen`. Do not edit.
// SHA-256 of the specification: f570ff38d326887c63da3c03796b7827e0878e3fd0f57beacdc09fb4add94a86
// deno-fmt-ignore-file

/**
 * The network of the namespace in which the netlink socket was opened: links,
 * addresses, routes, rules and neighbours.
 *
 * @module
 */

import type { AttrSet, MessagePolicy, StructPolicy } from "./policy.ts";

/** Number of the netlink protocol. */
export const NETLINK_ROUTE = 0 as const;
/** It was set up by the administrator. */
export const IFF_UP = 1 as const;
/** It can broadcast. */
export const IFF_BROADCAST = 2 as const;
/** It writes debugging messages. */
export const IFF_DEBUG = 4 as const;
/** It leads to this host. */
export const IFF_LOOPBACK = 8 as const;
/** It has one other end. */
export const IFF_POINTOPOINT = 16 as const;
/** It avoids trailers. */
export const IFF_NOTRAILERS = 32 as const;
/** It can carry packets: its state is up or unknown. */
export const IFF_RUNNING = 64 as const;
/** Neighbours need no resolution. */
export const IFF_NOARP = 128 as const;
/** It receives all packets. */
export const IFF_PROMISC = 256 as const;
/** It receives all multicast packets. */
export const IFF_ALLMULTI = 512 as const;
/** It balances others. */
export const IFF_MASTER = 1024 as const;
/** It belongs to another one. */
export const IFF_SLAVE = 2048 as const;
/** It can multicast. */
export const IFF_MULTICAST = 4096 as const;
/** Its medium can be chosen. */
export const IFF_PORTSEL = 8192 as const;
/** It chooses its medium. */
export const IFF_AUTOMEDIA = 16384 as const;
/** Its addresses go when it is set down. */
export const IFF_DYNAMIC = 32768 as const;
/** It has a carrier. */
export const IFF_LOWER_UP = 65536 as const;
/** It waits for something else, such as a login. */
export const IFF_DORMANT = 131072 as const;
/** It sends back what is sent. */
export const IFF_ECHO = 262144 as const;
/** Its driver does not say, as with lo. */
export const IF_OPER_UNKNOWN = 0 as const;
/** Something of it is missing. */
export const IF_OPER_NOTPRESENT = 1 as const;
/** It was set down or has no carrier. */
export const IF_OPER_DOWN = 2 as const;
/** The link that it is on is down. */
export const IF_OPER_LOWERLAYERDOWN = 3 as const;
/** It is in a test. */
export const IF_OPER_TESTING = 4 as const;
/** It waits for something else, such as a login. */
export const IF_OPER_DORMANT = 5 as const;
/** It can carry packets. */
export const IF_OPER_UP = 6 as const;
/** IPv4: not the first of its prefix; IPv6: temporary (RFC 8981). */
export const IFA_F_SECONDARY = 1 as const;
/** Duplicates are not looked for. */
export const IFA_F_NODAD = 2 as const;
/** It may be used while it is tentative (RFC 4429). */
export const IFA_F_OPTIMISTIC = 4 as const;
/** Another host has it: it cannot be used. */
export const IFA_F_DADFAILED = 8 as const;
/** It is a home address (RFC 6275). */
export const IFA_F_HOMEADDRESS = 16 as const;
/** New connections prefer another one. */
export const IFA_F_DEPRECATED = 32 as const;
/** Duplicates are being looked for: it cannot be used yet. */
export const IFA_F_TENTATIVE = 64 as const;
/** It does not expire. */
export const IFA_F_PERMANENT = 128 as const;
/** Temporary addresses are made for it. */
export const IFA_F_MANAGETEMPADDR = 256 as const;
/** No route to its prefix is made for it. */
export const IFA_F_NOPREFIXROUTE = 512 as const;
/** It joins a multicast group. */
export const IFA_F_MCAUTOJOIN = 1024 as const;
/** It was made by RFC 7217. */
export const IFA_F_STABLE_PRIVACY = 2048 as const;
/** Anywhere. */
export const RT_SCOPE_UNIVERSE = 0 as const;
/** Within this site. */
export const RT_SCOPE_SITE = 200 as const;
/** On this link. */
export const RT_SCOPE_LINK = 253 as const;
/** On this host. */
export const RT_SCOPE_HOST = 254 as const;
/** Nowhere. */
export const RT_SCOPE_NOWHERE = 255 as const;
/** Tell the table that the route is in; 0: the kernel assumes it. */
export const RTM_F_LOOKUP_TABLE = 4096 as const;
/** Tell the route as it was configured, not what comes of it. */
export const RTM_F_FIB_MATCH = 8192 as const;
/** Unknown. */
export const RTN_UNSPEC = 0 as const;
/** Sends them to a gateway or a neighbour. */
export const RTN_UNICAST = 1 as const;
/** Delivers them to this host. */
export const RTN_LOCAL = 2 as const;
/** Broadcasts them on a link. */
export const RTN_BROADCAST = 3 as const;
/** Delivers them to this host. */
export const RTN_ANYCAST = 4 as const;
/** Sends them to a multicast group. */
export const RTN_MULTICAST = 5 as const;
/** Drops them. */
export const RTN_BLACKHOLE = 6 as const;
/** Refuses them as unreachable. */
export const RTN_UNREACHABLE = 7 as const;
/** Refuses them as prohibited. */
export const RTN_PROHIBIT = 8 as const;
/** Goes on with the next rule. */
export const RTN_THROW = 9 as const;
/** Unknown. */
export const FR_ACT_UNSPEC = 0 as const;
/** Looks for a route in its table. */
export const FR_ACT_TO_TBL = 1 as const;
/** Goes on with another rule. */
export const FR_ACT_GOTO = 2 as const;
/** Goes on with the next rule. */
export const FR_ACT_NOP = 3 as const;
/** Drops packets. */
export const FR_ACT_BLACKHOLE = 6 as const;
/** Refuses packets as unreachable. */
export const FR_ACT_UNREACHABLE = 7 as const;
/** Refuses packets as prohibited. */
export const FR_ACT_PROHIBIT = 8 as const;
/** It is asked for and has not answered yet. */
export const NUD_INCOMPLETE = 1 as const;
/** It answered not long ago. */
export const NUD_REACHABLE = 2 as const;
/** It answered some time ago. */
export const NUD_STALE = 4 as const;
/** It is used and will be asked soon. */
export const NUD_DELAY = 8 as const;
/** It is asked again. */
export const NUD_PROBE = 16 as const;
/** It did not answer. */
export const NUD_FAILED = 32 as const;
/** It need not be asked. */
export const NUD_NOARP = 64 as const;
/** It was configured. */
export const NUD_PERMANENT = 128 as const;
/** Links that come, change or go. */
export const RTNLGRP_LINK = 1 as const;
/** IPv4 addresses of this host. */
export const RTNLGRP_IPV4_IFADDR = 5 as const;
/** IPv4 routes. */
export const RTNLGRP_IPV4_ROUTE = 7 as const;
/** IPv4 rules. */
export const RTNLGRP_IPV4_RULE = 8 as const;
/** IPv6 addresses of this host. */
export const RTNLGRP_IPV6_IFADDR = 9 as const;
/** IPv6 routes. */
export const RTNLGRP_IPV6_ROUTE = 11 as const;
/** IPv6 rules. */
export const RTNLGRP_IPV6_RULE = 19 as const;
/** Number of `ifname` in {@linkcode LINK}. */
export const IFLA_IFNAME = 3 as const;
/** Number of `mtu` in {@linkcode LINK}. */
export const IFLA_MTU = 4 as const;
/** Number of `operstate` in {@linkcode LINK}. */
export const IFLA_OPERSTATE = 16 as const;
/** Number of `ext-mask` in {@linkcode LINK}. */
export const IFLA_EXT_MASK = 29 as const;
/** Number of `carrier` in {@linkcode LINK}. */
export const IFLA_CARRIER = 33 as const;
/** Number of `address` in {@linkcode ADDRESS}. */
export const IFA_ADDRESS = 1 as const;
/** Number of `local` in {@linkcode ADDRESS}. */
export const IFA_LOCAL = 2 as const;
/** Number of `flags` in {@linkcode ADDRESS}. */
export const IFA_FLAGS = 8 as const;
/** Number of `dst` in {@linkcode ROUTE}. */
export const RTA_DST = 1 as const;
/** Number of `src` in {@linkcode ROUTE}. */
export const RTA_SRC = 2 as const;
/** Number of `oif` in {@linkcode ROUTE}. */
export const RTA_OIF = 4 as const;
/** Number of `gateway` in {@linkcode ROUTE}. */
export const RTA_GATEWAY = 5 as const;
/** Number of `priority` in {@linkcode ROUTE}. */
export const RTA_PRIORITY = 6 as const;
/** Number of `prefsrc` in {@linkcode ROUTE}. */
export const RTA_PREFSRC = 7 as const;
/** Number of `table` in {@linkcode ROUTE}. */
export const RTA_TABLE = 15 as const;
/** Number of `via` in {@linkcode ROUTE}. */
export const RTA_VIA = 18 as const;
/** Number of `ip-proto` in {@linkcode ROUTE}. */
export const RTA_IP_PROTO = 27 as const;
/** Number of `dst` in {@linkcode RULE}. */
export const FRA_DST = 1 as const;
/** Number of `src` in {@linkcode RULE}. */
export const FRA_SRC = 2 as const;
/** Number of `iifname` in {@linkcode RULE}. */
export const FRA_IIFNAME = 3 as const;
/** Number of `goto` in {@linkcode RULE}. */
export const FRA_GOTO = 4 as const;
/** Number of `priority` in {@linkcode RULE}. */
export const FRA_PRIORITY = 6 as const;
/** Number of `fwmark` in {@linkcode RULE}. */
export const FRA_FWMARK = 10 as const;
/** Number of `tun-id` in {@linkcode RULE}. */
export const FRA_TUN_ID = 12 as const;
/** Number of `table` in {@linkcode RULE}. */
export const FRA_TABLE = 15 as const;
/** Number of `fwmask` in {@linkcode RULE}. */
export const FRA_FWMASK = 16 as const;
/** Number of `oifname` in {@linkcode RULE}. */
export const FRA_OIFNAME = 17 as const;
/** Number of `l3mdev` in {@linkcode RULE}. */
export const FRA_L3MDEV = 19 as const;
/** Number of `uid-range` in {@linkcode RULE}. */
export const FRA_UID_RANGE = 20 as const;
/** Number of `ip-proto` in {@linkcode RULE}. */
export const FRA_IP_PROTO = 22 as const;
/** Number of `sport-range` in {@linkcode RULE}. */
export const FRA_SPORT_RANGE = 23 as const;
/** Number of `dport-range` in {@linkcode RULE}. */
export const FRA_DPORT_RANGE = 24 as const;
/** Number of `dscp` in {@linkcode RULE}. */
export const FRA_DSCP = 25 as const;
/** Number of `flowlabel` in {@linkcode RULE}. */
export const FRA_FLOWLABEL = 26 as const;
/** Number of `dst` in {@linkcode NEIGHBOUR}. */
export const NDA_DST = 1 as const;

/** A name in {@linkcode LINK_FLAGS}. */
export type LinkFlag = "up" | "broadcast" | "debug" | "loopback" |
  "pointopoint" | "notrailers" | "running" | "noarp" | "promisc" | "allmulti" |
  "master" | "slave" | "multicast" | "portsel" | "automedia" | "dynamic" |
  "lower-up" | "dormant" | "echo";

/** State and properties of a link. */
export const LINK_FLAGS: readonly (readonly [word: LinkFlag, bit: number])[] =
  [
  ["up", IFF_UP],
  ["broadcast", IFF_BROADCAST],
  ["debug", IFF_DEBUG],
  ["loopback", IFF_LOOPBACK],
  ["pointopoint", IFF_POINTOPOINT],
  ["notrailers", IFF_NOTRAILERS],
  ["running", IFF_RUNNING],
  ["noarp", IFF_NOARP],
  ["promisc", IFF_PROMISC],
  ["allmulti", IFF_ALLMULTI],
  ["master", IFF_MASTER],
  ["slave", IFF_SLAVE],
  ["multicast", IFF_MULTICAST],
  ["portsel", IFF_PORTSEL],
  ["automedia", IFF_AUTOMEDIA],
  ["dynamic", IFF_DYNAMIC],
  ["lower-up", IFF_LOWER_UP],
  ["dormant", IFF_DORMANT],
  ["echo", IFF_ECHO],
];

/** A name in {@linkcode LINK_STATES}. */
export type LinkState = "unknown" | "notpresent" | "down" | "lowerlayerdown" |
  "testing" | "dormant" | "up";

/** Operational state of a link (RFC 2863). */
export const LINK_STATES: Readonly<Record<number, { readonly name: LinkState;
  readonly doc: string } | undefined>> = {
  0: { name: "unknown", doc: "Its driver does not say, as with lo." },
  1: { name: "notpresent", doc: "Something of it is missing." },
  2: { name: "down", doc: "It was set down or has no carrier." },
  3: { name: "lowerlayerdown", doc: "The link that it is on is down." },
  4: { name: "testing", doc: "It is in a test." },
  5: { name: "dormant", doc: "It waits for something else, such as a login." },
  6: { name: "up", doc: "It can carry packets." },
};

/** A name in {@linkcode ADDRESS_FLAGS}. */
export type AddressFlag = "secondary" | "nodad" | "optimistic" | "dadfailed" |
  "homeaddress" | "deprecated" | "tentative" | "permanent" | "managetempaddr" |
  "noprefixroute" | "mcautojoin" | "stable-privacy";

/** State and properties of an address. */
export const ADDRESS_FLAGS: readonly
  (readonly [word: AddressFlag, bit: number])[] = [
  ["secondary", IFA_F_SECONDARY],
  ["nodad", IFA_F_NODAD],
  ["optimistic", IFA_F_OPTIMISTIC],
  ["dadfailed", IFA_F_DADFAILED],
  ["homeaddress", IFA_F_HOMEADDRESS],
  ["deprecated", IFA_F_DEPRECATED],
  ["tentative", IFA_F_TENTATIVE],
  ["permanent", IFA_F_PERMANENT],
  ["managetempaddr", IFA_F_MANAGETEMPADDR],
  ["noprefixroute", IFA_F_NOPREFIXROUTE],
  ["mcautojoin", IFA_F_MCAUTOJOIN],
  ["stable-privacy", IFA_F_STABLE_PRIVACY],
];

/** A name in {@linkcode SCOPES}. */
export type Scope = "universe" | "site" | "link" | "host" | "nowhere";

/** How far an address or a route goes. */
export const SCOPES: Readonly<Record<number, { readonly name: Scope;
  readonly doc: string } | undefined>> = {
  0: { name: "universe", doc: "Anywhere." },
  200: { name: "site", doc: "Within this site." },
  253: { name: "link", doc: "On this link." },
  254: { name: "host", doc: "On this host." },
  255: { name: "nowhere", doc: "Nowhere." },
};

/** A name in {@linkcode ROUTE_FLAGS}. */
export type RouteFlag = "lookup-table" | "fib-match";

/** How a route is asked for. */
export const ROUTE_FLAGS: readonly (readonly [word: RouteFlag, bit: number])[]
  = [
  ["lookup-table", RTM_F_LOOKUP_TABLE],
  ["fib-match", RTM_F_FIB_MATCH],
];

/** A name in {@linkcode ROUTE_TYPES}. */
export type RouteType = "unspec" | "unicast" | "local" | "broadcast" |
  "anycast" | "multicast" | "blackhole" | "unreachable" | "prohibit" | "throw";

/** What a route does with packets. */
export const ROUTE_TYPES: Readonly<Record<number, { readonly name: RouteType;
  readonly doc: string } | undefined>> = {
  0: { name: "unspec", doc: "Unknown." },
  1: { name: "unicast", doc: "Sends them to a gateway or a neighbour." },
  2: { name: "local", doc: "Delivers them to this host." },
  3: { name: "broadcast", doc: "Broadcasts them on a link." },
  4: { name: "anycast", doc: "Delivers them to this host." },
  5: { name: "multicast", doc: "Sends them to a multicast group." },
  6: { name: "blackhole", doc: "Drops them." },
  7: { name: "unreachable", doc: "Refuses them as unreachable." },
  8: { name: "prohibit", doc: "Refuses them as prohibited." },
  9: { name: "throw", doc: "Goes on with the next rule." },
};

/** A name in {@linkcode RULE_ACTIONS}. */
export type RuleAction = "unspec" | "to-tbl" | "goto" | "nop" | "blackhole" |
  "unreachable" | "prohibit";

/** What a rule does with what it is for. */
export const RULE_ACTIONS: Readonly<Record<number, { readonly name:
  RuleAction; readonly doc: string } | undefined>> = {
  0: { name: "unspec", doc: "Unknown." },
  1: { name: "to-tbl", doc: "Looks for a route in its table." },
  2: { name: "goto", doc: "Goes on with another rule." },
  3: { name: "nop", doc: "Goes on with the next rule." },
  6: { name: "blackhole", doc: "Drops packets." },
  7: { name: "unreachable", doc: "Refuses packets as unreachable." },
  8: { name: "prohibit", doc: "Refuses packets as prohibited." },
};

/** A name in {@linkcode NEIGHBOUR_STATES}. */
export type NeighbourState = "incomplete" | "reachable" | "stale" | "delay" |
  "probe" | "failed" | "noarp" | "permanent";

/** State of a neighbour. */
export const NEIGHBOUR_STATES: readonly
  (readonly [word: NeighbourState, bit: number])[] = [
  ["incomplete", NUD_INCOMPLETE],
  ["reachable", NUD_REACHABLE],
  ["stale", NUD_STALE],
  ["delay", NUD_DELAY],
  ["probe", NUD_PROBE],
  ["failed", NUD_FAILED],
  ["noarp", NUD_NOARP],
  ["permanent", NUD_PERMANENT],
];

/** A name in {@linkcode RTNETLINK_GROUPS}. */
export type RtnetlinkGroup = "link" | "ipv4-ifaddr" | "ipv4-route" |
  "ipv4-rule" | "ipv6-ifaddr" | "ipv6-route" | "ipv6-rule";

/** The groups that are told of changes. */
export const RTNETLINK_GROUPS: Readonly<Record<number, { readonly name:
  RtnetlinkGroup; readonly doc: string } | undefined>> = {
  1: { name: "link", doc: "Links that come, change or go." },
  5: { name: "ipv4-ifaddr", doc: "IPv4 addresses of this host." },
  7: { name: "ipv4-route", doc: "IPv4 routes." },
  8: { name: "ipv4-rule", doc: "IPv4 rules." },
  9: { name: "ipv6-ifaddr", doc: "IPv6 addresses of this host." },
  11: { name: "ipv6-route", doc: "IPv6 routes." },
  19: { name: "ipv6-rule", doc: "IPv6 rules." },
};

/** Layout of the struct `ifinfomsg`. */
export const IFINFOMSG: StructPolicy<Ifinfomsg> = { name: "ifinfomsg", length: 16, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "type", kind: "u16", offset: 2 },
  { key: "index", kind: "s32", offset: 4 },
  { key: "flags", kind: "u32", offset: 8 },
  { key: "change", kind: "u32", offset: 12 },
] };

/** The struct `ifinfomsg`. A link. */
export interface Ifinfomsg {
  /** Always 0. */
  readonly family: number;
  /** Hardware: 1 Ethernet, 772 loopback, 65534 none. */
  readonly type: number;
  /** Its index; 0 in a request for all. */
  readonly index: number;
  /** Its flags. See {@linkcode LINK_FLAGS}. */
  readonly flags: number;
  /** Those of them that changed. */
  readonly change: number;
}

/** Layout of the struct `ifaddrmsg`. */
export const IFADDRMSG: StructPolicy<Ifaddrmsg> = { name: "ifaddrmsg", length: 8, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "prefixlen", kind: "u8", offset: 1 },
  { key: "flags", kind: "u8", offset: 2 },
  { key: "scope", kind: "u8", offset: 3 },
  { key: "index", kind: "u32", offset: 4 },
] };

/** The struct `ifaddrmsg`. An address of this host. */
export interface Ifaddrmsg {
  /** 2 (AF_INET) or 10 (AF_INET6); 0 in a request: both. */
  readonly family: number;
  /** Length of its prefix in bits. */
  readonly prefixlen: number;
  /** The lower 8 of its flags. */
  readonly flags: number;
  /** How far it goes. See {@linkcode SCOPES}. */
  readonly scope: number;
  /** Index of its link. */
  readonly index: number;
}

/** Layout of the struct `rtmsg`. */
export const RTMSG: StructPolicy<Rtmsg> = { name: "rtmsg", length: 12, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "dstLen", kind: "u8", offset: 1 },
  { key: "srcLen", kind: "u8", offset: 2 },
  { key: "tos", kind: "u8", offset: 3 },
  { key: "table", kind: "u8", offset: 4 },
  { key: "protocol", kind: "u8", offset: 5 },
  { key: "scope", kind: "u8", offset: 6 },
  { key: "type", kind: "u8", offset: 7 },
  { key: "flags", kind: "u32", offset: 8 },
] };

/** The struct `rtmsg`. A route, or what a route is asked for. */
export interface Rtmsg {
  /** 2 (AF_INET) or 10 (AF_INET6). */
  readonly family: number;
  /** Length of the destination's prefix in bits. */
  readonly dstLen: number;
  /** Length of the source's prefix in bits. */
  readonly srcLen: number;
  /** Type of service. */
  readonly tos: number;
  /** The lower 8 bits of the table's number, or 252. */
  readonly table: number;
  /** Who made it: 2 the kernel, 3 at boot, 4 an administrator. */
  readonly protocol: number;
  /** How far it goes. See {@linkcode SCOPES}. */
  readonly scope: number;
  /** What it does with packets. See {@linkcode ROUTE_TYPES}. */
  readonly type: number;
  /** How it is asked for. See {@linkcode ROUTE_FLAGS}. */
  readonly flags: number;
}

/** Layout of the struct `fib-rule-hdr`. */
export const FIB_RULE_HDR: StructPolicy<FibRuleHdr> = { name: "fib-rule-hdr", length: 12, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "dstLen", kind: "u8", offset: 1 },
  { key: "srcLen", kind: "u8", offset: 2 },
  { key: "tos", kind: "u8", offset: 3 },
  { key: "table", kind: "u8", offset: 4 },
  { key: "action", kind: "u8", offset: 7 },
  { key: "flags", kind: "u32", offset: 8 },
] };

/** The struct `fib-rule-hdr`. A rule. */
export interface FibRuleHdr {
  /** 2 (AF_INET) or 10 (AF_INET6); 0 in a request: all. */
  readonly family: number;
  /** Length of the destination's prefix in bits. */
  readonly dstLen: number;
  /** Length of the source's prefix in bits. */
  readonly srcLen: number;
  /** Type of service that it is for; 0: any. */
  readonly tos: number;
  /** The lower 8 bits of the table's number, or 252. */
  readonly table: number;
  /** What it does. See {@linkcode RULE_ACTIONS}. */
  readonly action: number;
  /** Bit 1: it is for what it does not describe. */
  readonly flags: number;
}

/** Layout of the struct `ndmsg`. */
export const NDMSG: StructPolicy<Ndmsg> = { name: "ndmsg", length: 12, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "index", kind: "s32", offset: 4 },
  { key: "state", kind: "u16", offset: 8 },
  { key: "flags", kind: "u8", offset: 10 },
  { key: "type", kind: "u8", offset: 11 },
] };

/** The struct `ndmsg`. A neighbour. */
export interface Ndmsg {
  /** 2 (AF_INET) or 10 (AF_INET6); 0 in a request: all. */
  readonly family: number;
  /** Index of the link that it is on. */
  readonly index: number;
  /** Its state. See {@linkcode NEIGHBOUR_STATES}. */
  readonly state: number;
  /** Its flags. */
  readonly flags: number;
  /** Type of its address, as in rtmsg. */
  readonly type: number;
}

/** Table of the set `link`. */
export const LINK: AttrSet<LinkAttrs> = { name: "link", attrs: [
  undefined, undefined, undefined, { type: 3, name: "ifname", key: "ifname", kind: "string" },
  { type: 4, name: "mtu", key: "mtu", kind: "u32" },
  undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, { type: 16, name: "operstate", key: "operstate", kind: "u8" },
  undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, { type: 29, name: "ext-mask", key: "extMask", kind: "u32" },
  undefined, undefined, undefined, { type: 33, name: "carrier", key: "carrier", kind: "u8" },
] };

/** Attributes of the set `link`. Properties of a link. */
export interface LinkAttrs {
  /** Its name. */
  readonly ifname?: string | undefined;
  /** Its MTU in bytes. */
  readonly mtu?: number | undefined;
  /** Its operational state. See {@linkcode LINK_STATES}. */
  readonly operstate?: number | undefined;
  /** What an answer has, in a request; 8: no statistics. */
  readonly extMask?: number | undefined;
  /** 1 if it has a carrier. */
  readonly carrier?: number | undefined;
}

/** Table of the set `address`. */
export const ADDRESS: AttrSet<AddressAttrs> = { name: "address", attrs: [
  undefined, { type: 1, name: "address", key: "address", kind: "binary" },
  { type: 2, name: "local", key: "local", kind: "binary" },
  undefined, undefined, undefined, undefined, undefined, { type: 8, name: "flags", key: "flags", kind: "u32" },
] };

/** Attributes of the set `address`. Properties of an address. */
export interface AddressAttrs {
  /** The address; with a peer, that of the peer. */
  readonly address?: Uint8Array | undefined;
  /** The address of this host; absent in IPv6 without peer. */
  readonly local?: Uint8Array | undefined;
  /** All its flags. See {@linkcode ADDRESS_FLAGS}. */
  readonly flags?: number | undefined;
}

/** Table of the set `route`. */
export const ROUTE: AttrSet<RouteAttrs> = { name: "route", attrs: [
  undefined, { type: 1, name: "dst", key: "dst", kind: "binary" },
  { type: 2, name: "src", key: "src", kind: "binary" },
  undefined, { type: 4, name: "oif", key: "oif", kind: "u32" },
  { type: 5, name: "gateway", key: "gateway", kind: "binary" },
  { type: 6, name: "priority", key: "priority", kind: "u32" },
  { type: 7, name: "prefsrc", key: "prefsrc", kind: "binary" },
  undefined, undefined, undefined, undefined, undefined, undefined, undefined, { type: 15, name: "table", key: "table", kind: "u32" },
  undefined, undefined, { type: 18, name: "via", key: "via", kind: "binary" },
  undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, { type: 27, name: "ip-proto", key: "ipProto", kind: "u8" },
] };

/**
 * Attributes of the set `route`. Properties of a route, or of what a route is
 * asked for.
 */
export interface RouteAttrs {
  /** Destination. */
  readonly dst?: Uint8Array | undefined;
  /** Source. */
  readonly src?: Uint8Array | undefined;
  /** Index of the link by which packets leave. */
  readonly oif?: number | undefined;
  /** Gateway of the same family. */
  readonly gateway?: Uint8Array | undefined;
  /** Metric. */
  readonly priority?: number | undefined;
  /** Source of packets that have none. */
  readonly prefsrc?: Uint8Array | undefined;
  /** Number of the table; 254: main, 255: local. */
  readonly table?: number | undefined;
  /** Gateway of another family: 2 bytes of family, then its address. */
  readonly via?: Uint8Array | undefined;
  /** Protocol on top of IP, for rules; 6: TCP. Since Linux 4.18. */
  readonly ipProto?: number | undefined;
}

/** Table of the set `rule`. */
export const RULE: AttrSet<RuleAttrs> = { name: "rule", attrs: [
  undefined, { type: 1, name: "dst", key: "dst", kind: "binary" },
  { type: 2, name: "src", key: "src", kind: "binary" },
  { type: 3, name: "iifname", key: "iifname", kind: "string" },
  { type: 4, name: "goto", key: "goto", kind: "u32" },
  undefined, { type: 6, name: "priority", key: "priority", kind: "u32" },
  undefined, undefined, undefined, { type: 10, name: "fwmark", key: "fwmark", kind: "u32" },
  undefined, { type: 12, name: "tun-id", key: "tunId", kind: "u64", bigEndian: true },
  undefined, undefined, { type: 15, name: "table", key: "table", kind: "u32" },
  { type: 16, name: "fwmask", key: "fwmask", kind: "u32" },
  { type: 17, name: "oifname", key: "oifname", kind: "string" },
  undefined, { type: 19, name: "l3mdev", key: "l3mdev", kind: "u8" },
  { type: 20, name: "uid-range", key: "uidRange", kind: "binary" },
  undefined, { type: 22, name: "ip-proto", key: "ipProto", kind: "u8" },
  { type: 23, name: "sport-range", key: "sportRange", kind: "binary" },
  { type: 24, name: "dport-range", key: "dportRange", kind: "binary" },
  { type: 25, name: "dscp", key: "dscp", kind: "u8" },
  { type: 26, name: "flowlabel", key: "flowlabel", kind: "u32", bigEndian: true },
] };

/** Attributes of the set `rule`. Properties of a rule. */
export interface RuleAttrs {
  /** Destination. */
  readonly dst?: Uint8Array | undefined;
  /** Source. */
  readonly src?: Uint8Array | undefined;
  /** Link by which packets come, lo for those of this host. */
  readonly iifname?: string | undefined;
  /** Priority of the rule to go on with. */
  readonly goto?: number | undefined;
  /** Its priority: the lowest number comes first; absent: 0. */
  readonly priority?: number | undefined;
  /** Mark of packets. */
  readonly fwmark?: number | undefined;
  /** Number of a tunnel. */
  readonly tunId?: bigint | undefined;
  /** Number of the table. */
  readonly table?: number | undefined;
  /** Bits of the mark that count. */
  readonly fwmask?: number | undefined;
  /** Link that a socket is bound to. */
  readonly oifname?: string | undefined;
  /** 1: the table is that of a VRF. */
  readonly l3mdev?: number | undefined;
  /** First and last user id of sockets, u32 each. */
  readonly uidRange?: Uint8Array | undefined;
  /** Protocol on top of IP. */
  readonly ipProto?: number | undefined;
  /** First and last source port, u16 each. */
  readonly sportRange?: Uint8Array | undefined;
  /** First and last destination port, u16 each. */
  readonly dportRange?: Uint8Array | undefined;
  /** DSCP of packets. */
  readonly dscp?: number | undefined;
  /** Flow label of IPv6. */
  readonly flowlabel?: number | undefined;
}

/** Table of the set `neighbour`. */
export const NEIGHBOUR: AttrSet<NeighbourAttrs> = { name: "neighbour", attrs: [
  undefined, { type: 1, name: "dst", key: "dst", kind: "binary" },
] };

/** Attributes of the set `neighbour`. Properties of a neighbour. */
export interface NeighbourAttrs {
  /** Its IP address. */
  readonly dst?: Uint8Array | undefined;
}

/** The name of a message. */
export type MessageName = "getlink" | "getaddr" | "getroute" | "getneigh" |
  "getrule" | "newlink" | "dellink" | "newaddr" | "deladdr" | "newroute" |
  "delroute" | "newneigh" | "newrule" | "delrule";

/** The messages, in the order of the specification. */
export const MESSAGES: {
  /** Ask for one link, by index or name, or with NLM_F_DUMP for all. */
  readonly "getlink": MessagePolicy<Ifinfomsg, Pick<LinkAttrs, "ifname" |
    "extMask">>;
  /** Ask for all addresses. */
  readonly "getaddr": MessagePolicy<Ifaddrmsg, Pick<AddressAttrs, never>>;
  /** Ask for the route to a destination. */
  readonly "getroute": MessagePolicy<Rtmsg, Pick<RouteAttrs, "dst" | "src" |
    "oif" | "table" | "ipProto">>;
  /** Ask for all neighbours. */
  readonly "getneigh": MessagePolicy<Ndmsg, Pick<NeighbourAttrs, never>>;
  /** Ask for all rules. */
  readonly "getrule": MessagePolicy<FibRuleHdr, Pick<RuleAttrs, never>>;
  /** A link, as the answer to getlink. */
  readonly "newlink": MessagePolicy<Ifinfomsg, Pick<LinkAttrs, "ifname" |
    "mtu" | "operstate" | "carrier">>;
  /** A link that is gone, as its group is told. */
  readonly "dellink": MessagePolicy<Ifinfomsg, Pick<LinkAttrs, "ifname" |
    "mtu" | "operstate" | "carrier">>;
  /** An address, as the answer to getaddr. */
  readonly "newaddr": MessagePolicy<Ifaddrmsg, Pick<AddressAttrs, "address" |
    "local" | "flags">>;
  /** An address that is gone, as its group is told. */
  readonly "deladdr": MessagePolicy<Ifaddrmsg, Pick<AddressAttrs, "address" |
    "local" | "flags">>;
  /** A route, as the answer to getroute. */
  readonly "newroute": MessagePolicy<Rtmsg, Pick<RouteAttrs, "dst" | "src" |
    "oif" | "gateway" | "priority" | "prefsrc" | "table" | "via">>;
  /** A route that is gone, as its group is told. */
  readonly "delroute": MessagePolicy<Rtmsg, Pick<RouteAttrs, "dst" | "src" |
    "oif" | "gateway" | "priority" | "prefsrc" | "table" | "via">>;
  /** A neighbour, as the answer to getneigh. */
  readonly "newneigh": MessagePolicy<Ndmsg, Pick<NeighbourAttrs, "dst">>;
  /** A rule, as the answer to getrule. */
  readonly "newrule": MessagePolicy<FibRuleHdr, Pick<RuleAttrs, "dst" | "src"
    | "iifname" | "goto" | "priority" | "fwmark" | "tunId" | "table" | "fwmask"
    | "oifname" | "l3mdev" | "uidRange" | "ipProto" | "sportRange" |
    "dportRange" | "dscp" | "flowlabel">>;
  /** A rule that is gone, as its group is told. */
  readonly "delrule": MessagePolicy<FibRuleHdr, Pick<RuleAttrs, "dst" | "src"
    | "iifname" | "goto" | "priority" | "fwmark" | "tunId" | "table" | "fwmask"
    | "oifname" | "l3mdev" | "uidRange" | "ipProto" | "sportRange" |
    "dportRange" | "dscp" | "flowlabel">>;
} = {
  "getlink": { name: "getlink", type: 18, header: IFINFOMSG, set: LINK },
  "getaddr": { name: "getaddr", type: 22, header: IFADDRMSG, set: ADDRESS },
  "getroute": { name: "getroute", type: 26, header: RTMSG, set: ROUTE },
  "getneigh": { name: "getneigh", type: 30, header: NDMSG, set: NEIGHBOUR },
  "getrule": { name: "getrule", type: 34, header: FIB_RULE_HDR, set: RULE },
  "newlink": { name: "newlink", type: 16, header: IFINFOMSG, set: LINK },
  "dellink": { name: "dellink", type: 17, header: IFINFOMSG, set: LINK },
  "newaddr": { name: "newaddr", type: 20, header: IFADDRMSG, set: ADDRESS },
  "deladdr": { name: "deladdr", type: 21, header: IFADDRMSG, set: ADDRESS },
  "newroute": { name: "newroute", type: 24, header: RTMSG, set: ROUTE },
  "delroute": { name: "delroute", type: 25, header: RTMSG, set: ROUTE },
  "newneigh": { name: "newneigh", type: 28, header: NDMSG, set: NEIGHBOUR },
  "newrule": { name: "newrule", type: 32, header: FIB_RULE_HDR, set: RULE },
  "delrule": { name: "delrule", type: 33, header: FIB_RULE_HDR, set: RULE },
};
