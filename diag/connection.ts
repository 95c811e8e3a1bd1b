/**
 * What there is to know of a connection and its subflows.
 *
 * @module
 */

import type { SubflowFlag } from "../codec/sock_diag.gen.ts";

/** One end of a connection or subflow. */
export interface SocketEnd {
  /**
   * IPv4 or IPv6 address, in the family of the socket: an IPv4 client of a
   * dual-stack server is `::ffff:a.b.c.d` on that server.
   */
  readonly address: string;
  /** TCP port, 0 to 65535. */
  readonly port: number;
}

/** One end of a subflow. */
export interface SubflowEnd extends SocketEnd {
  /**
   * Address id, 0 to 255; 0 is the address of the initial subflow. A remote id
   * is 0 until the subflow is established.
   */
  readonly id: number;
}

/** State of a socket, in the words of the filters of `ss`. */
export type SocketState =
  | "established"
  | "syn-sent"
  | "syn-recv"
  | "fin-wait-1"
  | "fin-wait-2"
  | "time-wait"
  | "closed"
  | "close-wait"
  | "last-ack"
  | "listening"
  | "closing";

/** The states, each at its number in the kernel. */
export const SOCKET_STATES: readonly (SocketState | undefined)[] = [
  undefined,
  "established",
  "syn-sent",
  "syn-recv",
  "fin-wait-1",
  "fin-wait-2",
  "time-wait",
  "closed",
  "close-wait",
  "last-ack",
  "listening",
  "closing",
  // A request that waits for its third ack.
  "syn-recv",
];

/**
 * Figures of a connection, as of now. One is absent where the kernel is too old
 * to report it. Numbers of bytes are exact up to 2⁵³.
 */
export interface ConnectionFigures {
  /** Subflows besides the initial one, those being opened included. */
  readonly extraSubflows?: number;
  /** Subflows, the initial one while it lives. Since Linux 6.8. */
  readonly subflowsTotal?: number;
  /** The limit of `extraSubflows`; 0 with the userspace path manager. */
  readonly subflowsMax?: number;
  /** Addresses that this host announced. */
  readonly addAddrSignal?: number;
  /** Announced addresses of the peer that this host connected to. */
  readonly addAddrAccepted?: number;
  /** The limit of `addAddrAccepted`; 0 with the userspace path manager. */
  readonly addAddrAcceptedMax?: number;
  /** Endpoints with the flag `signal`; 0 with the userspace path manager. */
  readonly addAddrSignalMax?: number;
  /** Endpoints with the flag `subflow` that were used. Since Linux 5.12. */
  readonly localAddrUsed?: number;
  /** Endpoints with the flag `subflow`. Since Linux 5.12. */
  readonly localAddrMax?: number;
  /** Endpoints with the flag `laminar`. Since Linux 6.18. */
  readonly laminarMax?: number;
  /** Whether data has checksums. Since Linux 5.14. */
  readonly checksums?: boolean;
  /** Bytes that the program sent. Since Linux 6.5. */
  readonly bytesSent?: number;
  /** Bytes that arrived in order. Since Linux 6.5. */
  readonly bytesReceived?: number;
  /** Bytes that the peer acknowledged. Since Linux 6.5. */
  readonly bytesAcked?: number;
  /** Bytes that were sent again on another subflow. Since Linux 6.5. */
  readonly bytesRetransmitted?: number;
  /** Retransmissions by MPTCP, not by TCP. Since Linux 6.5. */
  readonly retransmits?: number;
  /** Milliseconds since data was sent. Since Linux 6.10. */
  readonly lastDataSentMs?: number;
  /** Milliseconds since data was received. Since Linux 6.10. */
  readonly lastDataReceivedMs?: number;
  /** Milliseconds since the last ack. Since Linux 6.10. */
  readonly lastAckReceivedMs?: number;
}

/** What the MPTCP and the TCP sockets have in common. */
export interface SocketFigures {
  /** State of the socket. */
  readonly state: SocketState;
  /** Number of the socket, `SO_COOKIE`: not used again until reboot. */
  readonly cookie: number;
  /**
   * Inode, as in `/proc/PID/fd`: that of the connection, for its subflows too.
   * 0: its program has closed it, of which a subflow may not tell.
   */
  readonly inode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Bytes that the program has not read. */
  readonly receiveQueue: number;
  /** Bytes that are not acknowledged. */
  readonly sendQueue: number;
  /** Index of the device that the socket is bound to; 0: none. */
  readonly ifIndex: number;
  /**
   * Name of that device; absent: none, no device has the index, or its name is
   * no UTF-8.
   */
  readonly dev?: string;
}

/** A subflow: one TCP connection of an MPTCP connection. */
export interface Subflow extends SocketFigures {
  /** The end on this host. */
  readonly local: SubflowEnd;
  /** The end on the peer. */
  readonly remote: SubflowEnd;
  /** Whether it is the one that the connection began with. */
  readonly initial: boolean;
  /** Whether this host opened it; unknown once it is closed. */
  readonly openedHere: boolean;
  /** Whether it is a spare, because either side asked for that. */
  readonly backup: boolean;
  /** All that the kernel says of it. */
  readonly flags: readonly SubflowFlag[];
  /** Flags that this version does not know; absent: none. */
  readonly unknownFlags?: number;
  /** Retransmissions of the timer that is running: SYNs of a `syn-sent`. */
  readonly timerRetransmits: number;
  /** Smoothed round-trip time in µs; absent: not measured yet. */
  readonly rttUs?: number;
  /** Deviation of that in µs. */
  readonly rttVarUs?: number;
  /** Shortest round-trip time of late, in µs. */
  readonly minRttUs?: number;
  /** Retransmission timeout in µs. */
  readonly rtoUs?: number;
  /** How often that was doubled because no ack came. */
  readonly backoff?: number;
  /** Congestion window in segments. */
  readonly congestionWindow?: number;
  /** Greatest segment that is sent, in bytes. */
  readonly mss?: number;
  /** MTU of the path in bytes. */
  readonly pathMtu?: number;
  /** Segments that are not acknowledged. */
  readonly unacked?: number;
  /** Segments that are thought to be lost. */
  readonly lost?: number;
  /** Segments that were sent again, in all. */
  readonly retransmits?: number;
  /** Bytes sent, those sent again included. Since Linux 4.19. */
  readonly bytesSent?: number;
  /** Bytes received in order. */
  readonly bytesReceived?: number;
  /** Bytes acknowledged by the peer; its SYN-ACK counts as 1. */
  readonly bytesAcked?: number;
  /** Bytes sent again. Since Linux 4.19. */
  readonly bytesRetransmitted?: number;
  /** Latest rate of delivery in bytes/s. */
  readonly deliveryRate?: number;
  /** Milliseconds since data was sent; absent: it is being opened. */
  readonly lastDataSentMs?: number;
  /** Milliseconds since data was received. */
  readonly lastDataReceivedMs?: number;
  /** Milliseconds since the last ack. */
  readonly lastAckReceivedMs?: number;
}

/** What a socket waits for, and repeats if it does not come. */
export type SocketTimer =
  | "retransmission"
  | "keepalive"
  | "time-wait"
  | "probe";

/** A subflow that was looked up by itself, with what tells of trouble. */
export interface SubflowReading extends Subflow {
  /** The timer that is running; absent: none. */
  readonly timer?: SocketTimer;
  /** Milliseconds until it expires; absent: none is running. */
  readonly timerExpiresMs?: number;
  /**
   * Bytes that the peer is ready to receive: less than one segment if its
   * program does not read. Since Linux 5.4.
   */
  readonly sendWindow?: number;
  /**
   * Retransmission timeouts since it began, also those after which acks came
   * again, 0 to 65535. Since Linux 6.7.
   */
  readonly timeouts?: number;
}

/** The timer of a subflow. */
export type RunningTimer = Pick<
  SubflowReading,
  "timer" | "timerExpiresMs" | "timerRetransmits"
>;

/** An MPTCP connection. */
export interface Connection extends SocketFigures, ConnectionFigures {
  /** Its token on this host. */
  readonly token: number;
  /** The initial subflow's end on this host. */
  readonly local: SocketEnd;
  /** The initial subflow's end on the peer. */
  readonly remote: SocketEnd;
  /** Whether it fell back to TCP, and can have one subflow only. */
  readonly fallback: boolean;
  /** Whether the peer sent its key: it speaks MPTCP. */
  readonly remoteKeyReceived: boolean;
  /** The subflows that are there, the initial one first. */
  readonly subflows: readonly Subflow[];
  /**
   * The kernel counts more subflows than are here: they came or went while it
   * was asked, or it shows them to `CAP_NET_ADMIN` only, as before Linux 6.15.
   */
  readonly partial?: true;
}

/** An MPTCP connection without its subflows. */
export type ConnectionSummary = Omit<Connection, "subflows" | "partial">;

/** What tells of a connection whether it is there, and how many subflows. */
export type ConnectionBrief = Pick<
  ConnectionSummary,
  "local" | "remote" | "state" | "inode" | "extraSubflows"
>;

/** An MPTCP socket that listens. */
export interface Listener
  extends Omit<SocketFigures, "receiveQueue" | "sendQueue"> {
  /** Where it listens; `0.0.0.0` and `::` are all addresses. */
  readonly local: SocketEnd;
  /** Connections that wait to be accepted. */
  readonly backlog: number;
  /** How many can wait. */
  readonly backlogMax: number;
}

/** An established TCP connection that has nothing of MPTCP. */
export interface TcpConnection {
  /** Where it begins. */
  readonly local: SocketEnd;
  /** Where it ends. */
  readonly remote: SocketEnd;
  /** The number of the file in the kernel; the program's descriptor names it. */
  readonly inode: number;
  /** Name of the program, of 15 bytes at the most; absent: not seen. */
  readonly process?: string;
}
