import {
  MPTCP_PM_EV_GRP_NAME,
  MPTCP_PM_NAME,
  MPTCP_PM_VER,
} from "../codec/mptcp_pm.gen.ts";
import { NotFoundError, ProtocolError } from "../netlink/errors.ts";
import { type Family, GenlClient, NETLINK_GENERIC } from "../netlink/genl.ts";
import type { Namespace } from "../netlink/transport.ts";
import { netlinkTable, processName, socketHolders } from "./processes.ts";

/** A socket that gets the events of MPTCP connections. */
export interface EventListener {
  /**
   * Port id: that of the process for the first netlink socket of most programs,
   * 1 to 0xffffffff.
   */
  readonly portId: number;
  /** Whether it is a socket of this process. */
  readonly isOwn: boolean;
  /**
   * The process. Absent for one of another user without `CAP_SYS_PTRACE`, and
   * for one of another PID namespace.
   */
  readonly pid?: number;
  /** Its name, of 15 bytes at the most. Absent with `pid`. */
  readonly process?: string;
}

/** Programs that show events, and do nothing about them. */
const SHOWING = [
  ...["ip", "mptcp monitor", "mptcp record", "mptcp report", "mptcp wait"],
];

/** Whether a listener is known to manage nothing, by its name. */
export function showsOnly({ process }: EventListener): boolean {
  return SHOWING.includes(process ?? "");
}

const MPTCP_PM: Family = {
  name: MPTCP_PM_NAME,
  version: MPTCP_PM_VER,
  absent: `Cannot find the netlink family "${MPTCP_PM_NAME}"`,
  action: () => "look up the group of the events",
  hint: () => undefined,
};

/** The members of the group of the events in a namespace. */
export function listEventListeners(namespace: Namespace): EventListener[] {
  const group = eventGroup(namespace);
  if (group === undefined) return [];
  const table = netlinkTable(namespace);
  if (table === undefined || group > 32) {
    throw new ProtocolError(
      "Cannot tell who listens to events: /proc/thread-self/net/netlink " +
        (table === undefined
          ? "cannot be seen here"
          : `has the groups from 1 to 32, and theirs is ${group}`),
    );
  }
  // While the table is resized, a row may come twice.
  const members = new Map(
    table.filter(({ protocol, portId, groups }) =>
      protocol === NETLINK_GENERIC && portId !== 0 &&
      (groups >>> (group - 1) & 1) === 1
    ).map((row) => [row.inode, row.portId]),
  );
  const holders = socketHolders(namespace, members);
  return Array.from(members, ([inode, portId]) => {
    const holder = holders.get(inode);
    if (holder === undefined) return { portId, isOwn: false };
    const process = processName(namespace, holder.pid);
    return { portId, ...holder, ...process !== undefined && { process } };
  });
}

/** The number of the group; `undefined`: this kernel has none. */
function eventGroup(namespace: Namespace): number | undefined {
  try {
    using client = new GenlClient(namespace, MPTCP_PM, () => {});
    return client.groupId(MPTCP_PM_EV_GRP_NAME);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
