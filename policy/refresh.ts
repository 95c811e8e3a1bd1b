import { ArgumentRangeError } from "../codec/argument_error.ts";
import { integer } from "../codec/arguments.ts";
import { fill } from "./fill.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import { ndiffports } from "./ndiffports.ts";
import type { Policy } from "./policy.ts";
import type { TrackedSubflow } from "./tracker.ts";

/** How many subflows to have, and how often to replace one. */
export interface RefreshOptions {
  /** Subflows, the initial one included: 2 to 255. @default {5} */
  readonly subflows?: number;
  /** Milliseconds between two replacements, 100 to 600000. @default {3000} */
  readonly everyMs?: number;
}

/**
 * Several subflows between the same two addresses, of which the one that carried
 * least is replaced every so often: for paths that routers choose by a hash of
 * the ports, so that all are found with time. Only connections that this host
 * opened get them, and whose peer takes subflows to its initial address.
 *
 * @param options How many, and how often.
 * @throws {RangeError} A number is out of its range.
 *
 * @example Find the paths of a data centre
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage, refresh } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * const policy = refresh({ subflows: 5, everyMs: 3000 });
 * using manager = manage(pm, policy, { setMode: true });
 * await manager.finished;
 * ```
 */
export function refresh(
  { subflows = 5, everyMs = 3000 }: RefreshOptions = {},
): Policy {
  if (!(everyMs >= 100 && everyMs <= 600_000)) {
    throw new ArgumentRangeError(
      `Invalid everyMs ${everyMs}: a number from 100 to 600000 is needed`,
    );
  }
  integer("subflows", subflows, 2, 255);
  const { established } = ndiffports({ subflows });
  const watch = (connection: ManagedConnection, before: Acked) => {
    connection.after(everyMs, () => {
      watch(connection, replaceOne(connection, before, subflows, everyMs));
    });
  };
  return {
    established(connection) {
      if (connection.serverSide || connection.denyJoinId0) return;
      established?.(connection);
      watch(connection, ackedOf(connection));
    },
  };
}

/** What each subflow had carried, in bytes. */
type Acked = ReadonlyMap<TrackedSubflow, number>;

function ackedOf(connection: ManagedConnection): Acked {
  return new Map(
    connection.subflows.filter(({ state }) => state === "established")
      .map((subflow) => [subflow, connection.read(subflow)?.bytesAcked ?? 0]),
  );
}

/** Replaces the one that carried least since the last look. */
function replaceOne(
  connection: ManagedConnection,
  before: Acked,
  most: number,
  everyMs: number,
): Acked {
  const now = ackedOf(connection);
  // Bytes that each has carried meanwhile; the kernel counts the SYN as one.
  const carried = Array.from(
    now,
    ([subflow, bytes]) =>
      [subflow, bytes - (before.get(subflow) ?? 1)] as const,
  );
  const isBusy = carried.some(([, bytes]) => bytes > 0);
  // One that is younger has had no time to show what its path carries.
  const born = connection.clock.now() - everyMs / 2;
  const areKnown = carried.every(([{ since }]) => since <= born);
  if (isBusy && areKnown && carried.length >= most) {
    const [worst, bytes] = carried.reduce((least, one) =>
      one[1] < least[1] ? one : least
    );
    connection.close(worst, { reason: `it carried least, ${bytes} bytes` });
  }
  const reason = "in the place of another one";
  fill(connection, { from: connection.local.address, most, reason });
  return now;
}
