/**
 * Where packets to a destination go: asked as the kernel would send what a
 * socket does that is bound to a source and a device.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { integer } from "../codec/arguments.ts";
import { decodeAttrs } from "../codec/attrs.ts";
import {
  type Address,
  AF_INET,
  formatIPv4,
  isIPv4Mapped,
  parseAddress,
} from "../codec/inet.ts";
import {
  MESSAGES,
  ROUTE_TYPES,
  type RouteAttrs,
  type RouteType,
  RTM_F_LOOKUP_TABLE,
  RTMSG,
  type Rtmsg,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import { NetlinkError } from "../netlink/errors.ts";
import type { Question, QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { listAddresses } from "./addresses.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import { addressText, contains, openRouteClient } from "./rtnetlink.ts";
import { listRules } from "./rules.ts";

/** What a socket is bound to. */
export interface RouteOptions {
  /** Address of this host. @default {the one that the kernel chooses} */
  readonly source?: string;
  /** Name or index of a device. @default {the one that the routes lead to} */
  readonly dev?: string | number;
}

/** Where packets go. */
export interface Route {
  /** There is a route. */
  readonly found: true;
  /** What becomes of them: `unicast`, or `local` to an address of this host. */
  readonly type: RouteType | number;
  /** Index of the device by which they leave. */
  readonly ifIndex: number;
  /** Name of that device; absent: it has just gone. */
  readonly dev?: string;
  /** The next router; absent: the destination is on the link. */
  readonly gateway?: string;
  /** The address of this host that they come from. */
  readonly source?: string;
  /** Number of the routing table: 254 main, 255 local, 0 none. */
  readonly table: number;
  /** Metric of the route; IPv4 does not tell it. */
  readonly metric?: number;
  /**
   * There is no route by this device, and the kernel takes the destination for
   * a neighbour: it asks for it on the link, and a subflow most often ends with
   * `EHOSTUNREACH` after three seconds (IPv4).
   */
  readonly assumed: boolean;
}

/**
 * Why there is no route:
 *
 * - `no-route`: no route leads there, or none by the device;
 * - `no-source`: the source is no address of this host;
 * - `no-device`: there is no such device;
 * - `unreachable`, `prohibited`: a route or a rule refuses them;
 * - `blackhole`: a route or a rule drops them, or none can have such addresses;
 * - `no-family`: the kernel is without IPv6.
 */
export type NoRouteReason =
  | "no-route"
  | "no-source"
  | "no-device"
  | "unreachable"
  | "prohibited"
  | "blackhole"
  | "no-family";

/** Packets go nowhere. */
export interface NoRoute {
  /** There is none. */
  readonly found: false;
  /** Why. */
  readonly reason: NoRouteReason;
}

/** Rules may be for one protocol. */
const TCP = 6;

/** The kernel's refusals: `fib_props` in net/ipv4/fib_semantics.c and others. */
const REASONS: { readonly [errno: number]: NoRouteReason } = {
  13: "prohibited",
  19: "no-device",
  22: "blackhole",
  95: "no-family",
  97: "no-family",
  100: "no-route",
  101: "no-route",
  113: "unreachable",
};

/** The same of a route that IPv6 tells nevertheless. */
const REFUSALS: { readonly [type: string]: NoRouteReason } = {
  blackhole: "blackhole",
  unreachable: "unreachable",
  prohibit: "prohibited",
  throw: "no-route",
};

/** Decodes a route. */
export function decodeRoute(bytes: Uint8Array): Route | NoRoute {
  const header = decodeStruct(RTMSG, bytes);
  const { oif = 0, gateway, via, prefsrc, priority, table = header.table } =
    decodeAttrs(MESSAGES.newroute.set, bytes, RTMSG.length);
  const type = ROUTE_TYPES[header.type]?.name ?? header.type;
  const reason = REFUSALS[type];
  if (reason !== undefined) return { found: false, reason };
  const router = gateway
    ? addressText(gateway, ".gateway")
    : via && addressText(via.subarray(2), ".via");
  return {
    found: true,
    type,
    ifIndex: oif,
    ...router !== undefined && { gateway: router },
    ...prefsrc && { source: addressText(prefsrc, ".prefsrc") },
    table,
    ...priority !== undefined && { metric: priority },
    assumed: table === 0 && type === "unicast",
  };
}

const ROUTE: Question<Rtmsg, RouteAttrs, Route | NoRoute> = {
  name: "getroute",
  action: "look up a route",
  request: MESSAGES.getroute,
  answer: MESSAGES.newroute.type,
  decode: decodeRoute,
};

/** Looks up where a socket's packets go. */
export function findRoute(
  namespace: Namespace,
  destination: string,
  { source, dev }: RouteOptions = {},
): Route | NoRoute {
  const to = plainAddress(destination);
  const from = source === undefined ? undefined : plainAddress(source);
  if (from !== undefined && from.family !== to.family) {
    throw new ArgumentTypeError(
      `Contradicting addresses: ${to.text} cannot be reached from ${from.text}`,
    );
  }
  const oif = dev === undefined ? undefined : deviceIndex(namespace, dev);
  if (oif === 0) return { found: false, reason: "no-device" };
  using client = openRouteClient(namespace);
  if (from !== undefined && !isLocal(namespace, client, from)) {
    return { found: false, reason: "no-source" };
  }
  const route = lookUp(namespace, client, to, from, oif);
  if (!route.found) return route;
  const named = new DeviceNames(namespace).named(route);
  return from === undefined ? named : { ...named, source: from.text };
}

/** The index of a device; 0: there is none. */
function deviceIndex(namespace: Namespace, dev: string | number): number {
  if (typeof dev === "string") return namespace.ifNameToIndex(dev) ?? 0;
  integer("device index", dev, 1, 0x7fffffff);
  return namespace.ifIndexToName(dev) === undefined ? 0 : dev;
}

/** An address, IPv4 if it is IPv4-mapped: that is how its packets travel. */
function plainAddress(text: string): Address {
  const address = parseAddress(text);
  return isIPv4Mapped(address.bytes)
    ? parseAddress(formatIPv4(address.bytes, 12))
    : address;
}

/**
 * Looks up a route. With a source, IPv6 takes the device for a mere wish, other
 * than for a socket; without one it does not see the rules by source. So both
 * are asked, unless the first leads to the device, or a rule refuses the source
 * (`ip6_route_output_flags()` in net/ipv6/route.c). A route that refuses belongs
 * to no device, so that such a socket passes it by.
 */
function lookUp(
  namespace: Namespace,
  client: QuestionClient,
  to: Address,
  from: Address | undefined,
  oif: number | undefined,
): Route | NoRoute {
  const route = ask(client, to, from, oif);
  if (to.family === AF_INET || from === undefined || oif === undefined) {
    return route;
  }
  if (route.found && route.ifIndex === oif) return route;
  const other = ask(client, to, undefined, oif);
  // Addresses of this host come before all rules.
  if (other.found && other.type === "local") return other;
  const reason = refusalOf(namespace, from);
  return reason === undefined ? other : { found: false, reason };
}

/** Why a rule refuses what comes from a source; `undefined`: none does. */
function refusalOf(
  namespace: Namespace,
  source: Address,
): NoRouteReason | undefined {
  const rule = listRules(namespace).find(({ from, action }) =>
    from !== undefined && action in REFUSALS && contains(from, source)
  );
  return rule && REFUSALS[rule.action];
}

function ask(
  client: QuestionClient,
  to: Address,
  from: Address | undefined,
  oif: number | undefined,
): Route | NoRoute {
  const { family } = to;
  const length = (address: Address | undefined) =>
    address === undefined ? 0 : 8 * address.bytes.length;
  const header = {
    ...{ family, dstLen: length(to), srcLen: length(from) },
    flags: RTM_F_LOOKUP_TABLE,
  };
  try {
    const attrs = { dst: to.bytes, src: from?.bytes, oif, ipProto: TCP };
    return client.get(ROUTE, header, attrs);
  } catch (error) {
    const reason = error instanceof NetlinkError && REASONS[error.errno];
    if (!reason) throw error;
    return { found: false, reason };
  }
}

/** Whether packets can come from an address: it is local, in a VRF too. */
function isLocal(
  namespace: Namespace,
  client: QuestionClient,
  from: Address,
): boolean {
  const route = ask(client, from, undefined, undefined);
  return route.found && route.type === "local" ||
    listAddresses(namespace).some(({ address }) => address === from.text);
}
