import { ProtocolError } from "../netlink/errors.ts";
import { NETLINK_GENERIC } from "../netlink/genl.ts";
import type { Namespace } from "../netlink/transport.ts";
import { ifSeen, netlinkTable, processIds, processName } from "./processes.ts";

/** A program that manages endpoints, too. */
export interface Manager {
  /** The name of its process, such as `NetworkManager`. */
  readonly name: string;
  /** The process id. */
  readonly pid: number;
  /** What it does to endpoints by default, and how that is turned off. */
  readonly about: string;
  /**
   * Indexes of the devices that it manages, which is as much as NetworkManager
   * says; absent: not known.
   */
  readonly devices?: readonly number[];
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

/** The first thread of the kernel, which only the first PID namespace has. */
const KTHREADD = 2;

/** The managers whose processes are in a namespace, by name. */
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
  return { found, seesAll: processName(namespace, KTHREADD) === "kthreadd" };
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
