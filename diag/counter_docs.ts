/**
 * What the counters mean.
 *
 * @module
 */

/** The lines of `/proc/net/netstat` and `/proc/net/snmp` that counters are in. */
export type CounterGroup = "MPTcpExt" | "TcpExt" | "Ip" | "Tcp";

/** Which end of a connection a counter counts on. */
export type CounterSide = "connecting" | "accepting" | "both";

/** What is known of a counter. */
export interface CounterDoc {
  /** The line that it is in. */
  readonly group: CounterGroup;
  /** The end that begins connections or subflows, the other one, or both. */
  readonly side: CounterSide;
  /** One sentence, without its full stop. */
  readonly about: string;
  /** Whether it can go down: it is a number of now, not of what has happened. */
  readonly isGauge: boolean;
}

/** The `MPTcpExt` counters, of later kernels too. */
const MPTCP: Readonly<
  Record<string, readonly [side: CounterSide, about: string]>
> = {
  // The first subflow.
  MPCapableSYNRX: ["accepting", "SYNs with MP_CAPABLE received"],
  MPCapableSYNTX: ["connecting", "connections begun with MP_CAPABLE"],
  MPCapableSYNACKRX: [
    "connecting",
    "SYN-ACKs with MP_CAPABLE received: the peer speaks MPTCP",
  ],
  MPCapableACKRX: [
    "accepting",
    "third ACKs with MP_CAPABLE received: the handshake is complete",
  ],
  MPCapableFallbackACK: [
    "accepting",
    "third ACKs without MP_CAPABLE: the connection goes on as TCP",
  ],
  MPCapableFallbackSYNACK: [
    "connecting",
    "SYN-ACKs without MP_CAPABLE: the connection goes on as TCP",
  ],
  MPCapableSYNTXDrop: [
    "connecting",
    "connections that went on as TCP, since SYNs with MP_CAPABLE got lost",
  ],
  MPCapableSYNTXDisabled: [
    "connecting",
    "connections begun as TCP, since MPTCP was found to be blocked",
  ],
  MPCapableEndpAttempt: [
    "accepting",
    "SYNs with MP_CAPABLE refused: they came to the port of an endpoint",
  ],
  MPFallbackTokenInit: [
    "both",
    "connections that went on as TCP, since no token was free",
  ],
  MPTCPRetrans: ["both", "segments sent again, perhaps on another subflow"],
  // Further subflows.
  MPJoinNoTokenFound: [
    "accepting",
    "MP_JOINs for no connection of this host, or one that has ended",
  ],
  MPJoinSynRx: ["accepting", "SYNs with MP_JOIN received"],
  MPJoinSynBackupRx: [
    "accepting",
    "SYNs with MP_JOIN and the backup flag received",
  ],
  MPJoinSynAckRx: ["connecting", "SYN-ACKs with MP_JOIN received"],
  MPJoinSynAckBackupRx: [
    "connecting",
    "SYN-ACKs with MP_JOIN and the backup flag received",
  ],
  MPJoinSynAckHMacFailure: [
    "connecting",
    "SYN-ACKs with MP_JOIN whose HMAC was wrong",
  ],
  MPJoinSynAckNoMPJoin: ["connecting", "SYN-ACKs that lacked their MP_JOIN"],
  MPJoinAckRx: [
    "accepting",
    "third ACKs with MP_JOIN received: the subflow is there",
  ],
  MPJoinAckHMacFailure: [
    "accepting",
    "third ACKs with MP_JOIN whose HMAC was wrong",
  ],
  MPJoinAckNoMPJoin: ["accepting", "third ACKs that lacked their MP_JOIN"],
  MPJoinAckNoCtx: [
    "accepting",
    "third ACKs with MP_JOIN for a connection that has ended meanwhile",
  ],
  MPJoinNotEstablished: [
    "accepting",
    "MP_JOINs for a connection that is not fully established",
  ],
  MPJoinRejected: [
    "accepting",
    "MP_JOINs that the path manager refused: the limit of subflows",
  ],
  MPJoinSynTx: ["connecting", "SYNs with MP_JOIN sent"],
  MPJoinSynTxCreatSkErr: [
    "connecting",
    "subflows not opened: no socket could be made",
  ],
  MPJoinSynTxBindErr: [
    "connecting",
    "subflows not opened: their address is not on this host",
  ],
  MPJoinSynTxConnectErr: [
    "connecting",
    "subflows not opened: no route, or the device is down",
  ],
  MPJoinPortSynRx: ["accepting", "SYNs with MP_JOIN to another port received"],
  MPJoinPortSynAckRx: [
    "connecting",
    "SYN-ACKs with MP_JOIN from another port received",
  ],
  MPJoinPortAckRx: [
    "accepting",
    "third ACKs with MP_JOIN to another port received",
  ],
  MismatchPortSynRx: [
    "accepting",
    "SYNs with MP_JOIN to a port that was not announced",
  ],
  MismatchPortAckRx: [
    "accepting",
    "third ACKs with MP_JOIN to a port that was not announced",
  ],
  // Data.
  DSSNotMatching: ["both", "mappings of data that contradict the one before"],
  DSSCorruptionFallback: [
    "both",
    "connections that went on as TCP after corrupt mappings",
  ],
  DSSCorruptionReset: ["both", "subflows reset after corrupt mappings"],
  DSSNoMatchTCP: ["both", "mappings that contradict the TCP sequence numbers"],
  InfiniteMapTx: ["both", "infinite mappings sent: the end of MPTCP"],
  InfiniteMapRx: ["both", "infinite mappings received: the end of MPTCP"],
  DataCsumErr: ["both", "wrong checksums of data: something changed it"],
  OFOQueueTail: ["both", "segments put at the end of the queue of early ones"],
  OFOQueue: ["both", "segments that came before those in front of them"],
  OFOMerge: ["both", "early segments merged with another"],
  OFOPruned: ["both", "early segments dropped: the memory was full"],
  NoDSSInWindow: ["both", "segments outside of the receive window"],
  DuplicateData: ["both", "segments with data that was there already"],
  RcvPruned: ["both", "segments dropped: the receive buffer was full"],
  BacklogDrop: ["both", "segments dropped: too many waited for the socket"],
  SndWndShared: ["both", "times that subflows shared the send window"],
  RcvWndShared: ["both", "times that subflows shared the receive window"],
  RcvWndConflictUpdate: [
    "both",
    "receive windows updated, since another subflow had a later one",
  ],
  RcvWndConflict: [
    "both",
    "receive windows not updated, since another subflow was faster",
  ],
  WinProbe: ["both", "probes of a receive window that was closed"],
  // Addresses and priorities.
  AddAddr: ["both", "addresses that peers announced (ADD_ADDR)"],
  AddAddrTx: ["both", "addresses announced to peers (ADD_ADDR)"],
  AddAddrTxDrop: ["both", "announcements not sent for lack of room"],
  EchoAdd: ["both", "echoes of announcements received"],
  EchoAddTx: ["both", "echoes of announcements sent"],
  EchoAddTxDrop: ["both", "echoes of announcements not sent for lack of room"],
  PortAdd: ["both", "announcements with a port received"],
  AddAddrDrop: [
    "both",
    "announcements not acted on: the path manager was busy or absent",
  ],
  RmAddr: ["both", "addresses that peers took back (RM_ADDR)"],
  RmAddrDrop: ["both", "RM_ADDRs not acted on: the path manager was busy"],
  RmAddrTx: ["both", "announced addresses taken back (RM_ADDR)"],
  RmAddrTxDrop: ["both", "RM_ADDRs not sent for lack of room"],
  RmSubflow: ["both", "subflows that the path manager closed"],
  MPPrioTx: ["both", "changes of a subflow's priority sent (MP_PRIO)"],
  MPPrioRx: ["both", "changes of a subflow's priority received (MP_PRIO)"],
  // Ends, and falls back.
  MPFailTx: ["both", "MP_FAILs sent, after wrong checksums"],
  MPFailRx: ["both", "MP_FAILs received: the peer got wrong checksums"],
  MPFastcloseTx: ["both", "connections aborted by this host (MP_FASTCLOSE)"],
  MPFastcloseRx: ["both", "connections aborted by peers (MP_FASTCLOSE)"],
  MPRstTx: ["both", "resets of a subflow with a reason sent (MP_TCPRST)"],
  MPRstRx: ["both", "resets of a subflow with a reason received (MP_TCPRST)"],
  SubflowStale: ["both", "subflows no longer used, since they stood still"],
  SubflowRecover: ["both", "subflows used again after they stood still"],
  MPCurrEstab: [
    "both",
    "connections established now; those begun here that fell back, too",
  ],
  Blackhole: ["connecting", "times that MPTCP was found to be blocked"],
  MPCapableDataFallback: [
    "both",
    "connections that went on as TCP: the first data lacked MP_CAPABLE",
  ],
  MD5SigFallback: [
    "both",
    "connections that went on as TCP, since they use TCP MD5 signatures",
  ],
  MD5SigReset: ["both", "subflows reset, since they use TCP MD5 signatures"],
  DssFallback: [
    "both",
    "connections that went on as TCP: mappings were missing or wrong",
  ],
  DssReset: ["both", "subflows reset: mappings were missing or wrong"],
  SimultConnectFallback: [
    "both",
    "connections that went on as TCP, since both ends began them",
  ],
  FallbackFailed: [
    "both",
    "subflows reset, since the connection could not go on as TCP",
  ],
};

/** What else matters to MPTCP. */
const OTHERS: Readonly<
  Record<
    string,
    readonly [group: CounterGroup, side: CounterSide, about: string]
  >
> = {
  ActiveOpens: ["Tcp", "connecting", "TCP connections and subflows begun"],
  PassiveOpens: ["Tcp", "accepting", "TCP connections and subflows accepted"],
  OutRsts: ["Tcp", "both", "TCP resets sent"],
  OutNoRoutes: ["Ip", "both", "IPv4 packets without a route"],
  IPReversePathFilter: [
    "TcpExt",
    "both",
    "packets that rp_filter dropped: the way back is another device",
  ],
  TCPMD5NotFound: ["TcpExt", "both", "segments without a needed MD5 signature"],
  TCPMD5Unexpected: [
    "TcpExt",
    "both",
    "segments with an MD5 signature unasked",
  ],
  TCPMD5Failure: ["TcpExt", "both", "segments with a wrong MD5 signature"],
};

const GAUGES: readonly string[] = ["MPCurrEstab"];

/** All that is known: the counters of MPTCP first. */
export const COUNTER_DOCS: Readonly<Record<string, CounterDoc>> = Object
  .fromEntries(
    [
      ...Object.entries(MPTCP).map(([name, row]) =>
        [name, ["MPTcpExt", ...row]] as const
      ),
      ...Object.entries(OTHERS),
    ].map(([name, [group, side, about]]) => [
      name,
      { group, side, about, isGauge: GAUGES.includes(name) },
    ]),
  );

/**
 * What is known of a counter. One that is not known is of MPTCP, since of the
 * others only known ones are read.
 *
 * @param name Its name.
 *
 * @example
 * ```ts
 * import { counterDoc } from "@mptcp/pm/diag";
 *
 * console.log(counterDoc("MPJoinSynTx").about); // "SYNs with MP_JOIN sent"
 * ```
 */
export function counterDoc(name: string): CounterDoc {
  return Object.hasOwn(COUNTER_DOCS, name)
    ? COUNTER_DOCS[name]!
    : { group: "MPTcpExt", side: "both", about: "", isGauge: false };
}
