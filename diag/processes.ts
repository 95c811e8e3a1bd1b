/**
 * What `/proc` shows of processes. Those of other PID namespaces it does not
 * show, those of other users it shows in part.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";

/** A row of `/proc/net/netlink`. */
export interface NetlinkRow {
  readonly protocol: number;
  readonly portId: number;
  /** The groups that it is a member of, from 1 to 32, as bits. */
  readonly groups: number;
  /** The number of the file in the kernel. */
  readonly inode: string;
}

/** Address, protocol, port id, groups, five numbers, inode. */
const ROW = /^\S+ +(\d+) +(\d+) +([0-9a-f]+)(?: +-?\d+){5} +(\d+) *$/;

/** It has ended meanwhile, or belongs to another user. */
const UNSEEN = ["ENOENT", "ESRCH", "EINVAL", "EACCES", "EPERM"];

/** Does something that a process may have no more, or does not show. */
export function ifSeen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code = "" } = error as { readonly code?: string };
    if (error instanceof MptcpError && UNSEEN.includes(code)) return undefined;
    throw error;
  }
}

/** The ids of the processes, in order. */
export function processIds(namespace: Namespace): number[] {
  const names = namespace.listDirectory("/proc") ?? [];
  return names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
    .toSorted((one, other) => one - other);
}

/** The name of a process, of 15 bytes at the most; `undefined`: not seen. */
export function processName(
  namespace: Namespace,
  pid: number,
): string | undefined {
  return ifSeen(() => namespace.readFile(`/proc/${pid}/comm`))
    ?.replace(/\n$/, "");
}

/**
 * The netlink sockets of a namespace.
 *
 * @param process A process that is in it; absent: the namespace's own.
 */
export function netlinkTable(
  namespace: Namespace,
  process: number | "thread-self" = "thread-self",
): NetlinkRow[] | undefined {
  const path = `/proc/${process}/net/netlink`;
  return namespace.readFile(path)?.trimEnd().split("\n").slice(1)
    .map((line) => {
      const row = line.match(ROW);
      if (row === null) {
        throw new ProtocolError(`Cannot read ${path}: "${line}" is no row`);
      }
      const [, protocol, portId, groups, inode] = row;
      return {
        protocol: Number(protocol),
        portId: Number(portId),
        groups: parseInt(groups!, 16),
        inode: inode!,
      };
    });
}

/** A process that has a socket open. */
export interface Holder {
  readonly pid: number;
  readonly isOwn: boolean;
}

/**
 * Which processes have sockets open, by the inodes.
 *
 * @param sockets The inodes, and in which process each most likely is; 0: none.
 */
export function socketHolders(
  namespace: Namespace,
  sockets: ReadonlyMap<string, number>,
): Map<string, Holder> {
  const found = new Map<string, Holder>();
  if (sockets.size === 0) return found;
  const own = Number(namespace.readLink("/proc/self"));
  // Most are where the port id says.
  const likely = [own, ...sockets.values()];
  const pids = processIds(namespace);
  const inOrder = new Set([
    ...likely.filter((pid) => pids.includes(pid)),
    ...pids,
  ]);
  for (const pid of inOrder) {
    if (found.size === sockets.size) break;
    const folder = `/proc/${pid}/fd`;
    for (const fd of ifSeen(() => namespace.listDirectory(folder)) ?? []) {
      const link = ifSeen(() => namespace.readLink(`${folder}/${fd}`)) ?? "";
      const inode = link.match(/^socket:\[(\d+)\]$/)?.[1] ?? "";
      if (sockets.has(inode) && !found.has(inode)) {
        found.set(inode, { pid, isOwn: pid === own });
      }
    }
  }
  return found;
}
