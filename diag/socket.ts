/**
 * A socket of `NETLINK_SOCK_DIAG`: an MPTCP socket, or a TCP socket that is a
 * subflow.
 *
 * @module
 */

import {
  attrLengthAt,
  NLA_HDRLEN,
  NLA_TYPE_MASK,
  readAttr,
} from "../codec/attrs.ts";
import { HOST_LITTLE_ENDIAN, readU16, readU32 } from "../codec/bytes.ts";
import { DecodeError } from "../codec/decode_error.ts";
import { align4 } from "../codec/nlmsghdr.ts";
import type { StructPolicy } from "../codec/policy.ts";
import {
  INET_DIAG,
  INET_DIAG_INFO,
  INET_DIAG_MSG,
  INET_DIAG_ULP_INFO,
  INET_ULP_INFO,
  INET_ULP_INFO_MPTCP,
  MPTCP_INFO,
  MPTCP_SUBFLOW_ATTR_FLAGS,
  MPTCP_SUBFLOW_ATTR_ID_LOC,
  MPTCP_SUBFLOW_ATTR_ID_REM,
  MPTCP_SUBFLOW_ATTR_TOKEN_LOC,
  MPTCP_SUBFLOW_FLAG_BKUP_LOC as BKUP_LOC,
  MPTCP_SUBFLOW_FLAG_BKUP_REM as BKUP_REM,
  MPTCP_SUBFLOW_FLAG_JOIN_LOC as JOIN_LOC,
  MPTCP_SUBFLOW_FLAG_JOIN_REM as JOIN_REM,
  MPTCP_SUBFLOW_FLAG_MCAP_LOC as MCAP_LOC,
  SUBFLOW_ATTRIBUTE,
  SUBFLOW_FLAGS,
  type SubflowFlag,
  TCP_INFO,
} from "../codec/sock_diag.gen.ts";
import { addressText } from "./address_text.ts";
import {
  type Connection,
  type ConnectionBrief,
  type Listener,
  type RunningTimer,
  SOCKET_STATES,
  type SocketEnd,
  type SocketState,
  type SocketTimer,
  type Subflow,
  type SubflowReading,
  type TcpConnection,
} from "./connection.ts";

const FALLBACK = 1;
const REMOTE_KEY_RECEIVED = 2;
const KNOWN_FLAGS = SUBFLOW_FLAGS.reduce((bits, [, bit]) => bits | bit, 0);

/** What the numbers of timers mean. */
const TIMERS: readonly (SocketTimer | undefined)[] = [
  ...[undefined, "retransmission", "keepalive", "time-wait", "probe"] as const,
];

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

/** Where `struct tcp_info` ends that has all of what is read. */
const TCP_END = TCP.bytesRetrans + 8;

/** How much of either struct is saved. */
const INFO_LENGTH = Math.max(TCP_END, MPTCP_INFO.length);

/** How long what is saved in front of a message is. */
const PREFIX = 16;

const ULP_PATH = `.${INET_DIAG.attrs[INET_DIAG_ULP_INFO]!.name}`;
const MPTCP_PATH = `${ULP_PATH}.${
  INET_ULP_INFO.attrs[INET_ULP_INFO_MPTCP]!.name
}`;

/** Memory that many sockets are in. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView<ArrayBufferLike>;
}

/** Makes memory legible. */
export function memoryOf(buffer: ArrayBufferLike): Memory {
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

/** An unsigned integer of 64 bits, exact up to 2⁵³. */
function readSize(view: DataView, at: number): number {
  const first = view.getUint32(at, HOST_LITTLE_ENDIAN);
  const second = view.getUint32(at + 4, HOST_LITTLE_ENDIAN);
  const high = HOST_LITTLE_ENDIAN ? second : first;
  const low = HOST_LITTLE_ENDIAN ? first : second;
  // Small integers take no memory of their own.
  return high === 0 ? low : high * 0x1_0000_0000 + low;
}

/**
 * One socket after another, as the kernel describes them: where in the message
 * is what. By the tables of the codec this takes five times as long, as they
 * copy what they find.
 */
export class Socket {
  /** The memory that it is in. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));
  /** Where `struct inet_diag_msg` is. */
  #header = 0;
  /** Where `INET_DIAG_INFO` is, a struct that may be shorter than known. */
  #info = 0;
  #infoEnd = 0;
  #flags = 0;
  #idLoc = 0;
  #idRem = 0;

  /** Whether it is a subflow. */
  isSubflow = false;
  /** Token of the connection of a subflow; 0: MPTCP is not in use. */
  token = 0;

  /**
   * Goes to the socket of a message.
   *
   * @throws {DecodeError} A length is impossible.
   */
  read(bytes: Uint8Array): void {
    const { length: start, name } = INET_DIAG_MSG;
    const end = bytes.length;
    if (end < start) {
      throw new DecodeError(`${end} bytes, but ${name} has ${start}`, 0);
    }
    if (this.#bytes.buffer !== bytes.buffer) this.#see(memoryOf(bytes.buffer));
    const offset = bytes.byteOffset;
    this.#header = offset;
    this.#info = offset + start;
    this.#infoEnd = offset + start;
    this.#flags = 0;
    this.#idLoc = 0;
    this.#idRem = 0;
    this.isSubflow = false;
    this.token = 0;
    for (let at: number = start; at + NLA_HDRLEN <= end;) {
      const length = attrLengthAt(bytes, at, end, "");
      const type = readU16(bytes, at + 2) & NLA_TYPE_MASK;
      if (type === INET_DIAG_INFO) {
        this.#info = offset + at + NLA_HDRLEN;
        this.#infoEnd = offset + at + length;
      } else if (type === INET_DIAG_ULP_INFO) {
        this.#readUlp(bytes, at + NLA_HDRLEN, at + length);
      }
      at += align4(length);
    }
  }

  #see({ bytes, view }: Memory): void {
    this.#bytes = bytes;
    this.#view = view;
  }

  #readUlp(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at + NLA_HDRLEN <= end;) {
      const length = attrLengthAt(bytes, at, end, ULP_PATH);
      const type = readU16(bytes, at + 2) & NLA_TYPE_MASK;
      if (type === INET_ULP_INFO_MPTCP) {
        this.#readMptcp(bytes, at + NLA_HDRLEN, at + length);
      }
      at += align4(length);
    }
  }

  #readMptcp(bytes: Uint8Array, start: number, end: number): void {
    this.isSubflow = true;
    for (let at = start; at + NLA_HDRLEN <= end;) {
      const length = attrLengthAt(bytes, at, end, MPTCP_PATH);
      const type = readU16(bytes, at + 2) & NLA_TYPE_MASK;
      switch (type) {
        case MPTCP_SUBFLOW_ATTR_TOKEN_LOC:
          this.token = u32Of(bytes, type, at, length);
          break;
        case MPTCP_SUBFLOW_ATTR_FLAGS:
          this.#flags = u32Of(bytes, type, at, length);
          break;
        case MPTCP_SUBFLOW_ATTR_ID_REM:
          this.#idRem = u8Of(bytes, type, at, length);
          break;
        case MPTCP_SUBFLOW_ATTR_ID_LOC:
          this.#idLoc = u8Of(bytes, type, at, length);
          break;
      }
      at += align4(length);
    }
  }

  /** How many bytes {@linkcode Socket.save} writes. */
  get size(): number {
    return PREFIX + this.#end - this.#header;
  }

  /** Where what is read of the message ends. */
  get #end(): number {
    return Math.max(
      this.#header + INET_DIAG_MSG.length,
      Math.min(this.#infoEnd, this.#info + INFO_LENGTH),
    );
  }

  /** Writes what is read of the socket. */
  save({ bytes, view }: Memory, start: number): void {
    const header = this.#header;
    const end = this.#end;
    view.setUint32(start, this.#flags);
    view.setUint32(start + 4, this.#info - header);
    bytes[start + 8] = this.#idLoc;
    bytes[start + 9] = this.#idRem;
    view.setUint32(start + 12, end - header);
    bytes.set(this.#bytes.subarray(header, end), start + PREFIX);
  }

  /** Goes to a socket that was saved. */
  load(from: Memory, start: number): void {
    const { bytes, view } = from;
    const header = start + PREFIX;
    this.#see(from);
    this.#flags = view.getUint32(start);
    this.#header = header;
    this.#info = header + view.getUint32(start + 4);
    this.#idLoc = bytes[start + 8]!;
    this.#idRem = bytes[start + 9]!;
    this.#infoEnd = header + view.getUint32(start + 12);
  }

  /** The token of an MPTCP socket; 0: it has none. */
  get ownToken(): number {
    return this.#infoU32(MPTCP.token) ?? 0;
  }

  /** Its number, not used again until reboot. */
  get cookie(): number {
    return readSize(this.#view, this.#header + MSG.cookie0);
  }

  /** Whether the struct goes that far. */
  #reaches(end: number): boolean {
    return this.#info + end <= this.#infoEnd;
  }

  #infoU8(at: number): number | undefined {
    return this.#reaches(at + 1) ? this.#bytes[this.#info + at] : undefined;
  }

  #infoU16(at: number): number | undefined {
    return this.#reaches(at + 2)
      ? this.#view.getUint16(this.#info + at, HOST_LITTLE_ENDIAN)
      : undefined;
  }

  /**
   * @param least How long the struct is that has the member, where that of
   * older kernels ends with padding in its place.
   */
  #infoU32(at: number, least: number = at + 4): number | undefined {
    return this.#reaches(least)
      ? this.#view.getUint32(this.#info + at, HOST_LITTLE_ENDIAN)
      : undefined;
  }

  #infoU64(at: number): number | undefined {
    return this.#reaches(at + 8)
      ? readSize(this.#view, this.#info + at)
      : undefined;
  }

  #u32(at: number): number {
    return this.#view.getUint32(this.#header + at, HOST_LITTLE_ENDIAN);
  }

  #address(at: number): string {
    const bytes = this.#bytes;
    const family = bytes[this.#header + MSG.family]!;
    return addressText(bytes, this.#header + at, family);
  }

  #port(at: number): number {
    return this.#view.getUint16(this.#header + at);
  }

  get #local(): SocketEnd {
    return { address: this.#address(MSG.src), port: this.#port(MSG.sport) };
  }

  get #remote(): SocketEnd {
    return { address: this.#address(MSG.dst), port: this.#port(MSG.dport) };
  }

  get #state(): SocketState {
    return SOCKET_STATES[this.#bytes[this.#header + MSG.state]!] ?? "closed";
  }

  /** What an MPTCP socket says. */
  connection(subflows: readonly Subflow[]): Connection {
    const flags = this.#infoU32(MPTCP.flags)!;
    const checksums = this.#infoU8(MPTCP.csumEnabled);
    // All in one literal: to make an object of parts takes ten times as long.
    const connection = {
      token: this.ownToken,
      local: this.#local,
      remote: this.#remote,
      fallback: (flags & FALLBACK) !== 0,
      remoteKeyReceived: (flags & REMOTE_KEY_RECEIVED) !== 0,
      state: this.#state,
      cookie: this.cookie,
      inode: this.#u32(MSG.inode),
      uid: this.#u32(MSG.uid),
      receiveQueue: this.#u32(MSG.rqueue),
      sendQueue: this.#u32(MSG.wqueue),
      ifIndex: this.#u32(MSG.ifindex),
      extraSubflows: this.#infoU8(MPTCP.subflows),
      subflowsTotal: this.#infoU8(MPTCP.subflowsTotal),
      subflowsMax: this.#infoU8(MPTCP.subflowsMax),
      addAddrSignal: this.#infoU8(MPTCP.addAddrSignal),
      addAddrAccepted: this.#infoU8(MPTCP.addAddrAccepted),
      addAddrAcceptedMax: this.#infoU8(MPTCP.addAddrAcceptedMax),
      addAddrSignalMax: this.#infoU8(MPTCP.addAddrSignalMax),
      localAddrUsed: this.#infoU8(MPTCP.localAddrUsed),
      localAddrMax: this.#infoU8(MPTCP.localAddrMax),
      laminarMax: this.#infoU8(MPTCP.endpLaminarMax),
      checksums: checksums === undefined ? undefined : checksums !== 0,
      bytesSent: this.#infoU64(MPTCP.bytesSent),
      bytesReceived: this.#infoU64(MPTCP.bytesReceived),
      bytesAcked: this.#infoU64(MPTCP.bytesAcked),
      bytesRetransmitted: this.#infoU64(MPTCP.bytesRetrans),
      retransmits: this.#infoU32(MPTCP.retransmits, MPTCP.subflowsTotal),
      lastDataSentMs: this.#infoU32(MPTCP.lastDataSent, MPTCP.lastAckRecv + 4),
      lastDataReceivedMs: this.#infoU32(MPTCP.lastDataRecv),
      lastAckReceivedMs: this.#infoU32(MPTCP.lastAckRecv),
      subflows,
    };
    return (this.#reaches(MPTCP_INFO.length)
      ? connection
      : present(connection)) as Connection;
  }

  /** The little of that which is asked for often. */
  brief(): ConnectionBrief {
    const extraSubflows = this.#infoU8(MPTCP.subflows);
    return {
      local: this.#local,
      remote: this.#remote,
      state: this.#state,
      inode: this.#u32(MSG.inode),
      ...extraSubflows !== undefined && { extraSubflows },
    };
  }

  /** What a TCP socket under MPTCP says. */
  subflow(): Subflow {
    const flags = this.#flags;
    const unknownFlags = (flags & ~KNOWN_FLAGS) >>> 0;
    const rtt = this.#infoU32(TCP.rtt);
    const isMeasured = rtt !== undefined && rtt !== 0;
    // The clocks of one that is being opened began with the host.
    const isOpening = this.#state === "syn-sent";
    const subflow = {
      local: {
        address: this.#address(MSG.src),
        port: this.#port(MSG.sport),
        id: this.#idLoc,
      },
      remote: {
        address: this.#address(MSG.dst),
        port: this.#port(MSG.dport),
        id: this.#idRem,
      },
      initial: (flags & (JOIN_LOC | JOIN_REM)) === 0,
      openedHere: (flags & (JOIN_LOC | MCAP_LOC)) !== 0,
      backup: (flags & (BKUP_LOC | BKUP_REM)) !== 0,
      flags: flagsOf(flags),
      timerRetransmits: this.#bytes[this.#header + MSG.retrans]!,
      state: this.#state,
      cookie: this.cookie,
      inode: this.#u32(MSG.inode),
      uid: this.#u32(MSG.uid),
      receiveQueue: this.#u32(MSG.rqueue),
      sendQueue: this.#u32(MSG.wqueue),
      ifIndex: this.#u32(MSG.ifindex),
      rttUs: isMeasured ? rtt : undefined,
      rttVarUs: isMeasured ? this.#infoU32(TCP.rttvar) : undefined,
      minRttUs: isMeasured ? this.#infoU32(TCP.minRtt) : undefined,
      rtoUs: this.#infoU32(TCP.rto),
      backoff: this.#infoU8(TCP.backoff),
      congestionWindow: this.#infoU32(TCP.sndCwnd),
      mss: this.#infoU32(TCP.sndMss),
      pathMtu: this.#infoU32(TCP.pmtu),
      unacked: this.#infoU32(TCP.unacked),
      lost: this.#infoU32(TCP.lost),
      retransmits: this.#infoU32(TCP.totalRetrans),
      bytesSent: this.#infoU64(TCP.bytesSent),
      bytesReceived: this.#infoU64(TCP.bytesReceived),
      bytesAcked: this.#infoU64(TCP.bytesAcked),
      bytesRetransmitted: this.#infoU64(TCP.bytesRetrans),
      deliveryRate: this.#infoU64(TCP.deliveryRate),
      lastDataSentMs: isOpening ? undefined : this.#infoU32(TCP.lastDataSent),
      lastDataReceivedMs: isOpening
        ? undefined
        : this.#infoU32(TCP.lastDataRecv),
      lastAckReceivedMs: isOpening ? undefined : this.#infoU32(TCP.lastAckRecv),
    };
    const shown = isMeasured && !isOpening && this.#reaches(TCP_END)
      ? subflow
      : present(subflow);
    return (unknownFlags === 0 ? shown : { ...shown, unknownFlags }) as Subflow;
  }

  /** What a TCP socket under MPTCP says, with what tells of trouble. */
  reading(): SubflowReading {
    const sendWindow = this.#infoU32(TCP.sndWnd);
    const timeouts = this.#infoU16(TCP.totalRto);
    return {
      ...this.subflow(),
      ...this.timer(),
      ...sendWindow !== undefined && { sendWindow },
      ...timeouts !== undefined && { timeouts },
    };
  }

  /** What a TCP socket waits for. */
  timer(): RunningTimer {
    const timer = TIMERS[this.#bytes[this.#header + MSG.timer]!];
    return {
      timerRetransmits: this.#bytes[this.#header + MSG.retrans]!,
      ...timer !== undefined &&
        { timer, timerExpiresMs: this.#u32(MSG.expires) },
    };
  }

  /** What a TCP socket says that has nothing of MPTCP. */
  tcp(): TcpConnection {
    return {
      local: this.#local,
      remote: this.#remote,
      inode: this.#u32(MSG.inode),
    };
  }

  /** What a TCP socket says that listens. */
  listener(): Listener {
    return {
      local: this.#local,
      state: this.#state,
      cookie: this.cookie,
      inode: this.#u32(MSG.inode),
      uid: this.#u32(MSG.uid),
      ifIndex: this.#u32(MSG.ifindex),
      backlog: this.#u32(MSG.rqueue),
      backlogMax: this.#u32(MSG.wqueue),
    };
  }
}

/** By the table of the codec this takes three times as long. */
function u8Of(
  bytes: Uint8Array,
  type: number,
  at: number,
  length: number,
): number {
  if (length !== NLA_HDRLEN + 1) refuse(bytes, type, at, length);
  return bytes[at + NLA_HDRLEN]!;
}

function u32Of(
  bytes: Uint8Array,
  type: number,
  at: number,
  length: number,
): number {
  if (length !== NLA_HDRLEN + 4) refuse(bytes, type, at, length);
  return readU32(bytes, at + NLA_HDRLEN);
}

/** Throws, as the length is not that of the attribute. */
function refuse(
  bytes: Uint8Array,
  type: number,
  at: number,
  length: number,
): void {
  const policy = SUBFLOW_ATTRIBUTE.attrs[type]!;
  readAttr(bytes, at + NLA_HDRLEN, at + length, policy, MPTCP_PATH);
}

/** Leaves out what the kernel does not report. */
function present(values: object): object {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  );
}

/** The words of the flags that were met, which many sockets share. */
const words = new Map<number, readonly SubflowFlag[]>();

function flagsOf(bits: number): readonly SubflowFlag[] {
  const known = bits & KNOWN_FLAGS;
  let flags = words.get(known);
  if (flags === undefined) {
    flags = Object.freeze(
      SUBFLOW_FLAGS.filter(([, bit]) => (known & bit) !== 0)
        .map(([word]) => word),
    );
    words.set(known, flags);
  }
  return flags;
}
