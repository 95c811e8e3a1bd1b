/**
 * The connections of a namespace with their subflows: two dumps that the kernel
 * makes one after the other, while sockets come and go.
 *
 * @module
 */

import { writeU32 } from "../codec/bytes.ts";
import { AF_INET, AF_INET6, parseAddress } from "../codec/inet.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { INET_DIAG_REQ_V2, NETLINK_SOCK_DIAG } from "../codec/sock_diag.gen.ts";
import { encodeStruct } from "../codec/struct.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import type {
  Connection,
  ConnectionBrief,
  ConnectionSummary,
  Listener,
  RunningTimer,
  Subflow,
  SubflowReading,
} from "./connection.ts";
import type { Socket } from "./socket.ts";
import { SocketTable } from "./socket_table.ts";
import {
  anySockets,
  EXT_INFO,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  listeningSockets,
  mptcpSockets,
  OTHER,
  plainSockets,
  subflowSockets,
} from "./sockets.ts";

const ENOENT = 2;
const FAMILIES = [AF_INET, AF_INET6];
const TIME_WAIT = 1 << 6;
const LISTEN = 1 << 10;
const EVERY = 0xffff_ffff;
const CONNECTED = (EVERY & ~LISTEN) >>> 0;
/** For sockets that are only bound the kernel goes through one more table. */
const BOUND = 1 << 13;
/** Those in TIME_WAIT do not say which connection they belonged to. */
const ATTRIBUTABLE = (CONNECTED & ~(TIME_WAIT | BOUND)) >>> 0;

/**
 * How many connections are in memory at once, as 1 KB each: for the next ones
 * all TCP sockets are read again.
 */
const CHUNK = 16_384;

/** A connection that was found, by the numbers of its sockets. */
interface Found {
  /** The MPTCP socket; absent: only a subflow was found yet. */
  connection: number | undefined;
  /** The subflow that was found last; absent: none was. */
  subflow: number | undefined;
}

/** Connections that were found, by their tokens. */
interface Chunk {
  readonly table: SocketTable;
  readonly found: Map<number, Found>;
}

/**
 * Lists the connections of a namespace.
 *
 * MPTCP sockets are read first, up to a chunk of them, and then the TCP sockets
 * that are their subflows. A connection that is younger than the first dump is
 * found by its subflows; one without subflows is looked at once more.
 */
export function* listConnections(
  namespace: Namespace,
  most: number = CHUNK,
): Generator<Connection, void> {
  using mptcp = openSockDiag(namespace);
  using tcp = openSockDiag(namespace);
  const names = new DeviceNames(namespace);
  const earlier = new Set<number>();
  for (const chunk of chunksOf(mptcp, most, earlier)) {
    // With the last one all tokens are known: what is not among them is younger.
    complete(tcp, chunk, chunk.found.size < most ? earlier : undefined);
    for (const one of chunk.found.values()) yield join(chunk.table, one, names);
  }
}

/** Reads MPTCP sockets. Only the last chunk is not full. */
function* chunksOf(
  client: QuestionClient,
  most: number,
  earlier: Set<number>,
): Generator<Chunk, void> {
  let [table, found] = [new SocketTable(), new Map<number, Found>()];
  for (const family of FAMILIES) {
    for (const socket of client.dump(...allOf(family, CONNECTED))) {
      if (socket === OTHER) continue;
      const { ownToken: token } = socket as Socket;
      // A dump is not made at once: a socket may come twice.
      if (found.has(token) || earlier.has(token)) continue;
      found.set(token, {
        connection: table.add(socket as Socket),
        subflow: undefined,
      });
      if (found.size < most) continue;
      const tokens = [...found.keys()];
      yield { table, found };
      for (const token of tokens) earlier.add(token);
      [table, found] = [new SocketTable(), new Map()];
    }
  }
  yield { table, found };
}

/** Finds the subflows of connections. */
function complete(
  client: QuestionClient,
  { table, found }: Chunk,
  earlier: ReadonlySet<number> | undefined,
): void {
  addSubflows(client, table, (token) => {
    let one = found.get(token);
    if (one === undefined && earlier?.has(token) === false) {
      one = { connection: undefined, subflow: undefined };
      found.set(token, one);
    }
    return one;
  });
  const bare = new Map<number, Found>();
  for (const [token, one] of found) {
    const isBare = one.subflow === undefined;
    if (one.connection !== undefined && !isBare) continue;
    const socket = lookUp(client, token);
    if (socket === undefined) found.delete(token);
    else one.connection = table.add(socket);
    // It was closed meanwhile, or it has none: it waits for a new one.
    if (socket !== undefined && isBare) bare.set(token, one);
  }
  if (bare.size > 0) addSubflows(client, table, (token) => bare.get(token));
}

/** Looks up one connection; `undefined`: there is none of this token. */
export function findConnection(
  namespace: Namespace,
  token: number,
): Connection | undefined {
  using client = openSockDiag(namespace);
  const socket = lookUp(client, token);
  if (socket === undefined) {
    // A kernel that cannot list MPTCP sockets has the same answer.
    client.collect(...allOf(AF_INET, 0));
    return undefined;
  }
  const table = new SocketTable();
  const one: Found = { connection: table.add(socket), subflow: undefined };
  addSubflows(client, table, (other) => other === token ? one : undefined);
  return join(table, one, new DeviceNames(namespace));
}

/** Lists the sockets that MPTCP was switched off for before their SYN. */
export function* listWithoutMptcp(
  namespace: Namespace,
): Generator<Subflow, void> {
  using client = openSockDiag(namespace);
  const names = new DeviceNames(namespace);
  for (const socket of dumpTcp(client, subflowSockets(), ATTRIBUTABLE)) {
    if (socket.token === 0) yield names.named(socket.subflow());
  }
}

/** Lists the sockets that listen for MPTCP. */
export function* listListeners(
  namespace: Namespace,
): Generator<Listener, void> {
  using client = openSockDiag(namespace);
  const names = new DeviceNames(namespace);
  for (const socket of dumpTcp(client, listeningSockets(), LISTEN)) {
    yield names.named(socket.listener());
  }
}

/** Lists the TCP sockets that listen, for MPTCP or not. */
export function* listTcpListeners(
  namespace: Namespace,
): Generator<Listener, void> {
  using client = openSockDiag(namespace);
  const names = new DeviceNames(namespace);
  for (const socket of dumpTcp(client, plainSockets(), LISTEN)) {
    yield names.named(socket.listener());
  }
}

/** Looks up one connection without its subflows, over an open socket. */
export function findSummary(
  client: QuestionClient,
  namespace: Namespace,
  token: number,
): ConnectionSummary | undefined {
  const socket = lookUp(client, token);
  if (socket === undefined) return undefined;
  const { subflows: _, ...summary } = socket.connection([]);
  return new DeviceNames(namespace).named(summary);
}

/** The same of the little that is asked for often. */
export function findBrief(
  client: QuestionClient,
  token: number,
): ConnectionBrief | undefined {
  return lookUp(client, token)?.brief();
}

/** Any cookie (`INET_DIAG_NOCOOKIE`). */
const ANY = 0xffff_ffff;

/** Looks up one subflow by its ends, over an open socket. */
export function findSubflow(
  client: QuestionClient,
  namespace: Namespace,
  { local, remote, ifIndex }: Pick<Subflow, "local" | "remote" | "ifIndex">,
): SubflowReading | undefined {
  const [src, dst] = [
    parseAddress(local.address),
    parseAddress(remote.address),
  ];
  const question = subflowQuestion ??= subflowSockets();
  try {
    const socket = client.get(question, {
      ...{ family: src.family, protocol: IPPROTO_TCP, ext: EXT_INFO },
      ...{ states: EVERY, ifindex: ifIndex, cookie0: ANY, cookie1: ANY },
      ...{ sport: local.port, dport: remote.port },
      ...{ src: src.bytes, dst: dst.bytes },
    });
    if (socket === OTHER) return undefined;
    return new DeviceNames(namespace).named((socket as Socket).reading());
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return;
    throw error;
  }
}

/**
 * Reads the timers of many subflows at once, over an open socket. Without the
 * rest of what there is to know of them, the kernel takes half as long.
 *
 * @param wanted The numbers of the sockets.
 * @returns Their timers, by number: of those that were found.
 */
export function findTimers(
  client: QuestionClient,
  family: number,
  wanted: ReadonlySet<number>,
): Map<number, RunningTimer> {
  const found = new Map<number, RunningTimer>();
  const header = { family, protocol: IPPROTO_TCP, states: ATTRIBUTABLE };
  for (const socket of client.dump(anySockets(), header)) {
    const { cookie } = socket;
    if (wanted.has(cookie)) found.set(cookie, socket.timer());
  }
  return found;
}

/** Opens a socket for questions about sockets. */
export function openSockDiag(namespace: Namespace): QuestionClient {
  return new QuestionClient(namespace.open(NETLINK_SOCK_DIAG));
}

function allOf(family: number, states: number) {
  return [
    mptcpSockets(),
    tcpOf(family, states),
    { protocol: IPPROTO_MPTCP },
  ] as const;
}

function tcpOf(family: number, states: number) {
  return { family, protocol: IPPROTO_TCP, ext: EXT_INFO, states };
}

function* dumpTcp(
  client: QuestionClient,
  question: ReturnType<typeof subflowSockets>,
  states: number,
): Generator<Socket, void> {
  for (const family of FAMILIES) {
    for (const socket of client.dump(question, tcpOf(family, states))) {
      if (socket !== OTHER) yield socket as Socket;
    }
  }
}

function addSubflows(
  client: QuestionClient,
  table: SocketTable,
  find: (token: number) => Found | undefined,
): void {
  const question = subflowSockets();
  for (const family of FAMILIES) {
    // Not by dumpTcp(): a generator around another takes 50 ns a socket.
    for (const one of client.dump(question, tcpOf(family, ATTRIBUTABLE))) {
      const socket = one as Socket;
      if (one === OTHER || socket.token === 0) continue;
      const owner = find(socket.token);
      if (owner !== undefined) {
        owner.subflow = table.add(socket, owner.subflow);
      }
    }
  }
}

/** For look-ups, whose answers are read before the next one: made once. */
let socketQuestion: ReturnType<typeof tokenQuestion> | undefined;
let subflowQuestion: ReturnType<typeof subflowSockets> | undefined;

/** A question for a socket, in whose header only the token is missing. */
function tokenQuestion() {
  const [question, header, attrs] = allOf(AF_INET, EVERY);
  const { members } = INET_DIAG_REQ_V2;
  return {
    question,
    header: encodeStruct(INET_DIAG_REQ_V2, header),
    /** Where the token goes. */
    at: members.find(({ key }) => key === "cookie0")!.offset,
    attrs,
  };
}

function lookUp(
  client: QuestionClient,
  token: number,
): Socket | undefined {
  const { question, header, at, attrs } = socketQuestion ??= tokenQuestion();
  writeU32(header, at, token);
  try {
    const socket = client.get(question, header, attrs);
    return socket === OTHER ? undefined : socket as Socket;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return;
    throw error;
  }
}

function join(
  table: SocketTable,
  { connection: number, subflow: last }: Found,
  names: DeviceNames,
): Connection {
  const subflows: Subflow[] = [];
  for (let at = last; at !== undefined; at = table.next(at)) {
    insert(subflows, names.named(table.at(at).subflow()));
  }
  const connection = names.named(table.at(number!).connection(subflows));
  return isPartial(connection) ? { ...connection, partial: true } : connection;
}

/** Inserts a subflow in its place: there are few. */
function insert(subflows: Subflow[], subflow: Subflow): void {
  // A dump is not made at once: a socket may come twice.
  for (const { cookie } of subflows) if (cookie === subflow.cookie) return;
  let at = subflows.push(subflow) - 1;
  for (; at > 0 && compare(subflow, subflows[at - 1]!) < 0; at--) {
    subflows[at] = subflows[at - 1]!;
  }
  subflows[at] = subflow;
}

/** The initial one is the first. */
function compare(one: Subflow, other: Subflow): number {
  return Number(other.initial) - Number(one.initial) ||
    one.local.id - other.local.id || one.remote.id - other.remote.id ||
    one.cookie - other.cookie;
}

/** Whether the kernel counts more subflows, as far as it is known. */
function isPartial(
  { subflowsTotal, extraSubflows = 0, subflows }: Connection,
): boolean {
  if (subflowsTotal !== undefined) return subflows.length < subflowsTotal;
  // Before Linux 6.8: the initial one is not counted.
  return subflows.length === 0 ||
    subflows.filter(({ initial }) => !initial).length < extraSubflows;
}
