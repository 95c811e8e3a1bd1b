/**
 * Kernels to test against: each a {@linkcode Transport} that needs neither
 * Linux nor root, waits for nothing and does the same every time.
 *
 * - {@linkcode FakeKernel} keeps endpoints, limits and connections, and answers
 *   as Linux 6.18 does. `tests/ops/fake_kernel_test.ts` holds it against all
 *   captured conversations, byte by byte.
 * - {@linkcode FakeTransport} with a {@linkcode script} answers with the bytes
 *   that it is given.
 * - {@linkcode HARMLESS} and {@linkcode HARMFUL} are other ways to deliver
 *   answers.
 *
 * Nothing here uses the codec: these bytes are to be read by it.
 *
 * @module
 */

import type { Transport } from "../../ops/transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * What `receive()` finds next: a datagram; nothing yet, until `wait()` was
 * called; an error, which it throws.
 */
export type Delivery = Bytes | undefined | Error;

/** What comes back for one request. */
export type Answer = (request: Bytes) => Delivery[];

/** Another way to deliver the answer to a request. */
export type Distortion = (answer: Delivery[], request: Bytes) => Delivery[];

/** A transport to whatever answers. */
export class FakeTransport implements Transport {
  /** All requests, as they were sent. */
  readonly sent: Bytes[] = [];
  /** The timeouts of all calls of `wait()`. */
  readonly waits: number[] = [];
  /** Whether it was closed. */
  closed = false;
  /** The network devices: indices by name. */
  readonly devices: Map<string, number> = new Map([["lo", 1]]);
  /** How answers are delivered. */
  distort: Distortion = (answer) => answer;
  readonly #answer: Answer;
  readonly #queue: Delivery[] = [];
  readonly #buffer = new Uint8Array(65536);
  #view = this.#buffer.subarray(0, 0);

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** What can still be received. */
  get unread(): readonly Delivery[] {
    return this.#queue;
  }

  send(datagram: Bytes): void {
    this.#demandOpen();
    const request = datagram.slice();
    this.sent.push(request);
    this.#queue.push(...this.distort(this.#answer(request), request));
  }

  receive(): Uint8Array | undefined {
    this.#demandOpen();
    if (this.#queue[0] === undefined) return undefined;
    const delivery = this.#queue.shift()!;
    if (delivery instanceof Error) throw delivery;
    // Views of earlier datagrams show this instead of them.
    this.#view.fill(0xee);
    this.#buffer.set(delivery);
    return this.#view = this.#buffer.subarray(0, delivery.length);
  }

  wait(timeoutMs: number): boolean {
    this.#demandOpen();
    this.waits.push(timeoutMs);
    if (this.#queue[0] === undefined) this.#queue.shift();
    return this.#queue.length > 0;
  }

  ifNameToIndex(name: string): number | undefined {
    this.#demandOpen();
    return this.devices.get(name);
  }

  ifIndexToName(index: number): string | undefined {
    this.#demandOpen();
    return [...this.devices].find(([, other]) => other === index)?.[0];
  }

  close(): void {
    this.closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #demandOpen(): void {
    if (this.closed) throw new Error("The fake transport was used after close");
  }
}

/** One request that is expected, and what comes back for it. */
export interface Exchange {
  /** The request but for its sequence number, or a test of it. */
  readonly request: Bytes | ((request: Bytes) => boolean);
  /** What comes back; the sequence number is put in. */
  readonly answer: readonly Delivery[];
}

/** Answers as it is written, and refuses to go on after any other request. */
export function script(exchanges: Iterable<Exchange>): Answer {
  const rest = [...exchanges];
  return (request) => {
    const exchange = rest.shift();
    const expected = exchange?.request;
    const fits = typeof expected === "function"
      ? expected(request)
      : expected !== undefined &&
        withSeq(expected, seqOf(request)).toHex() === request.toHex();
    if (exchange === undefined || !fits) {
      const wanted = typeof expected === "object"
        ? expected.toHex()
        : "no such";
      throw new Error(`Unexpected request ${request.toHex()}: ${wanted}`);
    }
    return exchange.answer.map((delivery) =>
      delivery instanceof Uint8Array
        ? withSeq(delivery, seqOf(request))
        : delivery
    );
  };
}

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const GENL_ID_CTRL = 16;
const NLM_F_REQUEST = 0x1;
const NLM_F_MULTI = 0x2;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

/** The number of `mptcp_pm` here. It is another one on each real kernel. */
export const FAMILY = 28;
const PORT_ID = 0x5120;

const u8 = (value: number) => Uint8Array.of(value);
const u16 = (value: number) => new Uint8Array(Uint16Array.of(value).buffer);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const text = (value: string) => new TextEncoder().encode(`${value}\0`);

/** Puts bytes behind each other. */
export function join(parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** An attribute with its padding. */
export function attr(type: number, ...payload: Uint8Array[]): Bytes {
  const body = join([u16(0), u16(type), ...payload]);
  const bytes = new Uint8Array((body.length + 3) & ~3);
  bytes.set(body);
  bytes.set(u16(body.length));
  return bytes;
}

/** A netlink message of the kernel. */
export function message(
  type: number,
  flags: number,
  seq: number,
  ...payload: Uint8Array[]
): Bytes {
  const header = [u16(type), u16(flags), u32(seq), u32(PORT_ID)];
  const rest = join([...header, ...payload]);
  return join([u32(4 + rest.length), rest]);
}

/** The messages of a datagram, each on its own. */
export function split(datagram: Uint8Array): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at < datagram.length;) {
    const length = viewOf(datagram).getUint32(at, true);
    messages.push(datagram.slice(at, at + length) as Bytes);
    at += Math.max(16, (length + 3) & ~3);
  }
  return messages;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const typeOf = (message: Uint8Array) => viewOf(message).getUint16(4, true);
const flagsOf = (message: Uint8Array) => viewOf(message).getUint16(6, true);
const seqOf = (message: Uint8Array) => viewOf(message).getUint32(8, true);

/** The datagram as the answer to the request with another number. */
export function withSeq(datagram: Uint8Array, seq: number): Bytes {
  return join(
    split(datagram).map((message) => {
      message.set(u32(seq), 8);
      // The header of the request.
      if (typeOf(message) === NLMSG_ERROR) message.set(u32(seq), 16 + 4 + 8);
      return message;
    }),
  );
}

/** What the kernel says besides the number of an error. */
interface ExtAck {
  readonly message?: string;
  /** Where in the request. */
  readonly offset?: number | undefined;
  /** The number of an attribute that is missing. */
  readonly missType?: number;
}

/** Why the kernel does not do something. */
class Refusal {
  constructor(readonly errno: number, readonly extack: ExtAck = {}) {}
}

/** Refuses with EINVAL and these words, about the attribute if one is given. */
function invalid(message: string, attr?: Attr): never {
  throw new Refusal(EINVAL, { message, offset: attr?.offset });
}

const ENOENT = 2;
const ESRCH = 3;
const EPERM = 1;
const EBUSY = 16;
const EEXIST = 17;
const EINVAL = 22;
const ERANGE = 34;
const EOPNOTSUPP = 95;

/** `NLMSGERR_ATTR_*` in the kernel's order. */
function extackAttrs({ message, offset, missType }: ExtAck): Bytes[] {
  return [
    ...message !== undefined ? [attr(1, text(message))] : [],
    ...offset !== undefined ? [attr(2, u32(offset))] : [],
    ...missType !== undefined ? [attr(5, u32(missType))] : [],
  ];
}

/** The end of a dump. */
export function done(seq: number, errno = 0, extack: ExtAck = {}): Bytes {
  const attrs = extackAttrs(extack);
  const flags = NLM_F_MULTI | (attrs.length > 0 ? NLM_F_ACK_TLVS : 0);
  return message(NLMSG_DONE, flags, seq, u32(-errno), ...attrs);
}

/** `NETLINK_EXT_ACK` and `NETLINK_CAP_ACK` of the socket. */
export interface SocketOptions {
  extAck: boolean;
  capAck: boolean;
}

/** The verdict on a request: 0 is success. */
export function verdict(
  request: Bytes,
  errno: number,
  extack: ExtAck = {},
  { extAck, capAck }: SocketOptions = { extAck: true, capAck: true },
): Bytes {
  const attrs = extAck ? extackAttrs(extack) : [];
  const isCapped = capAck || errno === 0;
  const flags = (isCapped ? NLM_F_CAPPED : 0) |
    (attrs.length > 0 ? NLM_F_ACK_TLVS : 0);
  const echo = isCapped ? request.subarray(0, 16) : request;
  const padding = new Uint8Array(-echo.length & 3);
  return message(
    NLMSG_ERROR,
    flags,
    seqOf(request),
    u32(-errno),
    echo,
    ...attrs.length > 0 ? [padding, ...attrs] : [],
  );
}

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

/** An address as the kernel keeps it. */
export interface FakeAddress {
  /** 2 or 10; 0 where the request has none. */
  readonly family: number;
  /** 4 or 16 bytes. */
  readonly address: Bytes;
  /** 0: none. */
  readonly port: number;
  readonly id: number;
  /** Bits. */
  flags: number;
  /** 0: none. */
  readonly ifIndex: number;
}

/** A connection with the userspace path manager. */
interface FakeConnection {
  readonly addresses: FakeAddress[];
  /** Local and remote end. */
  readonly subflows: (readonly [FakeAddress, FakeAddress])[];
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

/** A kernel with `mptcp_pm`: one network namespace of it. */
export class FakeKernel extends FakeTransport {
  /** The endpoints in the order that the kernel looks through them. */
  readonly endpoints: FakeAddress[] = [];
  /** Highest number of endpoints, and value of a limit. */
  max = 8;
  /** The limits. */
  readonly limits = { subflows: 2, addAddrAccepted: 0 };
  /** Connections by token; `undefined`: one with the in-kernel path manager. */
  readonly connections: Map<number, FakeConnection | undefined> = new Map();
  /** Whether the caller has `CAP_NET_ADMIN`. */
  privileged = true;
  /** Whether the kernel has `mptcp_pm`. */
  hasFamily = true;
  /** What the socket was set to. */
  readonly options: SocketOptions = { extAck: true, capAck: true };
  /** From where the kernel looks for a free id. */
  #cursor = 1;

  constructor() {
    super((request) => this.#respond(request));
    for (const number of [0, 1, 2]) {
      this.devices.set(`eth${number}`, 2 + number);
    }
  }

  /** Makes a connection with the userspace path manager. */
  connect(token: number): void {
    this.connections.set(token, { addresses: [], subflows: [] });
  }

  #respond(request: Bytes): Bytes[] {
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
        if (this.unread.some(isDone)) throw new Refusal(EBUSY);
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
      attr(index + 1, attr(2, u32(8 + index)), attr(1, text(name)))
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
    const local = addressOf(nest, false);
    const remote = addressOf(need(attrs, ADDR_REMOTE));
    const { subflows } = this.#connection(need(attrs, TOKEN));
    if (local.family === 0) invalid("invalid local address family", nest);
    if (!subflows.some(isSubflow(local, remote))) invalid("subflow not found");
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

/** The next message starts at a multiple of 4. */
function padded(message: Uint8Array): Bytes {
  return join([message, new Uint8Array(-message.length & 3)]);
}

/** Changes each message of an answer. */
function eachMessage(change: (message: Bytes) => Uint8Array): Distortion {
  return (answer) =>
    answer.map((delivery) =>
      delivery instanceof Uint8Array
        ? join(split(delivery).map(change).map(padded))
        : delivery
    );
}

const datagrams = (answer: Delivery[]) =>
  answer.filter((delivery) => delivery instanceof Uint8Array);

/** A message with more attributes behind those that it has. */
function withAttrs(message: Bytes, ...attrs: Uint8Array[]): Bytes {
  const bytes = join([message, ...attrs]);
  bytes.set(u32(bytes.length));
  return bytes;
}

const isReply = (message: Bytes) => typeOf(message) === FAMILY;

/** Whether this is the end of a dump. */
function isDone(delivery: Delivery): boolean {
  return delivery instanceof Uint8Array && delivery.length >= 16 &&
    typeOf(delivery) === NLMSG_DONE;
}

/** Other ways to deliver an answer that make no difference to the caller. */
export const HARMLESS: Readonly<Record<string, Distortion>> = {
  "each message in a datagram of its own": (answer) =>
    datagrams(answer).flatMap(split),
  "all messages in one datagram": (answer) => [join(datagrams(answer))],
  "an answer that comes late": (answer) => [undefined, ...answer],
  "each datagram late": (answer) =>
    answer.flatMap((delivery) => [undefined, delivery]),
  "a wait that ends for nothing": (answer) => [
    undefined,
    undefined,
    ...answer,
  ],
  "answers to an earlier request in front": (answer, request) => [
    ...datagrams(answer).map((datagram) =>
      withSeq(datagram, (seqOf(request) || 1) - 1)
    ),
    ...answer,
  ],
  "an earlier request's refusal in the same datagram": (answer, request) => {
    const stale = verdict(request, EBUSY);
    return [
      join([withSeq(stale, seqOf(request) - 1), ...datagrams(answer)]),
    ];
  },
  "an event in front": (answer) => [
    message(FAMILY, 0, 0, Uint8Array.of(3, 1, 0, 0), attr(1, u32(7))),
    ...answer,
  ],
  "an empty datagram in front": (answer) => [new Uint8Array(), ...answer],
  "a message of another family in front": (answer, request) => [
    message(FAMILY + 1, 0, seqOf(request), Uint8Array.of(9, 1, 0, 0)),
    ...answer,
  ],
  "unknown attributes": eachMessage((message) =>
    isReply(message)
      ? withAttrs(message, attr(99, u32(1)), attr(77, text("new")), attr(98))
      : message
  ),
  "bytes behind the last attribute": eachMessage((message) =>
    isReply(message) ? withAttrs(message, u8(0), u8(0), u8(0)) : message
  ),
};

/** Ways to deliver an answer that leave the caller without it. */
export const HARMFUL: Readonly<Record<string, Distortion>> = {
  "no answer": () => [],
  "no answer but an empty datagram": () => [new Uint8Array()],
  "only answers to an earlier request": (answer, request) =>
    datagrams(answer).map((datagram) => withSeq(datagram, seqOf(request) - 1)),
  "a datagram cut in the middle of a header": (answer) =>
    datagrams(answer).map((datagram) => datagram.slice(0, 15)),
  "a datagram without its last byte": (answer) =>
    datagrams(answer).map((datagram) => datagram.slice(0, -1)),
  "zeros": (answer) =>
    datagrams(answer).map(({ length }) => new Uint8Array(length)),
  "ones": (answer) =>
    datagrams(answer).map(({ length }) => new Uint8Array(length).fill(255)),
  "an attribute of length 0": eachMessage((message) =>
    typeOf(message) === NLMSG_DONE
      ? message
      : withAttrs(message.fill(0, 20), u32(0))
  ),
};

/** Says of every dump that the table changed meanwhile. */
export const interrupted: Distortion = eachMessage((message) => {
  if (flagsOf(message) & NLM_F_MULTI) {
    message.set(u16(flagsOf(message) | NLM_F_DUMP_INTR), 6);
  }
  return message;
});

/** Puts a warning into each ack. */
export function warned(text: string): Distortion {
  return (answer, request) =>
    answer.map((delivery) =>
      delivery instanceof Uint8Array && typeOf(delivery) === NLMSG_ERROR
        ? verdict(request, 0, { message: text })
        : delivery
    );
}
