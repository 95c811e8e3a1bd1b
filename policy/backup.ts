import { isAt } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";
import { type SpareOptions, sparePath } from "./spare.ts";
import type { TrackedSubflow } from "./tracker.ts";
import { checkTrouble, type TroubleOptions } from "./trouble.ts";
import { SubflowWatch } from "./watch.ts";
import { WaysBack } from "./way_back.ts";

/** What is the spare, and when it is used. */
export interface BackupOptions extends TroubleOptions, SpareOptions {}

/**
 * A spare subflow that is there from the start and carries nothing: if another
 * one is in trouble, that is closed, and the spare carries all at once. The path
 * in trouble is tried after 5 s, then less and less often, and used again as soon
 * as it works. Only connections that this host opened get a spare.
 *
 * The kernel alone does the same with a subflow that has the flag `backup`, but
 * takes some 0.9 s for it.
 *
 * @param options What is the spare.
 * @throws {RangeError} A number is out of its range.
 *
 * @example A mobile link as spare
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { backup, manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * const policy = backup({ spare: ({ dev }) => dev === "wwan0" });
 * using manager = manage(pm, policy, { setMode: true });
 * await manager.finished;
 * ```
 */
export function backup(options: BackupOptions = {}): Policy {
  checkTrouble(options);
  const ways = new WaysBack();
  const watch = new SubflowWatch(options, (connection, subflow, reason) => {
    if (reason !== undefined) leave(connection, subflow, reason);
  });
  const openSpare = (connection: ManagedConnection, reason: string) => {
    if (connection.serverSide || spareOf(connection)) return;
    const path = sparePath(connection, options);
    if (path !== undefined) {
      connection.open({ ...path, backup: true, reason });
    }
  };
  /** Leaves a path to the others, if there are any. */
  const leave = (
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    reason: string,
  ) => {
    const hasOther = connection.subflows.some((other) =>
      other !== subflow && other.state === "established"
    );
    if (!hasOther) return;
    connection.close(subflow, { tell: true, reason });
    ways.lost(connection, subflow);
  };
  return {
    established(connection) {
      if (connection.serverSide) return;
      for (const subflow of connection.subflows) {
        if (!subflow.backup) watch.add(connection, subflow);
      }
      openSpare(connection, "established");
      ways.began(connection);
    },
    announced: (connection) => openSpare(connection, "announced"),
    subflowOpened(connection, subflow) {
      if (connection.serverSide) return;
      ways.opened(connection, subflow);
      if (!subflow.backup) watch.add(connection, subflow);
    },
    subflowClosed(connection, subflow) {
      if (!connection.serverSide) ways.lost(connection, subflow);
    },
    interfaceUp(connection, address) {
      ways.up(connection, address);
      openSpare(connection, `${address.dev} is up`);
    },
    interfaceDown(connection, { address, dev }) {
      for (const subflow of connection.subflows) {
        if (!isAt(subflow.local, address) || subflow.backup) continue;
        leave(connection, subflow, `${dev} is down`);
      }
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function spareOf({ subflows }: ManagedConnection): TrackedSubflow | undefined {
  return subflows.find(({ backup, isOpen }) => backup && isOpen);
}
