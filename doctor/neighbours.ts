/**
 * The hosts on the links to which packets go first.
 *
 * @module
 */

import type { Neighbour } from "../diag/neighbours.ts";
import type { AskedRoute, Snapshot } from "./snapshot.ts";

/** The host on the link to which packets go first, if it was asked for. */
export function neighbourOf(
  route: AskedRoute["route"],
  destination: string,
  { neighbours = [] }: Pick<Snapshot, "neighbours">,
): Neighbour | undefined {
  if (!route.found) return undefined;
  const next = route.gateway ?? destination;
  return neighbours.find(({ address, ifIndex }) =>
    address === next && ifIndex === route.ifIndex
  );
}

/** Whether it was asked where it is, and did not answer. */
export function isSilent(neighbour: Neighbour | undefined): boolean {
  return neighbour?.state.some((word) =>
    word === "failed" || word === "incomplete"
  ) === true;
}
