/**
 * From what is there to the events that would have said so.
 *
 * @module
 */

import { MPTCP_PM_EV_FLAG_SERVER_SIDE } from "../codec/mptcp_pm.gen.ts";
import type {
  Connection,
  ConnectionSummary,
  SocketState,
  Subflow,
} from "../diag/mod.ts";
import type {
  ClosedEvent,
  CreatedEvent,
  EstablishedEvent,
  SubClosedEvent,
  SubEstablishedEvent,
  SubflowEvent,
  SubPriorityEvent,
} from "./event.ts";
import type { KnownConnection } from "./known_connections.ts";
import type { SubflowAddress } from "./subflow.ts";

/** An event that was made of what is there. */
export type SyntheticEvent =
  & { readonly synthetic: true }
  & (
    | CreatedEvent
    | EstablishedEvent
    | ClosedEvent
    | SubEstablishedEvent
    | SubClosedEvent
    | SubPriorityEvent
  );

/** What makes an event one of those. */
const MARK = { synthetic: true } as const;

/**
 * The events that lead from what somebody knows to what is there, those of one
 * connection in the order of the kernel.
 *
 * Not all can be seen: which addresses the peer has announced, whether it wants
 * no joins to its first address (`denyJoinId0` is `false`), and why something
 * has ended. Who accepted a connection whose initial subflow has ended is told
 * by the subflows that are left: the side that opened none of them.
 *
 * Of a connection that fell back to TCP in its handshake the kernel sends no
 * `created`, so it is left out. A connection that is closed on this host, and
 * whose last bytes are still on their way, has ended.
 *
 * @param known What is known, each token once.
 * @param present All connections that are there, or those that matter.
 */
export function resync(
  known: Iterable<KnownConnection>,
  present: Iterable<Connection>,
): SyntheticEvent[] {
  const events: SyntheticEvent[] = [];
  const gone = new Map<number, KnownConnection>();
  for (const one of known) gone.set(one.token, one);
  for (const connection of present) {
    const { token } = connection;
    const before = gone.get(token);
    const isKnown = before !== undefined && isSamePath(before, connection);
    if (isKnown ? isClosedHere(connection) : !isMade(connection)) continue;
    gone.delete(token);
    if (before && !isKnown) events.push({ type: "closed", token, ...MARK });
    events.push(...changes(isKnown ? before : undefined, connection));
  }
  for (const token of gone.keys()) {
    events.push({ type: "closed", token, ...MARK });
  }
  return events;
}

/** The events of one connection. */
function changes(
  before: KnownConnection | undefined,
  connection: Connection,
): SyntheticEvent[] {
  const { token, subflows, partial } = connection;
  const events: SyntheticEvent[] = [];
  const both = before ?? connectionEvent(connection);
  if (before === undefined) {
    events.push({ type: "created", ...connectionEvent(connection) });
  }
  if (!before?.established && subflows.some(isFullyEstablished)) {
    events.push({ type: "established", ...connectionEvent(connection) });
  }
  const open = subflows.filter(isOpen);
  const known = before?.subflows ?? [initialSubflow(both)];
  for (const subflow of known) {
    // One that the look missed would be said to be gone, and nothing would
    // ever say that it is there. If it went meanwhile, its event is to come.
    if (partial || open.some((one) => isSamePath(one, subflow))) continue;
    events.push({ type: "sub-closed", token, ...subflow, ...MARK });
  }
  for (const subflow of open) {
    const one = known.find((one) => isSamePath(one, subflow));
    const now = subflowEvent(token, subflow);
    if (one === undefined) {
      events.push({ type: "sub-established", ...now });
    } else if (one.backup !== now.backup) {
      events.push({ type: "sub-priority", ...now });
    }
  }
  return events;
}

/** What `created` says of a connection. */
function connectionEvent(connection: Connection) {
  const { token, local, remote, subflows } = connection;
  const first = subflows.find(({ initial }) => initial) ?? subflows[0];
  const serverSide = first !== undefined && !first.openedHere;
  return {
    token,
    local: plainEnd(local),
    remote: plainEnd(remote),
    locId: 0,
    remId: 0,
    serverSide,
    denyJoinId0: false,
    flags: serverSide ? MPTCP_PM_EV_FLAG_SERVER_SIDE : 0,
    ...MARK,
  };
}

/** What an event says of a subflow. */
function subflowEvent(token: number, subflow: Subflow) {
  const { local, remote, flags, ifIndex, dev } = subflow;
  return {
    token,
    local: plainEnd(local),
    remote: plainEnd(remote),
    locId: local.id,
    remId: remote.id,
    backup: flags.includes("bkup-rem"),
    ifIndex,
    ...dev !== undefined && { dev },
    ...MARK,
  };
}

/** The subflow that `created` tells of. */
export function initialSubflow(
  { local, remote }: Pick<SubflowEvent, "local" | "remote">,
): KnownConnection["subflows"][number] {
  return { local, remote, locId: 0, remId: 0, backup: false, ifIndex: 0 };
}

function plainEnd({ address, port }: SubflowAddress): SubflowAddress {
  return { address, port };
}

/** Two ends. */
type Path = Pick<SubflowEvent, "local" | "remote">;

/** Whether both ends are the same. */
export function isSamePath(one: Path, other: Path): boolean {
  return one.local.port === other.local.port &&
    one.remote.port === other.remote.port &&
    one.local.address === other.local.address &&
    one.remote.address === other.remote.address;
}

/** States of a socket after `close()`; before `accept()` it has no inode. */
const CLOSING: readonly SocketState[] = [
  ...["fin-wait-1", "fin-wait-2", "closing", "last-ack"] as const,
  ...["time-wait", "closed"] as const,
];

/** Whether its program has closed it, which is when the kernel says `closed`. */
export function isClosedHere(
  { inode, state }: Pick<ConnectionSummary, "inode" | "state">,
): boolean {
  return inode === 0 && CLOSING.includes(state);
}

/** Whether the kernel has said `created`, and not yet `closed`. */
export function isMade(connection: Connection): boolean {
  const { state, remoteKeyReceived, subflows } = connection;
  return !isClosedHere(connection) &&
    (remoteKeyReceived && state !== "syn-sent" || subflows.some(isOpen));
}

/**
 * Whether a subflow was established, and the kernel has not yet said that it was
 * closed. The event comes before the state on the side that accepts, but not
 * before the flags.
 */
export function isOpen({ state, flags }: Subflow): boolean {
  return OPEN.includes(state) && flags.includes("connected") &&
    SPEAKING.some((flag) => flags.includes(flag));
}

const OPEN: readonly SocketState[] = ["established", "close-wait", "syn-recv"];
/** What a subflow that is plain TCP lacks. */
const SPEAKING = ["mcap-rem", "join-rem", "join-loc"] as const;

function isFullyEstablished({ flags }: Subflow): boolean {
  return flags.includes("fully-established");
}
