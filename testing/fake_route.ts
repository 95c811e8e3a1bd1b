/**
 * `NETLINK_ROUTE`: links, addresses, routes, rules and neighbours, as far as
 * {@linkcode Diag} asks for them, after `net/core/rtnetlink.c`,
 * `net/ipv4/route.c` and `net/ipv6/route.c`.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import { DecodeError } from "../codec/decode_error.ts";
import {
  type Address,
  AF_INET,
  AF_INET6,
  familyOf,
  isSameAddress,
  parseAddress,
} from "../codec/inet.ts";
import { encodeMessage } from "../codec/message.ts";
import { NLM_F_MULTI, NLMSG_HDRLEN } from "../codec/nlmsghdr.ts";
import type { MessagePolicy } from "../codec/policy.ts";
import {
  ADDRESS_FLAGS,
  type AddressFlag,
  FR_ACT_TO_TBL,
  LINK_FLAGS,
  LINK_STATES,
  type LinkFlag,
  type LinkState,
  MESSAGES,
  NEIGHBOUR_STATES,
  type NeighbourState,
  type RouteAttrs,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  type Rtmsg,
  RTN_LOCAL,
  RTN_UNICAST,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct, encodeStruct } from "../codec/struct.ts";
import { contains } from "../diag/rtnetlink.ts";
import {
  answerRequest,
  type Bytes,
  encodeDone,
  type FakeRequest,
  PORT_ID,
  Refusal,
  type SocketOptions,
} from "./fake_netlink.ts";

const ENODEV = 19;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const ENETUNREACH = 101;

const [LOCAL, MAIN, DEFAULT] = [255, 254, 253];

/** What a network device is like. */
export interface FakeLink {
  /** Its flags. @default {`up`, `broadcast`, `running`, `multicast`, `lower-up`} */
  readonly flags?: readonly LinkFlag[];
  /** Its operational state. @default {`"up"`, or `"down"` unless it is running} */
  readonly state?: LinkState;
  /** Its MTU in bytes. @default {1500} */
  readonly mtu?: number;
}

/** An address of the host. */
export interface FakeInterfaceAddress {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** The device that has it. */
  readonly dev: string;
  /** Length of its prefix in bits. @default {24, of IPv6 64} */
  readonly prefixLength?: number;
  /** Its flags. @default {`permanent`} */
  readonly flags?: readonly AddressFlag[];
}

/** A route beside those to the prefixes of addresses, which are always there. */
export interface FakeRouteEntry {
  /** Where it leads: `"default"`, or a prefix such as `"192.0.2.0/24"`. */
  readonly to: string;
  /** The device by which packets leave. */
  readonly dev: string;
  /** The next router; a default route needs it to be of a family. */
  readonly via?: string;
  /**
   * Address of the host that packets come from: there is a rule for it, and a
   * table of its own. @default {any}
   */
  readonly from?: string;
  /** The lowest of equal prefixes counts. @default {0, of IPv6 1024} */
  readonly metric?: number;
}

/** Another host on a link. */
export interface FakeNeighbour {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** The device that it is on. */
  readonly dev: string;
  /** Its state. */
  readonly state: NeighbourState;
}

/**
 * The network of a {@linkcode FakeKernel}, which a test can change at any time.
 * What is on a device that {@linkcode FakeKernel.devices} lacks is not shown.
 * There are the routes to the prefixes of addresses, and the rules that routes
 * from a source need.
 *
 * @example A host with two uplinks, of which one loses its carrier
 * ```ts
 * import { Diag } from "@mptcp/pm/diag";
 * import { FakeInterfaces, FakeKernel } from "@mptcp/pm/testing";
 *
 * const kernel = new FakeKernel();
 * const { addresses, links, routes } = kernel.interfaces = new FakeInterfaces();
 * addresses.push({ address: "10.0.1.1", dev: "eth0" });
 * addresses.push({ address: "10.0.2.1", dev: "eth1" });
 * routes.push({ to: "default", via: "10.0.1.254", dev: "eth0" });
 * links.set("eth1", { flags: ["up"] });
 *
 * using diag = Diag.open({ namespace: kernel });
 * console.log(diag.links().filter(({ usable }) => usable)); // eth0, eth2
 * ```
 */
export class FakeInterfaces {
  /** The devices that are not as by default, by name. */
  readonly links: Map<string, FakeLink> = new Map([[
    "lo",
    {
      flags: ["up", "loopback", "running", "lower-up"],
      state: "unknown",
      mtu: 65536,
    },
  ]]);
  /** The addresses; `lo` has none unless they are here. */
  readonly addresses: FakeInterfaceAddress[] = [];
  /** The routes. */
  readonly routes: FakeRouteEntry[] = [];
  /** The neighbours. */
  readonly neighbours: FakeNeighbour[] = [];
}

/** What questions are about. */
export interface RouteState {
  readonly interfaces: FakeInterfaces;
  /** The devices: indices by name. */
  readonly devices: ReadonlyMap<string, number>;
  readonly options: SocketOptions;
}

/** Answers a request, in datagrams. */
export function answerRoute(state: RouteState, datagram: Bytes): Bytes[] {
  return answerRequest(datagram, state.options, {
    execute: (request) => {
      if (request.type !== MESSAGES.getroute.type) {
        throw new Refusal(EOPNOTSUPP);
      }
      return [encode(getRoute(state, request), request.seq)];
    },
    dump: (request) => {
      const list = LISTS[request.type];
      if (list === undefined) throw new Refusal(EOPNOTSUPP);
      return [
        ...[...list(state)].map((part) =>
          encode(part, request.seq, NLM_F_MULTI)
        ),
        encodeDone(request),
      ];
    },
  });
}

/** What a message says. */
export interface Part {
  readonly policy: MessagePolicy;
  readonly fixed: object;
  readonly attrs: object;
}

function part(policy: MessagePolicy, fixed: object, attrs: object): Part {
  return { policy, fixed, attrs };
}

export function encode(
  { policy: { type, header, set }, fixed, attrs }: Part,
  seq: number,
  flags = 0,
): Bytes {
  return encodeMessage(
    { type, flags, seq, pid: PORT_ID },
    encodeStruct(header, fixed),
    set,
    attrs,
  ).slice();
}

const LISTS: Readonly<
  Record<number, (state: RouteState) => Iterable<Part>>
> = {
  [MESSAGES.getlink.type]: listLinks,
  [MESSAGES.getaddr.type]: listAddresses,
  [MESSAGES.getrule.type]: listRules,
  [MESSAGES.getneigh.type]: listNeighbours,
};

function bitsOf<Word extends string>(
  table: readonly (readonly [word: Word, bit: number])[],
  words: readonly Word[],
): number {
  return table.filter(([word]) => words.includes(word))
    .reduce((bits, [, bit]) => bits + bit, 0);
}

const READY: readonly LinkFlag[] = [
  ...["up", "broadcast", "running", "multicast", "lower-up"] as const,
];

export function* listLinks(
  { interfaces, devices }: RouteState,
): Generator<Part> {
  for (const [ifname, index] of devices) {
    const { flags = READY, mtu = 1500, state } = interfaces.links.get(ifname) ??
      {};
    const word = state ?? (flags.includes("running") ? "up" : "down");
    const operstate = Number(
      Object.entries(LINK_STATES).find(([, one]) => one?.name === word)![0],
    );
    yield part(MESSAGES.newlink, { index, flags: bitsOf(LINK_FLAGS, flags) }, {
      ...{ ifname, mtu, operstate },
      carrier: flags.includes("lower-up") ? 1 : 0,
    });
  }
}

/** Whether a device was set up; one that is not there was not. */
export function isUp(
  { interfaces, devices }: RouteState,
  dev: string,
): boolean {
  const { flags = READY } = interfaces.links.get(dev) ?? {};
  return devices.has(dev) && flags.includes("up");
}

/** Something of the model whose device is there. */
type Placed<Value> = Value & Address & { readonly index: number };

function placed<Value extends { readonly dev: string }>(
  { devices }: RouteState,
  values: readonly Value[],
  textOf: (value: Value) => string,
): Placed<Value>[] {
  return values.filter(({ dev }) => devices.has(dev)).map((value) => ({
    ...value,
    ...parseAddress(textOf(value)),
    index: devices.get(value.dev)!,
  }));
}

const addressesOf = (state: RouteState) =>
  placed(state, state.interfaces.addresses, ({ address }) => address);

export function* listAddresses(state: RouteState): Generator<Part> {
  const all = addressesOf(state);
  // The kernel has a table for each family.
  for (const wanted of [AF_INET, AF_INET6]) {
    for (const { family, bytes, index, flags, prefixLength, text } of all) {
      if (family !== wanted) continue;
      const bits = bitsOf(ADDRESS_FLAGS, flags ?? ["permanent"]);
      const isLocal = text === "::1" || text.startsWith("127.");
      const scope = isLocal
        ? RT_SCOPE_HOST
        : text.startsWith("fe80:")
        ? RT_SCOPE_LINK
        : RT_SCOPE_UNIVERSE;
      const prefixlen = prefixLength ?? prefixLengthOf(family);
      yield part(
        MESSAGES.newaddr,
        { family, prefixlen, flags: bits & 0xff, scope, index },
        {
          address: bytes,
          local: family === AF_INET ? bytes : undefined,
          flags: bits,
        },
      );
    }
  }
}

const prefixLengthOf = (family: number) => family === AF_INET ? 24 : 64;

/** Rules of `ip` look into tables whose numbers have 8 bits in the header. */
function rule(
  family: number,
  priority: number,
  table: number,
  source?: Address,
): Part {
  return part(MESSAGES.newrule, {
    ...{ family, action: FR_ACT_TO_TBL, table },
    srcLen: source === undefined ? 0 : 8 * source.bytes.length,
  }, {
    table,
    priority: priority === 0 ? undefined : priority,
    src: source?.bytes,
  });
}

/** The sources that routes are for, whose tables are numbered from 1. */
function sourcesOf({ interfaces }: RouteState): Address[] {
  const texts = interfaces.routes.flatMap(({ from }) => from ?? []);
  return [...new Set(texts)].map(parseAddress);
}

export function* listRules(state: RouteState): Generator<Part> {
  const sources = sourcesOf(state);
  for (const family of [AF_INET, AF_INET6]) {
    yield rule(family, 0, LOCAL);
    for (const [index, source] of sources.entries()) {
      if (source.family !== family) continue;
      yield rule(family, 32766 - sources.length + index, 1 + index, source);
    }
    yield rule(family, 32766, MAIN);
    if (family === AF_INET) yield rule(family, 32767, DEFAULT);
  }
}

function* listNeighbours(state: RouteState): Generator<Part> {
  const { neighbours } = state.interfaces;
  for (
    const { family, bytes, index, state: word } of placed(
      state,
      neighbours,
      ({ address }) => address,
    )
  ) {
    const bits = bitsOf(NEIGHBOUR_STATES, [word]);
    yield part(MESSAGES.newneigh, { family, index, state: bits, type: 1 }, {
      dst: bytes,
    });
  }
}

/** A route that leads somewhere, ready to be compared. */
interface Candidate {
  readonly table: number;
  readonly length: number;
  readonly metric: number;
  readonly index: number;
  readonly via?: Address;
}

/** `inet_rtm_getroute()`, `inet6_rtm_getroute()` */
function getRoute(state: RouteState, request: FakeRequest): Part {
  const { header: layout } = MESSAGES.getroute;
  let header: Rtmsg;
  let attrs: RouteAttrs;
  try {
    header = decodeStruct(layout, request.bytes, NLMSG_HDRLEN);
    const start = NLMSG_HDRLEN + layout.length;
    attrs = decodeAttrs(MESSAGES.newroute.set, request.bytes, start);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new Refusal(EINVAL);
  }
  const { family } = header;
  const { dst, src, oif } = attrs;
  const width = family === AF_INET ? 4 : 16;
  if (dst?.length !== width || src !== undefined && src.length !== width) {
    throw new Refusal(EINVAL);
  }
  const answer = (
    type: number,
    table: number,
    index: number,
    more: RouteAttrs = {},
  ) =>
    part(
      MESSAGES.newroute,
      { family, dstLen: 8 * width, srcLen: src ? 8 * width : 0, table, type },
      { table, dst, ...src && { src }, oif: index, ...more },
    );

  const addresses = addressesOf(state).filter((one) => one.family === family);
  const has = (bytes: Uint8Array) =>
    addresses.some((one) => isSameAddress(one, { bytes }));
  if (family === AF_INET && src !== undefined && !has(src)) {
    throw new Refusal(ENETUNREACH);
  }
  const names = new Map(
    Array.from(state.devices, ([name, index]) => [index, name]),
  );
  if (oif !== undefined && family === AF_INET && !names.has(oif)) {
    throw new Refusal(ENODEV);
  }
  const isSetUp = (index: number) => isUp(state, names.get(index) ?? "");
  // The table of local addresses comes first.
  const isOwn = addresses.some((one) =>
    isSameAddress(one, { bytes: dst }) && isSetUp(one.index) &&
    (oif === undefined || oif === one.index)
  );
  if (isOwn) {
    const lo = state.devices.get("lo") ?? 1;
    return answer(RTN_LOCAL, LOCAL, lo, {
      prefsrc: src ? undefined : dst,
      priority: family === AF_INET6 ? 0 : undefined,
    });
  }
  const all = candidates(state, family, dst, src)
    .filter(({ index }) => isSetUp(index));
  const bound = all.filter(({ index }) => index === oif);
  // With a source, IPv6 takes the device for a wish.
  const isWish = family === AF_INET6 && src !== undefined;
  const [best] = oif === undefined || isWish && bound.length === 0
    ? all
    : bound;
  if (best !== undefined) {
    // IPv6 prefers the destination itself as source (RFC 6724, rule 1).
    const own = addresses.find(({ index, bytes }) =>
      family === AF_INET6 && has(dst)
        ? isSameAddress({ bytes }, { bytes: dst })
        : index === best.index
    )?.bytes;
    return answer(RTN_UNICAST, best.table, best.index, {
      gateway: best.via?.bytes,
      prefsrc: src ? undefined : own,
      priority: family === AF_INET6 ? best.metric : undefined,
    });
  }
  // The kernel takes the destination for a neighbour.
  if (family === AF_INET && oif !== undefined && isSetUp(oif)) {
    const own = addresses.find(({ index }) => index === oif)?.bytes;
    return answer(RTN_UNICAST, 0, oif, src ? {} : { prefsrc: own });
  }
  throw new Refusal(ENETUNREACH);
}

/** The routes to a destination, the one to take first. */
function candidates(
  state: RouteState,
  family: number,
  dst: Uint8Array,
  src: Uint8Array | undefined,
): Candidate[] {
  const { interfaces, devices } = state;
  const found: Candidate[] = [];
  const add = (prefix: string, rest: Omit<Candidate, "length">) => {
    if (!contains(prefix, { bytes: dst })) return;
    found.push({ ...rest, length: Number(prefix.split("/")[1]) });
  };
  for (const { text, index, prefixLength, ...own } of addressesOf(state)) {
    if (own.family !== family) continue;
    const metric = family === AF_INET ? 0 : 256;
    const length = prefixLength ?? prefixLengthOf(family);
    add(`${text}/${length}`, { table: MAIN, metric, index });
  }
  const sources = sourcesOf(state);
  for (const entry of interfaces.routes) {
    const { dev, via, from, metric = family === AF_INET ? 0 : 1024 } = entry;
    const index = devices.get(dev);
    const source = from === undefined ? undefined : parseAddress(from);
    const isFor = source === undefined ||
      src !== undefined && isSameAddress(source, { bytes: src });
    if (index === undefined || !isFor) continue;
    const place = sources.findIndex(({ text }) => text === source?.text);
    add(prefixOf(entry), {
      ...{ table: source === undefined ? MAIN : 1 + place, metric, index },
      ...via !== undefined && { via: parseAddress(via) },
    });
  }
  // Tables of sources come before the main one.
  const rank = ({ table }: Candidate) => table === MAIN ? 1 : 0;
  return found.sort((one, other) =>
    rank(one) - rank(other) || other.length - one.length ||
    one.metric - other.metric
  );
}

/** The routes, those to the prefixes of addresses first. */
export function* listRoutes(state: RouteState): Generator<Part> {
  const { interfaces, devices } = state;
  const own = interfaces.addresses.map(
    ({ address, dev, prefixLength }): FakeRouteEntry => ({
      to: `${address}/${prefixLength ?? prefixLengthOf(familyOf(address))}`,
      dev,
    }),
  );
  for (const entry of [...own, ...interfaces.routes]) {
    const { dev, via } = entry;
    if (!isUp(state, dev)) continue;
    const [address, length] = prefixOf(entry).split("/");
    const { family, bytes } = parseAddress(address!);
    const dstLen = Number(length);
    yield part(
      MESSAGES.newroute,
      { family, dstLen, table: MAIN, type: RTN_UNICAST },
      {
        ...{ table: MAIN, dst: bytes, oif: devices.get(dev) },
        ...via !== undefined && { gateway: parseAddress(via).bytes },
      },
    );
  }
}

/** A prefix as text; that of a default route is of the family of its router. */
function prefixOf({ to, via = to, from = via }: FakeRouteEntry): string {
  if (to === "default") return from.includes(":") ? "::/0" : "0.0.0.0/0";
  return to.includes("/") ? to : `${to}/${to.includes(":") ? 128 : 32}`;
}
