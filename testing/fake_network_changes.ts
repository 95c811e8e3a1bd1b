/**
 * What the groups of `NETLINK_ROUTE` are told when the network of a
 * {@linkcode FakeKernel} changes, and what the kernel changes by itself then.
 * `tests/live/network_changes_test.ts` compares it with the running kernel.
 *
 * @module
 */

import { AF_INET } from "../codec/inet.ts";
import type { MessagePolicy } from "../codec/policy.ts";
import {
  type Ifaddrmsg,
  MESSAGES,
  type RouteAttrs,
  type Rtmsg,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_LINK,
} from "../codec/rtnetlink.gen.ts";
import type { Bytes } from "./fake_netlink.ts";
import {
  encode,
  isUp,
  listAddresses,
  listLinks,
  listRoutes,
  listRules,
  type Part,
  type RouteState,
} from "./fake_route.ts";

/** One kind of thing, and what is told of it. */
interface Kind {
  readonly list: (state: RouteState) => Iterable<Part>;
  /** What makes it the same thing, where that is not all of it. */
  readonly key?: (part: Part) => unknown;
  readonly gone: MessagePolicy;
  readonly groups: readonly [ipv4: number, ipv6: number];
}

const LINKS: Kind = {
  list: listLinks,
  key: ({ fixed }) => (fixed as { readonly index: number }).index,
  gone: MESSAGES.dellink,
  groups: [RTNLGRP_LINK, RTNLGRP_LINK],
};
const ADDRESSES: Kind = {
  list: listAddresses,
  key: ({ fixed, attrs }) => {
    const { family, prefixlen, index } = fixed as Ifaddrmsg;
    const { address } = attrs as { readonly address: Uint8Array };
    return [family, prefixlen, index, ...address];
  },
  gone: MESSAGES.deladdr,
  groups: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
};
const ROUTES: Kind = {
  list: listRoutes,
  gone: MESSAGES.delroute,
  groups: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
};
const RULES: Kind = {
  list: listRules,
  gone: MESSAGES.delrule,
  groups: [RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
};

/** A message, and the group that it is sent to. */
type Told = readonly [message: Bytes, group: number];

/** What there is of a kind: parts by key. */
type Listed = ReadonlyMap<string, Part>;

/**
 * Changes the network.
 *
 * @returns What the groups are told, in the kernel's order.
 */
export function changeNetwork(
  state: RouteState,
  change: () => void,
): Told[] {
  const look = () =>
    new Map([LINKS, ADDRESSES, ROUTES, RULES].map((kind) => [
      kind,
      listed(kind, state),
    ]));
  const before = look();
  const devices = new Map(state.devices);
  const wereUp = [...devices.keys()].filter((dev) => isUp(state, dev));
  change();
  const down = wereUp.filter((dev) => !isUp(state, dev));
  for (const dev of down) takeDown(state, dev);
  // Of IPv4 routes that go with their link the kernel says nothing.
  const isSilent = ({ fixed, attrs }: Part) =>
    (fixed as Rtmsg).family === AF_INET &&
    down.some((dev) => devices.get(dev) === (attrs as RouteAttrs).oif);
  const after = look();
  const gone = (kind: Kind) =>
    [...before.get(kind)!].filter(([key]) => !after.get(kind)!.has(key))
      .filter(([, part]) => kind !== ROUTES || !isSilent(part))
      .map(([, part]) => told(kind, { ...part, policy: kind.gone }));
  const come = (kind: Kind) =>
    [...after.get(kind)!].filter(([key, part]) => {
      const earlier = before.get(kind)!.get(key);
      return earlier === undefined || hexOf(earlier) !== hexOf(part);
    }).map(([, part]) => told(kind, part));
  return [
    ...come(LINKS),
    ...gone(ROUTES),
    ...gone(ADDRESSES),
    ...gone(LINKS),
    ...come(ADDRESSES),
    ...come(ROUTES),
    ...gone(RULES),
    ...come(RULES),
  ];
}

/**
 * What goes with a device that was set down: its routes and its IPv6 addresses,
 * and the IPv4 ones if the device itself is gone.
 */
function takeDown({ interfaces, devices }: RouteState, dev: string): void {
  const { addresses, routes } = interfaces;
  drop(routes, (one) => one.dev === dev);
  drop(
    addresses,
    ({ address, ...one }) =>
      one.dev === dev && (address.includes(":") || !devices.has(dev)),
  );
}

function drop<T>(list: T[], isGone: (value: T) => boolean): void {
  list.splice(0, list.length, ...list.filter((one) => !isGone(one)));
}

function listed({ list, key = hexOf }: Kind, state: RouteState): Listed {
  return new Map(
    Array.from(list(state), (part) => [JSON.stringify(key(part)), part]),
  );
}

function told({ groups }: Kind, part: Part): Told {
  const { family } = part.fixed as { readonly family?: number };
  return [encode(part, 0), groups[family === AF_INET ? 0 : 1]];
}

function hexOf(part: Part): string {
  return encode(part, 0).toHex();
}
