/**
 * The ways on which this host could reach another one.
 *
 * @module
 */

import type { Diag } from "../diag/diag.ts";
import { isIPv6, type Parts, pathEndpoints, plain, uplinks } from "./facts.ts";
import type { Attempt } from "./snapshot.ts";

/** What a connection is bound to; nothing, where nothing is there. */
export type Way = Pick<Attempt, "source" | "dev" | "id">;

/** More than a connection can have. */
const MOST = 16;

/**
 * The address and device of each endpoint that opens subflows, and those of each
 * other device by which there is a route.
 *
 * @param to The address of the other host.
 * @param local The address of this host that connections begin with.
 */
export function waysOf(
  diag: Diag,
  parts: Parts,
  to: string,
  local: string | undefined,
): Way[] {
  const { addresses = [] } = parts;
  const isWanted = (address: string) => isIPv6(address) === isIPv6(to);
  const endpoints = pathEndpoints(parts)
    .filter(({ address }) => isWanted(address) && plain(address) !== local)
    .map(({ address, id, dev, ifIndex }) => ({
      source: plain(address),
      ...ifIndex !== 0 && { dev: dev ?? `if${ifIndex}` },
      id,
    }));
  const taken = [...endpoints.map(({ source }) => source), local];
  const devices = addresses.filter(({ address }) => taken.includes(address))
    .map(({ dev }) => dev);
  const others = uplinks(parts, isWanted).flatMap(({ address, dev }) => {
    if (dev === undefined || devices.includes(dev)) return [];
    const way = { source: address, dev };
    const route = diag.route(to, way);
    return route.found && !route.assumed ? [way] : [];
  });
  return [...endpoints, ...others].slice(0, MOST);
}
