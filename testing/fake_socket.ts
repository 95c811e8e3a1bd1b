/**
 * What the sockets of a {@linkcode FakeKernel} say of themselves: the structs
 * and attributes of `NETLINK_SOCK_DIAG`, as Linux 6.18 fills them in.
 *
 * @module
 */

import {
  MPTCP_INFO,
  MPTCP_SUBFLOW_FLAG_BKUP_LOC as BKUP_LOC,
  MPTCP_SUBFLOW_FLAG_BKUP_REM as BKUP_REM,
  MPTCP_SUBFLOW_FLAG_CONNECTED as CONNECTED,
  MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED as FULLY_ESTABLISHED,
  MPTCP_SUBFLOW_FLAG_JOIN_LOC as JOIN_LOC,
  MPTCP_SUBFLOW_FLAG_JOIN_REM as JOIN_REM,
  MPTCP_SUBFLOW_FLAG_MCAP_LOC as MCAP_LOC,
  MPTCP_SUBFLOW_FLAG_MCAP_REM as MCAP_REM,
  type MptcpInfo,
  TCP_INFO,
  type TcpInfo,
} from "../codec/sock_diag.gen.ts";
import type { StructPolicy } from "../codec/policy.ts";
import { AF_INET, familyOf } from "../codec/inet.ts";
import { encodeStruct } from "../codec/struct.ts";
import type {
  Connection,
  ConnectionFigures,
  SocketFigures,
  SocketState,
  SocketTimer,
  SubflowReading,
} from "../diag/connection.ts";
import { SOCKET_STATES } from "../diag/connection.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import type { Bytes } from "./fake_netlink.ts";

/** What a test says of any socket, in the words of `Diag`. */
export type FakeSocketFigures = Partial<
  Pick<
    SocketFigures,
    "state" | "inode" | "uid" | "receiveQueue" | "sendQueue"
  >
>;

/**
 * What a test says of a connection, in the words of
 * {@linkcode Connection}; what it does not say is as on a connection over which
 * nothing was sent.
 */
export type FakeConnectionFigures =
  & FakeSocketFigures
  & Partial<Pick<Connection, "fallback" | "remoteKeyReceived">>
  & ConnectionFigures;

/**
 * What a test says of a subflow, in the words of {@linkcode Subflow}; what it
 * does not say is as on a subflow over which nothing was sent.
 */
export type FakeSubflowFigures =
  & FakeSocketFigures
  & {
    /** Whether this host opened it. @default {as the command or test did} */
    readonly openedHere?: boolean;
    /** Whether the peer wants it as a spare. @default {false} */
    readonly backupByPeer?: boolean;
  }
  & Partial<
    Pick<
      SubflowReading,
      | "timer"
      | "timerExpiresMs"
      | "sendWindow"
      | "timeouts"
      | "timerRetransmits"
      | "rttUs"
      | "rttVarUs"
      | "minRttUs"
      | "rtoUs"
      | "backoff"
      | "congestionWindow"
      | "mss"
      | "pathMtu"
      | "unacked"
      | "lost"
      | "retransmits"
      | "bytesSent"
      | "bytesReceived"
      | "bytesAcked"
      | "bytesRetransmitted"
      | "deliveryRate"
      | "lastDataSentMs"
      | "lastDataReceivedMs"
      | "lastAckReceivedMs"
    >
  >;

/** A TCP socket of a {@linkcode FakeKernel} that is no subflow. */
export interface FakeSocket extends FakeSubflowFigures {
  /** The end on this host. */
  readonly local: SubflowAddress;
  /** The end on the peer. @default {none: it listens} */
  readonly remote?: SubflowAddress;
  /**
   * Whether its program asked for MPTCP. If it is connected, MPTCP was switched
   * off for it before its SYN. @default {false}
   */
  readonly mptcp?: boolean;
  /** Index of the device that it is bound to. @default {none} */
  readonly ifIndex?: number;
}

/** A socket as `NETLINK_SOCK_DIAG` shows it. */
export interface DiagSocket {
  readonly local: SubflowAddress;
  readonly remote: SubflowAddress;
  readonly state: SocketState;
  readonly cookie: number;
  readonly inode: number;
  readonly uid: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly ifIndex?: number;
  /** SYNs or segments that the running timer has sent again. */
  readonly timerRetransmits?: number;
  readonly timer?: SocketTimer;
  readonly timerExpiresMs?: number;
  /** `mptcp_info` or `tcp_info`. */
  readonly info: Bytes;
  /** With a subflow, and with a listener for MPTCP. */
  readonly ulp?: { readonly subflow?: DiagSubflow };
}

/** The nest that MPTCP puts below a TCP socket. */
export interface DiagSubflow {
  readonly tokenRem: number;
  readonly tokenLoc: number;
  readonly flags: number;
  readonly idRem: number;
  readonly idLoc: number;
  readonly relwriteSeq: number;
}

/** Length of `tcp_info` in Linux 6.18. */
export const TCP_INFO_LENGTH = 280;

/** The number of a state. */
export function stateNumber(state: SocketState): number {
  return SOCKET_STATES.indexOf(state);
}

/** Encodes numbers of a struct, of which those of 64 bits are bigints. */
function encodeNumbers<Values extends object>(
  policy: StructPolicy<Values>,
  numbers: { readonly [Key in keyof Values]?: number | undefined },
  length: number = policy.length,
): Bytes {
  const values = policy.members.flatMap(({ key, kind }) => {
    const value = numbers[key as keyof Values];
    if (value === undefined) return [];
    return [[key, kind === "u64" ? BigInt(value) : value]];
  });
  const bytes = new Uint8Array(length);
  bytes.set(encodeStruct(policy, Object.fromEntries(values)));
  return bytes;
}

const FALLBACK = 1;
const REMOTE_KEY_RECEIVED = 2;

/** `mptcp_diag_fill_info()` */
export function mptcpInfo(
  token: number,
  { fallback = false, remoteKeyReceived = !fallback, ...figures }:
    FakeConnectionFigures,
): Bytes {
  const flags = (fallback ? FALLBACK : 0) |
    (remoteKeyReceived ? REMOTE_KEY_RECEIVED : 0);
  return encodeNumbers<MptcpInfo>(MPTCP_INFO, {
    subflows: figures.extraSubflows,
    addAddrSignal: figures.addAddrSignal,
    addAddrAccepted: figures.addAddrAccepted,
    subflowsMax: figures.subflowsMax,
    addAddrSignalMax: figures.addAddrSignalMax,
    addAddrAcceptedMax: figures.addAddrAcceptedMax,
    flags,
    token,
    localAddrUsed: figures.localAddrUsed,
    localAddrMax: figures.localAddrMax,
    csumEnabled: Number(figures.checksums ?? false),
    retransmits: figures.retransmits,
    bytesRetrans: figures.bytesRetransmitted,
    bytesSent: figures.bytesSent,
    bytesReceived: figures.bytesReceived,
    bytesAcked: figures.bytesAcked ?? figures.bytesSent,
    subflowsTotal: figures.subflowsTotal,
    endpLaminarMax: figures.laminarMax,
    lastDataSent: figures.lastDataSentMs,
    lastDataRecv: figures.lastDataReceivedMs,
    lastAckRecv: figures.lastAckReceivedMs,
  });
}

/** `mptcp_info` of a listener. */
export function noMptcpInfo(): Bytes {
  return encodeNumbers<MptcpInfo>(MPTCP_INFO, {});
}

/** What `Diag` sees of a socket, whatever it is. */
export function common(
  cookie: number,
  {
    state = "established",
    inode = cookie,
    uid = 0,
    receiveQueue = 0,
    sendQueue = 0,
  }: FakeSocketFigures,
): Omit<DiagSocket, "local" | "remote" | "info"> {
  return { cookie, state, inode, uid, receiveQueue, sendQueue };
}

/** A socket that is no subflow. */
export function otherSocket(
  { local, remote, mptcp = false, ifIndex = 0, ...figures }: FakeSocket,
  cookie: number,
): DiagSocket {
  const isIPv4 = familyOf(local.address) === AF_INET;
  const { state = remote ? "established" : "listening" } = figures;
  const isListener = state === "listening";
  return {
    ...common(cookie, { ...figures, state }),
    local,
    remote: remote ?? { address: isIPv4 ? "0.0.0.0" : "::", port: 0 },
    ifIndex,
    ...timerOf(figures),
    info: isListener ? listenerInfo() : tcpInfo(figures),
    ...mptcp && { ulp: isListener ? {} : { subflow: unused(figures) } },
  };
}

function listenerInfo(): Bytes {
  const state = stateNumber("listening");
  return encodeNumbers(TCP_INFO, { state, sndCwnd: 10 }, TCP_INFO_LENGTH);
}

/** A subflow that MPTCP was switched off for. */
function unused({ bytesSent = 0 }: FakeSubflowFigures): DiagSubflow {
  const ids = { tokenRem: 0, tokenLoc: 0, idRem: 0, idLoc: 0 };
  return { ...ids, flags: CONNECTED, relwriteSeq: (bytesSent + 1) >>> 0 };
}

/** The timer of a socket, and what it repeats. */
export function timerOf(
  { timerRetransmits = 0, timer, timerExpiresMs }: FakeSubflowFigures,
): Pick<DiagSocket, "timerRetransmits" | "timer" | "timerExpiresMs"> {
  return {
    timerRetransmits,
    ...timer !== undefined && { timer },
    ...timerExpiresMs !== undefined && { timerExpiresMs },
  };
}

/** `tcp_get_info()` */
export function tcpInfo(figures: FakeSubflowFigures): Bytes {
  const { state = "established", openedHere = true, bytesSent = 0 } = figures;
  const isOpening = state === "syn-sent";
  const { rttUs = isOpening ? 0 : 1000 } = figures;
  return encodeNumbers<TcpInfo>(TCP_INFO, {
    state: stateNumber(state),
    retransmits: figures.timerRetransmits,
    backoff: figures.backoff,
    rto: figures.rtoUs ?? (isOpening ? 1_000_000 : 204_000),
    sndMss: figures.mss ?? (isOpening ? 524 : 1448),
    unacked: figures.unacked ?? (isOpening ? 1 : 0),
    lost: figures.lost,
    lastDataSent: figures.lastDataSentMs,
    lastDataRecv: figures.lastDataReceivedMs,
    lastAckRecv: figures.lastAckReceivedMs,
    pmtu: figures.pathMtu ?? 1500,
    rtt: rttUs,
    rttvar: figures.rttVarUs ?? (isOpening ? 250_000 : Math.floor(rttUs / 2)),
    sndCwnd: figures.congestionWindow ?? (isOpening ? 1 : 10),
    totalRetrans: figures.retransmits ?? figures.timerRetransmits,
    // The SYN or SYN-ACK of the peer acknowledges the SYN.
    bytesAcked: figures.bytesAcked ??
      bytesSent + (openedHere && !isOpening ? 1 : 0),
    bytesReceived: figures.bytesReceived,
    minRtt: figures.minRttUs ?? (isOpening ? 0xffff_ffff : rttUs),
    deliveryRate: figures.deliveryRate,
    bytesSent,
    bytesRetrans: figures.bytesRetransmitted,
    sndWnd: figures.sendWindow ?? (isOpening ? 0 : 65535),
    totalRto: figures.timeouts,
  }, TCP_INFO_LENGTH);
}

/** What the flags of a subflow depend on. */
interface FlagConditions {
  readonly isInitial: boolean;
  readonly openedHere: boolean;
  readonly isConnected: boolean;
  /** Whether the peer has sent its key. */
  readonly hasRemoteKey: boolean;
  /** Whether its connection is fully established. */
  readonly isFullyEstablished: boolean;
  readonly backup: boolean;
  readonly backupByPeer: boolean;
}

/** `subflow_get_info()` */
export function subflowFlags(
  {
    isInitial,
    openedHere,
    isConnected,
    hasRemoteKey,
    isFullyEstablished,
    backup,
    backupByPeer,
  }: FlagConditions,
): number {
  const [loc, rem] = isInitial ? [MCAP_LOC, MCAP_REM] : [JOIN_LOC, JOIN_REM];
  let flags = (openedHere ? loc : 0) | (backup ? BKUP_LOC : 0) |
    (backupByPeer ? BKUP_REM : 0);
  if (!isConnected) return flags;
  flags |= CONNECTED;
  if (!openedHere || !isInitial || hasRemoteKey) flags |= rem;
  if (hasRemoteKey && isFullyEstablished) flags |= FULLY_ESTABLISHED;
  return flags;
}
