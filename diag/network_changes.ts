/**
 * That something changed in the network of a namespace: what it is now is to be
 * read anew.
 *
 * @module
 */

import {
  MESSAGES,
  NETLINK_ROUTE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_LINK,
} from "../codec/rtnetlink.gen.ts";
import { NetlinkStream } from "../netlink/stream.ts";
import type { Namespace } from "../netlink/transport.ts";

/**
 * What has changed: a link, an address of this host, a route or a rule; after an
 * `overrun` any of them may have, since the kernel dropped messages.
 */
export type NetworkChange = "link" | "address" | "route" | "rule" | "overrun";

/** How to follow the network. */
export interface NetworkChangesOptions {
  /** Ends the stream when it aborts. @default {none} */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Says that something changed, from the moment that the stream was opened. It
 * ends by `break`, by {@linkcode NetworkChanges.close}, at the end of a `using`
 * block, when its signal aborts, or when the {@linkcode Diag} that opened it is
 * closed.
 */
export interface NetworkChanges
  extends AsyncIterableIterator<NetworkChange, undefined>, Disposable {
  /** The next change; `done` once the stream has ended. Calls resolve in order. */
  next(): Promise<IteratorResult<NetworkChange, undefined>>;
  /** Ends the stream: what `break` does. */
  return(): Promise<IteratorResult<NetworkChange, undefined>>;
  /** Ends the stream. */
  close(): void;
  /** The stream itself. */
  [Symbol.asyncIterator](): NetworkChanges;
}

const GROUPS = [
  ...[RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
  ...[RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
  ...[RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
];

/** What a message says by its type alone. */
const CHANGES: Readonly<Record<number, NetworkChange>> = {
  [MESSAGES.newlink.type]: "link",
  [MESSAGES.dellink.type]: "link",
  [MESSAGES.newaddr.type]: "address",
  [MESSAGES.deladdr.type]: "address",
  [MESSAGES.newroute.type]: "route",
  [MESSAGES.delroute.type]: "route",
  [MESSAGES.newrule.type]: "rule",
  [MESSAGES.delrule.type]: "rule",
};

/** Joins the groups. */
export function openNetworkChanges(
  namespace: Namespace,
  { signal }: NetworkChangesOptions,
  streams: Set<Disposable>,
): NetworkChanges {
  return new NetlinkStream<NetworkChange>({
    subscription: namespace.subscribe(NETLINK_ROUTE, GROUPS),
    clock: namespace.clock,
    isWanted: () => true,
    decode: ({ type }) => CHANGES[type],
    overrun: "overrun",
    signal,
    streams,
  });
}
