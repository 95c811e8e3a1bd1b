/**
 * A snapshot that is about one connection.
 *
 * @module
 */

import { NotFoundError } from "../netlink/errors.ts";
import { tokenText } from "./facts.ts";
import type { Reading, Snapshot } from "./snapshot.ts";

/**
 * Leaves one connection of a snapshot.
 *
 * @throws {NotFoundError} It is not there.
 */
export function ofConnection(snapshot: Snapshot, token: number): Snapshot {
  demandConnection(snapshot, token);
  const { earlier } = snapshot;
  return {
    ...alone(snapshot, token),
    ...earlier && { earlier: alone(earlier, token) },
    token,
  };
}

function alone<Part extends Reading>(part: Part, token: number): Part {
  const { connections } = part;
  if (!Array.isArray(connections)) return part;
  const own = connections.filter((one) => one?.token === token);
  return { ...part, connections: own };
}

/**
 * Demands a connection, where connections could be read.
 *
 * @throws {NotFoundError} It is not there.
 */
export function demandConnection(
  { connections }: Reading,
  token: number,
): void {
  if (!Array.isArray(connections)) return;
  if (connections.some((one) => one?.token === token)) return;
  throw new NotFoundError(
    "connection",
    `There is no connection of token ${tokenText(token)}`,
  );
}
