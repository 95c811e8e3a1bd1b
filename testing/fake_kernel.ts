/**
 * A kernel that is none: endpoints, limits, connections and events as Linux
 * 6.18 has them. `tests/ops/fake_kernel_test.ts` holds it against all captured
 * conversations, byte by byte.
 *
 * Nothing here uses the codec but for the text of addresses: these bytes are to
 * be read by it.
 *
 * @module
 */

import { AF_INET, formatIPv4, formatIPv6 } from "../codec/inet.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import { NETLINK_GENERIC } from "../netlink/genl.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import {
  addressBytes,
  encodeEvent,
  type FakeEventFields,
  type FakeEventType,
} from "./fake_event.ts";
import {
  type Delivery,
  FakeNamespace,
  type FakeSubscription,
  FakeTransport,
} from "./fake_namespace.ts";
import {
  attr,
  type Bytes,
  done,
  type ExtAck,
  flagsOf,
  GENL_ID_CTRL,
  join,
  message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  seqOf,
  type SocketOptions,
  text,
  typeOf,
  u16,
  u32,
  u8,
  verdict,
  viewOf,
} from "./netlink_bytes.ts";

/** The number of `mptcp_pm` here. It is another one on each real kernel. */
export const FAMILY = 28;

/** Why the kernel does not do something. */
class Refusal {
  constructor(readonly errno: number, readonly extack: ExtAck = {}) {}
}

/** Refuses with EINVAL and these words, about the attribute if one is given. */
function invalid(message: string, attr?: Attr): never {
  throw new Refusal(EINVAL, { message, offset: attr?.offset });
}

/** The number of the group of events here. */
const EVENTS_GROUP = 9;

const ENOENT = 2;
const ESRCH = 3;
const EPERM = 1;
const EACCES = 13;
const EBUSY = 16;
const EEXIST = 17;
const EINVAL = 22;
const ERANGE = 34;
const EOPNOTSUPP = 95;
const ENOBUFS = 105;

/** An attribute that came: where it starts in the request, and its payload. */
interface Attr {
  readonly offset: number;
  readonly payload: Bytes;
}

type Attrs = ReadonlyMap<number, Attr>;

/** Reads attributes; `LEFT_OVER` are the bytes that are too few for one. */
function attrsOf(bytes: Bytes, base: number): Attrs {
  const attrs = new Map<number, Attr>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = viewOf(bytes).getUint16(at, true);
    const type = viewOf(bytes).getUint16(at + 2, true) & 0x3fff;
    const payload = bytes.slice(at + 4, at + length);
    attrs.set(type, { offset: base + at, payload });
    at += Math.max(4, (length + 3) & ~3);
  }
  if (at < bytes.length) {
    attrs.set(LEFT_OVER, { offset: base + at, payload: bytes.slice(at) });
  }
  return attrs;
}

const LEFT_OVER = -1;

function numberOf(attr: Attr | undefined): number {
  return attr?.payload.reduceRight((sum, byte) => sum * 256 + byte, 0) ?? 0;
}

/** An address as a {@linkcode FakeKernel} keeps it. */
export interface FakeAddress {
  /** 2 or 10; 0 where the request has none. */
  readonly family: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** TCP port; 0: none. */
  readonly port: number;
  /** Address id. */
  readonly id: number;
  /** Flags as the kernel has them. */
  flags: number;
  /** Index of a device; 0: none. */
  readonly ifIndex: number;
}

/** A connection of a {@linkcode FakeKernel}, with the userspace path manager. */
export interface FakeConnection {
  /** What was announced, and where subflows start. */
  readonly addresses: FakeAddress[];
  /** The ends of the subflows, on this host and on the peer. */
  readonly subflows: (readonly [local: FakeAddress, remote: FakeAddress])[];
}

/** A subflow of a {@linkcode FakeKernel}, to be read. */
export interface FakeSubflow {
  /** The end on this host. */
  readonly local: SubflowAddress;
  /** The end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  readonly locId: number;
  /** Whether this host uses it only when there is no other. */
  readonly backup: boolean;
}

/** Equal for `a.b.c.d` and `::ffff:a.b.c.d`. */
function keyOf({ address }: FakeAddress): string {
  const hex = address.toHex();
  return hex.replace(/^0{20}ffff(?=.{8}$)/, "");
}

const isSame = (one: FakeAddress, other: FakeAddress) =>
  keyOf(one) === keyOf(other);

const SIGNAL = 1;
const SUBFLOW = 2;
const BACKUP = 4;
const FULLMESH = 8;
const IMPLICIT = 16;
const KNOWN_FLAGS = 0x3f;

/** Numbers of the attributes outside of address nests. */
const ADDR = 1;
const RCV_ADD_ADDRS = 2;
const SUBFLOWS = 3;
const TOKEN = 4;
const LOC_ID = 5;
const ADDR_REMOTE = 6;

/** Commands by number: what `nlctrl` says of each. */
const OP_FLAGS = [, 26, 26, 14, 26, 26, 10, 26, 26, 26, 26, 26];
const GET_ADDR = 3;
const GET_LIMITS = 6;

/**
 * A kernel with `mptcp_pm`, or rather one network namespace of it, that is none:
 * for tests of programs that use {@linkcode PathManager}, on any system, without
 * root and without waiting. It keeps endpoints, limits and connections, and
 * answers each command with the bytes that Linux 6.18 answers with, errors
 * included. Events happen when the test says so.
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
 * kernel.connect(5);
 *
 * const events = pm.events({ types: ["established"] });
 * kernel.emitEvent("established", { token: 5, serverSide: true });
 * for await (const { token } of events) {
 *   pm.announce({ token, address: "10.0.2.1", id: 1 });
 *   break;
 * }
 * console.log(pm.dumpAddrs({ token: 5 })); // 10.0.2.1, id 1, signal
 * ```
 */
export class FakeKernel extends FakeNamespace {
  /** The endpoints in the order that the kernel looks through them. */
  readonly endpoints: FakeAddress[] = [];
  /** Highest number of endpoints, and value of a limit. */
  max = 8;
  /** The limits. */
  readonly limits: { subflows: number; addAddrAccepted: number } = {
    subflows: 2,
    addAddrAccepted: 0,
  };
  /** Connections by token; `undefined`: one with the in-kernel path manager. */
  readonly connections: Map<number, FakeConnection | undefined> = new Map();
  /** Whether the caller has `CAP_NET_ADMIN`; else changes and events fail. */
  privileged = true;
  /** Whether the kernel has `mptcp_pm`. */
  hasFamily = true;
  /** What the socket was set to: how much an error tells. */
  readonly options: SocketOptions = { extAck: true, capAck: true };
  /** From where the kernel looks for a free id. */
  #cursor = 1;

  /** Makes a kernel as it is after the start: without endpoints. */
  constructor() {
    super((request, transport) => this.#respond(request, transport));
    for (const number of [0, 1, 2]) {
      this.devices.set(`eth${number}`, 2 + number);
    }
  }

  /**
   * Makes a connection with the userspace path manager. There is no event of
   * it; {@linkcode FakeKernel.emitEvent} makes one.
   *
   * @param token The connection's token, 1 to 0xffffffff.
   * @param subflow The initial subflow; absent: the connection has none that
   * could be changed or closed.
   */
  connect(
    token: number,
    subflow?: {
      readonly local: SubflowAddress;
      readonly remote: SubflowAddress;
    },
  ): void {
    const ends = subflow && [subflow.local, subflow.remote].map(initialEnd);
    this.connections.set(token, {
      addresses: [],
      subflows: ends === undefined ? [] : [[ends[0]!, ends[1]!]],
    });
  }

  /**
   * The subflows of a connection.
   *
   * @param token The connection's token.
   * @returns The oldest first; none where there is no such connection.
   */
  subflows(token: number): FakeSubflow[] {
    const { subflows = [] } = this.connections.get(token) ?? {};
    return subflows.map(([local, remote]) => ({
      local: readable(local),
      remote: readable(remote),
      locId: local.id,
      backup: (local.flags & BACKUP) !== 0,
    }));
  }

  /**
   * Tells all who listen of an event. It changes nothing else: a connection
   * that is said to be closed still answers commands until it is taken out of
   * {@linkcode FakeKernel.connections}.
   *
   * @param type The event.
   * @param fields What it tells. What is absent here has a default, so that a
   * test says only what matters to it.
   * @throws {TypeError} The kernel has no such event, or no such device, or an
   * address is none.
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
    const [initial] = this.subflows(token);
    const ends = initial && { local: initial.local, remote: initial.remote };
    const bytes = encodeEvent(type, { ...ends, ...fields }, ifIndex);
    // Nobody asked: there is neither number nor port id.
    this.emit(message(FAMILY, 0, 0, bytes).fill(0, 12, 16), EVENTS_GROUP);
  }

  /** Tells all who listen that events came too fast, and some are lost. */
  emitOverrun(): void {
    this.emit(new SyscallError("recvfrom", ENOBUFS, "receive from the kernel"));
  }

  /**
   * Opens a transport. Only that of generic netlink answers; the others refuse
   * everything with `EOPNOTSUPP`.
   *
   * @param protocol Netlink protocol.
   */
  override open(protocol: number): FakeTransport {
    if (protocol === NETLINK_GENERIC) return super.open(protocol);
    const transport = new FakeTransport(
      protocol,
      (request) => [verdict(request, EOPNOTSUPP, {}, this.options)],
    );
    this.transports.push(transport);
    return transport;
  }

  /**
   * Listens to groups.
   *
   * @param protocol Netlink protocol.
   * @param groups The groups' numbers.
   * @throws {SyscallError} `EPERM`: the caller is not privileged.
   */
  override subscribe(
    protocol: number,
    groups: readonly number[],
  ): FakeSubscription {
    if (!this.privileged) {
      const action = `join multicast group ${groups[0]}`;
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

  #respond(request: Bytes, { unread }: FakeTransport): Bytes[] {
    const flags = flagsOf(request);
    const attrs = attrsOf(request.slice(20), 20);
    const warning = attrs.has(LEFT_OVER)
      ? { message: "bytes leftover after parsing attributes" }
      : {};
    const ack = flags & NLM_F_ACK
      ? [verdict(request, 0, warning, this.options)]
      : [];
    // The kernel skips what is no request, and says that all is well.
    if (!(flags & NLM_F_REQUEST)) return ack;
    try {
      if (typeOf(request) === GENL_ID_CTRL) {
        return [this.#family(attrs, seqOf(request))];
      }
      if (typeOf(request) !== FAMILY) throw new Refusal(ENOENT);
      const cmd = request[16]!;
      const isDump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
      if (OP_FLAGS[cmd] === undefined || isDump && cmd !== GET_ADDR) {
        throw new Refusal(EOPNOTSUPP);
      }
      if (!this.privileged && cmd !== GET_ADDR && cmd !== GET_LIMITS) {
        throw new Refusal(EPERM);
      }
      const reply = (flags: number, attrs: Uint8Array[]) =>
        message(
          FAMILY,
          flags,
          seqOf(request),
          Uint8Array.of(cmd, 1, 0, 0),
          ...attrs,
        );
      if (isDump) {
        if (unread.some(isDone)) throw new Refusal(EBUSY);
        return this.#dump(attrs, seqOf(request), reply);
      }
      const answer = this.#execute(cmd, attrs);
      return [...answer === undefined ? [] : [reply(0, answer)], ...ack];
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const { errno, extack } = refusal;
      return [verdict(request, errno, extack, this.options)];
    }
  }

  #family(attrs: Attrs, seq: number): Bytes {
    const name = new TextDecoder().decode(attrs.get(2)?.payload);
    if (!this.hasFamily || name !== "mptcp_pm\0") throw new Refusal(ENOENT);
    const ops = OP_FLAGS.flatMap((flags, cmd) =>
      flags === undefined
        ? []
        : [attr(cmd, attr(1, u32(cmd)), attr(2, u32(flags)))]
    );
    const groups = ["mptcp_pm_cmds", "mptcp_pm_events"].map((name, index) =>
      attr(
        index + 1,
        attr(2, u32(EVENTS_GROUP - 1 + index)),
        attr(1, text(name)),
      )
    );
    return message(
      GENL_ID_CTRL,
      0,
      seq,
      Uint8Array.of(1, 2, 0, 0),
      attr(2, text("mptcp_pm")),
      attr(1, u16(FAMILY)),
      attr(3, u32(1)), // version
      attr(4, u32(0)), // header size
      attr(5, u32(0)), // highest attribute
      attr(6, ...ops),
      attr(7, ...groups),
    );
  }

  #dump(
    attrs: Attrs,
    seq: number,
    reply: (flags: number, attrs: Uint8Array[]) => Bytes,
  ): Bytes[] {
    try {
      const token = attrs.get(TOKEN);
      const addresses = token === undefined
        ? this.endpoints.toSorted((one, other) => one.id - other.id)
        : this.#connection(token).addresses;
      const replies = addresses.map((address) =>
        reply(NLM_F_MULTI, [nest(address)])
      );
      return [...replies.length > 0 ? [join(replies)] : [], done(seq)];
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return [done(seq, refusal.errno, refusal.extack)];
    }
  }

  /** Does a command, and returns the attributes of the reply, if there is one. */
  #execute(cmd: number, attrs: Attrs): Uint8Array[] | void {
    switch (cmd) {
      case 1:
        return this.#addAddr(attrs);
      case 2: {
        const { id } = addressOf(need(attrs, ADDR), false);
        // Without id it is about connections, and well in any case.
        if (id !== 0) this.#delete(this.#byId(attrs));
        return;
      }
      case GET_ADDR:
        return [nest(this.#byId(attrs))];
      case 4:
        this.endpoints.length = 0;
        this.#cursor = 1;
        return;
      case 5:
        return this.#setLimits(attrs);
      case GET_LIMITS:
        return [
          attr(RCV_ADD_ADDRS, u32(this.limits.addAddrAccepted)),
          attr(SUBFLOWS, u32(this.limits.subflows)),
        ];
      case 7:
        return attrs.has(TOKEN)
          ? this.#setSubflowFlags(attrs)
          : this.#setFlags(attrs);
      case 8:
        return this.#announce(attrs);
      case 9:
        return this.#remove(attrs);
      case 10:
        return this.#subflowCreate(attrs);
      default:
        return this.#subflowDestroy(attrs);
    }
  }

  #addAddr(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const given = addressOf(nest);
    const { flags, port } = given;
    if (port !== 0 && (flags & (SIGNAL | SUBFLOW)) !== SIGNAL) {
      invalid("flags must have signal and not subflow when using port", nest);
    }
    if (flags & SIGNAL && flags & FULLMESH) {
      invalid("flags mustn't have both signal and fullmesh", nest);
    }
    if (flags & IMPLICIT) invalid("can't create IMPLICIT endpoint", nest);
    const errno = this.endpoints.length >= this.max
      ? ERANGE
      : this.endpoints.some(({ id }) => id === given.id)
      ? EBUSY
      : this.#store(given);
    if (errno !== 0) {
      const message = `too many addresses or duplicate one: -${errno}`;
      throw new Refusal(errno, { message });
    }
  }

  #store(given: FakeAddress): number {
    const same = this.endpoints.find((endpoint) =>
      isSame(endpoint, given) && endpoint.port === given.port
    );
    if (same !== undefined) {
      if (!(same.flags & IMPLICIT)) return EEXIST;
      if (given.id !== 0) return EINVAL;
      this.#delete(same);
    }
    const id = same?.id ?? (given.id || this.#freeId());
    this.#cursor = Math.max(this.#cursor, id);
    const endpoint = { ...given, id, flags: given.flags & KNOWN_FLAGS };
    if (given.port === 0) this.endpoints.push(endpoint);
    else this.endpoints.unshift(endpoint);
    return 0;
  }

  #freeId(): number {
    if (this.#cursor === 255) this.#cursor = 1;
    const isTaken = (id: number) =>
      this.endpoints.some((endpoint) => endpoint.id === id);
    let id = this.#cursor;
    while (isTaken(id)) id++;
    return id;
  }

  #delete(endpoint: FakeAddress): void {
    this.endpoints.splice(this.endpoints.indexOf(endpoint), 1);
  }

  #byId(attrs: Attrs): FakeAddress {
    const nest = need(attrs, ADDR);
    const { id } = addressOf(nest, false);
    const token = attrs.get(TOKEN);
    const addresses = token === undefined
      ? this.endpoints
      : this.connections.get(numberOf(token))?.addresses ?? [];
    return addresses.find((address) => address.id === id) ??
      invalid("address not found", nest);
  }

  #setLimits(attrs: Attrs): void {
    for (const limit of [attrs.get(RCV_ADD_ADDRS), attrs.get(SUBFLOWS)]) {
      if (numberOf(limit) > this.max) {
        invalid(`limit greater than maximum (${this.max})`, limit);
      }
    }
    const { limits } = this;
    const set = (type: number, old: number) =>
      attrs.has(type) ? numberOf(attrs.get(type)) : old;
    limits.addAddrAccepted = set(RCV_ADD_ADDRS, limits.addAddrAccepted);
    limits.subflows = set(SUBFLOWS, limits.subflows);
  }

  /** Replaces two bits, whatever the caller meant to say of the other one. */
  #setFlags(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const given = addressOf(nest, false);
    if (given.family === 0 && given.id === 0) {
      const { offset } = nest;
      throw new Refusal(EOPNOTSUPP, { message: "missing address ID", offset });
    }
    const endpoint =
      this.endpoints.find((endpoint) =>
        given.family === 0
          ? endpoint.id === given.id
          : isSame(endpoint, given) &&
            (endpoint.port === 0 || endpoint.port === given.port)
      ) ?? invalid("address not found", nest);
    if (given.flags & FULLMESH && endpoint.flags & (SIGNAL | IMPLICIT)) {
      invalid("invalid addr flags", nest);
    }
    const mask = BACKUP | FULLMESH;
    endpoint.flags = endpoint.flags & ~mask | given.flags & mask;
  }

  #setSubflowFlags(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const given = addressOf(nest, false);
    const remote = addressOf(need(attrs, ADDR_REMOTE));
    const { subflows } = this.#connection(need(attrs, TOKEN));
    if (given.family === 0) invalid("invalid local address family", nest);
    const [local] = subflows.find(isSubflow(given, remote)) ??
      invalid("subflow not found");
    local.flags = local.flags & ~BACKUP | given.flags & BACKUP;
  }

  #connection(token: Attr): FakeConnection {
    const number = numberOf(token);
    return this.connections.get(number) ?? invalid(
      this.connections.has(number)
        ? "userspace PM not selected"
        : "invalid token",
      token,
    );
  }

  #announce(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const { addresses } = this.#connection(need(attrs, TOKEN));
    const given = addressOf(nest);
    if (given.id === 0) invalid("invalid addr id", nest);
    if (!(given.flags & SIGNAL)) invalid("invalid addr flags", nest);
    remember(addresses, given, nest);
  }

  #remove(attrs: Attrs): void {
    const locId = need(attrs, LOC_ID);
    const { addresses } = this.#connection(need(attrs, TOKEN));
    const id = numberOf(locId);
    const index = addresses.findIndex((address) => address.id === id);
    if (index >= 0) addresses.splice(index, 1);
    else if (id !== 0) invalid(`address with id ${id} not found`, locId);
  }

  #subflowCreate(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const farNest = need(attrs, ADDR_REMOTE);
    const { addresses, subflows } = this.#connection(need(attrs, TOKEN));
    const local = addressOf(nest);
    if (local.flags & SIGNAL) invalid("invalid addr flags", nest);
    const remote = addressOf(farNest);
    if (local.family !== remote.family) invalid("families mismatch");
    remember(addresses, { ...local, flags: local.flags | SUBFLOW }, nest);
    // The port that the first one had in the capture.
    const port = local.port || 0xe13b + subflows.length;
    subflows.push([{ ...local, port }, remote]);
  }

  #subflowDestroy(attrs: Attrs): void {
    const nest = need(attrs, ADDR);
    const farNest = need(attrs, ADDR_REMOTE);
    const { addresses, subflows } = this.#connection(need(attrs, TOKEN));
    const local = addressOf(nest);
    const remote = addressOf(farNest);
    if (local.family !== remote.family) {
      invalid("address families do not match");
    }
    if (local.port === 0) invalid("missing local port", nest);
    if (remote.port === 0) invalid("missing remote port", farNest);
    const index = subflows.findIndex(isSubflow(local, remote));
    if (index < 0) throw new Refusal(ESRCH, { message: "subflow not found" });
    subflows.splice(index, 1);
    const known = addresses.findIndex((address) => isSame(address, local));
    if (known >= 0) addresses.splice(known, 1);
  }
}

/** The end of an initial subflow. */
function initialEnd({ address, port }: SubflowAddress): FakeAddress {
  const { family, bytes } = addressBytes(address);
  return { family, address: bytes, port, id: 0, flags: 0, ifIndex: 0 };
}

function readable({ family, address, port }: FakeAddress): SubflowAddress {
  const format = family === AF_INET ? formatIPv4 : formatIPv6;
  return { address: format(address), port };
}

function need(attrs: Attrs, missType: number): Attr {
  const attr = attrs.get(missType);
  if (attr === undefined) throw new Refusal(EINVAL, { missType });
  return attr;
}

/** Reads an address nest. */
function addressOf(nest: Attr, needsFamily = true): FakeAddress {
  const attrs = attrsOf(nest.payload, nest.offset + 4);
  const family = numberOf(attrs.get(1));
  if (family === 0 && needsFamily) invalid("missing family", nest);
  if (![0, 2, 10].includes(family)) invalid("unknown address family", nest);
  const address = family === 0
    ? new Uint8Array()
    : attrs.get(family === 2 ? 3 : 4)?.payload;
  return {
    family,
    address: address ?? invalid("missing address data", nest),
    port: numberOf(attrs.get(5)),
    id: numberOf(attrs.get(2)),
    flags: numberOf(attrs.get(6)),
    ifIndex: numberOf(attrs.get(7)) | 0,
  };
}

/** Writes an address nest, attributes in the kernel's order. */
function nest({ family, address, port, id, flags, ifIndex }: FakeAddress) {
  return attr(
    ADDR | 0x8000,
    attr(1, u16(family)),
    attr(5, u16(port)),
    attr(2, u8(id)),
    attr(6, u32(flags)),
    ...ifIndex === 0 ? [] : [attr(7, u32(ifIndex))],
    attr(family === 2 ? 3 : 4, address),
  );
}

/** An address keeps its id, and an id its address. */
function remember(addresses: FakeAddress[], given: FakeAddress, nest: Attr) {
  const isNear = (address: FakeAddress) =>
    isSame(address, given) || address.id === given.id;
  const known = addresses.find(isNear);
  if (known === undefined) addresses.push(given);
  else if (!isSame(known, given) || known.id !== given.id) {
    invalid("did not match address and id", nest);
  }
}

function isSubflow(local: FakeAddress, remote: FakeAddress) {
  return (ends: readonly [FakeAddress, FakeAddress]) =>
    isSame(ends[0], local) && ends[0].port === local.port &&
    isSame(ends[1], remote) && ends[1].port === remote.port;
}

/** Whether this is the end of a dump. */
function isDone(delivery: Delivery): boolean {
  return delivery instanceof Uint8Array && delivery.length >= 16 &&
    typeOf(delivery) === NLMSG_DONE;
}
