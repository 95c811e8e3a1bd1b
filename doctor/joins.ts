/**
 * What became of the subflows that this host wanted to open.
 *
 * @module
 */

import type { Subflow } from "../diag/connection.ts";
import {
  count,
  isInitiator,
  linkOf,
  living,
  type MissingPath,
  missingPaths,
  moved,
  pathEndpoints,
  plain,
} from "./facts.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { Snapshot } from "./snapshot.ts";

type Parts = Omit<Snapshot, "unknown">;

/**
 * `pending`: no answer to the SYN. `refused`: the peer answered it, and reset
 * the subflow when the third ACK came. `stripped`: the answer had no MP_JOIN.
 * `reset`: an RST came. `hmac`: the answer was signed with another key.
 * `unsent`: the SYN could not be sent. `untried`: the kernel did not try.
 */
export type JoinOutcome =
  | "pending"
  | "refused"
  | "stripped"
  | "reset"
  | "hmac"
  | "unsent"
  | "untried";

/** A subflow that should be there and is not. */
export interface JoinTrouble extends MissingPath {
  readonly kind: JoinOutcome;
  /** The subflow that waits for an answer. */
  readonly pending?: Subflow;
}

/** The subflows that wait for an answer longer than is usual. */
export function pendingJoins(snapshot: Parts): JoinTrouble[] {
  return living(snapshot).filter(isInitiator).flatMap((connection) =>
    connection.subflows.filter((subflow) =>
      subflow.state === "syn-sent" && subflow.timerRetransmits > 0
    ).flatMap((pending) => {
      const from = plain(pending.local.address);
      const endpoint = pathEndpoints(snapshot).find(({ address }) =>
        plain(address) === from
      );
      return endpoint === undefined
        ? []
        : [{ connection, endpoint, kind: "pending" as const, pending }];
    })
  );
}

/** The subflows that are missing from endpoints with which nothing is wrong. */
export function joinTroubles(snapshot: Parts): JoinTrouble[] {
  const kind = outcome(snapshot);
  return [
    ...pendingJoins(snapshot),
    ...missingPaths(snapshot)
      .filter(({ connection, endpoint }) =>
        isUsable(endpoint, snapshot) &&
        (connection.extraSubflows ?? 0) < (connection.subflowsMax ?? Infinity)
      ).map((missing) => ({ ...missing, kind })),
  ];
}

/** Whether its address is on this host, on a device that is up. */
export function isUsable(endpoint: Endpoint, snapshot: Parts): boolean {
  const { ifIndex, address } = endpoint;
  const own = (snapshot.addresses ?? []).find((one) =>
    one.address === plain(address) && !one.tentative && !one.failed &&
    (ifIndex === 0 || one.ifIndex === ifIndex)
  );
  return own !== undefined && linkOf(own, snapshot)?.usable !== false;
}

/** What the counters say, which count for all connections together. */
function outcome(snapshot: Parts): JoinOutcome {
  const isNow = moved(snapshot, "MPJoinSynTx") > 0;
  const of = (...names: string[]) =>
    isNow ? moved(snapshot, ...names) : count(snapshot, ...names);
  const joined = isNow
    ? 0
    : living(snapshot).flatMap(({ subflows }) =>
      subflows.filter(({ initial, openedHere, state }) =>
        !initial && openedHere && state === "established"
      )
    ).length;
  const answered = of("MPJoinSynAckRx");
  if (of("MPJoinSynAckHMacFailure") > 0) return "hmac";
  if (of("MPRstTx") > 0 && answered > joined) return "refused";
  if (of("MPJoinSynTx") > answered) {
    return of("MPRstTx") > 0 ? "stripped" : "reset";
  }
  return of("MPJoinSynTxBindErr", "MPJoinSynTxConnectErr") > 0
    ? "unsent"
    : "untried";
}
