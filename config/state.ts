/**
 * What a plan depends on: the state of one network namespace, as plain values
 * that can be saved and compared.
 *
 * @module
 */

import { isSameAddress, parseAddress } from "../codec/inet.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Connection, SocketEnd, Subflow } from "../diag/connection.ts";
import { listTcpListeners } from "../diag/connections.ts";
import { Diag, type DiagOptions } from "../diag/diag.ts";
import type { Link } from "../diag/links.ts";
import type { Managers } from "../diag/managers.ts";
import { readSysctls } from "../diag/settings.ts";
import { type Namespace, openNamespace } from "../netlink/transport.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { Limits } from "../ops/limits.ts";
import { PathManager } from "../ops/path_manager.ts";

/** What live connections have from the address of one endpoint. */
export interface Carried {
  /** Id of the endpoint. */
  readonly id: number;
  /** Subflows that start from it on this host, those being opened included. */
  readonly subflows: number;
  /** Connections that they belong to. */
  readonly connections: number;
  /** How many of the subflows are those that their connections began with. */
  readonly initial: number;
}

/** Connections that have no established subflows but from endpoints. */
export interface Dependents {
  /** Ids of the endpoints, rising. */
  readonly ids: readonly number[];
  /** How many connections have subflows from all of these, and no others. */
  readonly connections: number;
}

/** What there is in a network namespace, as far as a plan depends on it. */
export interface PresentState {
  /** Release of the kernel, such as `"6.18.44"`. */
  readonly kernel: string;
  /** How many endpoints it holds, and the highest value of a limit. */
  readonly capacity: number;
  /** The sysctls of `net.mptcp`, as text by the kernel's names. */
  readonly settings: Readonly<Record<string, string>>;
  /** The limits. */
  readonly limits: Limits;
  /** The endpoints by rising id. */
  readonly endpoints: readonly Endpoint[];
  /** What live connections have from them; those with nothing are absent. */
  readonly carried: readonly Carried[];
  /** Connections that end unless one of some endpoints stays. */
  readonly dependents: readonly Dependents[];
  /**
   * Live connections that the in-kernel path manager can open subflows of: not
   * those that fell back to TCP.
   */
  readonly connections: number;
  /** The addresses of the peers of those connections, each once: 64 at most. */
  readonly peers: readonly string[];
  /** The network devices. */
  readonly links: readonly Link[];
  /** The addresses of the host, in the kernel's order. */
  readonly addresses: readonly InterfaceAddress[];
  /** Where TCP sockets listen. */
  readonly listeners: readonly SocketEnd[];
  /** Other programs that manage endpoints here. */
  readonly managers: Managers;
  /** What could not be read, and why: then it is empty above. */
  readonly unknown: Readonly<
    Partial<Record<"connections" | "listeners" | "managers", string>>
  >;
}

/** Where to read. */
export interface StateOptions extends DiagOptions {
  /**
   * Other programs that manage endpoints, if they are known: to look at all
   * processes takes longer than all else. @default {looked for}
   */
  readonly managers?: Managers;
}

/**
 * Reads what a plan depends on. Needs no privilege; before Linux 6.15 what live
 * connections have is seen with `CAP_NET_ADMIN` only.
 *
 * @param options The network namespace. @default {the one that this thread is in}
 * @throws {NotFoundError} The kernel has no `mptcp_pm` (Linux 5.7).
 * @throws {SyscallError} `ENOENT`: no such namespace; `EPERM`, `EACCES`: the
 * privilege to enter it is missing.
 *
 * @example How many subflows does each endpoint carry?
 * ```ts
 * import { readState } from "@mptcp/pm/config";
 *
 * for (const { id, subflows } of readState().carried) console.log(id, subflows);
 * ```
 */
export function readState(options: StateOptions = {}): PresentState {
  return inNamespace(options, (namespace) => {
    using pm = PathManager.open({ namespace });
    using diag = Diag.open({ namespace });
    const unknown: Record<string, string> = {};
    const part = <T>(name: string, otherwise: T, read: () => T): T => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        unknown[name] = error.message.replaceAll(/\s*\n\s*/g, "; ");
        return otherwise;
      }
    };
    const kernel = diag.kernelRelease();
    const endpoints = pm.dumpAddrs();
    const limits = pm.getLimits();
    return {
      kernel,
      capacity: capacityOf(kernel, endpoints, limits),
      settings: readSysctls(namespace),
      limits,
      endpoints,
      ...part(
        "connections",
        { connections: 0, carried: [], dependents: [], peers: [] },
        () => carriedBy(endpoints, limits, diag.connections()),
      ),
      links: diag.links(),
      addresses: diag.addresses(),
      listeners: part(
        "listeners",
        [],
        () => Array.from(listTcpListeners(namespace), ({ local }) => local),
      ),
      managers: part(
        "managers",
        { found: [], seesAll: false },
        () => options.managers ?? diag.managers(),
      ),
      unknown,
    };
  });
}

/** Does something in the namespace that options name. */
export function inNamespace<T>(
  { netns, namespace }: DiagOptions,
  work: (namespace: Namespace) => T,
): T {
  if (namespace !== undefined) return work(namespace);
  using opened = openNamespace(netns);
  return work(opened);
}

/** Whether a kernel is of a release or newer. */
export function isSince(kernel: string, major: number, minor: number): boolean {
  const [, ours, ourMinor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  return Number(ours) > major ||
    Number(ours) === major && Number(ourMinor) >= minor;
}

/** No command tells it: it is 8 before Linux 7.3, and 64 from then on. */
function capacityOf(
  kernel: string,
  endpoints: readonly Endpoint[],
  { subflows, addAddrAccepted }: Limits,
): number {
  const most = Math.max(endpoints.length, subflows, addAddrAccepted);
  return isSince(kernel, 7, 3) || most > 8 ? 64 : 8;
}

/** Enough to know whether peers can be reached. */
const MAX_PEERS = 64;

/** Counts what connections have from the addresses of endpoints. */
function carriedBy(
  endpoints: readonly Endpoint[],
  limits: Limits,
  connections: Iterable<Connection>,
): Pick<PresentState, "carried" | "dependents" | "connections" | "peers"> {
  const carried = endpoints.map(({ id }) => ({
    ...{ id, subflows: 0, connections: 0, initial: 0 },
  }));
  const addresses = endpoints.map(({ address }) => parseAddress(address));
  const dependents = new Map<string, Dependents>();
  const peers = new Set<string>();
  let count = 0;
  for (const connection of connections) {
    const { state, fallback, remoteKeyReceived, remote } = connection;
    if (!isOfKernel(connection, limits)) continue;
    const seen = new Set<number>();
    const established = new Set<number>();
    for (const subflow of connection.subflows) {
      if (!isLive(subflow)) continue;
      const index = endpoints.findIndex((endpoint, at) =>
        startsFrom(subflow, endpoint, addresses[at]!)
      );
      if (!seen.has(index) && index >= 0) carried[index]!.connections++;
      seen.add(index);
      if (subflow.state === "established") established.add(index);
      if (index < 0) continue;
      carried[index]!.subflows++;
      if (subflow.initial) carried[index]!.initial++;
    }
    // Of the others the kernel closes no subflow.
    if (state !== "established" || fallback || !remoteKeyReceived) continue;
    count++;
    if (peers.size < MAX_PEERS) peers.add(remote.address);
    if (established.size === 0 || established.has(-1)) continue;
    const ids = endpoints.filter((_, at) => established.has(at))
      .map(({ id }) => id);
    const { connections = 0 } = dependents.get(`${ids}`) ?? {};
    dependents.set(`${ids}`, { ids, connections: connections + 1 });
  }
  return {
    carried: carried.filter(({ subflows }) => subflows > 0),
    dependents: [...dependents.values()],
    connections: count,
    peers: [...peers],
  };
}

/** Whether a subflow is open or being opened. */
function isLive({ state }: Subflow): boolean {
  return state === "established" || state === "syn-sent";
}

/**
 * Whether the in-kernel path manager has a connection: of the others the kernel
 * says that their limits are 0.
 */
function isOfKernel(
  { subflowsMax = 0, addAddrAcceptedMax = 0, localAddrMax = 0 }: Connection,
  { subflows, addAddrAccepted }: Limits,
): boolean {
  return subflowsMax + addAddrAcceptedMax + localAddrMax > 0 ||
    subflows + addAddrAccepted === 0;
}

/**
 * Whether a subflow goes with an endpoint. Those from the address that their
 * connection began from have id 0, whatever the endpoint's id
 * (`mptcp_endp_get_local_id()` in `net/mptcp/pm_kernel.c`).
 */
function startsFrom(
  { local }: Subflow,
  { id, port }: Endpoint,
  address: ReturnType<typeof parseAddress>,
): boolean {
  if (local.id !== 0) return local.id === id;
  return (port === 0 || port === local.port) &&
    isSameAddress(parseAddress(local.address), address);
}
