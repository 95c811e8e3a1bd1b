/**
 * What decodes sockets, held against a second reader of the same bytes, and
 * listings of which the kernel's answers are wrong.
 *
 * @module
 */

import {
  DecodeError,
  formatIPv4,
  formatIPv6,
  NLMSG_HDRLEN,
} from "../../codec/mod.ts";
import type { AttrPolicy, AttrSet } from "../../codec/mod.ts";
import { INET_DIAG } from "../../codec/sock_diag.gen.ts";
import {
  SOCKET_STATES,
  type SocketFigures,
  type Subflow,
} from "../../diag/connection.ts";
import { Diag } from "../../diag/mod.ts";
import { Socket } from "../../diag/socket.ts";
import { SocketTable } from "../../diag/socket_table.ts";
import {
  listeningSockets,
  mptcpSockets,
  type SocketQuestion,
  subflowSockets,
} from "../../diag/sockets.ts";
import { NetlinkError, ProtocolError } from "../../mod.ts";
import { type Bytes, seqOf, viewOf } from "../helpers/netlink_bytes.ts";
import { pick } from "../helpers/random.ts";
import {
  CONVERSATIONS,
  lengthWith,
  MPTCP_FIGURES,
  type Place,
  replaying,
  socketMessages,
  TCP_FIGURES,
} from "../helpers/sock_diag.ts";
import { agree, decodeApart, hasTwins } from "./codec_targets.ts";
import { renumbered } from "./conversation_targets.ts";
import { mutateAttrs, mutateDatagram } from "./mutate.ts";
import { Fault, orFault, type Read, readAttrs } from "./reference.ts";
import {
  demand,
  demandBounded,
  kindOf,
  type Target,
  type Targets,
} from "./target.ts";

/** Length of `struct inet_diag_msg`. */
const HEADER = 72;

const datagrams = CONVERSATIONS.flatMap(({ datagrams }) =>
  datagrams.map((hex) => Uint8Array.fromHex(hex))
);
const payloads = CONVERSATIONS.flatMap(socketMessages)
  .map((message) => message.slice(NLMSG_HDRLEN));
const attrs = payloads.map((payload) => payload.slice(HEADER));

/** A socket, of which most often the attributes are wrong. */
const makeSocket: Target["make"] = (random) => {
  const payload = pick(random, payloads).slice();
  if (random(8) === 0) return payload.slice(0, random(payload.length + 1));
  for (let times = random(3); times > 0; times--) {
    payload[random(HEADER)] = random(256);
  }
  const changed = mutateAttrs(random, payload.slice(HEADER), attrs);
  const bytes = new Uint8Array(HEADER + changed.length);
  bytes.set(payload.subarray(0, HEADER));
  bytes.set(changed, HEADER);
  return bytes;
};

/** An attribute in a nest in a nest, as bytes. */
function find(read: Read, ...path: readonly string[]): Uint8Array | undefined {
  let found: unknown = read;
  for (const key of path) {
    found = found instanceof Map ? found.get(key)?.[1] : undefined;
  }
  return found instanceof Uint8Array ? found : undefined;
}

/** The number in these bytes, as exact as it can be. */
function number(bytes: Uint8Array, at: number, length: number): number {
  const view = viewOf(bytes);
  switch (length) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true);
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

function demandFigures(
  decoded: object,
  info: Uint8Array,
  places: Readonly<Record<string, Place>>,
  isAbsent: (key: string) => boolean = () => false,
): void {
  const values = decoded as Record<string, unknown>;
  for (const [key, place] of Object.entries(places)) {
    const [at, length] = place;
    const isThere = info.length >= lengthWith(place) && !isAbsent(key);
    const expected = isThere ? number(info, at, length) : undefined;
    const actual = values[key];
    demand(
      actual === expected || key === "checksums" && isThere &&
          actual === (expected !== 0),
      () => `${key} is ${actual} instead of ${expected}`,
    );
    demand(isThere === key in values, () => `${key} is there`);
  }
}

/** Demands what is behind the netlink header of each socket. */
function demandHeader(
  decoded: Omit<SocketFigures, "receiveQueue" | "sendQueue"> & {
    local: { address: string; port: number };
  },
  bytes: Bytes,
): void {
  const view = viewOf(bytes);
  const { local, state, cookie, inode, uid, ifIndex } = decoded;
  const format = bytes[0] === 2 ? formatIPv4 : formatIPv6;
  demand(local.address === format(bytes, 8), () => local.address);
  demand(local.port === view.getUint16(4), () => `port ${local.port}`);
  demand(state === (SOCKET_STATES[bytes[1]!] ?? "closed"), () => state);
  demand(cookie === number(bytes, 44, 8), () => `cookie ${cookie}`);
  demand(ifIndex === number(bytes, 40, 4), () => `device ${ifIndex}`);
  demand(uid === number(bytes, 64, 4), () => `uid ${uid}`);
  demand(inode === number(bytes, 68, 4), () => `inode ${inode}`);
}

/** What is read of a set: other attributes may be anything. */
function only(set: AttrSet, ...keys: readonly string[]): AttrSet {
  const attrs = set.attrs.map((policy): AttrPolicy | undefined =>
    policy && keys.includes(policy.key)
      ? policy.nested
        ? { ...policy, nested: only(policy.nested, ...keys) }
        : policy
      : undefined
  );
  return { name: set.name, attrs };
}

const TOLD = ["info", "ulpInfo", "mptcp"];
const SUBFLOW = [...TOLD, "tokenLoc", "flags", "idRem", "idLoc"];

/**
 * Decodes a socket, at once and from a table, and compares what it says with
 * what the second reader finds.
 */
function runSocket<Said extends object>(
  question: SocketQuestion,
  say: (socket: Socket) => Said,
  set: AttrSet,
  isMeant: (read: Read) => boolean,
  compare: (said: Said, read: Read, input: Bytes) => void,
): Target["run"] {
  return (input) => {
    const read = orFault(() => {
      if (input.length < HEADER) throw new Fault(0);
      return readAttrs(set, input, HEADER);
    });
    // The kernel sends none twice.
    const isRead = !(read instanceof Fault);
    if (isRead && hasTwins(set, input.slice(HEADER))) return "twins";
    return agree(
      input,
      decodeApart(input, (bytes) => {
        const socket = question.decode(bytes);
        if (!(socket instanceof Socket)) return undefined;
        const table = new SocketTable();
        const saved = table.at(table.add(socket));
        const said = say(socket);
        demand(
          JSON.stringify(said) === JSON.stringify(say(saved)),
          "a socket from a table says other things",
        );
        return said;
      }),
      read,
      (said, read) => {
        demand((said !== undefined) === isMeant(read), "what it is");
        if (said !== undefined) compare(said, read, input);
      },
    );
  };
}

const infoOf = (read: Read) => find(read, "info") ?? new Uint8Array();

/** A number that MPTCP tells of a subflow. */
function told(read: Read, key: string): number {
  const bytes = find(read, "ulpInfo", "mptcp", key);
  return bytes === undefined ? 0 : number(bytes, 0, bytes.length);
}

function isUnderMptcp(read: Read): boolean {
  const ulp = read.get("ulpInfo")?.[1];
  return ulp instanceof Map && ulp.has("mptcp");
}

const MPTCP_NAME = /^mptcp(\0|$)/;

function listensForMptcp(read: Read): boolean {
  const name = find(read, "ulpInfo", "name");
  return MPTCP_NAME.test(String.fromCharCode(...name ?? []));
}

const tokenOf = (info: Uint8Array) =>
  info.length < 16 ? 0 : number(info, 12, 4);

const SUBFLOWS = subflowSockets();

/** The token of the last subflow. */
let askedFor = 0;

function compareSubflow(decoded: Subflow, read: Read, input: Bytes) {
  demandHeader(decoded, input);
  const bits = told(read, "flags");
  demand(askedFor === told(read, "tokenLoc"), () => `token ${askedFor}`);
  demand(decoded.local.id === told(read, "idLoc"), "the local id");
  demand(decoded.remote.id === told(read, "idRem"), "the remote id");
  demand(decoded.initial === ((bits & 0xc) === 0), "initial");
  demand(decoded.openedHere === ((bits & 0xa) !== 0), "openedHere");
  demand(decoded.backup === ((bits & 0x30) !== 0), "backup");
  const unknown = bits - bits % 512;
  demand((decoded.unknownFlags ?? 0) === unknown, "unknown flags");
  const count = bits.toString(2).replaceAll("0", "").length -
    unknown.toString(2).replaceAll("0", "").length;
  demand(decoded.flags.length === count, () => `${decoded.flags}`);
  demand(decoded.timerRetransmits === input[3], "timerRetransmits");
  const info = infoOf(read);
  const isMeasured = info.length >= 72 && number(info, 68, 4) !== 0;
  const isOpening = input[1] === 2;
  demandFigures(
    decoded,
    info,
    TCP_FIGURES,
    (key) =>
      isOpening && key.startsWith("last") ||
      !isMeasured && ["rttUs", "rttVarUs", "minRttUs"].includes(key),
  );
}

/** What is asked, in this order, of {@linkcode SCENE}. */
const SCENE = ["mptcp-dump-v4-client", "tcp-dump-v4-client-3-subflows"];

/** Lists connections; the first byte says which answer is another one. */
function runListing(input: Bytes): string {
  const namespace = replaying(SCENE);
  let nth = 0;
  namespace.distort = (answer, request) => {
    const isMeant = nth++ === input[0]! % 6;
    const [, ...rest] = answer;
    return isMeant
      ? [renumbered(input.slice(1), seqOf(request)), ...rest]
      : answer;
  };
  try {
    const connections = [...Diag.open({ namespace }).connections()];
    const tokens = connections.map(({ token }) => token);
    demand(new Set(tokens).size === tokens.length, "a token is there twice");
    demandBounded(new Uint8Array(4096 + input.length), connections);
    return `${connections.length} connections`;
  } catch (error) {
    const isTyped = [DecodeError, NetlinkError, ProtocolError]
      .some((one) => error instanceof one);
    if (!isTyped) throw error;
    return error instanceof NetlinkError ? error.name : kindOf(error as Error);
  } finally {
    demand(namespace.transports.every(({ closed }) => closed), "open socket");
  }
}

/** What decodes sockets, and lists them. */
export const DIAG_TARGETS: Targets = {
  "sockets of MPTCP": {
    make: makeSocket,
    run: runSocket(
      mptcpSockets(),
      (socket) => socket.connection([]),
      only(INET_DIAG, ...SUBFLOW),
      (read) => tokenOf(infoOf(read)) !== 0,
      (decoded, read, input) => {
        const info = infoOf(read);
        demandHeader(decoded, input);
        demand(decoded.token === tokenOf(info), () => `${decoded.token}`);
        demand(decoded.fallback === ((info[8]! & 1) !== 0), "fallback");
        demandFigures(decoded, info, MPTCP_FIGURES);
      },
    ),
  },
  "sockets that are subflows": {
    make: makeSocket,
    run: runSocket(
      {
        ...SUBFLOWS,
        decode(payload) {
          const socket = SUBFLOWS.decode(payload);
          if (socket instanceof Socket) askedFor = socket.token;
          return socket;
        },
      },
      (socket) => ({ ...socket.subflow() }),
      only(INET_DIAG, ...SUBFLOW),
      isUnderMptcp,
      compareSubflow,
    ),
  },
  "sockets that listen": {
    make: makeSocket,
    run: runSocket(
      listeningSockets(),
      (socket) => socket.listener(),
      INET_DIAG,
      listensForMptcp,
      (decoded, _, input) => demandHeader(decoded, input),
    ),
  },
  "listing of connections": {
    make(random) {
      const datagram = mutateDatagram(
        ...[random, pick(random, datagrams), datagrams] as const,
      );
      const bytes = new Uint8Array(1 + datagram.length);
      bytes[0] = random(6);
      bytes.set(datagram, 1);
      return bytes;
    },
    run: runListing,
  },
};
