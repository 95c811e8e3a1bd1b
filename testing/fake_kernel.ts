/**
 * A kernel in memory: endpoints, limits, connections and events as Linux 6.18
 * has them. `tests/ops/fake_kernel_test.ts` and
 * `tests/diag/golden_connections_test.ts` compare it with all captured
 * conversations, byte by byte, and `tests/live/model_test.ts` with the running
 * kernel.
 *
 * @module
 */

import { readU16 } from "../codec/bytes.ts";
import { isSameAddress, parseAddress } from "../codec/inet.ts";
import { familyOf } from "../codec/inet.ts";
import { NLMSG_DONE, NLMSG_HDRLEN } from "../codec/nlmsghdr.ts";
import { NETLINK_NETFILTER } from "../codec/nftables.gen.ts";
import { NETLINK_ROUTE } from "../codec/rtnetlink.gen.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import {
  MESSAGES as SOCK_DIAG,
  NETLINK_SOCK_DIAG,
} from "../codec/sock_diag.gen.ts";
import { systemClock } from "../netlink/clock.ts";
import { NETLINK_GENERIC } from "../netlink/genl.ts";
import type { SocketAddress, Stream } from "../netlink/transport.ts";
import {
  MPTCP_PM_ADDR_FLAG_LAMINAR as LAMINAR,
  MPTCP_PM_ADDR_FLAG_SIGNAL as SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import { type Endpoint, namedEndpoints } from "../ops/endpoint.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { type Address, addressOf } from "./fake_address.ts";
import { answer, EVENTS_GROUP, FAMILY } from "./fake_commands.ts";
import {
  type FakeConnection,
  type FakeConnectOptions,
  type FakeRoute,
  type FakeSubflow,
  KernelConnection,
} from "./fake_connection.ts";
import {
  type DiagSocket,
  type FakeConnectionFigures,
  type FakeSocket,
  type FakeSubflowFigures,
  noMptcpInfo,
  otherSocket,
} from "./fake_socket.ts";
import { answerSockDiag, type FakeSockDiag } from "./fake_sock_diag.ts";
import { EndpointTable } from "./fake_endpoints.ts";
import {
  encodeEvent,
  type FakeEventFields,
  type FakeEventType,
} from "./fake_event.ts";
import {
  type Bytes,
  encodeAck,
  encodeDone,
  FakeRequest,
  type SocketOptions,
} from "./fake_netlink.ts";
import { changeNetwork } from "./fake_network_changes.ts";
import { answerRoute, type FakeInterfaces, isUp } from "./fake_route.ts";
import { type FakeAnswer, type FakeDial, FakeStream } from "./fake_stream.ts";
import {
  type Delivery,
  FakeNamespace,
  type FakeSubscription,
} from "./fake_namespace.ts";

export { FAMILY };

const EPERM = 1;
const EACCES = 13;
const ENODEV = 19;
const ENOPROTOOPT = 92;
const EPROTONOSUPPORT = 93;
const EOPNOTSUPP = 95;
const EADDRNOTAVAIL = 99;
const ENETUNREACH = 101;
const ENOBUFS = 105;

/** What the network of a {@linkcode FakeKernel} does. */
export interface FakeNetwork {
  /** Whether the kernel can listen: 0, or an error number such as 99. */
  listen?(local: SubflowAddress): number;
  /**
   * What becomes of a subflow that a command opens.
   *
   * @param token The connection.
   * @param subflow The subflow as the command wants it; local port 0 is any.
   * @returns Absent: the peer accepts it. Where {@linkcode FakeKernel.interfaces}
   * are known, it needs the address and the device, which has to be up.
   */
  connect?(token: number, subflow: FakeSubflow): FakeRoute | undefined;
  /**
   * What the socket of a subflow says when somebody looks, beside what
   * {@linkcode FakeConnection.setSubflow} has said.
   *
   * @param token The connection.
   * @param subflow The subflow.
   */
  figures?(token: number, subflow: FakeSubflow): FakeSubflowFigures | undefined;
  /**
   * What becomes of a connection that the process under test makes, as
   * `mptcp doctor to` does.
   *
   * @param dial Where to, and what it is bound to.
   * @returns Absent: the peer accepts it, and speaks MPTCP.
   */
  dial?(dial: FakeDial): FakeAnswer | undefined;
}

/**
 * One network namespace with `mptcp_pm`, in memory: for tests of programs that
 * use {@linkcode PathManager}, on any system, without root and without waiting.
 * It keeps endpoints, limits and connections, answers each command with the
 * bytes that Linux 6.18 answers with, errors included, and sends the events
 * that Linux sends. `Diag` lists its connections with their subflows.
 *
 * There are the devices `lo`, `eth0`, `eth1` and `eth2`, and no network.
 *
 * @example Test what a path manager does about an event
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { FakeKernel } from "@mptcp/pm/testing";
 *
 * const kernel = new FakeKernel();
 * using pm = PathManager.open({ namespace: kernel });
 *
 * const events = pm.events({ types: ["established"] });
 * kernel.connect(5, { serverSide: true });
 * for await (const { token } of events) {
 *   pm.announce({ token, address: "10.0.2.1", id: 1 });
 *   break;
 * }
 * console.log(kernel.connections.get(5)?.addresses()); // 10.0.2.1, id 1, signal
 * ```
 */
export class FakeKernel extends FakeNamespace {
  /** Whether the caller has `CAP_NET_ADMIN`; else changes and events fail. */
  privileged = true;
  /** Whether the kernel has `mptcp_pm`. */
  hasFamily = true;
  /** Socket options, which say how much is in an ack. */
  readonly options: SocketOptions = { extAck: true, capAck: true };
  /** What the network does. @default {all that is asked of it} */
  network: FakeNetwork = {};
  /** Highest number of endpoints, and value of a limit. */
  max = 8;
  /** What the kernel shows of sockets; less to make it an older one. */
  readonly sockDiag: FakeSockDiag = {
    mptcp: true,
    mptcpInfoLength: 96,
    tcpInfoLength: 280,
    hidesSubflows: false,
  };
  /** Links, addresses and routes. @default {the kernel tells nothing of them} */
  interfaces: FakeInterfaces | undefined = undefined;
  /** The TCP sockets that are no subflows, such as listeners. */
  readonly sockets: FakeSocket[] = [];
  readonly #table: EndpointTable;
  readonly #connections = new Map<number, KernelConnection>();
  /** The local port of the next subflow that is not given one. */
  #port = 0xe13b;
  /** The token of the next connection of the process under test. */
  #token = 0x10000001;
  /** The number of the next socket. */
  #cookie = 1;
  /** The numbers of sockets that a test or an endpoint has. */
  readonly #cookies = new WeakMap<object, number>();

  /** Makes a kernel as it is after the start: without endpoints. */
  constructor() {
    super((request: Bytes, { protocol, unread }) => {
      const { options, privileged, hasFamily } = this;
      const caller = { options, privileged };
      const connections = this.#connections;
      switch (protocol) {
        case NETLINK_GENERIC:
          return answer(
            { table: this.#table, connections, hasFamily, ...caller },
            request,
            isDumping(unread, FAMILY),
          );
        case NETLINK_SOCK_DIAG:
          return answerSockDiag(
            {
              ...{ features: this.sockDiag, byToken: connections, ...caller },
              mptcp: () => this.#mptcpSockets(),
              tcp: () => this.#tcpSockets(),
            },
            request,
            isDumping(unread, SOCK_DIAG["inet-diag-msg"].type),
          );
        case NETLINK_ROUTE: {
          const { interfaces, devices } = this;
          if (interfaces === undefined) break;
          return answerRoute({ interfaces, devices, options }, request);
        }
        // There are no firewall rules (`nfnetlink_rcv()`).
        case NETLINK_NETFILTER: {
          const asked = new FakeRequest(request);
          return [
            privileged ? encodeDone(asked) : encodeAck(asked, EPERM, options),
          ];
        }
      }
      return [encodeAck(new FakeRequest(request), EOPNOTSUPP, options)];
    });
    for (const number of [0, 1, 2]) {
      this.devices.set(`eth${number}`, 2 + number);
    }
    this.#table = new EndpointTable({
      room: () => this.max,
      listen: (local) => this.network.listen?.(endOf(local)) ?? 0,
      emit: (type, local) => this.emitEvent(type, { local }),
    });
  }

  /** The endpoints by id, as `PathManager.dumpAddrs()` shows them. */
  endpoints(): Endpoint[] {
    return this.#endpointsOf(this.#table.dump());
  }

  #endpointsOf(addresses: readonly Address[]): Endpoint[] {
    return namedEndpoints(this, addresses.map(({ family: _, ...raw }) => raw));
  }

  /**
   * Makes an endpoint as the kernel does for a local address that it picked by
   * itself, unless there is one with this address or the table is full.
   *
   * @param address IPv4 or IPv6 address.
   */
  addImplicit(address: string): void {
    this.#table.addImplicit(addressOf(address, 0));
  }

  /** The limits. */
  get limits(): { subflows: number; addAddrAccepted: number } {
    return this.#table.limits;
  }

  /** The connections that are not closed, by token. */
  get connections(): ReadonlyMap<number, FakeConnection> {
    return this.#connections;
  }

  /**
   * Makes a connection, which causes the events `created` and `established`.
   * Commands cause the events that they cause on Linux, before they return:
   *
   * - `subflowCreate()`: `sub-established`, or `sub-closed` or nothing yet if
   *   {@linkcode FakeKernel.network} says so;
   * - `subflowDestroy()`: `sub-closed`;
   * - `remove()`: `sub-closed` for each subflow from that address, as the peer
   *   closes it;
   * - endpoints with a port: `listener-created` and `listener-closed`.
   *
   * @param token The connection's token, 1 to 0xffffffff.
   * @param options Its ends, and what manages it.
   */
  connect(token: number, options: FakeConnectOptions = {}): FakeConnection {
    const connection = new KernelConnection(token, {
      emit: (type, fields, ifIndex) => this.#emit(type, fields, ifIndex),
      route: (subflow) => this.#route(token, subflow),
      endpointsOf: (addresses) => this.#endpointsOf(addresses),
      figures: (subflow) => this.network.figures?.(token, subflow),
      port: () => this.#port++,
      cookie: () => this.#cookie++,
      allowed: () => this.#allowed(),
      time: () => this.clock === systemClock ? undefined : this.clock.now(),
      onClose: () => this.#connections.delete(token),
    }, options);
    this.#connections.set(token, connection);
    return connection;
  }

  /** What a connection of the in-kernel path manager may use. */
  #allowed(): FakeConnectionFigures {
    const { addAddrAccepted, subflows } = this.limits;
    const count = (flag: number) =>
      this.#table.dump().filter(({ flags }) => flags & flag).length;
    return {
      subflowsMax: subflows,
      addAddrAcceptedMax: addAddrAccepted,
      addAddrSignalMax: count(SIGNAL),
      localAddrMax: count(SUBFLOW),
      laminarMax: count(LAMINAR),
    };
  }

  *#mptcpSockets(): Generator<DiagSocket> {
    for (const one of this.#connections.values()) yield one.mptcpSocket();
    for (const { ulp, isOfKernel, ...socket } of this.#others()) {
      if (ulp === undefined || socket.state !== "listening") continue;
      // The kernel binds the TCP socket only.
      const local = isOfKernel ? socket.remote : socket.local;
      yield { ...socket, local, info: noMptcpInfo() };
    }
  }

  *#tcpSockets(): Generator<DiagSocket> {
    const others = [...this.#others()];
    const isListener = ({ state }: DiagSocket) => state === "listening";
    yield* others.filter(isListener);
    for (const one of this.#connections.values()) yield* one.tcpSockets();
    yield* others.filter((socket) => !isListener(socket));
  }

  /** What a test has added, and the listeners of endpoints with a port. */
  *#others(): Generator<DiagSocket & { isOfKernel?: true }> {
    for (const socket of this.sockets) {
      yield otherSocket(socket, this.#cookieOf(socket));
    }
    for (const endpoint of this.#table.dump()) {
      if (endpoint.port === 0) continue;
      const local = endOf(endpoint);
      const socket = { local, mptcp: true, sendQueue: 1024 };
      const cookie = this.#cookieOf(endpoint);
      yield { ...otherSocket(socket, cookie), isOfKernel: true };
    }
  }

  #cookieOf(socket: object): number {
    const cookie = this.#cookies.get(socket) ?? this.#cookie++;
    this.#cookies.set(socket, cookie);
    return cookie;
  }

  #route(token: number, subflow: FakeSubflow): FakeRoute {
    const { local, ifIndex } = subflow;
    const route = this.network.connect?.(token, subflow);
    if (route?.error !== undefined) return route;
    if (route === undefined || this.interfaces !== undefined) {
      const error = this.#unroutable(local.address, ifIndex);
      if (error !== undefined) return { error };
    }
    return { port: local.port || this.#port++, ...route };
  }

  /** Why a socket cannot be bound, as far as the network is known. */
  #unroutable(address: string, ifIndex: number): number | undefined {
    const dev = this.ifIndexToName(ifIndex);
    if (ifIndex !== 0 && dev === undefined) return ENODEV;
    const { interfaces, devices, options } = this;
    if (interfaces === undefined) return undefined;
    const bytes = parseAddress(address);
    const own = interfaces.addresses.find((one) =>
      devices.has(one.dev) && isSameAddress(parseAddress(one.address), bytes)
    );
    if (own === undefined || own.flags?.includes("tentative")) {
      return EADDRNOTAVAIL;
    }
    const state = { interfaces, devices, options };
    return dev === undefined || isUp(state, dev) ? undefined : ENETUNREACH;
  }

  /**
   * Makes a socket for a connection; {@linkcode FakeKernel.network} says what
   * becomes of it. The connection is one of {@linkcode FakeKernel.connections},
   * or of {@linkcode FakeKernel.sockets} if it has nothing of MPTCP.
   *
   * @param address An address of the family that it is for.
   * @param isMptcp Whether it asks for MPTCP.
   * @throws {SyscallError} `ENOPROTOOPT`: MPTCP is switched off;
   * `EPROTONOSUPPORT`: the kernel has none.
   */
  override stream(address: string, isMptcp: boolean): Stream {
    const isOff = this.sysctls.get("enabled") === "0";
    if (isMptcp && (!this.hasFamily || isOff)) {
      const errno = this.hasFamily ? ENOPROTOOPT : EPROTONOSUPPORT;
      throw new SyscallError("socket", errno, "open an MPTCP socket");
    }
    familyOf(address);
    return new FakeStream({
      bind: (dial) => this.#bind(dial),
      answer: (dial) => this.network.dial?.(dial),
      accept: (dial, local, isTcp) =>
        dial.isMptcp
          ? this.#accept(dial.to, local, isTcp)
          : this.#acceptTcp(dial.to, local),
    }, isMptcp);
  }

  /** The end on this host of a connection. */
  #bind({ to, source, dev }: FakeDial): SocketAddress {
    if (dev !== undefined && !this.devices.has(dev)) {
      throw new SyscallError("setsockopt", ENODEV, `bind to ${dev}`);
    }
    const isIPv6 = (address: string) => address.includes(":");
    const own = (this.interfaces?.addresses ?? []).filter((one) =>
      isIPv6(one.address) === isIPv6(to.address)
    );
    const isThere = source === undefined || this.interfaces === undefined ||
      own.some(({ address }) => address === source);
    if (!isThere) {
      throw new SyscallError("bind", EADDRNOTAVAIL, `bind to ${source}`);
    }
    const address = source ??
      own.find((one) => dev === undefined || one.dev === dev)?.address ??
      (isIPv6(to.address) ? "fd00::1" : "10.0.0.1");
    return { address, port: this.#port++ };
  }

  #accept(remote: SocketAddress, local: SocketAddress, isTcp: boolean) {
    const connection = this.connect(this.#token++, {
      ...{ local, remote, established: false },
      pathManager: this.sysctls.get("pm_type") === "1" ? "userspace" : "kernel",
    });
    if (isTcp) connection.set({ fallback: true });
    return {
      establish: () => isTcp ? undefined : connection.establish(),
      [Symbol.dispose]: () => connection.close(),
    };
  }

  #acceptTcp(remote: SocketAddress, local: SocketAddress): Disposable {
    const socket = { local, remote };
    this.sockets.push(socket);
    return {
      [Symbol.dispose]: () =>
        void this.sockets.splice(this.sockets.indexOf(socket), 1),
    };
  }

  /**
   * Sends an event that neither a command nor {@linkcode FakeKernel.connect}
   * causes. It changes nothing else, but subflows to an address that was
   * `announced` get its id.
   *
   * @param type The event.
   * @param fields Its attributes. What is absent here has a default, so that a
   * test says only what matters to it.
   * @throws {TypeError} The kernel has no such event, or no such device, or a
   * text is no address.
   *
   * @example The main subflow is reset
   * ```ts
   * import { FakeKernel } from "@mptcp/pm/testing";
   *
   * const kernel = new FakeKernel();
   * const local = { address: "10.0.1.1", port: 40000 };
   * const remote = { address: "10.0.1.2", port: 443 };
   * kernel.connect(5, { local, remote });
   * kernel.emitEvent("sub-closed", { token: 5, local, remote, error: 104 });
   * ```
   */
  emitEvent(type: FakeEventType, fields: FakeEventFields): void {
    const { dev, token = 0 } = fields;
    const ifIndex = dev === undefined ? 0 : this.devices.get(dev);
    if (ifIndex === undefined) throw new TypeError(`Unknown device "${dev}"`);
    const connection = this.#connections.get(token);
    const [initial] = connection?.subflows() ?? [];
    const ends = initial && { local: initial.local, remote: initial.remote };
    this.#emit(type, { ...ends, ...fields }, ifIndex);
    const { remote, remId = 0 } = fields;
    if (type === "announced" && remote !== undefined) {
      connection?.learn(remote.address, remId);
    }
  }

  #emit(type: FakeEventType, fields: FakeEventFields, ifIndex: number): void {
    const event = encodeEvent(FAMILY, type, fields, ifIndex);
    this.emit(event, EVENTS_GROUP, NETLINK_GENERIC);
  }

  /**
   * Changes {@linkcode FakeKernel.interfaces} or {@linkcode FakeNamespace.devices},
   * and tells it those who follow the network, as Linux does. What is changed
   * otherwise is there to be read, and nobody is told. With a device that is set
   * down its routes and its IPv6 addresses go.
   *
   * @param change What changes them.
   * @throws {TypeError} There is no network.
   *
   * @example A program that follows the network sees that a cable is pulled
   * ```ts
   * import { Diag } from "@mptcp/pm/diag";
   * import { FakeInterfaces, FakeKernel } from "@mptcp/pm/testing";
   *
   * const kernel = new FakeKernel();
   * kernel.interfaces = new FakeInterfaces();
   * using diag = Diag.open({ namespace: kernel });
   * const changes = diag.networkChanges();
   * kernel.changeNetwork(({ links }) => links.set("eth1", { flags: ["up"] }));
   * console.log(await changes.next()); // { value: "link", done: false }
   * ```
   */
  changeNetwork(change: (interfaces: FakeInterfaces) => void): void {
    const { interfaces, devices, options } = this;
    if (interfaces === undefined) {
      throw new TypeError("There is no network: set interfaces first");
    }
    const state = { interfaces, devices, options };
    for (
      const [message, group] of changeNetwork(state, () => change(interfaces))
    ) {
      this.emit(message, group, NETLINK_ROUTE);
    }
  }

  /** Tells all who listen that events came too fast, and some are lost. */
  emitOverrun(): void {
    this.emit(new SyscallError("recvfrom", ENOBUFS, "receive from the kernel"));
  }

  /**
   * Listens to groups.
   *
   * @param protocol Netlink protocol.
   * @param groups The groups' numbers.
   * @throws {SyscallError} `EPERM`: the events of MPTCP are for the privileged.
   */
  override subscribe(
    protocol: number,
    groups: readonly number[],
  ): FakeSubscription {
    if (!this.privileged && protocol === NETLINK_GENERIC) {
      const action = `listen to the kernel, group ${groups[0]}`;
      throw new SyscallError("setsockopt", EPERM, action);
    }
    return super.subscribe(protocol, groups);
  }

  /**
   * Sets a sysctl below `net.mptcp`, or writes another file; `path_manager` and
   * `pm_type` follow each other.
   *
   * @throws {SyscallError} `EACCES`: the caller is not privileged.
   */
  override writeFile(path: string, text: string): void {
    if (!this.privileged) {
      const action = `write "${text}" to ${path}`;
      throw new SyscallError("open", EACCES, action);
    }
    super.writeFile(path, text);
    const modes = ["kernel", "userspace"];
    const { sysctls } = this;
    if (path.endsWith("/path_manager") && sysctls.has("pm_type")) {
      sysctls.set("pm_type", String(modes.indexOf(text)));
    } else if (path.endsWith("/pm_type") && sysctls.has("path_manager")) {
      sysctls.set("path_manager", modes[Number(text)] ?? text);
    }
  }
}

/** The end of a subflow. */
function endOf({ address, port }: Address): SubflowAddress {
  return { address, port };
}

/** Whether something of a dump of messages is there but its end. */
function isDumping(unread: readonly Delivery[], type: number): boolean {
  const types = unread.map((delivery) =>
    delivery instanceof Uint8Array && delivery.length >= NLMSG_HDRLEN
      ? readU16(delivery, 4)
      : 0
  );
  const first = types.indexOf(type);
  return first >= 0 && types.indexOf(NLMSG_DONE, first) > 0;
}
