// Generated from codec/spec/mptcp_pm.yaml by `deno task gen`. Do not edit.
// SHA-256 of the specification: a36c2bedc8ae55898393bf551a1ba4cb63ddb144d58bab2f3b0a23fe8ddc7c64
// deno-fmt-ignore-file

/**
 * Multipath TCP path management: endpoints and limits of the in-kernel path
 * manager, commands for path managers in user space, and connection events.
 * Everything concerns the network namespace in which the netlink socket was
 * opened.
 *
 * @module
 */

import type { AttrInput, AttrSet, EventPolicy, OpPolicy } from "./policy.ts";

/** Name of the generic-netlink family. */
export const MPTCP_PM_NAME = "mptcp_pm" as const;
/** Version of the family, for the message header. */
export const MPTCP_PM_VER = 1 as const;
/** Name of the multicast group to which nothing is sent. */
export const MPTCP_PM_CMD_GRP_NAME = "mptcp_pm_cmds" as const;
/** Name of the multicast group of the events. */
export const MPTCP_PM_EV_GRP_NAME = "mptcp_pm_events" as const;
/**
 * Add an endpoint to the table of the in-kernel path manager. Since Linux 5.7.
 */
export const MPTCP_PM_CMD_ADD_ADDR = 1 as const;
/**
 * Delete the endpoint with the id in addr and close its subflows.
 * Since Linux 5.7.
 */
export const MPTCP_PM_CMD_DEL_ADDR = 2 as const;
/** Read the endpoint with the id in addr, or dump all. Since Linux 5.7. */
export const MPTCP_PM_CMD_GET_ADDR = 3 as const;
/** Delete all endpoints and close their subflows. Since Linux 5.7. */
export const MPTCP_PM_CMD_FLUSH_ADDRS = 4 as const;
/** Change either limit or both, all or nothing. Since Linux 5.7. */
export const MPTCP_PM_CMD_SET_LIMITS = 5 as const;
/** Read both limits. Since Linux 5.7. */
export const MPTCP_PM_CMD_GET_LIMITS = 6 as const;
/**
 * Set backup and fullmesh of an endpoint, both at once and absolutely: a bit
 * that is not given is cleared. Since Linux 5.12.
 */
export const MPTCP_PM_CMD_SET_FLAGS = 7 as const;
/**
 * Announce a local address to the peer of a connection managed from user space.
 * Since Linux 5.19.
 */
export const MPTCP_PM_CMD_ANNOUNCE = 8 as const;
/**
 * Withdraw a local address from the peer of a connection managed from user
 * space. Since Linux 5.19.
 */
export const MPTCP_PM_CMD_REMOVE = 9 as const;
/**
 * Start to open a subflow of a connection managed from user space.
 * Since Linux 5.19.
 */
export const MPTCP_PM_CMD_SUBFLOW_CREATE = 10 as const;
/**
 * Close a subflow of a connection managed from user space. Since Linux 5.19.
 */
export const MPTCP_PM_CMD_SUBFLOW_DESTROY = 11 as const;
/** A connection was made. Since Linux 5.12. */
export const MPTCP_EVENT_CREATED = 1 as const;
/**
 * A connection is ready for further subflows: at once on the server, with the
 * first acknowledged data on the client. Since Linux 5.12.
 */
export const MPTCP_EVENT_ESTABLISHED = 2 as const;
/**
 * The application closed a connection; its subflows are not reported one by
 * one. Since Linux 5.12.
 */
export const MPTCP_EVENT_CLOSED = 3 as const;
/** The peer announced an address, accepted or not. Since Linux 5.12. */
export const MPTCP_EVENT_ANNOUNCED = 6 as const;
/**
 * The peer withdrew an address, one event for each identifier.
 * Since Linux 5.12.
 */
export const MPTCP_EVENT_REMOVED = 7 as const;
/** A subflow was added to a connection. Since Linux 5.12. */
export const MPTCP_EVENT_SUB_ESTABLISHED = 10 as const;
/** A subflow was closed or could not be opened. Since Linux 5.12. */
export const MPTCP_EVENT_SUB_CLOSED = 11 as const;
/**
 * The peer sent MP_PRIO for a subflow, even if that changed nothing.
 * Since Linux 5.12.
 */
export const MPTCP_EVENT_SUB_PRIORITY = 13 as const;
/**
 * An MPTCP socket started listening: of an application, or of an endpoint with
 * a port. Since Linux 6.2.
 */
export const MPTCP_EVENT_LISTENER_CREATED = 15 as const;
/**
 * An MPTCP socket stopped listening: of an application, or of an endpoint with
 * a port. Since Linux 6.2.
 */
export const MPTCP_EVENT_LISTENER_CLOSED = 16 as const;
/** Announce the address to the peer with ADD_ADDR. Since Linux 5.7. */
export const MPTCP_PM_ADDR_FLAG_SIGNAL = 1 as const;
/** Open an additional subflow from this address. Since Linux 5.7. */
export const MPTCP_PM_ADDR_FLAG_SUBFLOW = 2 as const;
/**
 * Ask the peer to use subflows of this endpoint only while no other subflow
 * works. Since Linux 5.7.
 */
export const MPTCP_PM_ADDR_FLAG_BACKUP = 4 as const;
/**
 * Open a subflow from this address to every known address of the peer.
 * Since Linux 5.15.
 */
export const MPTCP_PM_ADDR_FLAG_FULLMESH = 8 as const;
/**
 * The kernel made the endpoint by itself, for a local address that it picked
 * while answering ADD_ADDR. Since Linux 5.18.
 */
export const MPTCP_PM_ADDR_FLAG_IMPLICIT = 16 as const;
/**
 * Use this address as the source towards announced addresses, for one of them
 * per connection. Since Linux 6.18.
 */
export const MPTCP_PM_ADDR_FLAG_LAMINAR = 32 as const;
/**
 * The peer wants no further subflow to the address and port of the initial one.
 * Since Linux 6.17.
 */
export const MPTCP_PM_EV_FLAG_DENY_JOIN_ID0 = 1 as const;
/**
 * This host accepted the connection; absent on the host that opened it.
 * Since Linux 6.18.
 */
export const MPTCP_PM_EV_FLAG_SERVER_SIDE = 2 as const;
/** No reason was given. Since Linux 5.13. */
export const MPTCP_RST_EUNSPEC = 0 as const;
/** A peer found an error in the MPTCP options it received. Since Linux 5.13. */
export const MPTCP_RST_EMPTCP = 1 as const;
/** There are not enough resources for the subflow. Since Linux 5.13. */
export const MPTCP_RST_ERESOURCE = 2 as const;
/** A policy forbids the subflow. Since Linux 5.13. */
export const MPTCP_RST_EPROHIBIT = 3 as const;
/**
 * Too much data is outstanding, sent but not yet acknowledged at the connection
 * level. Since Linux 5.13.
 */
export const MPTCP_RST_EWQ2BIG = 4 as const;
/** The path performs too badly compared with the others. Since Linux 5.13. */
export const MPTCP_RST_EBADPERF = 5 as const;
/**
 * A middlebox between the hosts seems to interfere with MPTCP.
 * Since Linux 5.13.
 */
export const MPTCP_RST_EMIDDLEBOX = 6 as const;
/** Number of `family` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_FAMILY = 1 as const;
/** Number of `id` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_ID = 2 as const;
/** Number of `addr4` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_ADDR4 = 3 as const;
/** Number of `addr6` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_ADDR6 = 4 as const;
/** Number of `port` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_PORT = 5 as const;
/** Number of `flags` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_FLAGS = 6 as const;
/** Number of `if-idx` in {@linkcode ADDRESS}. */
export const MPTCP_PM_ADDR_ATTR_IF_IDX = 7 as const;
/** Number of `addr` in {@linkcode ENDPOINT}. */
export const MPTCP_PM_ENDPOINT_ADDR = 1 as const;
/** Number of `addr` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_ADDR = 1 as const;
/** Number of `rcv-add-addrs` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_RCV_ADD_ADDRS = 2 as const;
/** Number of `subflows` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_SUBFLOWS = 3 as const;
/** Number of `token` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_TOKEN = 4 as const;
/** Number of `loc-id` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_LOC_ID = 5 as const;
/** Number of `addr-remote` in {@linkcode ATTR}. */
export const MPTCP_PM_ATTR_ADDR_REMOTE = 6 as const;
/** Number of `token` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_TOKEN = 1 as const;
/** Number of `family` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_FAMILY = 2 as const;
/** Number of `loc-id` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_LOC_ID = 3 as const;
/** Number of `rem-id` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_REM_ID = 4 as const;
/** Number of `saddr4` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_SADDR4 = 5 as const;
/** Number of `saddr6` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_SADDR6 = 6 as const;
/** Number of `daddr4` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_DADDR4 = 7 as const;
/** Number of `daddr6` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_DADDR6 = 8 as const;
/** Number of `sport` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_SPORT = 9 as const;
/** Number of `dport` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_DPORT = 10 as const;
/** Number of `backup` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_BACKUP = 11 as const;
/** Number of `error` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_ERROR = 12 as const;
/** Number of `flags` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_FLAGS = 13 as const;
/** Number of `timeout` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_TIMEOUT = 14 as const;
/** Number of `if-idx` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_IF_IDX = 15 as const;
/** Number of `reset-reason` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_RESET_REASON = 16 as const;
/** Number of `reset-flags` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_RESET_FLAGS = 17 as const;
/** Number of `server-side` in {@linkcode EVENT_ATTR}. */
export const MPTCP_ATTR_SERVER_SIDE = 18 as const;

/** A name in {@linkcode ADDR_FLAGS}. */
export type AddrFlag = "signal" | "subflow" | "backup" | "fullmesh" |
  "implicit" | "laminar";

/**
 * What an endpoint may be used for. Some releases drop bits they do not know,
 * others (6.17) keep them without effect.
 */
export const ADDR_FLAGS: readonly (readonly [word: AddrFlag, bit: number])[] =
  [
  ["signal", MPTCP_PM_ADDR_FLAG_SIGNAL],
  ["subflow", MPTCP_PM_ADDR_FLAG_SUBFLOW],
  ["backup", MPTCP_PM_ADDR_FLAG_BACKUP],
  ["fullmesh", MPTCP_PM_ADDR_FLAG_FULLMESH],
  ["implicit", MPTCP_PM_ADDR_FLAG_IMPLICIT],
  ["laminar", MPTCP_PM_ADDR_FLAG_LAMINAR],
];

/** A name in {@linkcode EVENT_FLAGS}. */
export type EventFlag = "deny-join-id0" | "server-side";

/** Properties of a connection, in the events created and established. */
export const EVENT_FLAGS: readonly (readonly [word: EventFlag, bit: number])[]
  = [
  ["deny-join-id0", MPTCP_PM_EV_FLAG_DENY_JOIN_ID0],
  ["server-side", MPTCP_PM_EV_FLAG_SERVER_SIDE],
];

/** A name in {@linkcode RESET_REASONS}. */
export type ResetReason = "unspec" | "mptcp" | "resource" | "prohibit" |
  "wq2big" | "badperf" | "middlebox";

/** Why a subflow was reset, the reason codes of MP_TCPRST in RFC 8684. */
export const RESET_REASONS: Readonly<Record<number, { readonly name:
  ResetReason; readonly doc: string } | undefined>> = {
  0: { name: "unspec", doc: "No reason was given." },
  1: { name: "mptcp", doc: "A peer found an error in the MPTCP options it received." },
  2: { name: "resource", doc: "There are not enough resources for the subflow." },
  3: { name: "prohibit", doc: "A policy forbids the subflow." },
  4: { name: "wq2big", doc: "Too much data is outstanding, sent but not yet acknowledged at the connection level." },
  5: { name: "badperf", doc: "The path performs too badly compared with the others." },
  6: { name: "middlebox", doc: "A middlebox between the hosts seems to interfere with MPTCP." },
};

/** Table of the set `address`. */
export const ADDRESS: AttrSet<AddressAttrs> = { name: "address", attrs: [
  undefined, { type: 1, name: "family", key: "family", kind: "u16" },
  { type: 2, name: "id", key: "id", kind: "u8" },
  { type: 3, name: "addr4", key: "addr4", kind: "ipv4" },
  { type: 4, name: "addr6", key: "addr6", kind: "ipv6" },
  { type: 5, name: "port", key: "port", kind: "u16" },
  { type: 6, name: "flags", key: "flags", kind: "u32" },
  { type: 7, name: "if-idx", key: "ifIdx", kind: "s32" },
] };

/**
 * Attributes of the set `address`. One address, as an endpoint or as an end of
 * a subflow. Replies carry family, port, id and flags always, if-idx only if
 * there is one, and one of addr4 and addr6.
 */
export interface AddressAttrs {
  /**
   * Address family in host byte order, 2 (AF_INET) or 10 (AF_INET6). May be
   * absent where an id alone selects; if present, the address of that family
   * must be present too. Since Linux 5.7.
   */
  readonly family?: number | undefined;
  /**
   * Address identifier, 1 to 255. For add-addr 0 or absent lets the kernel
   * choose; elsewhere 0 stands for the address of the initial subflow.
   * Since Linux 5.7.
   */
  readonly id?: number | undefined;
  /** IPv4 address in network byte order, for family 2. Since Linux 5.7. */
  readonly addr4?: string | undefined;
  /**
   * IPv6 address in network byte order, exactly 16 bytes, for family 10.
   * Since Linux 5.7.
   */
  readonly addr6?: string | undefined;
  /**
   * TCP port in host byte order, unlike the ports of events. 0 or absent means
   * none: the port of the connection. Since Linux 5.7.
   */
  readonly port?: number | undefined;
  /**
   * Bits of addr-flags in host byte order. Absent means 0. See
   * {@linkcode ADDR_FLAGS}. Since Linux 5.7.
   */
  readonly flags?: number | undefined;
  /**
   * Index of the network interface that subflows of this address are bound to,
   * in host byte order. 0 or absent means none. Stored unchecked.
   * Since Linux 5.7.
   */
  readonly ifIdx?: number | undefined;
}

/** Table of the set `endpoint`. */
export const ENDPOINT: AttrSet<EndpointAttrs> = { name: "endpoint", attrs: [
  undefined, { type: 1, name: "addr", key: "addr", kind: "nest", nested: ADDRESS },
] };

/**
 * Attributes of the set `endpoint`. Top level of the commands that change the
 * endpoint table.
 */
export interface EndpointAttrs {
  /** The endpoint. Since Linux 5.7. */
  readonly addr?: AddressAttrs | undefined;
}

/** Table of the set `attr`. */
export const ATTR: AttrSet<AttrAttrs> = { name: "attr", attrs: [
  undefined, { type: 1, name: "addr", key: "addr", kind: "nest", nested: ADDRESS },
  { type: 2, name: "rcv-add-addrs", key: "rcvAddAddrs", kind: "u32" },
  { type: 3, name: "subflows", key: "subflows", kind: "u32" },
  { type: 4, name: "token", key: "token", kind: "u32" },
  { type: 5, name: "loc-id", key: "locId", kind: "u8" },
  { type: 6, name: "addr-remote", key: "addrRemote", kind: "nest", nested: ADDRESS },
] };

/** Attributes of the set `attr`. Top level of all other commands. */
export interface AttrAttrs {
  /** The endpoint, or the local end of a subflow. Since Linux 5.7. */
  readonly addr?: AddressAttrs | undefined;
  /**
   * Number of addresses announced by the peer that a connection accepts, in
   * host byte order. 0 at first; absent leaves it unchanged. The kernel has a
   * maximum, 8 up to 7.1, and names it when it refuses. Since Linux 5.7.
   */
  readonly rcvAddAddrs?: number | undefined;
  /**
   * Number of subflows that a connection may have besides its initial one, in
   * host byte order. 2 at first; absent leaves it unchanged. The kernel has a
   * maximum, 8 up to 7.1, and names it when it refuses. Since Linux 5.7.
   */
  readonly subflows?: number | undefined;
  /**
   * Token of a connection of this network namespace, in host byte order. The
   * connection must have been made while the path manager of user space was
   * selected. Since Linux 5.19.
   */
  readonly token?: number | undefined;
  /**
   * Identifier of a local address, 0 to 255. 0 is the address of the initial
   * subflow. Since Linux 5.19.
   */
  readonly locId?: number | undefined;
  /** The remote end of a subflow. Since Linux 5.19. */
  readonly addrRemote?: AddressAttrs | undefined;
}

/** Table of the set `event-attr`. */
export const EVENT_ATTR: AttrSet<EventAttrs> = { name: "event-attr", attrs: [
  undefined, { type: 1, name: "token", key: "token", kind: "u32" },
  { type: 2, name: "family", key: "family", kind: "u16" },
  { type: 3, name: "loc-id", key: "locId", kind: "u8" },
  { type: 4, name: "rem-id", key: "remId", kind: "u8" },
  { type: 5, name: "saddr4", key: "saddr4", kind: "ipv4" },
  { type: 6, name: "saddr6", key: "saddr6", kind: "ipv6" },
  { type: 7, name: "daddr4", key: "daddr4", kind: "ipv4" },
  { type: 8, name: "daddr6", key: "daddr6", kind: "ipv6" },
  { type: 9, name: "sport", key: "sport", kind: "u16", bigEndian: true },
  { type: 10, name: "dport", key: "dport", kind: "u16", bigEndian: true },
  { type: 11, name: "backup", key: "backup", kind: "u8" },
  { type: 12, name: "error", key: "error", kind: "u8" },
  { type: 13, name: "flags", key: "flags", kind: "u16" },
  { type: 14, name: "timeout", key: "timeout", kind: "u32" },
  { type: 15, name: "if-idx", key: "ifIdx", kind: "s32" },
  { type: 16, name: "reset-reason", key: "resetReason", kind: "u32" },
  { type: 17, name: "reset-flags", key: "resetFlags", kind: "u32" },
  { type: 18, name: "server-side", key: "serverSide", kind: "u8" },
] };

/**
 * Attributes of the set `event-attr`. Content of the events, flat. A reader
 * takes every attribute as optional and skips those it does not know.
 */
export interface EventAttrs {
  /**
   * Token of the connection on this host, in host byte order. Unique in its
   * network namespace at any one time. Since Linux 5.12.
   */
  readonly token?: number | undefined;
  /**
   * Family of the socket in host byte order, 2 (AF_INET) or 10 (AF_INET6). A
   * dual-stack server sees IPv4 clients as 10 with v4-mapped addresses.
   * Since Linux 5.12.
   */
  readonly family?: number | undefined;
  /**
   * Identifier of the local address, 0 for that of the initial subflow.
   * Since Linux 5.12.
   */
  readonly locId?: number | undefined;
  /**
   * Identifier of the remote address, 0 for that of the initial subflow and for
   * a subflow that could not be opened. Since Linux 5.12.
   */
  readonly remId?: number | undefined;
  /**
   * Local IPv4 address in network byte order, for family 2. Since Linux 5.12.
   */
  readonly saddr4?: string | undefined;
  /**
   * Local IPv6 address in network byte order, for family 10. Since Linux 5.12.
   */
  readonly saddr6?: string | undefined;
  /**
   * Remote IPv4 address in network byte order, for family 2. Since Linux 5.12.
   */
  readonly daddr4?: string | undefined;
  /**
   * Remote IPv6 address in network byte order, for family 10. Since Linux 5.12.
   */
  readonly daddr6?: string | undefined;
  /** Local TCP port in network byte order. Since Linux 5.12. */
  readonly sport?: number | undefined;
  /** Remote TCP port in network byte order. Since Linux 5.12. */
  readonly dport?: number | undefined;
  /**
   * 1 if the peer asked for backup priority on this subflow, else 0. The wish
   * of this host is not shown. Since Linux 5.12.
   */
  readonly backup?: number | undefined;
  /**
   * Positive errno of the subflow's socket, such as 111 for a refused
   * connection. Absent without an error. Since Linux 5.12.
   */
  readonly error?: number | undefined;
  /**
   * Bits of event-flags in host byte order. Absent means 0. See
   * {@linkcode EVENT_FLAGS}. Since Linux 5.12.
   */
  readonly flags?: number | undefined;
  /** A number that no kernel has ever sent. Since Linux 5.12. */
  readonly timeout?: number | undefined;
  /**
   * Index of the network interface that the subflow is bound to, in host byte
   * order. Absent if it is bound to none. Since Linux 5.12.
   */
  readonly ifIdx?: number | undefined;
  /**
   * Value of reset-reason in host byte order. Absent unless a reset with the
   * option MP_TCPRST was received. See {@linkcode RESET_REASONS}.
   * Since Linux 5.13.
   */
  readonly resetReason?: number | undefined;
  /**
   * Flags of MP_TCPRST in host byte order; 1 says that the reason is transient.
   * Present together with reset-reason. Since Linux 5.13.
   */
  readonly resetFlags?: number | undefined;
  /**
   * 1 if this host accepted the connection. Up to 6.17 always present and 0 on
   * the host that opened it, then absent there in favour of the bit server-side
   * of flags. Since Linux 5.19.
   */
  readonly serverSide?: number | undefined;
}

/** The name of a command. */
export type OpName = "add-addr" | "del-addr" | "get-addr" | "flush-addrs" |
  "set-limits" | "get-limits" | "set-flags" | "announce" | "remove" |
  "subflow-create" | "subflow-destroy";

/** The commands, in the order of the specification. */
export const OPS: {
  /**
   * Add an endpoint to the table of the in-kernel path manager. Needs in addr
   * the family and the address; id, port, flags and if-idx are optional. The
   * reply does not contain an id chosen by the kernel. Takes effect on open
   * connections at once. Needs CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly "add-addr": OpPolicy<Pick<AttrInput<EndpointAttrs>, "addr">>;
  /**
   * Delete the endpoint with the id in addr and close its subflows. An address
   * beside the id is ignored. With id 0 or none, no endpoint is deleted: the
   * initial subflows from the address given are closed. Needs CAP_NET_ADMIN.
   * Since Linux 5.7.
   */
  readonly "del-addr": OpPolicy<Pick<AttrInput<EndpointAttrs>, "addr">>;
  /**
   * Read the endpoint with the id in addr, or dump all. With token, which came
   * with 6.9, read instead the local addresses of a connection that is managed
   * from user space. Since Linux 5.7.
   */
  readonly "get-addr": OpPolicy<Pick<AttrInput<AttrAttrs>, "addr" | "token">,
    Pick<AttrAttrs, "addr">, Pick<AttrInput<AttrAttrs>, "token">>;
  /**
   * Delete all endpoints and close their subflows. Limits stay. An addr is
   * accepted and ignored. Needs CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly "flush-addrs": OpPolicy<Pick<AttrInput<EndpointAttrs>, never>>;
  /**
   * Change either limit or both, all or nothing. Connections that are open
   * notice at their next path-management step. Needs CAP_NET_ADMIN.
   * Since Linux 5.7.
   */
  readonly "set-limits": OpPolicy<Pick<AttrInput<AttrAttrs>, "rcvAddAddrs" |
    "subflows">>;
  /**
   * Read both limits. Attributes in the request are accepted and ignored.
   * Since Linux 5.7.
   */
  readonly "get-limits": OpPolicy<Pick<AttrInput<AttrAttrs>, never>,
    Pick<AttrAttrs, "rcvAddAddrs" | "subflows">>;
  /**
   * Set backup and fullmesh of an endpoint, both at once and absolutely: a bit
   * that is not given is cleared. The endpoint is the one with the id in addr
   * or, if a family is given, with the address. With token and addr-remote,
   * which came with 5.19, set instead the backup priority of the subflow
   * between the two addresses. Needs CAP_NET_ADMIN. Since Linux 5.12.
   */
  readonly "set-flags": OpPolicy<Pick<AttrInput<AttrAttrs>, "addr" | "token" |
    "addrRemote">>;
  /**
   * Announce a local address to the peer of a connection managed from user
   * space. Needs token and, in addr, the address, an id other than 0 and the
   * flag signal; port and if-idx are optional. No listening socket is opened.
   * Needs CAP_NET_ADMIN. Since Linux 5.19.
   */
  readonly "announce": OpPolicy<Pick<AttrInput<AttrAttrs>, "addr" | "token">>;
  /**
   * Withdraw a local address from the peer of a connection managed from user
   * space. Needs token and loc-id. The peer closes the subflows in question.
   * Needs CAP_NET_ADMIN. Since Linux 5.19.
   */
  readonly "remove": OpPolicy<Pick<AttrInput<AttrAttrs>, "token" | "locId">>;
  /**
   * Start to open a subflow of a connection managed from user space. Needs
   * token, addr with an address and addr-remote with an address and a port; id,
   * port, flags and if-idx of addr are optional. Success means that the attempt
   * has begun: its end is an event. Needs CAP_NET_ADMIN. Since Linux 5.19.
   */
  readonly "subflow-create": OpPolicy<Pick<AttrInput<AttrAttrs>, "addr" |
    "token" | "addrRemote">>;
  /**
   * Close a subflow of a connection managed from user space. Needs token and,
   * in addr as in addr-remote, the address and the port, written in the family
   * of the subflow's socket. Needs CAP_NET_ADMIN. Since Linux 5.19.
   */
  readonly "subflow-destroy": OpPolicy<Pick<AttrInput<AttrAttrs>, "addr" |
    "token" | "addrRemote">>;
} = {
  "add-addr": { name: "add-addr", cmd: MPTCP_PM_CMD_ADD_ADDR, set: ENDPOINT, admin: true, since: "5.7" },
  "del-addr": { name: "del-addr", cmd: MPTCP_PM_CMD_DEL_ADDR, set: ENDPOINT, admin: true, since: "5.7" },
  "get-addr": { name: "get-addr", cmd: MPTCP_PM_CMD_GET_ADDR, set: ATTR, admin: false, since: "5.7" },
  "flush-addrs": { name: "flush-addrs", cmd: MPTCP_PM_CMD_FLUSH_ADDRS, set: ENDPOINT, admin: true, since: "5.7" },
  "set-limits": { name: "set-limits", cmd: MPTCP_PM_CMD_SET_LIMITS, set: ATTR, admin: true, since: "5.7" },
  "get-limits": { name: "get-limits", cmd: MPTCP_PM_CMD_GET_LIMITS, set: ATTR, admin: false, since: "5.7" },
  "set-flags": { name: "set-flags", cmd: MPTCP_PM_CMD_SET_FLAGS, set: ATTR, admin: true, since: "5.12" },
  "announce": { name: "announce", cmd: MPTCP_PM_CMD_ANNOUNCE, set: ATTR, admin: true, since: "5.19" },
  "remove": { name: "remove", cmd: MPTCP_PM_CMD_REMOVE, set: ATTR, admin: true, since: "5.19" },
  "subflow-create": { name: "subflow-create", cmd: MPTCP_PM_CMD_SUBFLOW_CREATE, set: ATTR, admin: true, since: "5.19" },
  "subflow-destroy": { name: "subflow-destroy", cmd: MPTCP_PM_CMD_SUBFLOW_DESTROY, set: ATTR, admin: true, since: "5.19" },
};

/** The name of a event. */
export type EventName = "created" | "established" | "closed" | "announced" |
  "removed" | "sub-established" | "sub-closed" | "sub-priority" |
  "listener-created" | "listener-closed";

/** The events, in the order of the specification. */
export const EVENTS: {
  /**
   * A connection was made. A server sees it when the handshake completes, a
   * client when the peer has answered. Carries server-side and flags only where
   * they are not 0. Since Linux 5.12.
   */
  readonly "created": EventPolicy<Pick<EventAttrs, "token" | "serverSide" |
    "flags" | "family" | "saddr4" | "saddr6" | "daddr4" | "daddr6" | "sport" |
    "dport" | "locId" | "remId">>;
  /**
   * A connection is ready for further subflows: at once on the server, with the
   * first acknowledged data on the client. Since Linux 5.12.
   */
  readonly "established": EventPolicy<Pick<EventAttrs, "token" | "serverSide"
    | "flags" | "family" | "saddr4" | "saddr6" | "daddr4" | "daddr6" | "sport" |
    "dport" | "locId" | "remId">>;
  /**
   * The application closed a connection; its subflows are not reported one by
   * one. Comes without created if the connection fell back to TCP, and not at
   * all if the peer aborted it. Since Linux 5.12.
   */
  readonly "closed": EventPolicy<Pick<EventAttrs, "token">>;
  /**
   * The peer announced an address, accepted or not. The port is that of the
   * connection if the peer named none. Carries no family. Since Linux 5.12.
   */
  readonly "announced": EventPolicy<Pick<EventAttrs, "token" | "remId" |
    "dport" | "daddr4" | "daddr6">>;
  /**
   * The peer withdrew an address, one event for each identifier.
   * Since Linux 5.12.
   */
  readonly "removed": EventPolicy<Pick<EventAttrs, "token" | "remId">>;
  /**
   * A subflow was added to a connection. The initial subflow is not reported.
   * Since Linux 5.12.
   */
  readonly "sub-established": EventPolicy<Pick<EventAttrs, "token" | "family"
    | "saddr4" | "saddr6" | "daddr4" | "daddr6" | "sport" | "dport" | "locId" |
    "remId" | "backup" | "ifIdx" | "error">>;
  /**
   * A subflow was closed or could not be opened. Carries error if its socket
   * had one, and the reset attributes if the peer gave a reason.
   * Since Linux 5.12.
   */
  readonly "sub-closed": EventPolicy<Pick<EventAttrs, "token" | "family" |
    "saddr4" | "saddr6" | "daddr4" | "daddr6" | "sport" | "dport" | "locId" |
    "remId" | "backup" | "ifIdx" | "error" | "resetReason" | "resetFlags">>;
  /**
   * The peer sent MP_PRIO for a subflow, even if that changed nothing. Not seen
   * on the host that sent it. Since Linux 5.12.
   */
  readonly "sub-priority": EventPolicy<Pick<EventAttrs, "token" | "family" |
    "saddr4" | "saddr6" | "daddr4" | "daddr6" | "sport" | "dport" | "locId" |
    "remId" | "backup" | "ifIdx" | "error">>;
  /**
   * An MPTCP socket started listening: of an application, or of an endpoint
   * with a port. Belongs to no connection. Since Linux 6.2.
   */
  readonly "listener-created": EventPolicy<Pick<EventAttrs, "family" | "sport"
    | "saddr4" | "saddr6">>;
  /**
   * An MPTCP socket stopped listening: of an application, or of an endpoint
   * with a port. Belongs to no connection. Since Linux 6.2.
   */
  readonly "listener-closed": EventPolicy<Pick<EventAttrs, "family" | "sport"
    | "saddr4" | "saddr6">>;
} = {
  "created": { name: "created", cmd: MPTCP_EVENT_CREATED, set: EVENT_ATTR },
  "established": { name: "established", cmd: MPTCP_EVENT_ESTABLISHED, set: EVENT_ATTR },
  "closed": { name: "closed", cmd: MPTCP_EVENT_CLOSED, set: EVENT_ATTR },
  "announced": { name: "announced", cmd: MPTCP_EVENT_ANNOUNCED, set: EVENT_ATTR },
  "removed": { name: "removed", cmd: MPTCP_EVENT_REMOVED, set: EVENT_ATTR },
  "sub-established": { name: "sub-established", cmd: MPTCP_EVENT_SUB_ESTABLISHED, set: EVENT_ATTR },
  "sub-closed": { name: "sub-closed", cmd: MPTCP_EVENT_SUB_CLOSED, set: EVENT_ATTR },
  "sub-priority": { name: "sub-priority", cmd: MPTCP_EVENT_SUB_PRIORITY, set: EVENT_ATTR },
  "listener-created": { name: "listener-created", cmd: MPTCP_EVENT_LISTENER_CREATED, set: EVENT_ATTR },
  "listener-closed": { name: "listener-closed", cmd: MPTCP_EVENT_LISTENER_CLOSED, set: EVENT_ATTR },
};
