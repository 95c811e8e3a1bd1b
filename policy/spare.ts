/**
 * The addresses that a spare subflow can have.
 *
 * @module
 */

import type { SubflowAddress } from "../ops/subflow.ts";
import { isAt, type LocalAddress, plainAddress } from "./interfaces.ts";
import { commandsOf, type ManagedConnection } from "./managed_connection.ts";

/** What is the spare. */
export interface SpareOptions {
  /**
   * Which addresses of this host are the spare's.
   * Those of another device than that of the connection come first.
   * @default {all but that which the connection began with}
   */
  readonly spare?: (address: LocalAddress) => boolean;
}

/** Whether an address is the spare's. */
export function isSpareAddress(
  { local }: ManagedConnection,
  one: LocalAddress,
  { spare }: SpareOptions,
): boolean {
  return spare?.(one) ?? one.address !== plainAddress(local.address);
}

/** Where to open the spare. */
export function sparePath(
  connection: ManagedConnection,
  options: SpareOptions,
): { from: string; to: SubflowAddress; dev: string } | undefined {
  const { local, addresses } = connection;
  const own = addresses.find(({ address }) => isAt(local, address))?.ifIndex;
  const spares = addresses
    .filter((one) => isSpareAddress(connection, one, options))
    // Another address of the same link mostly shares its trouble.
    .toSorted((one, other) =>
      Number(one.ifIndex === own) - Number(other.ifIndex === own)
    );
  for (const { address: from, dev } of spares) {
    const to = peerFor(connection, from);
    if (to !== undefined) return { from, to, dev };
  }
  return undefined;
}

/** Whether a subflow from an address can lead to an end of the peer. */
export function reaches(
  connection: ManagedConnection,
  from: string,
  { address }: SubflowAddress,
): boolean {
  return commandsOf(connection).reaches(connection, from, address);
}

/**
 * An address of the peer for a subflow from an address of this host.
 *
 * @param wanted The one to take if the peer takes subflows there.
 */
export function peerFor(
  connection: ManagedConnection,
  from: string,
  wanted?: SubflowAddress,
): SubflowAddress | undefined {
  const fitting = connection.peers.filter((to) =>
    reaches(connection, from, to)
  );
  return fitting.find((one) => wanted !== undefined && isSame(one, wanted)) ??
    fitting[0];
}

function isSame(one: SubflowAddress, other: SubflowAddress): boolean {
  return plainAddress(one.address) === plainAddress(other.address) &&
    (one.port === other.port || one.port === 0);
}
