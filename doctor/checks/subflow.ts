import { nameOf, part, plain } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import { readd } from "../remedy.ts";
import { pendingJoins } from "../joins.ts";
import type { Connection, Subflow } from "../../diag/connection.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether subflows that are there carry what they are to carry. */
export function subflow(snapshot: Snapshot): Observation[] {
  const connections = part(snapshot, "connections");
  const found = [
    ...connections.flatMap((connection) =>
      connection.subflows.flatMap((one) => stuck(one, connection, snapshot))
    ),
    ...pendingJoins(snapshot).flatMap(({ connection, endpoint }) =>
      (connection.extraSubflows ?? 0) < (connection.subflowsMax ?? Infinity)
        ? []
        : [{
          status: "warning" as const,
          summary:
            `A subflow from ${endpoint.address} without an answer takes ` +
            `a place that another subflow of the ${nameOf(connection)} could ` +
            "have, for two minutes",
          evidence: [
            `${connection.extraSubflows} of ${connection.subflowsMax} subflows`,
          ],
          remedies: [`mptcp endpoint delete id ${endpoint.id}`],
          about: `endpoint ${endpoint.id}`,
        }]
    ),
  ];
  return found.length > 0
    ? found
    : [ok("The subflows carry what they are given")];
}

/** It repeats what gets no answer, and did so before. */
function stuck(
  { local, remote, backoff = 0, sendQueue, cookie, state, bytesAcked }: Subflow,
  connection: Connection,
  { earlier, endpoints = [] }: Snapshot,
): Observation[] {
  if (state !== "established" || backoff < 1 || sendQueue === 0) return [];
  const before = earlier?.connections
    ?.flatMap(({ subflows }) => subflows)
    .find((one) => one.cookie === cookie);
  const isSame = before === undefined || before.bytesAcked === bytesAcked;
  if (!isSame || backoff < 2 && (before?.backoff ?? 0) < 1) return [];
  return [{
    status: "problem",
    summary: `The subflow from ${local.address} to ${remote.address} of the ` +
      `${nameOf(connection)} carries nothing: its packets get no answer`,
    evidence: [
      `${sendQueue} bytes wait, sent again ${backoff} times in a row`,
    ],
    // Another SYN shows at once whether the path is back.
    remedies: endpoints.filter(({ id, address }) =>
      id === local.id && address === plain(local.address)
    ).flatMap((endpoint) => readd(endpoint)),
    about: `endpoint ${local.id}`,
  }];
}
