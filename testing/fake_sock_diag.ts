/**
 * `NETLINK_SOCK_DIAG`: MPTCP and TCP sockets, after `net/ipv4/inet_diag.c`,
 * `net/mptcp/mptcp_diag.c` and `net/mptcp/diag.c`. Not here: closing sockets,
 * filters in bytecode, and attributes that only `ss` asks for.
 *
 * @module
 */

import { decodeAttrs, encodeAttrs } from "../codec/attrs.ts";
import { DecodeError } from "../codec/decode_error.ts";
import { AF_INET, AF_INET6, parseAddress } from "../codec/inet.ts";
import { encodeMessage } from "../codec/message.ts";
import { NLM_F_MULTI, NLMSG_HDRLEN } from "../codec/nlmsghdr.ts";
import type { AttrPolicy, AttrSet } from "../codec/policy.ts";
import {
  INET_DIAG,
  INET_DIAG_INFO,
  INET_DIAG_REQ_V2,
  INET_ULP_INFO,
  type InetDiagReqV2,
  MESSAGES,
  SUBFLOW_ATTRIBUTE,
} from "../codec/sock_diag.gen.ts";
import { decodeStruct, encodeStruct } from "../codec/struct.ts";
import { IPPROTO_MPTCP, IPPROTO_TCP } from "../diag/sockets.ts";
import {
  answerRequest,
  type Bytes,
  EINVAL,
  encodeDone,
  type FakeRequest,
  PORT_ID,
  Refusal,
  type SocketOptions,
} from "./fake_netlink.ts";
import { type DiagSocket, stateNumber } from "./fake_socket.ts";

const ENOENT = 2;
const EBUSY = 16;
const EOPNOTSUPP = 95;

const ASK = MESSAGES["sock-diag-by-family"];
const DESTROY = MESSAGES["sock-destroy"];
const SYN_SENT = stateNumber("syn-sent");
const TIME_WAIT = stateNumber("time-wait");

/** Sizes of the datagrams of a dump: the first, and the others. */
const FIRST_DATAGRAM = 3584;
const DATAGRAM = 32768;

/** What the kernel of a {@linkcode FakeKernel} shows of its sockets. */
export interface FakeSockDiag {
  /** Whether it can list MPTCP sockets, as Linux can since 5.9. */
  mptcp: boolean;
  /** Bytes of `mptcp_info`: 40, 48, 80 or 88 before Linux 6.10. */
  mptcpInfoLength: number;
  /** Bytes of `tcp_info`. */
  tcpInfoLength: number;
  /**
   * Whether only the privileged can tell subflows from other TCP sockets, as
   * before Linux 6.15.
   */
  hidesSubflows: boolean;
}

/** What questions are about. */
export interface SockDiagState {
  readonly features: FakeSockDiag;
  readonly privileged: boolean;
  readonly options: SocketOptions;
  /** The connections by token. */
  readonly byToken: ReadonlyMap<number, { mptcpSocket(): DiagSocket }>;
  /** The sockets of a protocol. */
  readonly mptcp: () => Iterable<DiagSocket>;
  readonly tcp: () => Iterable<DiagSocket>;
}

/** The attributes of a socket, with those that the codec does not need. */
const ATTRS: AttrSet<object, { readonly [key: string]: unknown }> = {
  name: INET_DIAG.name,
  attrs: Object.assign<(AttrPolicy | undefined)[], Record<number, AttrPolicy>>(
    [...INET_DIAG.attrs],
    {
      8: { type: 8, name: "shutdown", key: "shutdown", kind: "u8" },
      19: { type: 19, name: "ulp-info", key: "ulpInfo", kind: "binary" },
      21: { type: 21, name: "cgroup-id", key: "cgroupId", kind: "u64" },
      22: { type: 22, name: "sockopt", key: "sockopt", kind: "binary" },
    },
  ),
};

/** `INET_DIAG_ULP_INFO`, whose nest is not marked as one. */
const ULP: AttrSet<object, { readonly [key: string]: unknown }> = {
  name: INET_ULP_INFO.name,
  attrs: INET_ULP_INFO.attrs.map((policy) =>
    policy?.kind === "nest" ? { ...policy, kind: "binary" } : policy
  ),
};

/** Answers a request, in datagrams. */
export function answerSockDiag(
  state: SockDiagState,
  datagram: Bytes,
  isDumping: boolean,
): Bytes[] {
  return answerRequest(datagram, state.options, {
    execute: (request) => {
      const { asked, header } = parse(request);
      return [find(state, request, asked(), header)];
    },
    dump: (request) => {
      const { asked, header } = parse(request);
      if (isDumping) throw new Refusal(EBUSY);
      return dump(state, request, asked(), header);
    },
  });
}

/** What is asked for (`sock_diag_rcv_msg()`, `inet_diag_handler_cmd()`). */
function parse({ type, bytes }: FakeRequest) {
  if (type !== ASK.type && type !== DESTROY.type) throw new Refusal(EINVAL);
  if (bytes.length < NLMSG_HDRLEN + 2) throw new Refusal(EINVAL);
  const family = bytes[NLMSG_HDRLEN];
  if (family !== AF_INET && family !== AF_INET6) throw new Refusal(ENOENT);
  const start = NLMSG_HDRLEN + INET_DIAG_REQ_V2.length;
  if (bytes.length < start) throw new Refusal(EINVAL);
  if (type === DESTROY.type) throw new Refusal(EOPNOTSUPP);
  const header = decodeStruct(INET_DIAG_REQ_V2, bytes, NLMSG_HDRLEN);
  /** The protocol, which the header has no room for. */
  const asked = () => {
    try {
      const { protocol } = decodeAttrs(ASK.set, bytes, start);
      return protocol ?? header.protocol;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw new Refusal(EINVAL);
    }
  };
  return { asked, header };
}

/** One socket: a connection by its token (`mptcp_diag_dump_one()`). */
function find(
  state: SockDiagState,
  request: FakeRequest,
  protocol: number,
  header: InetDiagReqV2,
): Bytes {
  demandProtocol(state, protocol);
  const socket = protocol === IPPROTO_MPTCP
    ? state.byToken.get(header.cookie0)?.mptcpSocket()
    : Iterator.from(state.tcp()).find((one) => isThatOne(header, one));
  if (socket === undefined) throw new Refusal(ENOENT);
  return encodeSocket(state, request, 0, header.ext, protocol, socket);
}

/** Whether it is the one that is asked for (`inet_diag_find_one_icsk()`). */
function isThatOne(
  { family, sport, dport, src, dst, ifindex, cookie0 }: InetDiagReqV2,
  { local, remote, ifIndex = 0, cookie }: DiagSocket,
): boolean {
  const isSame = (address: string, bytes: Uint8Array) => {
    const parsed = parseAddress(address);
    return parsed.family === family &&
      parsed.bytes.every((byte, at) => byte === bytes[at]);
  };
  return sport === local.port && dport === remote.port && ifindex === ifIndex &&
    isSame(local.address, src) && isSame(remote.address, dst) &&
    (cookie0 === 0xffff_ffff || cookie0 === cookie);
}

function demandProtocol({ features }: SockDiagState, protocol: number): void {
  const isKnown = protocol === IPPROTO_TCP ||
    protocol === IPPROTO_MPTCP && features.mptcp;
  if (!isKnown) throw new Refusal(ENOENT);
}

function dump(
  state: SockDiagState,
  request: FakeRequest,
  protocol: number,
  header: InetDiagReqV2,
): Bytes[] {
  try {
    demandProtocol(state, protocol);
  } catch (error) {
    // The dump has begun: its end says so.
    if (!(error instanceof Refusal)) throw error;
    return [encodeDone(request, error.errno)];
  }
  const sockets = protocol === IPPROTO_TCP ? state.tcp() : state.mptcp();
  const datagrams: Bytes[] = [];
  let parts: Bytes[] = [];
  let length = 0;
  for (const socket of sockets) {
    if (!isWanted(header, socket)) continue;
    const part = encodeSocket(
      ...[state, request, NLM_F_MULTI, header.ext, protocol, socket] as const,
    );
    const room = datagrams.length === 0 ? FIRST_DATAGRAM : DATAGRAM;
    if (length + part.length > room) {
      datagrams.push(concat(parts, length));
      [parts, length] = [[], 0];
    }
    parts.push(part);
    length += part.length;
  }
  if (length > 0) datagrams.push(concat(parts, length));
  return [...datagrams, encodeDone(request)];
}

function concat(parts: readonly Bytes[], length: number): Bytes {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Addresses are not looked at. */
function isWanted(
  { family, states, sport, dport }: InetDiagReqV2,
  { local, remote, state }: DiagSocket,
): boolean {
  const number = stateNumber(state);
  return parseAddress(local.address).family === family &&
    (states >>> number & 1) === 1 &&
    (sport === 0 || sport === local.port) &&
    (dport === 0 || dport === remote.port);
}

/** What timers are called, by their numbers. */
const TIMERS = ["", "retransmission", "keepalive", "time-wait", "probe"];

function timerNumber({ timer }: DiagSocket, isRepeating: boolean): number {
  return timer === undefined ? Number(isRepeating) : TIMERS.indexOf(timer);
}

/** The bits of `struct inet_diag_sockopt` by family. */
const SOCKOPT = { [AF_INET]: 0x52, [AF_INET6]: 0x12 };

/** `inet_sk_diag_fill()`, `inet_twsk_diag_fill()` */
function encodeSocket(
  state: SockDiagState,
  { seq }: FakeRequest,
  flags: number,
  ext: number,
  protocol: number,
  socket: DiagSocket,
): Bytes {
  const { type, header } = MESSAGES["inet-diag-msg"];
  const { local, remote, timerRetransmits: retrans = 0 } = socket;
  const { ifIndex: ifindex = 0, inode, uid } = socket;
  const { features, privileged } = state;
  const { family, bytes: src } = parseAddress(local.address);
  const { bytes: dst } = parseAddress(remote.address);
  const number = stateNumber(socket.state);
  const isOver = number === TIME_WAIT;
  const fixed = encodeStruct(header, {
    ...{ family, src, dst, sport: local.port, dport: remote.port },
    state: number,
    timer: isOver ? 3 : timerNumber(socket, retrans > 0 || number === SYN_SENT),
    expires: socket.timerExpiresMs ?? 0,
    ...{ retrans, ifindex, cookie0: socket.cookie },
    ...{ rqueue: socket.receiveQueue, wqueue: socket.sendQueue },
    ...!isOver && { uid, inode },
  });
  const mark = privileged ? { mark: 0 } : {};
  const isInfoWanted = (ext & 1 << (INET_DIAG_INFO - 1)) !== 0;
  const { ulp } = socket;
  const isUlpShown = ulp !== undefined && isInfoWanted &&
    (privileged || !features.hidesSubflows);
  const length = protocol === IPPROTO_TCP
    ? features.tcpInfoLength
    : features.mptcpInfoLength;
  return encodeMessage(
    { type, flags, seq, pid: PORT_ID },
    fixed,
    ATTRS,
    isOver ? mark : {
      ...{ shutdown: 0, ...mark, cgroupId: 1n },
      sockopt: Uint8Array.of(SOCKOPT[family], 0),
      info: isInfoWanted ? resized(socket.info, length) : undefined,
      ulpInfo: isUlpShown ? encodeUlp(ulp, privileged) : undefined,
    },
  ).slice();
}

/** A struct as another release has it. */
function resized(info: Bytes, length: number): Bytes {
  const bytes = new Uint8Array(length);
  bytes.set(info.subarray(0, length));
  return bytes;
}

/** `subflow_get_info()`, in the order of Linux 6.15 and later. */
function encodeUlp(
  { subflow }: NonNullable<DiagSocket["ulp"]>,
  privileged: boolean,
): Bytes {
  if (subflow === undefined) return encodeAttrs(ULP, { name: "mptcp" });
  const { tokenRem, tokenLoc, flags, idRem, idLoc, relwriteSeq } = subflow;
  const map = { mapSeq: 0n, mapSfseq: 0, ssnOffset: 0, mapDatalen: 0 };
  const mptcp = encodeAttrs(SUBFLOW_ATTRIBUTE, {
    ...{ tokenRem, tokenLoc, flags, idRem, idLoc },
    ...privileged && { relwriteSeq, ...map },
  });
  return encodeAttrs(ULP, { name: "mptcp", mptcp });
}
