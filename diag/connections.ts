/**
 * The connections of a namespace with their subflows: two dumps that the kernel
 * makes one after the other, while sockets come and go.
 *
 * @module
 */

import { AF_INET, AF_INET6 } from "../codec/inet.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { NETLINK_SOCK_DIAG } from "../codec/sock_diag.gen.ts";
import { DeviceNames } from "./device_names.ts";
import type { Connection, Listener, Subflow } from "./connection.ts";
import {
  EXT_INFO,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  LISTENERS,
  MPTCP_SOCKETS,
  type MptcpSocket,
  OTHER,
  type SubflowSocket,
  subflowSockets,
} from "./sockets.ts";

const ENOENT = 2;
const FAMILIES = [AF_INET, AF_INET6];
const TIME_WAIT = 1 << 6;
const LISTEN = 1 << 10;
const EVERY = 0xffff_ffff;
const CONNECTED = (EVERY & ~LISTEN) >>> 0;
const ATTRIBUTABLE = (CONNECTED & ~TIME_WAIT) >>> 0;

/** How many connections are in memory at once. */
const CHUNK = 16_384;

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
  using mptcp = openClient(namespace);
  using tcp = openClient(namespace);
  const names = new DeviceNames(namespace);
  const seen = new Set<number>();
  let chunk = new Map<number, MptcpSocket>();
  for (const family of FAMILIES) {
    for (const socket of dumpMptcp(mptcp, family)) {
      // A dump is not made at once: a socket may come twice.
      if (seen.has(socket.token)) continue;
      seen.add(socket.token);
      chunk.set(socket.token, socket);
      if (chunk.size < most) continue;
      yield* complete(tcp, chunk, names);
      chunk = new Map();
    }
  }
  // Now that all tokens are known, what is not among them is younger.
  yield* complete(tcp, chunk, names, seen);
}

/** Joins connections with their subflows. */
function* complete(
  client: QuestionClient,
  sockets: ReadonlyMap<number, MptcpSocket>,
  names: DeviceNames,
  seen?: ReadonlySet<number>,
): Generator<Connection, void> {
  const subflows = subflowsByToken(
    client,
    (token) => sockets.has(token) || seen !== undefined && !seen.has(token),
  );
  const found = new Map(sockets);
  const bare: number[] = [];
  for (const token of sockets.keys()) {
    if (!subflows.has(token)) bare.push(token);
  }
  for (const token of subflows.keys()) {
    if (found.has(token)) continue;
    const socket = lookUp(client, token);
    if (socket !== undefined) found.set(token, socket);
  }
  if (bare.length > 0) {
    // Closed meanwhile, or it has none: it waits for a new one.
    for (const token of bare) {
      const socket = lookUp(client, token);
      if (socket === undefined) found.delete(token);
      else found.set(token, socket);
    }
    const rest = new Set(bare.filter((token) => found.has(token)));
    if (rest.size > 0) {
      const again = subflowsByToken(client, (token) => rest.has(token));
      for (const [token, list] of again) subflows.set(token, list);
    }
  }
  for (const [token, socket] of found) {
    yield join(socket, subflows.get(token) ?? [], names);
  }
}

/** Looks up one connection; `undefined`: there is none of this token. */
export function findConnection(
  namespace: Namespace,
  token: number,
): Connection | undefined {
  using client = openClient(namespace);
  const socket = lookUp(client, token);
  if (socket === undefined) {
    // A kernel that cannot list MPTCP sockets has the same answer.
    client.collect(...allOf(AF_INET, 0));
    return undefined;
  }
  const subflows = subflowsByToken(client, (other) => other === token);
  return join(socket, subflows.get(token) ?? [], new DeviceNames(namespace));
}

/** Lists the sockets that MPTCP was switched off for before their SYN. */
export function* listWithoutMptcp(
  namespace: Namespace,
): Generator<Subflow, void> {
  using client = openClient(namespace);
  const names = new DeviceNames(namespace);
  for (
    const { token: _, ...socket } of dumpTcp(client, (token) => token === 0)
  ) {
    yield names.named(socket);
  }
}

/** Lists the sockets that listen for MPTCP. */
export function* listListeners(
  namespace: Namespace,
): Generator<Listener, void> {
  using client = openClient(namespace);
  const names = new DeviceNames(namespace);
  for (const family of FAMILIES) {
    const header = {
      family,
      protocol: IPPROTO_TCP,
      ext: EXT_INFO,
      states: LISTEN,
    };
    for (const listener of client.dump(LISTENERS, header)) {
      if (!("isOther" in listener)) yield names.named(listener);
    }
  }
}

function openClient(namespace: Namespace): QuestionClient {
  return new QuestionClient(namespace.open(NETLINK_SOCK_DIAG));
}

function allOf(family: number, states: number) {
  return [
    MPTCP_SOCKETS,
    { family, protocol: IPPROTO_TCP, ext: EXT_INFO, states },
    { protocol: IPPROTO_MPTCP },
  ] as const;
}

function* dumpMptcp(
  client: QuestionClient,
  family: number,
): Generator<MptcpSocket, void> {
  for (const socket of client.dump(...allOf(family, CONNECTED))) {
    if (socket !== OTHER) yield socket as MptcpSocket;
  }
}

function* dumpTcp(
  client: QuestionClient,
  isWanted: (token: number) => boolean,
): Generator<SubflowSocket, void> {
  const question = subflowSockets(isWanted);
  for (const family of FAMILIES) {
    const header = {
      family,
      protocol: IPPROTO_TCP,
      ext: EXT_INFO,
      // Those in TIME_WAIT do not say which connection they belonged to.
      states: ATTRIBUTABLE,
    };
    for (const socket of client.dump(question, header)) {
      if (socket !== OTHER) yield socket as SubflowSocket;
    }
  }
}

function subflowsByToken(
  client: QuestionClient,
  isWanted: (token: number) => boolean,
): Map<number, SubflowSocket[]> {
  const byToken = new Map<number, SubflowSocket[]>();
  const cookies = new Set<number>();
  for (
    const socket of dumpTcp(client, (token) => token !== 0 && isWanted(token))
  ) {
    if (cookies.has(socket.cookie)) continue;
    cookies.add(socket.cookie);
    const list = byToken.get(socket.token);
    if (list === undefined) byToken.set(socket.token, [socket]);
    else list.push(socket);
  }
  return byToken;
}

function lookUp(
  client: QuestionClient,
  token: number,
): MptcpSocket | undefined {
  const [question, header, attrs] = allOf(AF_INET, EVERY);
  try {
    const socket = client.get(question, { ...header, cookie0: token }, attrs);
    return socket === OTHER ? undefined : socket as MptcpSocket;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return;
    throw error;
  }
}

function join(
  socket: MptcpSocket,
  sockets: readonly SubflowSocket[],
  names: DeviceNames,
): Connection {
  const subflows = sockets.map(({ token: _, ...subflow }) =>
    names.named(subflow)
  );
  subflows.sort((one, other) =>
    Number(other.initial) - Number(one.initial) ||
    one.local.id - other.local.id || one.remote.id - other.remote.id ||
    one.cookie - other.cookie
  );
  return {
    ...names.named(socket),
    subflows,
    ...isPartial(socket, subflows) && { partial: true },
  };
}

/** Whether the kernel counts more subflows, as far as it is known. */
function isPartial(
  { subflowsTotal, extraSubflows = 0 }: MptcpSocket,
  subflows: readonly Subflow[],
): boolean {
  if (subflowsTotal !== undefined) return subflows.length < subflowsTotal;
  // Before Linux 6.8: the initial one is not counted.
  return subflows.length === 0 ||
    subflows.filter(({ initial }) => !initial).length < extraSubflows;
}
