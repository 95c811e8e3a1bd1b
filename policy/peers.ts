/**
 * Where on the peer subflows can be opened to: a peer may announce anything.
 *
 * @module
 */

import { isLinkLocal } from "../codec/inet.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { plainAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { TrackedConnection } from "./tracker.ts";

/**
 * The initial end, unless the peer does not want that, and what it has
 * announced, each once; without what cannot be the peer.
 *
 * @param isHere Whether an address is one of this host.
 */
export function peersOf(
  { remote, denyJoinId0, announced }: TrackedConnection,
  isHere: (address: string) => boolean,
): SubflowAddress[] {
  const isWithin = (address: string) =>
    LOOPBACK.test(address) || isHere(address);
  // A connection within this host may have more of the same.
  const staysWithin = isWithin(plainAddress(remote.address));
  const peers = new Map<string, SubflowAddress>();
  if (!denyJoinId0) peers.set(keyOf(remote), remote);
  for (const one of announced) {
    const address = plainAddress(one.address);
    // Of which link an announced link-local address is, nobody says.
    const isPeer = !NOBODY.test(address) && !isLinkLocal(address) &&
      (staysWithin || !isWithin(address));
    const port = one.port || remote.port;
    const key = keyOf({ address, port });
    if (isPeer && !peers.has(key)) peers.set(key, one);
  }
  return [...peers.values()];
}

const LOOPBACK = /^(127\.|::1$)/;
/** Unspecified, multicast, reserved, broadcast. */
const NOBODY = /^(0\.|22[4-9]\.|2[3-5]\d\.|::$|ff..:)/;

function keyOf({ address, port }: SubflowAddress): string {
  return `${plainAddress(address)} ${port}`;
}

/** Whether the peer can be reached at an end, as far as it has said. */
export function isOffered(
  { peers, remote }: ManagedConnection,
  { address, port }: SubflowAddress,
): boolean {
  const key = keyOf({ address, port });
  return [remote, ...peers].some((one) =>
    keyOf({ ...one, port: one.port || remote.port }) === key
  );
}
