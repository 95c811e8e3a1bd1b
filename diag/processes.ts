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
