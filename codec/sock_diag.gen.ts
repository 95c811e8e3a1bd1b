// Generated from codec/spec/sock_diag.yaml by `deno task gen`. Do not edit.
// SHA-256 of the specification: 30f1a431d133034de2bfae3fd43ff5536c40c7097d913d6a3ef22fdd9fe85036
// deno-fmt-ignore-file

/**
 * Sockets of the network namespace in which the netlink socket was opened:
 * MPTCP connections and the TCP sockets that are their subflows.
 *
 * @module
 */

import type { AttrSet, MessagePolicy, StructPolicy } from "./policy.ts";

/** Number of the netlink protocol. */
export const NETLINK_SOCK_DIAG = 4 as const;
/** The peer sent MP_CAPABLE, as on an initial subflow (M). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_MCAP_REM = 1 as const;
/** This host sent MP_CAPABLE to open the connection (m). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_MCAP_LOC = 2 as const;
/** The peer sent MP_JOIN, as on an additional subflow (J). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_JOIN_REM = 4 as const;
/** This host sent MP_JOIN to open the subflow (j). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_JOIN_LOC = 8 as const;
/** The peer asked for backup priority (B). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_BKUP_REM = 16 as const;
/** This host asked for backup priority (b). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_BKUP_LOC = 32 as const;
/**
 * The MPTCP handshake is confirmed by data, further subflows are possible (e).
 * Since Linux 5.7.
 */
export const MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED = 64 as const;
/** The TCP handshake of the subflow is done (c). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_CONNECTED = 128 as const;
/** A data sequence mapping is being received (v). Since Linux 5.7. */
export const MPTCP_SUBFLOW_FLAG_MAPVALID = 256 as const;
/** Number of `protocol` in {@linkcode INET_DIAG_REQ}. */
export const INET_DIAG_REQ_PROTOCOL = 3 as const;
/** Number of `token-rem` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_TOKEN_REM = 1 as const;
/** Number of `token-loc` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_TOKEN_LOC = 2 as const;
/** Number of `relwrite-seq` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ = 3 as const;
/** Number of `map-seq` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_MAP_SEQ = 4 as const;
/** Number of `map-sfseq` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_MAP_SFSEQ = 5 as const;
/** Number of `ssn-offset` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_SSN_OFFSET = 6 as const;
/** Number of `map-datalen` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_MAP_DATALEN = 7 as const;
/** Number of `flags` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_FLAGS = 8 as const;
/** Number of `id-rem` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_ID_REM = 9 as const;
/** Number of `id-loc` in {@linkcode SUBFLOW_ATTRIBUTE}. */
export const MPTCP_SUBFLOW_ATTR_ID_LOC = 10 as const;
/** Number of `name` in {@linkcode INET_ULP_INFO}. */
export const INET_ULP_INFO_NAME = 1 as const;
/** Number of `mptcp` in {@linkcode INET_ULP_INFO}. */
export const INET_ULP_INFO_MPTCP = 3 as const;
/** Number of `info` in {@linkcode INET_DIAG}. */
export const INET_DIAG_INFO = 2 as const;
/** Number of `mark` in {@linkcode INET_DIAG}. */
export const INET_DIAG_MARK = 15 as const;
/** Number of `ulp-info` in {@linkcode INET_DIAG}. */
export const INET_DIAG_ULP_INFO = 19 as const;

/** A name in {@linkcode SUBFLOW_FLAGS}. */
export type SubflowFlag = "mcap-rem" | "mcap-loc" | "join-rem" | "join-loc" |
  "bkup-rem" | "bkup-loc" | "fully-established" | "connected" | "mapvalid";

/** State of a subflow; in parentheses the letter that ss prints. */
export const SUBFLOW_FLAGS: readonly
  (readonly [word: SubflowFlag, bit: number])[] = [
  ["mcap-rem", MPTCP_SUBFLOW_FLAG_MCAP_REM],
  ["mcap-loc", MPTCP_SUBFLOW_FLAG_MCAP_LOC],
  ["join-rem", MPTCP_SUBFLOW_FLAG_JOIN_REM],
  ["join-loc", MPTCP_SUBFLOW_FLAG_JOIN_LOC],
  ["bkup-rem", MPTCP_SUBFLOW_FLAG_BKUP_REM],
  ["bkup-loc", MPTCP_SUBFLOW_FLAG_BKUP_LOC],
  ["fully-established", MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED],
  ["connected", MPTCP_SUBFLOW_FLAG_CONNECTED],
  ["mapvalid", MPTCP_SUBFLOW_FLAG_MAPVALID],
];

/** Layout of the struct `inet-diag-req-v2`. */
export const INET_DIAG_REQ_V2: StructPolicy<InetDiagReqV2> = { name: "inet-diag-req-v2", length: 56, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "protocol", kind: "u8", offset: 1 },
  { key: "ext", kind: "u8", offset: 2 },
  { key: "states", kind: "u32", offset: 4 },
  { key: "sport", kind: "u16", offset: 8, bigEndian: true },
  { key: "dport", kind: "u16", offset: 10, bigEndian: true },
  { key: "src", kind: "binary", offset: 12, length: 16 },
  { key: "dst", kind: "binary", offset: 28, length: 16 },
  { key: "ifindex", kind: "u32", offset: 44 },
  { key: "cookie0", kind: "u32", offset: 48 },
  { key: "cookie1", kind: "u32", offset: 52 },
] };

/** The struct `inet-diag-req-v2`. Which sockets are asked for. */
export interface InetDiagReqV2 {
  /** 2 (AF_INET) or 10 (AF_INET6). */
  readonly family: number;
  /** 6 (TCP); without effect beside the attribute protocol. */
  readonly protocol: number;
  /** Bit n - 1 asks for the attribute n; that of info also for ulp-info. */
  readonly ext: number;
  /** Bit n asks for sockets of the state n. */
  readonly states: number;
  /** Local port. */
  readonly sport: number;
  /** Remote port. */
  readonly dport: number;
  /** Local address, IPv4 in the first 4 bytes. */
  readonly src: Uint8Array;
  /** Remote address, IPv4 in the first 4 bytes. */
  readonly dst: Uint8Array;
  /** Device that the socket is bound to; 0: none. */
  readonly ifindex: number;
  /** Lower half of the number of the socket, or the token of a connection. */
  readonly cookie0: number;
  /** Higher half of the number of the socket. */
  readonly cookie1: number;
}

/** Layout of the struct `inet-diag-msg`. */
export const INET_DIAG_MSG: StructPolicy<InetDiagMsg> = { name: "inet-diag-msg", length: 72, isHeader: true, members: [
  { key: "family", kind: "u8", offset: 0 },
  { key: "state", kind: "u8", offset: 1 },
  { key: "timer", kind: "u8", offset: 2 },
  { key: "retrans", kind: "u8", offset: 3 },
  { key: "sport", kind: "u16", offset: 4, bigEndian: true },
  { key: "dport", kind: "u16", offset: 6, bigEndian: true },
  { key: "src", kind: "binary", offset: 8, length: 16 },
  { key: "dst", kind: "binary", offset: 24, length: 16 },
  { key: "ifindex", kind: "u32", offset: 40 },
  { key: "cookie0", kind: "u32", offset: 44 },
  { key: "cookie1", kind: "u32", offset: 48 },
  { key: "expires", kind: "u32", offset: 52 },
  { key: "rqueue", kind: "u32", offset: 56 },
  { key: "wqueue", kind: "u32", offset: 60 },
  { key: "uid", kind: "u32", offset: 64 },
  { key: "inode", kind: "u32", offset: 68 },
] };

/** The struct `inet-diag-msg`. One socket. */
export interface InetDiagMsg {
  /** 2 (AF_INET) or 10 (AF_INET6). */
  readonly family: number;
  /**
   * State of TCP: 1 ESTABLISHED to 11 CLOSING, of which 2 is SYN_SENT and 10
   * LISTEN.
   */
  readonly state: number;
  /** 0 none, 1 retransmission, 2 keepalive, 3 TIME_WAIT, 4 probe. */
  readonly timer: number;
  /** Retransmissions so far. */
  readonly retrans: number;
  /** Local port. */
  readonly sport: number;
  /** Remote port. */
  readonly dport: number;
  /** Local address, IPv4 in the first 4 bytes. */
  readonly src: Uint8Array;
  /** Remote address, IPv4 in the first 4 bytes. */
  readonly dst: Uint8Array;
  /** Device that the socket is bound to; 0: none. */
  readonly ifindex: number;
  /** Lower half of the number of the socket. */
  readonly cookie0: number;
  /** Higher half of the number of the socket. */
  readonly cookie1: number;
  /** Time left on the timer in ms. */
  readonly expires: number;
  /** Bytes to be read; of a listener its backlog. */
  readonly rqueue: number;
  /** Bytes not acknowledged; of a listener its greatest backlog. */
  readonly wqueue: number;
  /** Owner of the socket. */
  readonly uid: number;
  /** Inode of the socket in /proc/PID/fd; 0: closed by its program. */
  readonly inode: number;
}

/** Layout of the struct `mptcp-info`. */
export const MPTCP_INFO: StructPolicy<MptcpInfo> = { name: "mptcp-info", length: 96, members: [
  { key: "subflows", kind: "u8", offset: 0 },
  { key: "addAddrSignal", kind: "u8", offset: 1 },
  { key: "addAddrAccepted", kind: "u8", offset: 2 },
  { key: "subflowsMax", kind: "u8", offset: 3 },
  { key: "addAddrSignalMax", kind: "u8", offset: 4 },
  { key: "addAddrAcceptedMax", kind: "u8", offset: 5 },
  { key: "flags", kind: "u32", offset: 8 },
  { key: "token", kind: "u32", offset: 12 },
  { key: "writeSeq", kind: "u64", offset: 16 },
  { key: "sndUna", kind: "u64", offset: 24 },
  { key: "rcvNxt", kind: "u64", offset: 32 },
  { key: "localAddrUsed", kind: "u8", offset: 40 },
  { key: "localAddrMax", kind: "u8", offset: 41 },
  { key: "csumEnabled", kind: "u8", offset: 42 },
  { key: "retransmits", kind: "u32", offset: 44 },
  { key: "bytesRetrans", kind: "u64", offset: 48 },
  { key: "bytesSent", kind: "u64", offset: 56 },
  { key: "bytesReceived", kind: "u64", offset: 64 },
  { key: "bytesAcked", kind: "u64", offset: 72 },
  { key: "subflowsTotal", kind: "u8", offset: 80 },
  { key: "endpLaminarMax", kind: "u8", offset: 81 },
  { key: "lastDataSent", kind: "u32", offset: 84 },
  { key: "lastDataRecv", kind: "u32", offset: 88 },
  { key: "lastAckRecv", kind: "u32", offset: 92 },
] };

/** The struct `mptcp-info`. A connection. Older kernels send fewer members. */
export interface MptcpInfo {
  /**
   * Subflows but the initial one, those being opened included. Since Linux 5.9.
   */
  readonly subflows?: number | undefined;
  /** Addresses that this host announced. Since Linux 5.9. */
  readonly addAddrSignal?: number | undefined;
  /** Announced addresses that this host tried. Since Linux 5.9. */
  readonly addAddrAccepted?: number | undefined;
  /** The limit; 0 with a path manager in user space. Since Linux 5.9. */
  readonly subflowsMax?: number | undefined;
  /** Endpoints with the flag signal. Since Linux 5.9. */
  readonly addAddrSignalMax?: number | undefined;
  /** The limit; 0 with a path manager in user space. Since Linux 5.9. */
  readonly addAddrAcceptedMax?: number | undefined;
  /** Bit 0: fell back to TCP; bit 1: the peer sent its key. Since Linux 5.9. */
  readonly flags?: number | undefined;
  /** Token on this host; 0 for a listener. Since Linux 5.9. */
  readonly token?: number | undefined;
  /** Next data sequence number to write. Since Linux 5.9. */
  readonly writeSeq?: bigint | undefined;
  /** First one that is not acknowledged. Since Linux 5.9. */
  readonly sndUna?: bigint | undefined;
  /** Next one to receive. Since Linux 5.9. */
  readonly rcvNxt?: bigint | undefined;
  /** Endpoints with the flag subflow that were used. Since Linux 5.12. */
  readonly localAddrUsed?: number | undefined;
  /** Endpoints with the flag subflow. Since Linux 5.12. */
  readonly localAddrMax?: number | undefined;
  /** 1 if data has checksums. Since Linux 5.14. */
  readonly csumEnabled?: number | undefined;
  /**
   * Retransmissions in a row; before 6.5 padding, which is 0. Since Linux 6.5.
   */
  readonly retransmits?: number | undefined;
  /** Bytes sent again. Since Linux 6.5. */
  readonly bytesRetrans?: bigint | undefined;
  /** Bytes sent. Since Linux 6.5. */
  readonly bytesSent?: bigint | undefined;
  /** Bytes received. Since Linux 6.5. */
  readonly bytesReceived?: bigint | undefined;
  /** Bytes acknowledged by the peer. Since Linux 6.5. */
  readonly bytesAcked?: bigint | undefined;
  /** Subflows, the initial one while it lives. Since Linux 6.8. */
  readonly subflowsTotal?: number | undefined;
  /** Endpoints with the flag laminar. Since Linux 6.18. */
  readonly endpLaminarMax?: number | undefined;
  /**
   * Time since data was sent, in ms; in 6.8 and 6.9 padding, which is 0.
   * Since Linux 6.10.
   */
  readonly lastDataSent?: number | undefined;
  /** Time since data was received, in ms. Since Linux 6.10. */
  readonly lastDataRecv?: number | undefined;
  /** Time since the last ack, in ms. Since Linux 6.10. */
  readonly lastAckRecv?: number | undefined;
}

/** Layout of the struct `tcp-info`. */
export const TCP_INFO: StructPolicy<TcpInfo> = { name: "tcp-info", length: 242, members: [
  { key: "state", kind: "u8", offset: 0 },
  { key: "caState", kind: "u8", offset: 1 },
  { key: "retransmits", kind: "u8", offset: 2 },
  { key: "probes", kind: "u8", offset: 3 },
  { key: "backoff", kind: "u8", offset: 4 },
  { key: "rto", kind: "u32", offset: 8 },
  { key: "sndMss", kind: "u32", offset: 16 },
  { key: "unacked", kind: "u32", offset: 24 },
  { key: "lost", kind: "u32", offset: 32 },
  { key: "retrans", kind: "u32", offset: 36 },
  { key: "lastDataSent", kind: "u32", offset: 44 },
  { key: "lastDataRecv", kind: "u32", offset: 52 },
  { key: "lastAckRecv", kind: "u32", offset: 56 },
  { key: "pmtu", kind: "u32", offset: 60 },
  { key: "rtt", kind: "u32", offset: 68 },
  { key: "rttvar", kind: "u32", offset: 72 },
  { key: "sndCwnd", kind: "u32", offset: 80 },
  { key: "totalRetrans", kind: "u32", offset: 100 },
  { key: "pacingRate", kind: "u64", offset: 104 },
  { key: "bytesAcked", kind: "u64", offset: 120 },
  { key: "bytesReceived", kind: "u64", offset: 128 },
  { key: "segsOut", kind: "u32", offset: 136 },
  { key: "segsIn", kind: "u32", offset: 140 },
  { key: "minRtt", kind: "u32", offset: 148 },
  { key: "deliveryRate", kind: "u64", offset: 160 },
  { key: "bytesSent", kind: "u64", offset: 200 },
  { key: "bytesRetrans", kind: "u64", offset: 208 },
  { key: "sndWnd", kind: "u32", offset: 228 },
  { key: "totalRto", kind: "u16", offset: 240 },
] };

/**
 * The struct `tcp-info`. Part of what Linux knows about a TCP connection or a
 * subflow.
 */
export interface TcpInfo {
  /** State, as in inet-diag-msg. */
  readonly state?: number | undefined;
  /** 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss. */
  readonly caState?: number | undefined;
  /** Retransmissions in a row. */
  readonly retransmits?: number | undefined;
  /** Window probes in a row. */
  readonly probes?: number | undefined;
  /** How often the retransmission timeout was doubled. */
  readonly backoff?: number | undefined;
  /** Retransmission timeout in µs. */
  readonly rto?: number | undefined;
  /** Greatest segment that is sent, in bytes. */
  readonly sndMss?: number | undefined;
  /** Segments that are not acknowledged. */
  readonly unacked?: number | undefined;
  /** Segments that are thought to be lost. */
  readonly lost?: number | undefined;
  /** Segments sent again that are not acknowledged. */
  readonly retrans?: number | undefined;
  /** Time since data was sent, in ms. */
  readonly lastDataSent?: number | undefined;
  /** Time since data was received, in ms. */
  readonly lastDataRecv?: number | undefined;
  /** Time since the last ack, in ms. */
  readonly lastAckRecv?: number | undefined;
  /** MTU of the path, in bytes. */
  readonly pmtu?: number | undefined;
  /** Smoothed round-trip time in µs. */
  readonly rtt?: number | undefined;
  /** Deviation of the round-trip time in µs. */
  readonly rttvar?: number | undefined;
  /** Congestion window in segments. */
  readonly sndCwnd?: number | undefined;
  /** Segments sent again, in all. */
  readonly totalRetrans?: number | undefined;
  /** Rate at which segments are paced, in bytes/s; all bits set: not paced. */
  readonly pacingRate?: bigint | undefined;
  /** Bytes acknowledged by the peer; its SYN-ACK counts as 1. */
  readonly bytesAcked?: bigint | undefined;
  /** Bytes received. */
  readonly bytesReceived?: bigint | undefined;
  /** Segments sent. */
  readonly segsOut?: number | undefined;
  /** Segments received. */
  readonly segsIn?: number | undefined;
  /** Shortest round-trip time of late, in µs. */
  readonly minRtt?: number | undefined;
  /** Latest rate of delivery, in bytes/s. */
  readonly deliveryRate?: bigint | undefined;
  /** Bytes sent, those sent again included. Since Linux 4.19. */
  readonly bytesSent?: bigint | undefined;
  /** Bytes sent again. Since Linux 4.19. */
  readonly bytesRetrans?: bigint | undefined;
  /** Window that the peer offers, in bytes. Since Linux 5.4. */
  readonly sndWnd?: number | undefined;
  /** Retransmission timeouts, in all. Since Linux 6.7. */
  readonly totalRto?: number | undefined;
}

/** Table of the set `inet-diag-req`. */
export const INET_DIAG_REQ: AttrSet<InetDiagReqAttrs> = { name: "inet-diag-req", attrs: [
  undefined, undefined, undefined, { type: 3, name: "protocol", key: "protocol", kind: "u32" },
] };

/**
 * Attributes of the set `inet-diag-req`. Further conditions for the sockets
 * that are asked for.
 */
export interface InetDiagReqAttrs {
  /**
   * Protocol of the sockets, such as 262 (MPTCP), which the header has no room
   * for. Since Linux 5.9.
   */
  readonly protocol?: number | undefined;
}

/** Table of the set `subflow-attribute`. */
export const SUBFLOW_ATTRIBUTE: AttrSet<SubflowAttributeAttrs> = { name: "subflow-attribute", attrs: [
  undefined, { type: 1, name: "token-rem", key: "tokenRem", kind: "u32" },
  { type: 2, name: "token-loc", key: "tokenLoc", kind: "u32" },
  { type: 3, name: "relwrite-seq", key: "relwriteSeq", kind: "u32" },
  { type: 4, name: "map-seq", key: "mapSeq", kind: "u64" },
  { type: 5, name: "map-sfseq", key: "mapSfseq", kind: "u32" },
  { type: 6, name: "ssn-offset", key: "ssnOffset", kind: "u32" },
  { type: 7, name: "map-datalen", key: "mapDatalen", kind: "u16" },
  { type: 8, name: "flags", key: "flags", kind: "u32" },
  { type: 9, name: "id-rem", key: "idRem", kind: "u8" },
  { type: 10, name: "id-loc", key: "idLoc", kind: "u8" },
] };

/**
 * Attributes of the set `subflow-attribute`. State of a TCP socket that is a
 * subflow.
 */
export interface SubflowAttributeAttrs {
  /**
   * Token of the peer in host byte order. 0 except on subflows that this host
   * opened with MP_JOIN. Since Linux 5.7.
   */
  readonly tokenRem?: number | undefined;
  /**
   * Token of the connection on this host, in host byte order. 0 where MPTCP is
   * not in use. Since Linux 5.7.
   */
  readonly tokenLoc?: number | undefined;
  /**
   * Next sequence number to write, relative to the start of the subflow, in
   * host byte order. Needs CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly relwriteSeq?: number | undefined;
  /**
   * Connection-level sequence number of the latest mapping received, in host
   * byte order. Not aligned to 8 bytes. Needs CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly mapSeq?: bigint | undefined;
  /**
   * Subflow sequence number of the latest mapping received, in host byte order.
   * Needs CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly mapSfseq?: number | undefined;
  /**
   * Initial sequence number of the subflow in host byte order. Needs
   * CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly ssnOffset?: number | undefined;
  /**
   * Length in bytes of the latest mapping received, in host byte order. Needs
   * CAP_NET_ADMIN. Since Linux 5.7.
   */
  readonly mapDatalen?: number | undefined;
  /**
   * Bits in host byte order. See {@linkcode SUBFLOW_FLAGS}. Since Linux 5.7.
   */
  readonly flags?: number | undefined;
  /**
   * Address identifier of the remote end, 0 for the address of the initial
   * subflow. Since Linux 5.7.
   */
  readonly idRem?: number | undefined;
  /**
   * Address identifier of the local end, 0 for the address of the initial
   * subflow. Since Linux 5.7.
   */
  readonly idLoc?: number | undefined;
}

/** Table of the set `inet-ulp-info`. */
export const INET_ULP_INFO: AttrSet<InetUlpInfoAttrs> = { name: "inet-ulp-info", attrs: [
  undefined, { type: 1, name: "name", key: "name", kind: "string" },
  undefined, { type: 3, name: "mptcp", key: "mptcp", kind: "nest", nested: SUBFLOW_ATTRIBUTE },
] };

/**
 * Attributes of the set `inet-ulp-info`. The protocol on top of TCP. A listener
 * has the name only.
 */
export interface InetUlpInfoAttrs {
  /** Its name, such as mptcp or tls. */
  readonly name?: string | undefined;
  /** What MPTCP knows about the subflow. Since Linux 5.7. */
  readonly mptcp?: SubflowAttributeAttrs | undefined;
}

/** Table of the set `inet-diag`. */
export const INET_DIAG: AttrSet<InetDiagAttrs> = { name: "inet-diag", attrs: [
  undefined, undefined, { type: 2, name: "info", key: "info", kind: "binary" },
  undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, { type: 15, name: "mark", key: "mark", kind: "u32" },
  undefined, undefined, undefined, { type: 19, name: "ulp-info", key: "ulpInfo", kind: "nest", nested: INET_ULP_INFO },
] };

/**
 * Attributes of the set `inet-diag`. Properties of a socket, as far as they
 * were asked for.
 */
export interface InetDiagAttrs {
  /** An mptcp-info, or a tcp-info of a TCP socket. */
  readonly info?: Uint8Array | undefined;
  /** Mark of the packets. Needs CAP_NET_ADMIN. */
  readonly mark?: number | undefined;
  /**
   * The protocol on top of TCP; absent for plain TCP. Needs CAP_NET_ADMIN
   * before Linux 6.15.
   */
  readonly ulpInfo?: InetUlpInfoAttrs | undefined;
}

/** The name of a message. */
export type MessageName = "sock-diag-by-family" | "sock-destroy" |
  "inet-diag-msg";

/** The messages, in the order of the specification. */
export const MESSAGES: {
  /**
   * Ask for one socket or, with NLM_F_DUMP, for all that the header describes.
   * A kernel without MPTCP ends its dump with ENOENT.
   */
  readonly "sock-diag-by-family": MessagePolicy<InetDiagReqV2,
    Pick<InetDiagReqAttrs, "protocol">>;
  /** Close one TCP socket as if the peer had reset it. Needs CAP_NET_ADMIN. */
  readonly "sock-destroy": MessagePolicy<InetDiagReqV2,
    Pick<InetDiagReqAttrs, "protocol">>;
  /** One socket, as the answer to sock-diag-by-family. */
  readonly "inet-diag-msg": MessagePolicy<InetDiagMsg,
    Pick<InetDiagAttrs, "info" | "mark" | "ulpInfo">>;
} = {
  "sock-diag-by-family": { name: "sock-diag-by-family", type: 20, header: INET_DIAG_REQ_V2, set: INET_DIAG_REQ },
  "sock-destroy": { name: "sock-destroy", type: 21, header: INET_DIAG_REQ_V2, set: INET_DIAG_REQ },
  "inet-diag-msg": { name: "inet-diag-msg", type: 20, header: INET_DIAG_MSG, set: INET_DIAG },
};
