/**
 * The TCP connections of programs that did not ask for MPTCP.
 *
 * @module
 */

import { AF_INET, AF_INET6 } from "../codec/inet.ts";
import { NETLINK_SOCK_DIAG } from "../codec/sock_diag.gen.ts";
import { QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import type { TcpConnection } from "./connection.ts";
import { ifSeen, processIds, processName } from "./processes.ts";
import type { Socket } from "./socket.ts";
import { EXT_INFO, IPPROTO_TCP, OTHER, plainSockets } from "./sockets.ts";

const ESTABLISHED = 1 << 1;

/** Lists them, without those of a host with itself. */
export function* listTcp(namespace: Namespace): Generator<TcpConnection, void> {
  using client = new QuestionClient(namespace.open(NETLINK_SOCK_DIAG));
  for (const family of [AF_INET, AF_INET6]) {
    const protocol = IPPROTO_TCP;
    const header = { family, protocol, ext: EXT_INFO, states: ESTABLISHED };
    for (const socket of client.dump(plainSockets(), header)) {
      if (socket === OTHER) continue;
      const connection = (socket as Socket).tcp();
      const { local, remote } = connection;
      if (local.address !== remote.address) yield connection;
    }
  }
}

/** Names the programs that have them. */
export function withProcesses(
  namespace: Namespace,
  sockets: readonly TcpConnection[],
): TcpConnection[] {
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const names = new Map<number, string | undefined>();
  for (const pid of sockets.length === 0 ? [] : processIds(namespace)) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of ifSeen(() => namespace.listDirectory(folder)) ?? []) {
      const link = ifSeen(() => namespace.readLink(`${folder}/${fd}`)) ?? "";
      const inode = Number(link.match(/^socket:\[(\d+)\]$/)?.[1]);
      if (wanted.has(inode) && !names.has(inode)) {
        names.set(inode, processName(namespace, pid));
      }
    }
  }
  return sockets.map((socket) => {
    const process = names.get(socket.inode);
    return process === undefined ? socket : { ...socket, process };
  });
}
