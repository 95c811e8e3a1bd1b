import { ArgumentRangeError } from "../codec/argument_error.ts";
import type { ManagedConnection, Reason } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";

/** How many subflows to have. */
export interface NdiffportsOptions {
  /** Subflows, the initial one included: 1 to 255. @default {2} */
  readonly subflows?: number;
}

/**
 * Several subflows between the same two addresses: for paths that routers choose
 * by a hash of the ports. Only connections that this host opened get them, and
 * whose peer takes subflows to its initial address.
 *
 * @param options How many.
 * @throws {RangeError} Not so many.
 *
 * @example Use the paths of a data centre
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage, ndiffports } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using manager = manage(pm, ndiffports({ subflows: 4 }), { setMode: true });
 * await manager.finished;
 * ```
 */
export function ndiffports({ subflows = 2 }: NdiffportsOptions = {}): Policy {
  if (!Number.isInteger(subflows) || subflows < 1 || subflows > 255) {
    throw new ArgumentRangeError(
      `Invalid subflows ${subflows}: a whole number from 1 to 255 is needed`,
    );
  }
  return {
    established(connection: ManagedConnection) {
      if (connection.serverSide || connection.denyJoinId0) return;
      fill(connection, subflows);
    },
  };
}

/** Opens subflows between the two initial addresses until there are so many. */
export function fill(
  connection: ManagedConnection,
  most: number,
  reason: Reason = {},
): void {
  const { address: from } = connection.local;
  for (let count = 0; count < most; count++) {
    const before = connection.subflows;
    const subflow = connection.open({ from, most, ...reason });
    if (before.includes(subflow)) return;
  }
}
