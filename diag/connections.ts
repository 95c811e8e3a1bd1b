/**
 * The connections of a namespace with their subflows: two dumps that the kernel
 * makes one after the other, while sockets come and go.
 *
 * @module
 */

import { AF_INET, AF_INET6, parseAddress } from "../codec/inet.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { NETLINK_SOCK_DIAG } from "../codec/sock_diag.gen.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import type {
  Connection,
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
/** Those in TIME_WAIT do not say which connection they belonged to. */
const ATTRIBUTABLE = (CONNECTED & ~TIME_WAIT) >>> 0;
/** For sockets that are only bound the kernel goes through one more table. */
const BOUND = 1 << 13;

/** How many connections are in memory at once. */
const CHUNK = 16_384;

/** Connections that were found, by their tokens. */
class Chunk {
  readonly table = new SocketTable();
  /** Numbers of the MPTCP sockets; absent: only a subflow was found yet. */
  readonly connections = new Map<number, number | undefined>();
  /** Numbers of the subflows that were found last. */
  readonly subflows = new Map<number, number>();
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
  const seen = new Set<number>();
  let chunk = new Chunk();
  for (const family of FAMILIES) {
    for (const socket of mptcp.dump(...allOf(family, CONNECTED))) {
      if (socket === OTHER) continue;
      const { ownToken: token } = socket as Socket;
      // A dump is not made at once: a socket may come twice.
      if (seen.has(token)) continue;
      seen.add(token);
      chunk.connections.set(token, chunk.table.add(socket as Socket));
      if (chunk.connections.size < most) continue;
      yield* complete(tcp, chunk, names);
      chunk = new Chunk();
    }
  }
  // Now that all tokens are known, what is not among them is younger.
  yield* complete(tcp, chunk, names, seen);
}

/** Joins connections with their subflows. */
function* complete(
  client: QuestionClient,
  chunk: Chunk,
  names: DeviceNames,
  seen?: ReadonlySet<number>,
): Generator<Connection, void> {
  const { table, connections, subflows } = chunk;
  addSubflows(client, chunk, (token) => {
    if (connections.has(token)) return true;
    if (seen === undefined || seen.has(token)) return false;
    connections.set(token, undefined);
    return true;
  });
  const bare = new Set<number>();
  for (const [token, number] of connections) {
    const isBare = !subflows.has(token);
    if (number !== undefined && !isBare) continue;
    const socket = lookUp(client, token);
    if (socket === undefined) connections.delete(token);
    else connections.set(token, table.add(socket));
    // It was closed meanwhile, or it has none: it waits for a new one.
    if (socket !== undefined && isBare) bare.add(token);
  }
  if (bare.size > 0) addSubflows(client, chunk, (token) => bare.has(token));
  for (const token of connections.keys()) yield join(chunk, token, names);
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
  const chunk = new Chunk();
  chunk.connections.set(token, chunk.table.add(socket));
  addSubflows(client, chunk, (other) => other === token);
  return join(chunk, token, new DeviceNames(namespace));
}

/** Lists the sockets that MPTCP was switched off for before their SYN. */
export function* listWithoutMptcp(
  namespace: Namespace,
): Generator<Subflow, void> {
  using client = openSockDiag(namespace);
  const names = new DeviceNames(namespace);
  const question = subflowSockets((token) => token === 0);
  for (const socket of dumpTcp(client, question, ATTRIBUTABLE)) {
    yield names.named(socket.subflow());
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
  const question = subflowQuestion ??= subflowSockets(() => true);
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
  const states = (ATTRIBUTABLE & ~BOUND) >>> 0;
  const header = { family, protocol: IPPROTO_TCP, states };
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
    { family, protocol: IPPROTO_TCP, ext: EXT_INFO, states },
    { protocol: IPPROTO_MPTCP },
  ] as const;
}

function* dumpTcp(
  client: QuestionClient,
  question: ReturnType<typeof subflowSockets>,
  states: number,
): Generator<Socket, void> {
  for (const family of FAMILIES) {
    const header = { family, protocol: IPPROTO_TCP, ext: EXT_INFO, states };
    for (const socket of client.dump(question, header)) {
      if (socket !== OTHER) yield socket as Socket;
    }
  }
}

function addSubflows(
  client: QuestionClient,
  { table, subflows }: Chunk,
  isWanted: (token: number) => boolean,
): void {
  const question = subflowSockets((token) => token !== 0 && isWanted(token));
  for (const socket of dumpTcp(client, question, ATTRIBUTABLE)) {
    const { token } = socket;
    subflows.set(token, table.add(socket, subflows.get(token)));
  }
}

/** For look-ups, whose answers are read before the next one: made once. */
let socketQuestion: ReturnType<typeof allOf> | undefined;
let subflowQuestion: ReturnType<typeof subflowSockets> | undefined;

function lookUp(
  client: QuestionClient,
  token: number,
): Socket | undefined {
  const [question, header, attrs] = socketQuestion ??= allOf(AF_INET, EVERY);
  try {
    const socket = client.get(question, { ...header, cookie0: token }, attrs);
    return socket === OTHER ? undefined : socket as Socket;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return;
    throw error;
  }
}

function join(
  { table, connections, subflows: last }: Chunk,
  token: number,
  names: DeviceNames,
): Connection {
  const subflows: Subflow[] = [];
  for (const socket of table.chain(last.get(token))) {
    const subflow = names.named(socket.subflow());
    // A dump is not made at once: a socket may come twice.
    if (subflows.every(({ cookie }) => cookie !== subflow.cookie)) {
      subflows.push(subflow);
    }
  }
  subflows.sort((one, other) =>
    Number(other.initial) - Number(one.initial) ||
    one.local.id - other.local.id || one.remote.id - other.remote.id ||
    one.cookie - other.cookie
  );
  const socket = table.at(connections.get(token)!);
  const connection = names.named(socket.connection(subflows));
  return isPartial(connection) ? { ...connection, partial: true } : connection;
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
