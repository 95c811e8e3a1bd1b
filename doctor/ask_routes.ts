/**
 * The routes that the subflows of this host take, and would take.
 *
 * @module
 */

import type { Diag } from "../diag/diag.ts";
import { unbound } from "./attempts.ts";
import {
  isInitiator,
  isWithinLink,
  OUTSIDE,
  outward,
  pathEndpoints,
  plain,
  uplinks,
} from "./facts.ts";
import type { AskedRoute, Snapshot } from "./snapshot.ts";

/** No more peers than that: each costs a question for each endpoint. */
const MOST = 8;

/**
 * Asks for the routes to the peers, as subflows go from each endpoint, and as
 * they would go from the devices that have none.
 */
export function askRoutes(
  diag: Diag,
  snapshot: Omit<Snapshot, "unknown">,
): AskedRoute[] {
  const { target } = snapshot;
  const peers = target === undefined
    ? outward(snapshot).filter((one) => isInitiator(one) && !isWithinLink(one))
      .map(({ remote }) => plain(remote.address))
    : unbound(target).slice(-1).map(({ address }) => address);
  const known = [...new Set(peers)].slice(0, MOST);
  return (known.length > 0 ? known : OUTSIDE).flatMap((destination) => {
    const asked: AskedRoute[] = [
      { destination, route: diag.route(destination) },
    ];
    if (!asked[0]!.route.found && known.length === 0) return [];
    if (asked[0]!.route.found && asked[0]!.route.type === "local") return [];
    const isIPv6 = destination.includes(":");
    const endpoints = pathEndpoints(snapshot)
      .map((one) => ({ ...one, source: plain(one.address) }))
      .filter(({ source }) => source.includes(":") === isIPv6);
    for (const { source, id, dev, ifIndex } of endpoints) {
      const by = ifIndex === 0 ? undefined : dev ?? ifIndex;
      const options = { source, ...by !== undefined && { dev: by } };
      const route = diag.route(destination, options);
      asked.push({ destination, ...options, id, route });
    }
    const isNew = (address: string) =>
      address.includes(":") === isIPv6 &&
      !endpoints.some(({ source }) => source === address);
    for (const { address: source, dev } of uplinks(snapshot, isNew)) {
      const route = diag.route(destination, { source, dev });
      asked.push({ destination, source, dev, route });
    }
    return asked;
  });
}
