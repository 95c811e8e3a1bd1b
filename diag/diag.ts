import { ArgumentTypeError } from "../codec/argument_error.ts";
import { connectionToken } from "../codec/arguments.ts";
import { ProtocolError } from "../netlink/errors.ts";
import type { QuestionClient } from "../netlink/questions.ts";
import {
  type Namespace,
  type Netns,
  openNamespace,
} from "../netlink/transport.ts";
import { type InterfaceAddress, listAddresses } from "./addresses.ts";
import type {
  Connection,
  ConnectionSummary,
  Listener,
  Subflow,
  SubflowReading,
  TcpConnection,
} from "./connection.ts";
import {
  findConnection,
  findSubflow,
  findSummary,
  listConnections,
  listListeners,
  listWithoutMptcp,
  openSockDiag,
} from "./connections.ts";
import { type Counters, readCounters } from "./counters.ts";
import { type EventListener, listEventListeners } from "./event_listeners.ts";
import { type ConnectionFilter, filterOf } from "./filter.ts";
import { type FirewallTable, listFirewall } from "./firewall.ts";
import { type Link, listLinks } from "./links.ts";
import { listManagers, type Managers } from "./managers.ts";
import { listNeighbours, type Neighbour } from "./neighbours.ts";
import {
  findRoute,
  type NoRoute,
  type Route,
  type RouteOptions,
} from "./routes.ts";
import {
  type NetworkChanges,
  type NetworkChangesOptions,
  openNetworkChanges,
} from "./network_changes.ts";
import { listReversePath, type ReversePath } from "./reverse_path.ts";
import { listRules, type Rule } from "./rules.ts";
import { readSettings, type Settings } from "./settings.ts";
import { listTcp, withProcesses } from "./tcp.ts";

/** How to open a {@linkcode Diag}. */
export interface DiagOptions {
  /**
   * The network namespace to look at: a name of `ip netns`, a path (any text
   * with a slash), or a process id. Needs `CAP_SYS_ADMIN`, and
   * `CAP_SYS_PTRACE` for a process of another user.
   * @default {the one that this thread is in}
   */
  readonly netns?: Netns;
  /**
   * An open namespace instead of `netns`: one that several share, or a
   * `FakeKernel` in tests. {@linkcode Diag.close} leaves it open.
   */
  readonly namespace?: Namespace;
}

/**
 * What is there in one network namespace: nothing is changed. All methods are
 * synchronous, and need no privilege unless they say so. They throw
 *
 * - `TypeError` or `RangeError` for a wrong argument, before anything is sent,
 * - `NetlinkError`, `SyscallError`, `ProtocolError` or `DecodeError` when the
 *   kernel refuses or cannot be talked to,
 * - `Deno.errors.BadResource` after {@linkcode Diag.close}; a list that has
 *   begun goes on.
 *
 * @example Which paths do the connections use?
 * ```ts
 * import { Diag } from "@mptcp/pm/diag";
 *
 * using diag = Diag.open();
 * for (const { token, subflows } of diag.connections()) {
 *   console.log(token.toString(16));
 *   for (const { local, remote, rttUs, bytesSent } of subflows) {
 *     console.log(local.address, remote.address, rttUs, bytesSent);
 *   }
 * }
 * ```
 */
export class Diag implements Disposable {
  readonly #namespace: Namespace;
  /** Whether the namespace is to be closed with this. */
  readonly #isOwner: boolean;
  readonly #streams = new Set<Disposable>();
  /** A socket for look-ups, once there was one. */
  #lookUps: QuestionClient | undefined;
  #closed = false;

  private constructor(namespace: Namespace, isOwner: boolean) {
    this.#namespace = namespace;
    this.#isOwner = isOwner;
  }

  /**
   * Opens a namespace. Needs the permission to call libc.
   *
   * @param options Which one.
   * @throws {SyscallError} `ENOENT`: no such namespace; `EPERM`, `EACCES`: the
   * privilege to enter it is missing.
   */
  static open({ netns, namespace }: DiagOptions = {}): Diag {
    if (netns !== undefined && namespace !== undefined) {
      throw new ArgumentTypeError("Contradicting options: netns and namespace");
    }
    return new Diag(namespace ?? openNamespace(netns), namespace === undefined);
  }

  get #open(): Namespace {
    if (this.#closed) {
      throw new Deno.errors.BadResource("The diagnosis is closed");
    }
    return this.#namespace;
  }

  /**
   * Lists the connections with their subflows, in any state, one after the
   * other: not all of them are in memory at once. The kernel's counterpart is
   * what `ss -M` and `ss -t -i` read.
   *
   * Before Linux 6.15 subflows are shown to `CAP_NET_ADMIN` only; without it
   * they are absent, and connections are marked as `partial`.
   *
   * @param filter Which ones. @default {all}
   * @throws {NetlinkError} `ENOENT`: the kernel cannot list MPTCP sockets.
   */
  connections(filter: ConnectionFilter = {}): Generator<Connection, void> {
    const namespace = this.#open;
    return filtered(namespace, filter.token, filterOf(filter, namespace));
  }

  /**
   * Looks up one connection by its token, without a list of all. The kernel
   * cannot look up subflows by the token: they are found among the TCP sockets.
   *
   * @param token Its token on this host, 1 to 0xffffffff.
   * @returns `undefined`: there is no such connection, or no more.
   * @throws {NetlinkError} `ENOENT`: the kernel cannot list MPTCP sockets.
   */
  connection(token: number): Connection | undefined {
    return findConnection(this.#open, connectionToken(token));
  }

  /**
   * Looks up one connection by its token, and not its subflows. The kernel finds
   * it at once, while {@linkcode Diag.connection} goes through all TCP sockets.
   *
   * @param token Its token on this host, 1 to 0xffffffff.
   * @returns `undefined`: there is no such connection, or no more, or the kernel
   * cannot list MPTCP sockets.
   */
  summary(token: number): ConnectionSummary | undefined {
    const namespace = this.#open;
    const client = this.#lookUps ??= openSockDiag(namespace);
    return findSummary(client, namespace, connectionToken(token));
  }

  /**
   * Looks up one subflow by its ends, without a list: for what has to be looked
   * at again and again.
   *
   * @param ends Both ends with their ports, and the index of the device that it
   * is bound to, as {@linkcode Diag.connections} has them; 0: none.
   * @returns `undefined`: there is no such subflow, or no more.
   * @throws {TypeError} A text is no address.
   */
  subflow(
    ends: Pick<Subflow, "local" | "remote" | "ifIndex">,
  ): SubflowReading | undefined {
    const namespace = this.#open;
    const client = this.#lookUps ??= openSockDiag(namespace);
    return findSubflow(client, namespace, ends);
  }

  /**
   * Lists the sockets that listen for MPTCP, those that the kernel opened for
   * an endpoint with a port too. Before Linux 6.15 they are shown to
   * `CAP_NET_ADMIN` only.
   */
  listeners(): Generator<Listener, void> {
    return listListeners(this.#open);
  }

  /**
   * Lists the connections of MPTCP programs that MPTCP was switched off for
   * before their SYN, as the kernel does after it found MPTCP to be blocked
   * (`net.mptcp.blackhole_timeout`). They have no token.
   */
  withoutMptcp(): Generator<Subflow, void> {
    return listWithoutMptcp(this.#open);
  }

  /**
   * Lists the established TCP connections that have nothing of MPTCP, with the
   * programs that have them as far as they are seen: those of other users only
   * with `CAP_SYS_PTRACE`. Those of this host with itself are left out. Before
   * Linux 6.15 subflows are among them, unless one has `CAP_NET_ADMIN`.
   *
   * @param most How many at the most.
   */
  tcp(most: number = 1000): TcpConnection[] {
    const namespace = this.#open;
    return withProcesses(namespace, listTcp(namespace).take(most).toArray());
  }

  /**
   * Reads the counters of MPTCP, and the few others that matter to it: all
   * since the namespace exists. {@linkcode counterDoc} says what one means.
   * `nstat -asz` prints the same.
   *
   * @throws {ProtocolError} `/proc/thread-self/net` cannot be seen.
   */
  counters(): Counters {
    return readCounters(this.#open);
  }

  /**
   * Reads the release of the kernel, such as `"6.18.44"`.
   *
   * @throws {ProtocolError} `/proc/sys/kernel` cannot be seen.
   */
  kernelRelease(): string {
    const text = this.#open.readFile("/proc/sys/kernel/osrelease")?.trim();
    if (text !== undefined) return text;
    throw new ProtocolError(
      "Cannot read the release of the kernel: /proc/sys/kernel cannot be seen",
    );
  }

  /**
   * Reads the sysctls of `net.mptcp`.
   *
   * @throws {ProtocolError} The kernel has none, or `/proc/sys/net/mptcp` cannot
   * be seen.
   */
  settings(): Settings {
    return readSettings(this.#open);
  }

  /**
   * Lists the sockets that get the events of MPTCP connections, in this network
   * namespace. With the userspace path manager nothing is done for a connection
   * unless something listens; any listener counts, such as `ip mptcp monitor`.
   *
   * @throws {ProtocolError} `/proc/thread-self/net/netlink` cannot be seen, or
   * does not say it.
   */
  eventListeners(): EventListener[] {
    return listEventListeners(this.#open);
  }

  /**
   * Lists the other programs that manage endpoints in this network namespace:
   * NetworkManager and mptcpd, by the names of their processes. Whether they do
   * depends on how they are set. Processes in other PID namespaces are not seen,
   * as from within a container.
   *
   * @throws {ProtocolError} `/proc` cannot be seen.
   */
  managers(): Managers {
    return listManagers(this.#open);
  }

  /** Lists the network devices, as `ip link` does. */
  links(): Link[] {
    return listLinks(this.#open);
  }

  /** Lists the addresses of this host, as `ip address` does. */
  addresses(): InterfaceAddress[] {
    return listAddresses(this.#open);
  }

  /**
   * Looks up where the packets of a socket go that is bound to a source and a
   * device, as subflows are. The kernel's answer holds at this moment.
   *
   * @param destination IPv4 or IPv6 address. An IPv4-mapped one is an IPv4
   * address.
   * @param options What the socket is bound to. @default {to nothing}
   * @returns The route, or why there is none: `found` tells which.
   * @throws {TypeError} A text is no address, or the two are of different
   * families.
   *
   * @example Does the second address have a path of its own?
   * ```ts
   * import { Diag } from "@mptcp/pm/diag";
   *
   * using diag = Diag.open();
   * const route = diag.route("192.0.2.1", { source: "10.0.2.1", dev: "eth1" });
   * if (!route.found) console.log(route.reason);
   * else if (route.assumed) console.log("no route: it asks on the link");
   * else console.log(route.gateway ?? "on the link");
   * ```
   */
  route(destination: string, options: RouteOptions = {}): Route | NoRoute {
    return findRoute(this.#open, destination, options);
  }

  /**
   * Lists the rules that choose a routing table, IPv4 and IPv6, as `ip rule`
   * does.
   *
   * @throws {NetlinkError} `EOPNOTSUPP`: the kernel has no rules.
   */
  rules(): Rule[] {
    return listRules(this.#open);
  }

  /**
   * Reads `net.ipv4.conf.*.rp_filter`, of each device and of `all`.
   *
   * @throws {ProtocolError} `/proc/sys/net/ipv4` cannot be seen.
   */
  reversePath(): ReversePath[] {
    return listReversePath(this.#open);
  }

  /**
   * Lists the hosts on the links that this host has asked for, as
   * `ip neighbour show nud all` does.
   */
  neighbours(): Neighbour[] {
    return listNeighbours(this.#open);
  }

  /**
   * Lists the tables of firewall rules that packets pass: of nftables, and the
   * older ones of `iptables-legacy`, which say no more than their names. Rules
   * that eBPF programs stand for are not seen. Needs `CAP_NET_ADMIN`, the older
   * ones root. What `nft list chains` and `/proc/net/ip_tables_names` show.
   *
   * @throws {NetlinkError} `EPERM`: the privilege is missing.
   * @throws {SyscallError} `EACCES`: this is not root.
   */
  firewall(): FirewallTable[] {
    return listFirewall(this.#open);
  }

  /**
   * Follows the network: says that a link, an address, a route or a rule changed,
   * from now on. Of IPv4 routes that go with their link the kernel says nothing.
   * `ip monitor` shows the same messages.
   *
   * @param options When to end.
   *
   * @example Read the addresses again when they may have changed
   * ```ts
   * import { Diag } from "@mptcp/pm/diag";
   *
   * using diag = Diag.open();
   * const changes = diag.networkChanges();
   * console.log(diag.addresses());
   * for await (const change of changes) {
   *   if (change !== "route") console.log(diag.addresses());
   * }
   * ```
   */
  networkChanges(options: NetworkChangesOptions = {}): NetworkChanges {
    return openNetworkChanges(this.#open, options, this.#streams);
  }

  /** Closes it, and the streams of it. Doing it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams) stream[Symbol.dispose]();
    this.#lookUps?.[Symbol.dispose]();
    if (this.#isOwner) this.#namespace.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function* filtered(
  namespace: Namespace,
  token: number | undefined,
  isWanted: (connection: Connection) => boolean,
): Generator<Connection, void> {
  const all = token === undefined
    ? listConnections(namespace)
    : [findConnection(namespace, token)];
  for (const connection of all) {
    if (connection !== undefined && isWanted(connection)) yield connection;
  }
}
