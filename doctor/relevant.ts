/**
 * The neighbours and rules of a host that have to do with its connections: a
 * report holds no others.
 *
 * @module
 */

import type { Neighbour } from "../diag/neighbours.ts";
import type { Rule } from "../diag/rules.ts";
import { isSameNetwork, type Parts, plain } from "./facts.ts";

/** The peers, and the routers on the ways to them. */
export function relevantNeighbours(
  neighbours: readonly Neighbour[],
  { routes = [], connections = [] }: Parts,
): Neighbour[] {
  const wanted = new Set([
    ...peers({ routes, connections }),
    ...routes.flatMap(({ route }) => route.found ? route.gateway ?? [] : []),
  ]);
  return neighbours.filter(({ address }) => wanted.has(address));
}

/** Those that are for all addresses, or for one of this host or of a peer. */
export function relevantRules(rules: readonly Rule[], parts: Parts): Rule[] {
  const { addresses = [], endpoints = [], connections = [] } = parts;
  const own = [
    ...addresses.map(({ address }) => address),
    ...endpoints.map(({ address }) => plain(address)),
    ...connections.map(({ local }) => plain(local.address)),
  ];
  const known = [...own, ...peers(parts)];
  const isKnown = (prefix: string | undefined) => {
    if (prefix === undefined) return true;
    const [network, length] = prefix.split("/") as [string, string];
    return known.some((one) => isSameNetwork(one, network, Number(length)));
  };
  return rules.filter(({ from, to }) => isKnown(from) && isKnown(to));
}

function peers({ routes = [], connections = [] }: Parts): string[] {
  return [
    ...routes.map(({ destination }) => destination),
    ...connections.flatMap(({ remote, subflows }) =>
      [remote, ...subflows.map(({ remote }) => remote)]
        .map(({ address }) => plain(address))
    ),
  ];
}
