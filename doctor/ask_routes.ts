/**
 * The routes that the subflows of this host take, and would take.
 *
 * @module
 */

import type { Diag } from "../diag/diag.ts";
import { isInitiator, outward, pathEndpoints } from "./facts.ts";
import type { AskedRoute, Snapshot } from "./snapshot.ts";

/** No more peers than that: each costs a question for each endpoint. */
const MOST = 8;

/** Addresses that nobody has: as a host goes to the Internet. */
const OUTSIDE = ["192.0.2.1", "2001:db8::1"];

/** Asks for the routes to the peers, as subflows go from each endpoint. */
export function askRoutes(
  diag: Diag,
  snapshot: Omit<Snapshot, "unknown">,
): AskedRoute[] {
  const peers = outward(snapshot).filter(isInitiator)
    .map(({ remote }) => remote.address.replace(/^::ffff:(?=.*\.)/, ""));
  const known = [...new Set(peers)].slice(0, MOST);
  return (known.length > 0 ? known : OUTSIDE).flatMap((destination) => {
    const asked: AskedRoute[] = [
      { destination, route: diag.route(destination) },
    ];
    if (!asked[0]!.route.found && known.length === 0) return [];
    const isIPv6 = destination.includes(":");
    for (const { address, id, dev, ifIndex } of pathEndpoints(snapshot)) {
      const source = address.replace(/^::ffff:(?=.*\.)/, "");
      if (source.includes(":") !== isIPv6) continue;
      const by = ifIndex === 0 ? undefined : dev ?? ifIndex;
      const options = { source, ...by !== undefined && { dev: by } };
      const route = diag.route(destination, options);
      asked.push({ destination, ...options, id, route });
    }
    return asked;
  });
}
