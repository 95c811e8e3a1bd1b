import { integer } from "../codec/arguments.ts";
import { fill } from "./fill.ts";
import type { ManagedConnection } from "./managed_connection.ts";
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
  integer("subflows", subflows, 1, 255);
  return {
    established(connection: ManagedConnection) {
      if (connection.serverSide || connection.denyJoinId0) return;
      fill(connection, { from: connection.local.address, most: subflows });
    },
  };
}
