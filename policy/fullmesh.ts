import { integer } from "../codec/arguments.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";
import { reaches } from "./spare.ts";
import { isSameEnd } from "./tracker.ts";

/** How many subflows to have. */
export interface FullmeshOptions {
  /**
   * Subflows at the most, the initial one included: 1 to 255. Of what the peer
   * announces, so many addresses are used at the most.
   * @default {9, as of the in-kernel path manager}
   */
  readonly subflows?: number;
}

/**
 * A subflow from each address of this host to each address of the peer, as far
 * as they are of one family: for all the speed of all paths. Only connections
 * that this host opened get them: a peer behind NAT cannot be reached. Where
 * there are more than it may have, one from each address of this host comes
 * first.
 *
 * @param options How many.
 * @throws {RangeError} Not so many.
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
export function fullmesh({ subflows = 9 }: FullmeshOptions = {}): Policy {
  integer("subflows", subflows, 1, 255);
  const open = (
    connection: ManagedConnection,
    reason: string,
    wanted: { readonly from?: string; readonly to?: SubflowAddress } = {},
  ) => {
    if (connection.serverSide) return;
    for (const to of connection.peers.slice(0, subflows)) {
      if (wanted.to !== undefined && !isSameEnd(wanted.to, to)) continue;
      for (const { address: from, dev } of connection.addresses) {
        if (wanted.from !== undefined && from !== wanted.from) continue;
        if (!reaches(connection, from, to)) continue;
        const there = connection.subflows.filter(({ isOpen }) => isOpen);
        if (there.length >= subflows) return;
        connection.open({ from, to, dev, reason });
      }
    }
  };
  return {
    established: (connection) => open(connection, "established"),
    announced: (connection, to) => open(connection, "announced", { to }),
    interfaceUp: (connection, { address, dev }) =>
      open(connection, `${dev} is up`, { from: address }),
  };
}
