/**
 * A connection of a {@linkcode FakeKernel}, and the commands for it, after
 * `net/mptcp/pm_userspace.c`.
 *
 * @module
 */

import { AF_INET } from "../codec/inet.ts";
import {
  MPTCP_PM_ADDR_FLAG_BACKUP as BACKUP,
  MPTCP_PM_ADDR_FLAG_SIGNAL as SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import type { SocketState } from "../diag/connection.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import {
  type Address,
  addressOf,
  inFamily,
  isIPv4,
  isSame,
  parseEntry,
} from "./fake_address.ts";
import {
  type FakeEventFields,
  type FakeEventType,
  LOCAL,
  REMOTE,
} from "./fake_event.ts";
import type { Attr, FakeRequest } from "./fake_netlink.ts";
import {
  common,
  type DiagSocket,
  type FakeConnectionFigures,
  type FakeSubflowFigures,
  mptcpInfo,
  subflowFlags,
  tcpInfo,
  timerOf,
} from "./fake_socket.ts";

const ESRCH = 3;
const ECONNRESET = 104;
const ENOTCONN = 107;

/** How long either host deals with an address, in milliseconds. */
const BUSY_MS = 5;

/** How to make a connection of a {@linkcode FakeKernel}. */
export interface FakeConnectOptions {
  /** The initial subflow's end on this host. @default {10.0.0.1, port 40000} */
  readonly local?: SubflowAddress;
  /** The initial subflow's end on the peer. @default {10.0.0.2, port 443} */
  readonly remote?: SubflowAddress;
  /** Whether this host accepted the connection. @default {false} */
  readonly serverSide?: boolean;
  /** Whether the peer wants no subflows to its initial end. @default {false} */
  readonly denyJoinId0?: boolean;
  /**
   * Whether commands manage it, or the kernel by endpoints and limits, which
   * opens no subflows here. @default {"userspace"}
   */
  readonly pathManager?: "userspace" | "kernel";
  /**
   * Whether subflows are possible at once; else
   * {@linkcode FakeConnection.establish} makes them so. @default {true}
   */
  readonly established?: boolean;
}

/** A subflow of a {@linkcode FakeConnection}. */
export interface FakeSubflow {
  /** The end on this host. */
  readonly local: SubflowAddress;
  /** The end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  readonly locId: number;
  /** Id of the remote address. */
  readonly remId: number;
  /** Whether this host wants to use it only when there is no other. */
  readonly backup: boolean;
  /** Index of the device that it is bound to; 0: none. */
  readonly ifIndex: number;
  /** Whether this host opened it. */
  readonly openedHere: boolean;
  /** The state of its socket; `syn-sent`: nobody has answered yet. */
  readonly state: SocketState;
}

/** How to open a subflow of a {@linkcode FakeConnection} without a command. */
export interface FakeSubflowOptions extends FakeSubflowFigures {
  /** The end on this host. @default {the connection's, port of its own} */
  readonly local?: SubflowAddress;
  /** The end on the peer. @default {the connection's} */
  readonly remote?: SubflowAddress;
  /** Id of the local address. @default {0} */
  readonly locId?: number;
  /** Id of the remote address. @default {0} */
  readonly remId?: number;
  /** Whether this host wants to use it only when there is no other. */
  readonly backup?: boolean;
  /** Index of the device that it is bound to. @default {none} */
  readonly ifIndex?: number;
}

/** A connection of a {@linkcode FakeKernel}. */
export interface FakeConnection extends Disposable {
  /** Its token on this host. */
  readonly token: number;
  /** The initial subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The initial subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Whether this host accepted it. */
  readonly serverSide: boolean;
  /** Whether the peer wants no subflows to its initial end. */
  readonly denyJoinId0: boolean;
  /** What manages it. */
  readonly pathManager: "userspace" | "kernel";
  /** Whether subflows are possible. */
  readonly established: boolean;
  /**
   * The addresses that it has, the oldest first: what was announced, and where
   * subflows start.
   */
  addresses(): Endpoint[];
  /** The subflows that are open, the oldest first. */
  subflows(): FakeSubflow[];
  /** Subflows become possible: the event `established`. */
  establish(): void;
  /**
   * Says what `Diag` sees of the connection; what was said before stays.
   *
   * @example Let it fall back to TCP
   * ```ts
   * import { FakeKernel } from "@mptcp/pm/testing";
   *
   * const connection = new FakeKernel().connect(5);
   * connection.set({ fallback: true, bytesSent: 3000 });
   * ```
   */
  set(figures: FakeConnectionFigures): void;
  /**
   * Says what `Diag` sees of a subflow; what was said before stays. Of a change
   * of priority by the peer, and of the end of `syn-sent`, there is an event.
   *
   * @param index Its place in {@linkcode FakeConnection.subflows}.
   * @param figures What it is like now.
   * @throws {RangeError} There is no such subflow.
   */
  setSubflow(index: number, figures: FakeSubflowFigures): void;
  /**
   * Opens a subflow as the kernel or the peer does, without a command: the
   * event `sub-established`, but not while it is in `syn-sent`.
   *
   * @param subflow Where, and what `Diag` sees of it.
   */
  openSubflow(subflow?: FakeSubflowOptions): void;
  /**
   * Closes a subflow as the kernel or the peer does: the event `sub-closed`.
   *
   * @param index Its place in {@linkcode FakeConnection.subflows}.
   * @param error Error number of its socket, such as 104. @default {none}
   * @throws {RangeError} There is no such subflow.
   */
  closeSubflow(index: number, error?: number): void;
  /**
   * Ends it: the event `closed`, and commands refuse its token. Doing it again
   * does nothing.
   */
  close(): void;
}

/** What a connection needs of its host. */
export interface ConnectionHost {
  /** Something happens to the connection. */
  emit(type: FakeEventType, fields: FakeEventFields, ifIndex: number): void;
  /** A subflow is opened; returns where it starts, or why it cannot be. */
  route(subflow: FakeSubflow): FakeRoute;
  /** Names the devices and flags of addresses. */
  endpointsOf(addresses: readonly Address[]): Endpoint[];
  /** What the socket of a subflow says, beside what a test has said. */
  figures(subflow: FakeSubflow): FakeSubflowFigures | undefined;
  /** A port that no other subflow has. */
  port(): number;
  /** A number that no other socket has. */
  cookie(): number;
  /** What the in-kernel path manager allows. */
  allowed(): FakeConnectionFigures;
  /** Milliseconds, where a test lets them pass; absent: nothing takes any. */
  time(): number | undefined;
  /** The connection has ended. */
  onClose(): void;
}

/** What becomes of a subflow that a command opens. */
export interface FakeRoute {
  /** Error number of the command, such as 99; absent: none. */
  readonly error?: number;
  /**
   * Error number with which the subflow is closed after the command has
   * succeeded, such as 111; absent: the peer accepts it.
   */
  readonly refusal?: number;
  /**
   * Whether nobody answers: the subflow stays in `syn-sent`, and there is no
   * event, until {@linkcode FakeConnection.setSubflow} or
   * {@linkcode FakeConnection.closeSubflow} says so. @default {false}
   */
  readonly silent?: boolean;
  /** The local port. @default {the one that was asked for, or any} */
  readonly port?: number;
  /** Id of the peer's address. @default {that of its announcement, or 0} */
  readonly remId?: number;
}

/** A subflow, both ends with their ids. */
interface Subflow {
  readonly local: Address;
  remote: Address;
  readonly cookie: number;
  figures: FakeSubflowFigures;
  /** The id that the peer tells when it answers; absent: it has answered. */
  readonly answeredId?: number;
  /** The kernel keeps the initial one in its list when it is closed. */
  isClosed?: true;
}

/** A connection, and what the userspace path manager knows of it. */
export class KernelConnection implements FakeConnection {
  readonly token: number;
  readonly local: SubflowAddress;
  readonly remote: SubflowAddress;
  readonly serverSide: boolean;
  readonly denyJoinId0: boolean;
  readonly pathManager: "userspace" | "kernel";
  readonly #host: ConnectionHost;
  readonly #initial: FakeEventFields;
  /** Whether its socket is IPv4. */
  readonly #isIPv4: boolean;
  established = false;
  #isClosed = false;
  /** What was announced, and where subflows start: in this order. */
  readonly #addresses: Address[] = [];
  readonly #announced: Address[] = [];
  /** `pm.add_addr_signaled`: what is announced again counts again. */
  #signals = 0;
  /** `pm.local_addr_used`: what `remove` withdraws still counts. */
  #addressesUsed = 0;
  /**
   * Until when an RM_ADDR is dropped: by the peer, which has one to deal with, or
   * here, where an ADD_ADDR of the peer is to be answered.
   */
  #dropsUntil = -Infinity;
  /** Ids of the addresses that the peer has announced. */
  readonly #remIds = new Map<string, number>();
  readonly #subflows: Subflow[];
  readonly #cookie: number;
  #figures: FakeConnectionFigures = {};

  constructor(
    token: number,
    host: ConnectionHost,
    {
      local = LOCAL,
      remote = REMOTE,
      serverSide = false,
      denyJoinId0 = false,
      pathManager = "userspace",
      established = true,
    }: FakeConnectOptions,
  ) {
    this.token = token;
    this.local = local;
    this.remote = remote;
    this.serverSide = serverSide;
    this.denyJoinId0 = denyJoinId0;
    this.pathManager = pathManager;
    this.#host = host;
    this.#initial = { token, local, remote, serverSide, denyJoinId0 };
    const ends = {
      local: addressOf(local.address, local.port),
      remote: addressOf(remote.address, remote.port),
    };
    this.#isIPv4 = ends.local.family === AF_INET;
    this.#cookie = host.cookie();
    const figures = { openedHere: !serverSide };
    this.#subflows = [{ ...ends, cookie: host.cookie(), figures }];
    host.emit("created", this.#initial, 0);
    if (established) this.establish();
  }

  addresses(): Endpoint[] {
    return this.#host.endpointsOf(this.#addresses);
  }

  subflows(): FakeSubflow[] {
    return this.#open().map(readable);
  }

  #open(): Subflow[] {
    return this.#subflows.filter(({ isClosed }) => !isClosed);
  }

  establish(): void {
    if (this.established) return;
    this.established = true;
    this.#host.emit("established", this.#initial, 0);
  }

  set(figures: FakeConnectionFigures): void {
    this.#figures = { ...this.#figures, ...figures };
  }

  setSubflow(index: number, figures: FakeSubflowFigures): void {
    const subflow = this.#at(index);
    const before = subflow.figures;
    subflow.figures = { ...before, ...figures };
    const { backupByPeer = false } = before;
    if (before.state === "syn-sent" && figures.state === "established") {
      const { remote, answeredId = remote.id } = subflow;
      subflow.remote = { ...remote, id: answeredId };
      this.#emit("sub-established", subflow);
    }
    if ((figures.backupByPeer ?? backupByPeer) !== backupByPeer) {
      this.#emit("sub-priority", subflow);
    }
  }

  openSubflow(
    {
      local,
      remote = this.#initial.remote!,
      locId = 0,
      remId = 0,
      backup = false,
      ifIndex = 0,
      ...figures
    }: FakeSubflowOptions = {},
  ): void {
    const { address, port } = local ??
      { ...this.#initial.local!, port: this.#host.port() };
    const subflow: Subflow = {
      local: {
        ...addressOf(address, port),
        id: locId,
        flags: SUBFLOW | (backup ? BACKUP : 0),
        ifIndex,
      },
      remote: { ...addressOf(remote.address, remote.port), id: remId },
      cookie: this.#host.cookie(),
      figures,
    };
    this.#subflows.push(subflow);
    if (figures.state !== "syn-sent") this.#emit("sub-established", subflow);
  }

  closeSubflow(index: number, error?: number): void {
    this.#closeSubflow(this.#at(index), error);
  }

  #at(index: number): Subflow {
    const subflow = this.#open()[index];
    if (subflow !== undefined) return subflow;
    throw new RangeError(`The connection has no subflow ${index}`);
  }

  /** The MPTCP socket, as `NETLINK_SOCK_DIAG` shows it. */
  mptcpSocket(): DiagSocket {
    const { local, remote } = this.#initial;
    const open = this.#open();
    const extraSubflows = open.length - (this.#subflows[0]!.isClosed ? 0 : 1);
    const allowed = this.pathManager === "kernel"
      ? this.#host.allowed()
      : { localAddrUsed: this.#addressesUsed & 0xff };
    const figures = {
      ...{ extraSubflows, subflowsTotal: open.length },
      ...{ addAddrSignal: this.#signals & 0xff, ...allowed },
      ...this.#figures,
    };
    return {
      ...common(this.#cookie, this.#figures),
      ...{ local: local!, remote: remote! },
      info: mptcpInfo(this.token, figures),
    };
  }

  /** The TCP sockets, as `NETLINK_SOCK_DIAG` shows them. */
  tcpSockets(): DiagSocket[] {
    const { fallback = false, remoteKeyReceived = !fallback } = this.#figures;
    // They belong to whom the connection does.
    const { uid = 0, inode = this.#cookie } = this.#figures;
    return this.#open().map((subflow) => {
      const { local, remote, cookie } = subflow;
      const told = this.#host.figures(readable(subflow));
      const figures = { ...subflow.figures, ...told };
      const { openedHere = true, backupByPeer = false } = figures;
      const { bytesSent = 0, state = "established" } = figures;
      const isInitial = cookie === this.#subflows[0]!.cookie;
      const flags = subflowFlags({
        ...{ isInitial, openedHere, backupByPeer },
        isConnected: state !== "syn-sent" && state !== "syn-recv",
        hasRemoteKey: remoteKeyReceived,
        isFullyEstablished: this.established,
        backup: (local.flags & BACKUP) !== 0,
      });
      return {
        ...common(cookie, { uid, inode, ...figures }),
        ...{ local, remote, ifIndex: local.ifIndex },
        ...timerOf(figures),
        get info() {
          return tcpInfo(figures);
        },
        ulp: {
          subflow: {
            // Only who joins has to know it.
            tokenRem: !isInitial && openedHere ? ~this.token >>> 0 : 0,
            tokenLoc: this.token,
            flags,
            idRem: remote.id,
            idLoc: local.id,
            relwriteSeq: state === "syn-sent" ? 0 : (bytesSent + 1) >>> 0,
          },
        },
      };
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.onClose();
    this.#host.emit("closed", { token: this.token }, 0);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Takes the id of an address that the peer has announced. */
  learn(address: string, remId: number): void {
    this.#remIds.set(address, remId);
    this.#isBusy();
  }

  /** Its addresses, in the order in which they came to it. */
  dump(): readonly Address[] {
    return this.#addresses;
  }

  announce(request: FakeRequest): void {
    const nest = request.need("addr");
    const given = parseEntry(request, nest, true);
    if (given.id === 0) request.invalid("invalid addr id", nest);
    if (!(given.flags & SIGNAL)) request.invalid("invalid addr flags", nest);
    this.#remember(request, given, nest);
    this.#signals++;
    if (!this.#announced.some((one) => isSame(one, given, true))) {
      this.#announced.push(given);
    }
  }

  /** An address keeps its id, and an id its address. */
  #remember(request: FakeRequest, given: Address, nest: Attr): void {
    const near = this.#addresses.find((address) =>
      isSame(address, given, true) || address.id === given.id
    );
    if (near === undefined) {
      this.#addresses.push({ ...given });
      this.#addressesUsed++;
    } else if (!isSame(near, given, true) || near.id !== given.id) {
      request.invalid("did not match address and id", nest);
    }
  }

  /** Forgets the first entry of an address, whatever its port. */
  #forget(given: Address): void {
    const index = this.#addresses.findIndex((one) => isSame(one, given, false));
    if (index < 0) return;
    this.#addresses.splice(index, 1);
    this.#addressesUsed--;
  }

  remove(request: FakeRequest): void {
    const attr = request.need("locId");
    const id = request.number(attr);
    const index = this.#addresses.findIndex((address) => address.id === id);
    if (index < 0 && id !== 0) {
      request.invalid(`address with id ${id} not found`, attr);
    }
    if (id !== 0 && !this.#withdraw(this.#addresses.splice(index, 1)[0]!)) {
      return;
    }
    if (this.#isBusy()) return;
    // The peer does not know one that it has not answered.
    const gone = this.#open().filter(({ local, figures }) =>
      local.id === id && figures.state !== "syn-sent"
    );
    for (const subflow of gone) this.#closeSubflow(subflow);
  }

  /** Begins to deal with a message about an address, unless it does already. */
  #isBusy(): boolean {
    const now = this.#host.time();
    if (now === undefined) return false;
    if (now < this.#dropsUntil) return true;
    this.#dropsUntil = now + BUSY_MS;
    return false;
  }

  /**
   * Whether the peer is told, and closes subflows: if the address was announced
   * or is in use (`mptcp_pm_remove_addr_entry()`).
   */
  #withdraw(address: Address): boolean {
    const index = this.#announced.findIndex((one) =>
      isSame(one, address, true)
    );
    if (index >= 0) {
      this.#announced.splice(index, 1);
      this.#signals--;
    }
    return index >= 0 ||
      this.#subflows.some(({ local }) =>
        isSame(local, address, address.port !== 0)
      );
  }

  subflowCreate(request: FakeRequest): void {
    const nest = request.need("addr");
    const local = parseEntry(request, nest, true);
    if (local.flags & SIGNAL) request.invalid("invalid addr flags", nest);
    const remote = parseEntry(request, request.need("addrRemote"), true);
    if (!this.#familiesMatch(local, remote)) {
      request.invalid("families mismatch");
    }
    const given = { ...local, flags: local.flags | SUBFLOW };
    this.#remember(request, given, nest);
    const route = this.established
      ? this.#host.route(
        readable({ local: given, remote, figures: { state: "syn-sent" } }),
      )
      : { error: ENOTCONN };
    const { error, refusal, silent = false, port = local.port } = route;
    if (error !== undefined) {
      this.#forget(local);
      request.refuse(error, `connect error: -${error}`);
    }
    const remId = refusal === undefined
      ? route.remId ?? this.#remIds.get(remote.address) ?? 0
      : remote.id;
    const subflow: Subflow = {
      local: { ...given, port },
      // As the socket has it, whose family is that of the local end.
      remote: { ...inFamily(local.family, remote), id: silent ? 0 : remId },
      cookie: this.#host.cookie(),
      figures: silent ? { state: "syn-sent" } : {},
      answeredId: remId,
    };
    this.#subflows.push(subflow);
    if (refusal !== undefined) this.#closeSubflow(subflow, refusal);
    else if (!silent) this.#emit("sub-established", subflow);
  }

  /** `mptcp_pm_addr_families_match()` */
  #familiesMatch(local: Address, remote: Address): boolean {
    return isIPv4(local) === isIPv4(remote) &&
      (!this.#isIPv4 || isIPv4(local));
  }

  subflowDestroy(request: FakeRequest): void {
    const nest = request.need("addr");
    const farNest = request.need("addrRemote");
    let local = parseEntry(request, nest, true);
    let remote = parseEntry(request, farNest, true);
    if (isIPv4(local) && isIPv4(remote)) {
      // One of them mapped is enough.
      const family = Math.max(local.family, remote.family);
      local = inFamily(family, local);
      remote = inFamily(family, remote);
    }
    if (local.family !== remote.family) {
      request.invalid("address families do not match");
    }
    if (local.port === 0) request.invalid("missing local port", nest);
    if (remote.port === 0) request.invalid("missing remote port", farNest);
    const subflow =
      this.#subflows.find((one) =>
        isExactly(one.local, local) && isExactly(one.remote, remote)
      ) ?? request.refuse(ESRCH, "subflow not found");
    this.#forget(local);
    if (subflow.figures.state !== "syn-sent") {
      return this.#closeSubflow(subflow);
    }
    // Its socket is disconnected before the event.
    subflow.remote = { ...subflow.remote, port: 0 };
    this.#closeSubflow(subflow, ECONNRESET);
  }

  /** Only the peer gets an event. */
  setFlags(request: FakeRequest): void {
    const nest = request.need("addr");
    const given = parseEntry(request, nest, false);
    if (given.family === 0) {
      request.invalid("invalid local address family", nest);
    }
    const remote = parseEntry(request, request.need("addrRemote"), true);
    const change = (one: Address) => {
      one.flags = one.flags & ~BACKUP | given.flags & BACKUP;
    };
    const known = this.#addresses.find((one) => isSame(one, given, false));
    if (known !== undefined) change(known);
    // One that nobody has answered has no priority yet.
    const { local } =
      this.#open().find((one) =>
        one.figures.state !== "syn-sent" &&
        isSame(one.local, given, given.port !== 0) &&
        isSame(one.remote, remote, remote.port !== 0)
      ) ?? request.invalid("subflow not found");
    change(local);
  }

  #closeSubflow(subflow: Subflow, error?: number): void {
    if (subflow.isClosed) return;
    const index = this.#subflows.indexOf(subflow);
    if (index === 0) subflow.isClosed = true;
    else this.#subflows.splice(index, 1);
    this.#emit("sub-closed", subflow, error);
  }

  #emit(
    type: "sub-established" | "sub-closed" | "sub-priority",
    { local, remote, figures: { backupByPeer: backup = false } }: Subflow,
    error = 0,
  ): void {
    const ids = { locId: local.id, remId: remote.id };
    const fields = { token: this.token, local, remote, ...ids, backup, error };
    this.#host.emit(type, fields, local.ifIndex);
  }
}

/** A subflow, to be read. */
function readable(
  { local, remote, figures: { openedHere = true, state = "established" } }:
    Pick<Subflow, "local" | "remote" | "figures">,
): FakeSubflow {
  return {
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
    locId: local.id,
    remId: remote.id,
    backup: (local.flags & BACKUP) !== 0,
    ifIndex: local.ifIndex,
    openedHere,
    state,
  };
}

/** Whether two addresses are written alike, too. */
function isExactly(one: Address, other: Address): boolean {
  return one.address === other.address && one.port === other.port;
}
