/**
 * The questions of `NETLINK_SOCK_DIAG`: MPTCP sockets, and the TCP sockets that
 * are their subflows.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import { HOST_LITTLE_ENDIAN, readU16, readU32 } from "../codec/bytes.ts";
import { DecodeError } from "../codec/decode_error.ts";
import { AF_INET, formatIPv4, formatIPv6 } from "../codec/inet.ts";
import type { StructPolicy } from "../codec/policy.ts";
import {
  INET_DIAG,
  INET_DIAG_MSG,
  type InetDiagReqAttrs,
  type InetDiagReqV2,
  MESSAGES,
  MPTCP_INFO,
  MPTCP_SUBFLOW_FLAG_BKUP_LOC as BKUP_LOC,
  MPTCP_SUBFLOW_FLAG_BKUP_REM as BKUP_REM,
  MPTCP_SUBFLOW_FLAG_JOIN_LOC as JOIN_LOC,
  MPTCP_SUBFLOW_FLAG_JOIN_REM as JOIN_REM,
  MPTCP_SUBFLOW_FLAG_MCAP_LOC as MCAP_LOC,
  SUBFLOW_FLAGS,
  type SubflowFlag,
  TCP_INFO,
} from "../codec/sock_diag.gen.ts";
import type { Question } from "../netlink/questions.ts";
import {
  type Connection,
  type ConnectionFigures,
  type Listener,
  SOCKET_STATES,
  type SocketEnd,
  type SocketFigures,
  type SocketState,
  type Subflow,
} from "./connection.ts";

/** Protocol of `socket()`. */
export const IPPROTO_MPTCP = 262 as const;
/** Protocol of `socket()`. */
export const IPPROTO_TCP = 6 as const;
/** Asks for `INET_DIAG_INFO`, with which comes `INET_DIAG_ULP_INFO`. */
export const EXT_INFO: number = 1 << (2 - 1);

const ENOENT = 2;
const FALLBACK = 1;
const REMOTE_KEY_RECEIVED = 2;
const KNOWN_FLAGS = SUBFLOW_FLAGS.reduce((bits, [, bit]) => bits | bit, 0);

/** An MPTCP socket that is no listener, without its subflows. */
export type MptcpSocket = Omit<Connection, "subflows" | "partial">;

/** A TCP socket under MPTCP. */
export interface SubflowSocket extends Subflow {
  /** Token of its connection on this host; 0: MPTCP is not in use. */
  readonly token: number;
}

/** Stands for a socket that was not asked for. */
export const OTHER: { readonly isOther: true } = { isOther: true };

/** Where the members of a struct are: decoding all of them takes longer. */
type Places<Values extends object> = {
  readonly [Key in keyof Values]-?: number;
};

function placesOf<Values extends object>(
  { members }: StructPolicy<Values>,
): Places<Values> {
  return Object.fromEntries(
    members.map(({ key, offset }) => [key, offset]),
  ) as Places<Values>;
}

const MSG = placesOf(INET_DIAG_MSG);
const MPTCP = placesOf(MPTCP_INFO);
const TCP = placesOf(TCP_INFO);

/** An unsigned integer of 64 bits, exact up to 2⁵³. */
function readSize(bytes: Uint8Array, at: number): number {
  const first = readU32(bytes, at);
  const second = readU32(bytes, at + 4);
  return HOST_LITTLE_ENDIAN
    ? second * 0x1_0000_0000 + first
    : first * 0x1_0000_0000 + second;
}

/** Reads members of a struct that may be shorter than it is known to be. */
class Info {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = bytes;
  }

  u8(at: number): number | undefined {
    return this.#bytes[at];
  }

  /**
   * @param least How long the struct is that has the member, where that of
   * older kernels ends with padding in its place.
   */
  u32(at: number, least: number = at + 4): number | undefined {
    return least > this.#bytes.length ? undefined : readU32(this.#bytes, at);
  }

  u64(at: number): number | undefined {
    return at + 8 > this.#bytes.length ? undefined : readSize(this.#bytes, at);
  }
}

/** Leaves out what the kernel does not report. */
function present<Values extends object>(
  values: { [Key in keyof Values]: Values[Key] | undefined },
): Values {
  for (const key in values) {
    if (values[key] === undefined) delete values[key];
  }
  return values as Values;
}

function endsOf(bytes: Uint8Array): { local: SocketEnd; remote: SocketEnd } {
  const format = bytes[MSG.family] === AF_INET ? formatIPv4 : formatIPv6;
  return {
    local: {
      address: format(bytes, MSG.src),
      port: readU16(bytes, MSG.sport, false),
    },
    remote: {
      address: format(bytes, MSG.dst),
      port: readU16(bytes, MSG.dport, false),
    },
  };
}

function figuresOf(bytes: Uint8Array): SocketFigures {
  return {
    state: stateOf(bytes),
    cookie: readSize(bytes, MSG.cookie0),
    inode: readU32(bytes, MSG.inode),
    uid: readU32(bytes, MSG.uid),
    receiveQueue: readU32(bytes, MSG.rqueue),
    sendQueue: readU32(bytes, MSG.wqueue),
    ifIndex: readU32(bytes, MSG.ifindex),
  };
}

function stateOf(bytes: Uint8Array): SocketState {
  return SOCKET_STATES[bytes[MSG.state]!] ?? "closed";
}

/** Throws if there is no whole header in front of the attributes. */
function attrsOf(bytes: Uint8Array) {
  if (bytes.length < INET_DIAG_MSG.length) {
    throw new DecodeError(
      `${bytes.length} bytes, but ${INET_DIAG_MSG.name} has ` +
        INET_DIAG_MSG.length,
      0,
    );
  }
  return decodeAttrs(INET_DIAG, bytes, INET_DIAG_MSG.length);
}

/** Decodes an MPTCP socket; {@linkcode OTHER}: it has no token. */
export function decodeMptcpSocket(
  bytes: Uint8Array,
): MptcpSocket | typeof OTHER {
  const info = new Info(attrsOf(bytes).info);
  const token = info.u32(MPTCP.token);
  if (!token) return OTHER;
  const flags = info.u32(MPTCP.flags)!;
  const checksums = info.u8(MPTCP.csumEnabled);
  return {
    token,
    ...endsOf(bytes),
    fallback: (flags & FALLBACK) !== 0,
    remoteKeyReceived: (flags & REMOTE_KEY_RECEIVED) !== 0,
    ...figuresOf(bytes),
    ...present<ConnectionFigures>({
      extraSubflows: info.u8(MPTCP.subflows),
      subflowsTotal: info.u8(MPTCP.subflowsTotal),
      subflowsMax: info.u8(MPTCP.subflowsMax),
      addAddrSignal: info.u8(MPTCP.addAddrSignal),
      addAddrAccepted: info.u8(MPTCP.addAddrAccepted),
      addAddrAcceptedMax: info.u8(MPTCP.addAddrAcceptedMax),
      addAddrSignalMax: info.u8(MPTCP.addAddrSignalMax),
      localAddrUsed: info.u8(MPTCP.localAddrUsed),
      localAddrMax: info.u8(MPTCP.localAddrMax),
      laminarMax: info.u8(MPTCP.endpLaminarMax),
      checksums: checksums === undefined ? undefined : checksums !== 0,
      bytesSent: info.u64(MPTCP.bytesSent),
      bytesReceived: info.u64(MPTCP.bytesReceived),
      bytesAcked: info.u64(MPTCP.bytesAcked),
      bytesRetransmitted: info.u64(MPTCP.bytesRetrans),
      retransmits: info.u32(MPTCP.retransmits, MPTCP.subflowsTotal),
      lastDataSentMs: info.u32(MPTCP.lastDataSent, MPTCP.lastAckRecv + 4),
      lastDataReceivedMs: info.u32(MPTCP.lastDataRecv),
      lastAckReceivedMs: info.u32(MPTCP.lastAckRecv),
    }),
  };
}

/**
 * Decodes a TCP socket.
 *
 * @param isWanted Whether to decode the subflow of a connection.
 * @returns {@linkcode OTHER}: it is not under MPTCP, or not wanted.
 */
export function decodeSubflow(
  bytes: Uint8Array,
  isWanted: (token: number) => boolean,
): SubflowSocket | typeof OTHER {
  const { info: infoBytes, ulpInfo } = attrsOf(bytes);
  const mptcp = ulpInfo?.mptcp;
  if (mptcp === undefined) return OTHER;
  const { tokenLoc: token = 0, flags = 0, idLoc = 0, idRem = 0 } = mptcp;
  if (!isWanted(token)) return OTHER;
  const info = new Info(infoBytes);
  const { local, remote } = endsOf(bytes);
  const rtt = info.u32(TCP.rtt);
  const isMeasured = rtt !== undefined && rtt !== 0;
  return {
    token,
    local: { ...local, id: idLoc },
    remote: { ...remote, id: idRem },
    initial: (flags & (JOIN_LOC | JOIN_REM)) === 0,
    openedHere: (flags & (JOIN_LOC | MCAP_LOC)) !== 0,
    backup: (flags & (BKUP_LOC | BKUP_REM)) !== 0,
    flags: flagsOf(flags),
    ...(flags & ~KNOWN_FLAGS) !== 0 &&
      { unknownFlags: (flags & ~KNOWN_FLAGS) >>> 0 },
    timerRetransmits: bytes[MSG.retrans]!,
    ...figuresOf(bytes),
    ...present<Partial<Subflow>>({
      rttUs: isMeasured ? rtt : undefined,
      rttVarUs: isMeasured ? info.u32(TCP.rttvar) : undefined,
      minRttUs: isMeasured ? info.u32(TCP.minRtt) : undefined,
      rtoUs: info.u32(TCP.rto),
      backoff: info.u8(TCP.backoff),
      congestionWindow: info.u32(TCP.sndCwnd),
      mss: info.u32(TCP.sndMss),
      pathMtu: info.u32(TCP.pmtu),
      unacked: info.u32(TCP.unacked),
      lost: info.u32(TCP.lost),
      retransmits: info.u32(TCP.totalRetrans),
      bytesSent: info.u64(TCP.bytesSent),
      bytesReceived: info.u64(TCP.bytesReceived),
      bytesAcked: info.u64(TCP.bytesAcked),
      bytesRetransmitted: info.u64(TCP.bytesRetrans),
      deliveryRate: info.u64(TCP.deliveryRate),
      lastDataSentMs: info.u32(TCP.lastDataSent),
      lastDataReceivedMs: info.u32(TCP.lastDataRecv),
      lastAckReceivedMs: info.u32(TCP.lastAckRecv),
    }),
  };
}

function flagsOf(bits: number): readonly SubflowFlag[] {
  return SUBFLOW_FLAGS.filter(([, bit]) => (bits & bit) !== 0)
    .map(([word]) => word);
}

/** Decodes a TCP socket that listens; {@linkcode OTHER}: not for MPTCP. */
export function decodeListener(bytes: Uint8Array): Listener | typeof OTHER {
  if (attrsOf(bytes).ulpInfo?.name !== "mptcp") return OTHER;
  const { receiveQueue, sendQueue, ...figures } = figuresOf(bytes);
  return {
    local: endsOf(bytes).local,
    ...figures,
    backlog: receiveQueue,
    backlogMax: sendQueue,
  };
}

const BY_FAMILY = {
  request: MESSAGES["sock-diag-by-family"],
  answer: MESSAGES["inet-diag-msg"].type,
};

/** MPTCP sockets. */
export const MPTCP_SOCKETS: Question<
  InetDiagReqV2,
  InetDiagReqAttrs,
  MptcpSocket | typeof OTHER
> = {
  name: "sock-diag-by-family",
  action: "list MPTCP connections",
  ...BY_FAMILY,
  decode: decodeMptcpSocket,
  hint: (errno) =>
    errno === ENOENT
      ? "the kernel cannot list MPTCP sockets: it is older than 5.9, or was " +
        "built without CONFIG_INET_MPTCP_DIAG, or the module mptcp_diag is " +
        "not there"
      : undefined,
};

/** TCP sockets under MPTCP, of the connections that are wanted. */
export function subflowSockets(
  isWanted: (token: number) => boolean,
): Question<InetDiagReqV2, InetDiagReqAttrs, SubflowSocket | typeof OTHER> {
  return {
    name: "sock-diag-by-family",
    action: "list subflows",
    ...BY_FAMILY,
    decode: (payload) => decodeSubflow(payload, isWanted),
  };
}

/** TCP sockets that listen for MPTCP. */
export const LISTENERS: Question<
  InetDiagReqV2,
  InetDiagReqAttrs,
  Listener | typeof OTHER
> = {
  name: "sock-diag-by-family",
  action: "list MPTCP listeners",
  ...BY_FAMILY,
  decode: decodeListener,
};
