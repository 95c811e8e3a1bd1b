import { isSameFamily } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";

/**
 * A subflow from each address of this host to each address of the peer, as far
 * as they are of one family: for all the speed of all paths. Only connections
 * that this host opened get them: a peer behind NAT cannot be reached.
 *
 * @example Use all uplinks
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { fullmesh, manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using manager = manage(pm, fullmesh(), { setMode: true, retry: true });
 * await manager.finished;
 * ```
 */
export function fullmesh(): Policy {
  const openAll = (connection: ManagedConnection, reason: string) => {
    if (connection.serverSide) return;
    for (const { address: from, dev } of connection.addresses) {
      for (const to of connection.peers) {
        if (!isSameFamily(from, to.address)) continue;
        connection.open({ from, to, dev, reason });
      }
    }
  };
  return {
    established: (connection) => openAll(connection, "established"),
    announced: (connection) => openAll(connection, "announced"),
    interfaceUp: (connection, { dev }) => openAll(connection, `${dev} is up`),
  };
}
