import {
  aboutEndpoint,
  isFull,
  isInitiator,
  listed,
  namesOf,
  outward,
  part,
  plain,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import { pendingJoins, unansweredPeers } from "../joins.ts";
import { deletion, readd } from "../remedy.ts";
import type { Connection, Subflow } from "../../diag/connection.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether subflows that are there carry what they are to carry. */
export function subflow(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  const found = [...stuck(snapshot), ...waiting(snapshot)];
  return found.length > 0
    ? found
    : [ok("The subflows carry what they are given")];
}

/** The subflows from one address that repeat what gets no answer. */
function stuck(snapshot: Snapshot): Observation[] {
  const { endpoints = [] } = snapshot;
  // Peers that are gone are no fault of this host.
  const all = outward(snapshot).filter(isInitiator).flatMap((connection) =>
    connection.subflows.filter((one) => isStuck(one, snapshot))
      .map((one) => ({ connection, one }))
  );
  const groups = Map.groupBy(all, ({ one: { local } }) => plain(local.address));
  return Array.from(groups, ([address, group]): Observation => {
    const connections = group.map(({ connection }) => connection);
    const bytes = group.reduce((sum, { one }) => sum + one.sendQueue, 0);
    const own = endpoints.filter((endpoint) =>
      plain(endpoint.address) === address
    );
    return {
      status: "problem",
      summary: `The subflow from ${address} of ${namesOf(connections)} ` +
        "carries nothing: its packets get no answer",
      evidence: [
        `${bytes} bytes wait, sent again ${
          Math.max(...group.map(({ one: { backoff = 0 } }) => backoff))
        } times in a row`,
        ...listed(connections),
      ],
      // Another SYN shows at once whether the path is back.
      remedies: own.flatMap((endpoint) => readd(endpoint)),
      ...own[0] && { about: aboutEndpoint(own[0]) },
    };
  });
}

/** It repeats what gets no answer, and did so before. */
function isStuck(
  { backoff = 0, sendQueue, cookie, state, bytesAcked }: Subflow,
  { earlier }: Snapshot,
): boolean {
  if (state !== "established" || backoff < 1 || sendQueue === 0) return false;
  const before = earlier?.connections
    ?.flatMap(({ subflows }) => subflows)
    .find((one) => one.cookie === cookie);
  return before !== undefined && before.bytesAcked === bytesAcked &&
    (backoff > 1 || (before.backoff ?? 0) > 0);
}

/** The subflows without an answer that take the place of others. */
function waiting(snapshot: Snapshot): Observation[] {
  const own = pendingJoins(snapshot).flatMap(({ connections, endpoint }) =>
    holding(connections, `from ${endpoint.address}`).map((one) => ({
      ...one,
      remedies: [deletion(endpoint)],
      about: aboutEndpoint(endpoint),
    }))
  );
  const others = unansweredPeers(snapshot).flatMap(({ connections, address }) =>
    holding(connections, `to ${address}`)
  );
  return [...own, ...others];
}

function holding(
  connections: readonly Connection[],
  which: string,
): Observation[] {
  const full = connections.filter(isFull);
  return full.length === 0 ? [] : [{
    status: "warning",
    summary:
      `A subflow ${which} without an answer takes a place that another ` +
      `subflow of ${namesOf(full)} could have, for two minutes`,
    evidence: [
      `${full[0]!.extraSubflows} of ${full[0]!.subflowsMax} subflows`,
      ...listed(full),
    ],
    remedies: [],
  }];
}
