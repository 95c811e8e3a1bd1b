import { ArgumentTypeError } from "../codec/argument_error.ts";
import type { Connection } from "../diag/mod.ts";
import { parseAddress } from "../codec/inet.ts";
import type { Warning } from "../netlink/genl.ts";
import {
  type Namespace,
  type Netns,
  openNamespace,
} from "../netlink/transport.ts";
import { addAddr, type AddAddrOptions } from "./add_addr.ts";
import { endpointAdvice } from "./advice.ts";
import { announce, type AnnounceOptions } from "./announce.ts";
import { Client } from "./client.ts";
import {
  closeInitialSubflows,
  type InitialSubflows,
} from "./close_initial_subflows.ts";
import { delAddr } from "./del_addr.ts";
import type { Endpoint } from "./endpoint.ts";
import type { EventOf, PathManagerEvent } from "./event.ts";
import { type EventsOptions, type EventStream, openEvents } from "./events.ts";
import { flagBits } from "./flags.ts";
import { flushAddrs } from "./flush_addrs.ts";
import { getAddr, type GetAddrOptions } from "./get_addr.ts";
import { getLimits } from "./get_limits.ts";
import type { Limits } from "./limits.ts";
import { getMode, type PathManagerMode, setMode } from "./mode.ts";
import { remove, type RemoveOptions } from "./remove.ts";
import {
  dumpAddrs,
  type DumpAddrsOptions,
  type EndpointSelector,
} from "./select.ts";
import { type FlagChanges, setFlags } from "./set_flags.ts";
import { setLimits } from "./set_limits.ts";
import { setSubflowBackup, type SubflowBackup } from "./set_subflow_backup.ts";
import { subflowCreate, type SubflowCreateOptions } from "./subflow_create.ts";
import {
  subflowDestroy,
  type SubflowDestroyOptions,
} from "./subflow_destroy.ts";

import {
  type ConnectionsCondition,
  type EventCondition,
  type SubflowsCondition,
  waitFor,
  type WaitOptions,
} from "./wait_for.ts";

/** How to open a {@linkcode PathManager}. */
export interface PathManagerOptions {
  /**
   * The network namespace to work in: a name of `ip netns`, a path (any text
   * with a slash), or a process id. Needs `CAP_SYS_ADMIN`, and
   * `CAP_SYS_PTRACE` for a process of another user.
   * @default {the one that this thread is in}
   */
  readonly netns?: Netns;
  /**
   * An open namespace instead of `netns`: one that several share, or a
   * `FakeKernel` in tests. {@linkcode PathManager.close} leaves it open.
   */
  readonly namespace?: Namespace;
  /**
   * Takes what is worth knowing about a command that succeeded all the same,
   * such as that an endpoint's address is not on this host.
   * @default {nothing does}
   */
  readonly onWarning?: (warning: Warning) => void;
}

/**
 * The path manager of one network namespace: `mptcp_pm`, command by command.
 *
 * Commands are synchronous, because the kernel answers while it takes the
 * request. Reading needs no privilege; everything else needs `CAP_NET_ADMIN`
 * in the user namespace that owns the network namespace. All methods throw
 *
 * - `TypeError` or `RangeError` for a wrong argument, before anything is sent,
 * - {@linkcode NetlinkError} when the kernel refuses (`EPERM` without the
 *   privilege),
 * - {@linkcode SyscallError}, {@linkcode ProtocolError} or
 *   {@linkcode DecodeError} when it cannot be talked to,
 * - `Deno.errors.BadResource` after {@linkcode PathManager.close}.
 *
 * @example Prepare a client for a second path
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * pm.setLimits({ subflows: 2, addAddrAccepted: 2 });
 * pm.addAddr({ address: "10.0.2.1", dev: "eth1", flags: ["subflow"] });
 * for (const endpoint of pm.dumpAddrs()) console.log(endpoint);
 * ```
 */
export class PathManager implements Disposable {
  readonly #client: Client;
  /** The namespace, if it is to be closed with this. */
  readonly #owned: Namespace | undefined;
  readonly #streams = new Set<Disposable>();
  #closed = false;

  private constructor(client: Client, owned: Namespace | undefined) {
    this.#client = client;
    this.#owned = owned;
  }

  /**
   * Opens a socket to `mptcp_pm`. Needs the permission to call libc
   * (`--allow-ffi`, or `--allow-ffi=` with the path of libc) and nothing else.
   *
   * @param options Where to open it, and what takes warnings.
   * @throws {NotFoundError} The kernel has no `mptcp_pm` (Linux 5.7).
   * @throws {Deno.errors.NotSupported} This is not Linux.
   * @throws {Deno.errors.NotCapable} The permission is missing.
   * @throws {SyscallError} `ENOENT`: no such namespace; `EPERM`: it needs
   * `CAP_SYS_ADMIN`; `EACCES`: the process belongs to another user; `EINVAL`: the
   * file is no network namespace.
   *
   * @example Work in a namespace without entering it
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open({ netns: "blue" });
   * console.log(pm.getLimits());
   * ```
   */
  static open(options: PathManagerOptions = {}): PathManager {
    const { netns, namespace, onWarning } = options;
    if (netns !== undefined && namespace !== undefined) {
      throw new ArgumentTypeError("Contradicting options: netns and namespace");
    }
    const owned = namespace === undefined ? openNamespace(netns) : undefined;
    try {
      return new PathManager(new Client(namespace ?? owned!, onWarning), owned);
    } catch (error) {
      owned?.close();
      throw error;
    }
  }

  /** The namespace that it works in, for others that do, such as `Diag`. */
  get namespace(): Namespace {
    return this.#open.namespace;
  }

  /** The client, unless it is closed. */
  get #open(): Client {
    if (this.#closed) {
      throw new Deno.errors.BadResource("The path manager is closed");
    }
    return this.#client;
  }

  /**
   * Adds an endpoint, and returns it as the kernel stored it, with the id that
   * it chose. Live connections use it at once, as far as the limits allow.
   *
   * `MPTCP_PM_CMD_ADD_ADDR`, `ip mptcp endpoint add`; needs `CAP_NET_ADMIN`;
   * Linux 5.7.
   *
   * @param options The endpoint. The kernel does not check that the address is
   * on this host; subflows from it fail silently if it is not.
   * @throws {NetlinkError} `EEXIST`: the address is an endpoint already;
   * `EBUSY`: the id is taken; `ERANGE`: the table is full; `EADDRNOTAVAIL`,
   * `EADDRINUSE`: the port cannot be listened on; `EPERM`.
   *
   * @example Announce an address that peers can connect to
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * const { id } = pm.addAddr({ address: "10.0.2.1", flags: ["signal"] });
   * console.log(`announced with id ${id}`);
   * ```
   */
  addAddr(options: AddAddrOptions): Endpoint {
    return addAddr(this.#open, options);
  }

  /**
   * Deletes the endpoints with this id, this address, on this device. Live
   * connections close the subflows from them, and take back announcements.
   *
   * The kernel goes by the id alone: for an address or a device, the ids are
   * read first. Between the two steps another program may give an id to another
   * endpoint; one that it deletes is not in the result, and no error.
   *
   * `MPTCP_PM_CMD_DEL_ADDR`, `ip mptcp endpoint delete`; needs
   * `CAP_NET_ADMIN`; Linux 5.7.
   *
   * @param selector Which endpoints: those that have all that is given.
   * @returns The endpoints that this call deleted, as they were.
   * @throws {NotFoundError} No endpoint has all that.
   * @throws {NetlinkError} `EPERM`.
   *
   * @example Delete the endpoints of a device
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * pm.delAddr({ dev: "eth1" });
   * ```
   */
  delAddr(selector: EndpointSelector): Endpoint[] {
    return delAddr(this.#open, selector);
  }

  /**
   * Closes the initial subflow of each connection that starts from an address
   * of this host, as far as the in-kernel path manager manages it. No endpoint
   * is deleted. The kernel reports success whether or not there is one.
   *
   * `MPTCP_PM_CMD_DEL_ADDR` with id 0, `ip mptcp endpoint delete id 0 ADDR`;
   * needs `CAP_NET_ADMIN`; Linux 5.11.
   *
   * @param subflows Where they start.
   * @throws {NetlinkError} `EPERM`.
   *
   * @example Move connections away from an address
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * pm.closeInitialSubflows({ address: "10.0.1.1" });
   * ```
   */
  closeInitialSubflows(subflows: InitialSubflows): void {
    closeInitialSubflows(this.#open, subflows);
  }

  /**
   * Says why an endpoint, as this host is now, makes no path, or hardly the one
   * that is meant: what {@linkcode PathManagerOptions.onWarning} gets to know
   * when it is added. Needs no privilege.
   *
   * @param endpoint The endpoint, as {@linkcode PathManager.dumpAddrs} lists it.
   * @returns One sentence; `undefined`: nothing is known to be wrong.
   *
   * @example Look at all endpoints
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * for (const endpoint of pm.dumpAddrs()) {
   *   console.log(endpoint.address, pm.endpointAdvice(endpoint) ?? "good");
   * }
   * ```
   */
  endpointAdvice(endpoint: Endpoint): string | undefined {
    const flags = flagBits(endpoint.flags);
    const address = parseAddress(endpoint.address);
    return endpointAdvice(this.#open, address, { ...endpoint, flags });
  }

  /**
   * Gets the endpoint with an id; with a token, an address of one connection.
   *
   * `MPTCP_PM_CMD_GET_ADDR`, `ip mptcp endpoint show id`; needs no privilege
   * (on Linux 6.7, and stable kernels that took the same patch, it may need `CAP_NET_ADMIN`); Linux 5.7, with a
   * token 6.9.
   *
   * @param options Which address.
   * @throws {NotFoundError} No endpoint has the id.
   * @throws {NetlinkError} With a token `EINVAL`: the connection has no address
   * with the id, or no connection with the userspace path manager has the token.
   * @throws {UnsupportedError} With a token: the kernel is too old.
   *
   * @example Look at one endpoint
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * console.log(pm.getAddr({ id: 1 }).address);
   * ```
   */
  getAddr(options: GetAddrOptions): Endpoint {
    return getAddr(this.#open, options);
  }

  /**
   * Lists the endpoints by rising id; with a token, the addresses that one
   * connection has announced or used, in the order that it came to them. It is
   * no snapshot: while another program deletes and adds, an endpoint may be
   * listed twice or not at all.
   *
   * `MPTCP_PM_CMD_GET_ADDR` as a dump, `ip mptcp endpoint show`; needs no
   * privilege (on Linux 6.7, and stable kernels that took the same patch, it may need `CAP_NET_ADMIN`); Linux
   * 5.7, with a token 6.9.
   *
   * @param options Which addresses: those that have all that is given.
   * @throws {NetlinkError} `EINVAL` at `.token`: no connection with the
   * userspace path manager has it.
   * @throws {UnsupportedError} With a token: the kernel is too old.
   *
   * @example Find an endpoint
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * const backups = pm.dumpAddrs().filter(({ flags }) =>
   *   flags.includes("backup")
   * );
   * console.log(backups);
   * ```
   */
  dumpAddrs(options: DumpAddrsOptions = {}): Endpoint[] {
    return dumpAddrs(this.#open, options);
  }

  /**
   * Deletes all endpoints, those of other programs too. Limits stay.
   *
   * `MPTCP_PM_CMD_FLUSH_ADDRS`, `ip mptcp endpoint flush`; needs
   * `CAP_NET_ADMIN`; Linux 5.7.
   *
   * @throws {NetlinkError} `EPERM`.
   *
   * @example Start afresh
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * pm.flushAddrs();
   * ```
   */
  flushAddrs(): void {
    flushAddrs(this.#open);
  }

  /**
   * Sets one limit or both; both or none if the kernel refuses one. Raising
   * them has no effect on a live connection until something else happens to
   * it, such as a new endpoint; and a connection that was made while one of
   * them was 0 never connects to announced addresses.
   *
   * `MPTCP_PM_CMD_SET_LIMITS`, `ip mptcp limits set`; needs `CAP_NET_ADMIN`;
   * Linux 5.7.
   *
   * @param limits What to set; an absent limit stays.
   * @throws {NetlinkError} `EINVAL` at `.subflows` or `.rcv-add-addrs`: more
   * than the kernel allows, which is 8 on Linux 6.18; `EPERM`.
   *
   * @example Accept announcements
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * pm.setLimits({ addAddrAccepted: 2 });
   * ```
   */
  setLimits(limits: Partial<Limits>): void {
    setLimits(this.#open, limits);
  }

  /**
   * Gets the limits.
   *
   * `MPTCP_PM_CMD_GET_LIMITS`, `ip mptcp limits show`; needs no privilege;
   * Linux 5.7.
   *
   * @example See whether announcements are accepted
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * console.log(pm.getLimits().addAddrAccepted > 0);
   * ```
   */
  getLimits(): Limits {
    return getLimits(this.#open);
  }

  /**
   * Changes flags of an endpoint. The other flag stays as it is: the kernel
   * would replace both `backup` and `fullmesh` at once, so they are read first.
   * Between the two steps another program may change them too.
   *
   * `MPTCP_PM_CMD_SET_FLAGS`, `ip mptcp endpoint change`; needs
   * `CAP_NET_ADMIN`; Linux 5.12.
   *
   * @param change Which endpoint, and its new flags.
   * @returns The endpoint after the change.
   * @throws {NotFoundError} No endpoint fits.
   * @throws {TypeError} Several endpoints fit.
   * @throws {NetlinkError} `EINVAL`: fullmesh on an endpoint with `signal`;
   * `EPERM`.
   *
   * @example Turn an endpoint into a spare
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * pm.setFlags({ address: "10.0.2.1", backup: true });
   * ```
   */
  setFlags(change: EndpointSelector & FlagChanges): Endpoint {
    return setFlags(this.#open, change);
  }

  /**
   * Sets the priority of one subflow of one connection, and sends it to the peer
   * (MP_PRIO), even where nothing changes. On a connection that fell back to TCP
   * nothing is sent.
   *
   * `MPTCP_PM_CMD_SET_FLAGS` with a token, no `ip mptcp` equivalent; needs
   * `CAP_NET_ADMIN`; Linux 5.19.
   *
   * @param change Connection, both ends of the subflow as events show them, and
   * its priority.
   * @throws {NetlinkError} `EINVAL` at `.token`: no connection with the
   * userspace path manager has it; `EINVAL`: no subflow has these ends; `EPERM`.
   * @throws {UnsupportedError} The kernel is too old.
   *
   * @example Turn a subflow into a spare
   * ```ts
   * import { PathManager, type SubEstablishedEvent } from "@mptcp/pm";
   *
   * function spare(pm: PathManager, subflow: SubEstablishedEvent): void {
   *   pm.setSubflowBackup({ ...subflow, backup: true });
   * }
   * ```
   */
  setSubflowBackup(change: SubflowBackup): void {
    setSubflowBackup(this.#open, change);
  }

  /**
   * Announces an address to the peer of one connection (ADD_ADDR); doing it
   * again repeats the announcement. Success says that the kernel took it, not
   * that the peer did: on a connection that fell back to TCP nothing is sent,
   * nor (on Linux 6.18) an IPv6 address with a port while the connection uses
   * TCP timestamps.
   *
   * `MPTCP_PM_CMD_ANNOUNCE`, no `ip mptcp` equivalent; needs `CAP_NET_ADMIN`;
   * Linux 5.19.
   *
   * @param options Connection and address.
   * @throws {NetlinkError} `EINVAL` at `.token`: no connection with the
   * userspace path manager has it; `EINVAL` at `.addr`: the address or the
   * id is in use with another one; `EPERM`.
   *
   * @example Announce a second address
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * function announceSecond(pm: PathManager, token: number): void {
   *   pm.announce({ token, address: "10.0.2.1", id: 5 });
   * }
   * ```
   */
  announce(options: AnnounceOptions): void {
    announce(this.#open, options);
  }

  /**
   * Takes an address back from the peer of one connection (RM_ADDR), which
   * then closes the subflows to it.
   *
   * `MPTCP_PM_CMD_REMOVE`, no `ip mptcp` equivalent; needs `CAP_NET_ADMIN`;
   * Linux 5.19.
   *
   * @param options Connection and address id.
   * @throws {NetlinkError} `EINVAL` at `.token`, as for `announce`; `EINVAL`
   * at `.loc-id`: the connection has no address with this id; `EPERM`.
   *
   * @example Take back what was announced
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * function takeBack(pm: PathManager, token: number): void {
   *   pm.remove({ token, id: 5 });
   * }
   * ```
   */
  remove(options: RemoveOptions): void {
    remove(this.#open, options);
  }

  /**
   * Opens a subflow of one connection. Success says that the first packet is
   * on its way; whether the peer accepts it comes as an event. Linux 6.1
   * ignores `dev` and `backup` without an error; 6.12 uses them.
   *
   * `MPTCP_PM_CMD_SUBFLOW_CREATE`, no `ip mptcp` equivalent; needs
   * `CAP_NET_ADMIN`; Linux 5.19.
   *
   * @param options Connection, both ends and priority.
   * @throws {NetlinkError} `EINVAL` at `.token`, as for `announce`; `EINVAL`:
   * families that do not match, or an address with another id; `ENOTCONN`: no
   * data was exchanged yet, or the connection fell back to TCP;
   * `EADDRNOTAVAIL`: the local address is not on this host; `ENETUNREACH`;
   * `EPERM`. The kernel forgets the id of the local address when connecting
   * fails.
   *
   * @example Open a subflow over a second address
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * function openSecond(pm: PathManager, token: number): void {
   *   pm.subflowCreate({
   *     token,
   *     local: { address: "10.0.2.1", id: 5 },
   *     remote: { address: "10.0.2.2", port: 443 },
   *   });
   * }
   * ```
   */
  subflowCreate(options: SubflowCreateOptions): void {
    subflowCreate(this.#open, options);
  }

  /**
   * Closes a subflow of one connection, the initial one too.
   *
   * `MPTCP_PM_CMD_SUBFLOW_DESTROY`, no `ip mptcp` equivalent; needs
   * `CAP_NET_ADMIN`; Linux 5.19.
   *
   * @param options Connection and both ends of the subflow, as events show
   * them.
   * @throws {NetlinkError} `ESRCH`: the connection has no such subflow;
   * `EINVAL` at `.token`, as for `announce`; `EPERM`.
   *
   * @example Close one
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * function closeSecond(pm: PathManager, token: number): void {
   *   pm.subflowDestroy({
   *     token,
   *     local: { address: "10.0.2.1", port: 43210 },
   *     remote: { address: "10.0.2.2", port: 443 },
   *   });
   * }
   * ```
   */
  subflowDestroy(options: SubflowDestroyOptions): void {
    subflowDestroy(this.#open, options);
  }

  /**
   * Opens a stream of events, on a socket of its own that has joined when this
   * returns: nothing is lost between this and the first `next()`. If you read
   * too slowly, the kernel drops events. You then get one `overrun` after those
   * that were still queued. {@linkcode PathManager.close} ends the stream.
   *
   * With `resync` the stream begins with what is there, so that you learn each
   * token, and puts right after each `overrun` what the lost events would have
   * said: there is nothing to re-read. It then looks by `NETLINK_SOCK_DIAG` (as
   * `Diag` does), and keeps in memory what it told. Not to be seen are the
   * addresses that the peer has announced, `denyJoinId0`, why a subflow was
   * closed, and who listens. A connection that fell back to TCP in its handshake
   * has no events but `closed`. One that the peer aborted has no `closed`: it is
   * found to be gone at the next `overrun`, not before.
   *
   * While any program on the host listens, in any namespace, connections with the
   * userspace path manager accept subflows and announcements; otherwise they
   * refuse them.
   *
   * Group `mptcp_pm_events`, `ip mptcp monitor`; needs `CAP_NET_ADMIN`; Linux
   * 5.12, for listeners 6.2.
   *
   * @typeParam Type The types to take; the events have one of them.
   * @param options Which events, and what ends the stream.
   * @throws {TypeError} A type is unknown, or none is named.
   * @throws {UnsupportedError} The kernel is too old.
   * @throws {SyscallError} `EPERM`.
   * @throws {NetlinkError} `ENOENT`, from `next()`: `resync` was asked for, and
   * the kernel cannot list MPTCP sockets.
   *
   * @example Announce an address on each new connection
   * ```ts
   * import { isConnectionGone, PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * using _mode = pm.setMode("userspace");
   * for await (const { token } of pm.events({ types: ["established"] })) {
   *   try {
   *     pm.announce({ token, address: "10.0.2.1", id: 5 });
   *   } catch (error) {
   *     if (!isConnectionGone(error)) throw error;
   *   }
   * }
   * ```
   *
   * @example Know the connections, those from before included
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * const tokens = new Set<number>();
   * const types = ["created", "closed"] as const;
   * for await (const { type, token } of pm.events({ types, resync: true })) {
   *   if (type === "created") tokens.add(token);
   *   else tokens.delete(token);
   * }
   * ```
   */
  events<Type extends PathManagerEvent["type"] = PathManagerEvent["type"]>(
    options: EventsOptions<Type> = {},
  ): EventStream<EventOf<Type>> {
    return openEvents(this.#open, options, this.#streams);
  }

  /**
   * Waits until a connection has at least so many established subflows, and
   * returns it. One that fell back to TCP has none.
   *
   * Where it holds already, it looks (as `Diag` does), and needs no privilege.
   * Otherwise it waits for events, which need `CAP_NET_ADMIN`, and looks again
   * when they may have brought what is missing. Once more it looks when the time
   * is up.
   *
   * No equivalent in `ip mptcp`; Linux 5.12.
   *
   * @param condition How many, and of which connection.
   * @param options What ends it before.
   * @throws {TimeoutError} The time is up.
   * @throws {NotFoundError} There is no connection of this token, or no more.
   * One that the peer aborts ends without an event: only the time ends that.
   * @throws {SyscallError} `EPERM`: it does not hold yet, and there can be no
   * events.
   * @throws {NetlinkError} `ENOENT`: the kernel cannot list MPTCP sockets.
   * @throws {Deno.errors.BadResource} The path manager was closed meanwhile.
   *
   * @example Send when the second path is there
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * const { token } = await pm.waitFor({ subflows: 2 }, { timeoutMs: 5000 });
   * console.log(token);
   * ```
   */
  waitFor(
    condition: SubflowsCondition,
    options?: WaitOptions,
  ): Promise<Connection>;

  /**
   * Waits until there are at least so many connections, and returns them all:
   * those that are made and not closed on this host, and did not fall back to
   * TCP. It is otherwise like waiting for subflows.
   *
   * @param condition How many.
   * @param options What ends it before.
   * @throws {TimeoutError} The time is up.
   */
  waitFor(
    condition: ConnectionsCondition,
    options?: WaitOptions,
  ): Promise<Connection[]>;

  /**
   * Waits for an event that comes from now on, and returns it. Needs
   * `CAP_NET_ADMIN`.
   *
   * @typeParam Wanted The types to wait for.
   * @param condition Which types, and of which connection.
   * @param options What ends it before.
   * @throws {TypeError} A type is unknown, or none is named.
   * @throws {TimeoutError} The time is up.
   * @throws {SyscallError} `EPERM`; `ENOBUFS`: events came too fast, and some
   * are lost.
   *
   * @example Cut a path, and see what that does
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * const closing = pm.waitFor({ event: ["sub-closed"] });
   * pm.delAddr({ address: "10.0.2.1" });
   * const { token, error } = await closing;
   * console.log(token, error?.code);
   * ```
   */
  waitFor<Wanted extends PathManagerEvent["type"]>(
    condition: EventCondition<Wanted>,
    options?: WaitOptions,
  ): Promise<EventOf<Wanted>>;

  async waitFor(
    condition: SubflowsCondition | ConnectionsCondition | EventCondition,
    options: WaitOptions = {},
  ): Promise<Connection | Connection[] | PathManagerEvent> {
    return await waitFor(this.#open, condition, options, this.#streams);
  }

  /**
   * The path manager of connections made from now on.
   *
   * Sysctl `net.mptcp.path_manager`, `pm_type` before Linux 6.15; needs no
   * privilege.
   *
   * @example See whether commands can steer new connections
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * console.log(pm.getMode() === "userspace");
   * ```
   */
  getMode(): PathManagerMode {
    return getMode(this.#open.namespace);
  }

  /**
   * Sets the path manager of connections made from now on. Existing connections
   * keep theirs.
   *
   * Sysctl `net.mptcp.path_manager`, `pm_type` before Linux 6.15; needs
   * `CAP_NET_ADMIN`.
   *
   * @param mode `"kernel"`, `"userspace"`, or another one that the kernel has.
   * @returns What chooses the former mode again when it is disposed of; a
   * `using` declaration asks for that, ignoring it does not. A signal that ends
   * the program, such as that of Ctrl-C, disposes of nothing.
   * @throws {RangeError} The kernel has no such mode.
   * @throws {SyscallError} `EACCES`: the privilege is missing.
   *
   * @example Steer the connections of this block
   * ```ts
   * import { PathManager } from "@mptcp/pm";
   *
   * using pm = PathManager.open();
   * using _kernelAgain = pm.setMode("userspace");
   * ```
   */
  setMode(mode: PathManagerMode): Disposable {
    return setMode(this.#open.namespace, mode);
  }

  /**
   * Closes the socket, and ends the streams of events that this opened. Doing
   * it again does nothing.
   */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream[Symbol.dispose]();
    this.#client.close();
    this.#owned?.close();
  }

  /** Does the same at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
