import { ProtocolError } from "../netlink/errors.ts";
import { NETLINK_GENERIC } from "../netlink/genl.ts";
import type { Namespace } from "../netlink/transport.ts";
import {
  ifSeen,
  netlinkTable,
  processIds,
  processName,
  socketHolders,
} from "./processes.ts";

/** A program that manages endpoints, too. */
export interface Manager {
  /** The name of its process, such as `NetworkManager`. */
  readonly name: string;
  /** The process id; 0: the process is not seen. */
  readonly pid: number;
  /** What it does to endpoints by default, and how that is turned off. */
  readonly about: string;
  /**
   * Indexes of the devices that it manages, which is as much as NetworkManager
   * says; absent: not known.
   */
  readonly devices?: readonly number[];
  /** The ids of the endpoints that it manages; absent: of any. */
  readonly ids?: readonly IdRange[];
}

/** Ids of endpoints, ends included. */
export interface IdRange {
  /** The lowest one. */
  readonly from: number;
  /** The highest one. */
  readonly to: number;
}

/** The other managers, and whether that is all of them. */
export interface Managers {
  /** The processes, in the order of their ids. */
  readonly found: readonly Manager[];
  /**
   * Whether all processes of the host were seen: not where this runs in a PID
   * namespace of its own, as in a container, and not where `/proc` is mounted
   * with `hidepid` for somebody without privilege.
   */
  readonly seesAll: boolean;
}

/**
 * The programs that manage endpoints of MPTCP. systemd-networkd is none: it
 * leaves MPTCP alone.
 */
const KNOWN: Readonly<Record<string, string>> = {
  NetworkManager:
    "it adds an endpoint for each address of its connections; off with: " +
    "nmcli connection modify NAME connection.mptcp-flags disabled",
  mptcpd: "it adds an endpoint for each address, and sets the limits; off " +
    "with: systemctl disable --now mptcp.service",
};

/** What an agent of this program is called. */
export const AGENT = "mptcp watch";

/** What an agent of this program claims, so that others know of it. */
const CLAIM = /^.*: (?:\S+ +){5}(\d+) @mptcp watch (all|[\d, -]+)$/;

/** What an agent of this program claims in its namespace. */
export function agentClaim(
  ids: "all" | readonly (readonly [from: number, to: number])[],
): string {
  const text = ids === "all"
    ? ids
    : ids.map(([from, to]) => `${from}-${to}`).join(", ");
  // A name has 107 bytes at the most.
  return `${AGENT} ${text.length <= 90 || ids === "all" ? text : "all"}`;
}

/** The first thread of the kernel, which only the first PID namespace has. */
const KTHREADD = 2;

/** The managers of a namespace: processes by name, and agents. */
export function listManagers(namespace: Namespace): Managers {
  const here = kernelSocket(namespace, "thread-self");
  const found: Manager[] = [];
  const pids = processIds(namespace);
  if (pids.length === 0) {
    throw new ProtocolError("Cannot list managers: /proc cannot be seen here");
  }
  for (const pid of pids) {
    const name = processName(namespace, pid) ?? "";
    if (!Object.hasOwn(KNOWN, name)) continue;
    const there = ifSeen(() => kernelSocket(namespace, pid));
    // It manages its own network namespace.
    const isElsewhere = here !== undefined && there !== undefined &&
      here !== there;
    if (isElsewhere) continue;
    const devices = name === "NetworkManager"
      ? managedDevices(namespace, pid)
      : undefined;
    found.push({ name, pid, about: KNOWN[name]!, ...devices && { devices } });
  }
  found.push(...listAgents(namespace));
  found.sort((one, other) => one.pid - other.pid);
  return { found, seesAll: processName(namespace, KTHREADD) === "kthreadd" };
}

/** The other agents of this program, by what they claim. */
function listAgents(namespace: Namespace): Manager[] {
  const table = namespace.readFile("/proc/thread-self/net/unix") ?? "";
  const claims = table.split("\n").flatMap((line) => {
    const [, inode, ids] = CLAIM.exec(line) ?? [];
    return inode === undefined ? [] : [{ inode, ids: ids! }];
  });
  const inodes = new Map(claims.map(({ inode }) => [inode, 0]));
  const holders = socketHolders(namespace, inodes);
  return claims.flatMap(({ inode, ids }) => {
    const { pid = 0, isOwn } = holders.get(inode) ?? {};
    return isOwn ? [] : [{
      ...{ name: AGENT, pid },
      about: "it keeps endpoints and limits as a file says, until it is ended",
      ...ids !== "all" && {
        ids: ids.split(", ").map((range) => {
          const [from, to] = range.split("-").map(Number);
          return { from: from!, to: to! };
        }),
      },
    }];
  });
}

/** What NetworkManager keeps of its devices, each by its index. */
function managedDevices(
  namespace: Namespace,
  pid: number,
): number[] | undefined {
  // As that process sees it, which may be in a container.
  const folder = `/proc/${pid}/root/run/NetworkManager/devices`;
  return ifSeen(() =>
    namespace.listDirectory(folder)?.filter((index) =>
      /^managed=true$/m.test(namespace.readFile(`${folder}/${index}`) ?? "")
    ).map(Number).toSorted((one, other) => one - other)
  );
}

/**
 * What tells network namespaces apart without privilege: the kernel's own socket
 * of generic netlink in each.
 */
function kernelSocket(
  namespace: Namespace,
  process: number | "thread-self",
): string | undefined {
  return netlinkTable(namespace, process)?.find(({ protocol, portId }) =>
    protocol === NETLINK_GENERIC && portId === 0
  )?.inode;
}
