import {
  aboutEndpoint,
  count,
  counterText,
  isInitiator,
  isUserspaceMode,
  lonely,
  missingPaths,
  moved,
  nameOf,
  part,
  pathEndpoints,
} from "../facts.ts";
import { readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { joinTroubles } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether limits keep subflows away, here or at the peer. */
export function limits(snapshot: Snapshot): Observation[] {
  const { subflows, addAddrAccepted } = part(snapshot, "limits");
  const read = `limits: subflows ${subflows}, add_addr_accepted ` +
    `${addAddrAccepted}`;
  if (isUserspaceMode(snapshot)) {
    return [ok("The kernel's limits do not hold for its userspace", read)];
  }
  if (subflows === 0) {
    const refused = counterText(snapshot, "MPJoinRejected");
    return [{
      status: "problem",
      summary: refused.length > 0
        ? "This host refuses the subflows of its peers: the limit is 0"
        : "No connection gets a second subflow: the limit is 0",
      evidence: [read, ...refused],
      remedies: [
        "mptcp limits set subflows 2",
        ...pathEndpoints(snapshot).flatMap((endpoint) => readd(endpoint)),
      ],
    }];
  }
  const found = [
    ...reached(snapshot, read),
    ...notAccepted(snapshot, read, addAddrAccepted),
    ...refusedHere(snapshot, read, subflows),
    ...refusedThere(snapshot),
  ];
  if (found.length > 0) return found;
  return [ok(`Connections may have ${subflows} more subflows`, read)];
}

function larger(snapshot: Snapshot): string {
  return `mptcp limits set subflows ${
    Math.min(8, Math.max(2, pathEndpoints(snapshot).length))
  }`;
}

/** Connections that have as many subflows as they may have. */
function reached(snapshot: Snapshot, read: string): Observation[] {
  const missing = missingPaths(snapshot).filter(({ connection }) =>
    (connection.extraSubflows ?? 0) >= (connection.subflowsMax ?? Infinity)
  );
  return missing.map(({ connection, endpoint }) => ({
    status: "warning",
    summary: `The ${nameOf(connection)} gets no subflow from ` +
      `${endpoint.address}: it has as many as the limit allows`,
    evidence: [read, `${connection.extraSubflows} more than the first one`],
    remedies: [larger(snapshot), ...readd(endpoint)],
    about: aboutEndpoint(endpoint),
  }));
}

/** Addresses of peers that are not used. */
function notAccepted(
  snapshot: Snapshot,
  read: string,
  most: number,
): Observation[] {
  if (most > 0 || count(snapshot, "AddAddr") === 0) return [];
  if (lonely(snapshot).length === 0) return [];
  return [{
    status: "problem",
    summary: "The addresses that peers announce are not used: the limit " +
      "add_addr_accepted is 0; it holds for new connections",
    evidence: [read, ...counterText(snapshot, "AddAddr", "EchoAddTx")],
    remedies: ["mptcp limits set add_addr_accepted 2"],
  }];
}

/** Subflows of peers that this host refused. */
function refusedHere(
  snapshot: Snapshot,
  read: string,
  subflows: number,
): Observation[] {
  const full = (snapshot.connections ?? []).filter((one) =>
    !isInitiator(one) && !one.fallback && one.subflowsMax !== undefined &&
    (one.extraSubflows ?? 0) >= one.subflowsMax
  );
  const isNow = moved(snapshot, "MPJoinRejected") > 0 ||
    full.length > 0 && count(snapshot, "MPJoinRejected") > 0;
  if (!isNow) return [];
  return [{
    status: "problem",
    summary: `This host refuses more than ${subflows} subflows of a peer`,
    evidence: [read, ...counterText(snapshot, "MPJoinRejected")],
    remedies: [`mptcp limits set subflows ${Math.min(8, subflows + 2)}`],
  }];
}

/** Subflows that peers refused. */
function refusedThere(snapshot: Snapshot): Observation[] {
  return joinTroubles(snapshot).filter(({ kind }) => kind === "refused")
    .map(({ connection, endpoint }) => ({
      status: "problem",
      summary: `The peer of the ${nameOf(connection)} refused the subflow ` +
        `from ${endpoint.address}, most likely by its limit of subflows; it ` +
        "holds for new connections",
      evidence: counterText(
        snapshot,
        ...["MPJoinSynTx", "MPJoinSynAckRx", "MPRstTx"],
      ),
      remedies: ["mptcp limits set subflows 2  # on the peer"],
      about: aboutEndpoint(endpoint),
    }));
}
