/**
 * The captured conversations with `NETLINK_SOCK_DIAG`, and namespaces that hold
 * them again.
 *
 * @module
 */

import {
  decodeAttrs,
  decodeNlMessages,
  decodeStruct,
  NLM_F_DUMP,
  NLMSG_HDRLEN,
  sockDiag,
} from "../../codec/mod.ts";
import { type Delivery, FakeNamespace } from "../../testing/mod.ts";
import text from "../golden/sock_diag.jsonl" with { type: "text" };
import { goldenLines } from "./golden.ts";
import {
  ack,
  type Bytes,
  done,
  join,
  seqOf,
  split,
  typeOf,
  withSeq,
} from "./netlink_bytes.ts";

/** Values by the names that the independent program has for them. */
export type Values = Record<string, unknown>;

/** A socket, as the independent program decoded it. */
export interface DecodedSocket extends Values {
  readonly state: string;
  readonly src: string;
  readonly dst: string;
  readonly cookie: string;
  readonly attrs: Values;
}

/** One request, empty if there was none, and its answer. */
export interface Conversation {
  readonly name: string;
  readonly request: string;
  readonly datagrams: readonly string[];
  readonly decoded: readonly {
    readonly inet_diag_msg?: DecodedSocket;
    readonly error?: number;
    readonly done_status?: number;
  }[];
}

/** All of them. */
export const CONVERSATIONS: readonly Conversation[] = goldenLines(text);

/** A captured conversation. */
export function conversation(name: string): Conversation {
  const found = CONVERSATIONS.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`No conversation "${name}"`);
  return found;
}

/** The messages of the datagrams, the end of the dump apart. */
export function socketMessages({ datagrams }: Conversation): Bytes[] {
  return datagrams.flatMap((hex) => split(Uint8Array.fromHex(hex)))
    .filter((message) => typeOf(message) === SOCKET);
}

const { MESSAGES, INET_DIAG_REQ, INET_DIAG_REQ_V2 } = sockDiag;
const SOCKET = MESSAGES["inet-diag-msg"].type;

/** What a request asks for. */
function askedBy(request: Uint8Array) {
  const [message] = decodeNlMessages(request);
  const { payload, flags } = message!;
  const header = decodeStruct(INET_DIAG_REQ_V2, payload);
  const attrs = decodeAttrs(INET_DIAG_REQ, payload, INET_DIAG_REQ_V2.length);
  const isDump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
  return { ...header, protocol: attrs.protocol ?? header.protocol, isDump };
}

/**
 * A namespace that answers as it was captured, except for the states, which it
 * filters by. It has no sockets of which there is no dump among these.
 */
export function replaying(names: readonly string[]): FakeNamespace {
  const known = names.map(conversation).map((one) => ({
    ...askedBy(Uint8Array.fromHex(one.request)),
    sockets: socketMessages(one),
  }));
  return new FakeNamespace((request): Delivery[] => {
    const { isDump, family, protocol, states, cookie0 } = askedBy(request);
    const seq = seqOf(request);
    if (!isDump) {
      const dumps = known.filter((one) => one.protocol === protocol);
      const found = dumps.flatMap(({ sockets }) => sockets)
        .find((socket) => tokenOf(socket) === cookie0);
      return [found ? withSeq(found, seq) : ack(request, 2)];
    }
    const sockets = known.filter((one) =>
      one.isDump && one.protocol === protocol && one.family === family
    ).flatMap(({ sockets }) => sockets)
      .filter((socket) => states >>> socket[NLMSG_HDRLEN + 1]! & 1);
    const datagram = withSeq(join(sockets), seq);
    return sockets.length > 0 ? [datagram, done(seq)] : [done(seq)];
  });
}

/** The token of an MPTCP socket. */
export function tokenOf(message: Uint8Array): number | undefined {
  const start = NLMSG_HDRLEN + MESSAGES["inet-diag-msg"].header.length;
  const { info } = decodeAttrs(sockDiag.INET_DIAG, message, start);
  return info && decodeStruct(sockDiag.MPTCP_INFO, info).token;
}

/** Where a struct has a figure: offset, bytes, and its least length with that. */
export type Place = readonly [offset: number, bytes: number, least?: number];

/** How long a struct is at least that has a figure. */
export function lengthWith([offset, bytes, least]: Place): number {
  return least ?? offset + bytes;
}

/** `struct mptcp_info` of `include/uapi/linux/mptcp.h`, by the names of `Diag`. */
export const MPTCP_FIGURES: Readonly<Record<string, Place>> = {
  ...{ extraSubflows: [0, 1], addAddrSignal: [1, 1], addAddrAccepted: [2, 1] },
  ...{ subflowsMax: [3, 1], addAddrSignalMax: [4, 1] },
  ...{ addAddrAcceptedMax: [5, 1], localAddrUsed: [40, 1] },
  ...{ localAddrMax: [41, 1], checksums: [42, 1], retransmits: [44, 4, 80] },
  ...{ bytesRetransmitted: [48, 8], bytesSent: [56, 8] },
  ...{ bytesReceived: [64, 8], bytesAcked: [72, 8], subflowsTotal: [80, 1] },
  ...{ laminarMax: [81, 1], lastDataSentMs: [84, 4, 96] },
  ...{ lastDataReceivedMs: [88, 4], lastAckReceivedMs: [92, 4] },
};

/** `struct tcp_info` of `include/uapi/linux/tcp.h`, by the names of `Diag`. */
export const TCP_FIGURES: Readonly<Record<string, Place>> = {
  ...{ backoff: [4, 1], rtoUs: [8, 4], mss: [16, 4], unacked: [24, 4] },
  ...{ lost: [32, 4], lastDataSentMs: [44, 4], lastDataReceivedMs: [52, 4] },
  ...{ lastAckReceivedMs: [56, 4], pathMtu: [60, 4], rttUs: [68, 4] },
  ...{ rttVarUs: [72, 4], congestionWindow: [80, 4], retransmits: [100, 4] },
  ...{ bytesAcked: [120, 8], bytesReceived: [128, 8], minRttUs: [148, 4] },
  ...{ deliveryRate: [160, 8], bytesSent: [200, 8] },
  bytesRetransmitted: [208, 8],
};
