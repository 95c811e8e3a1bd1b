import {
  aboutEndpoint,
  count,
  counterText,
  fits,
  isFull,
  isInitiator,
  listed,
  living,
  lonely,
  missingPaths,
  namesOf,
  outward,
  part,
  pathEndpoints,
  usesOtherPathManager,
} from "../facts.ts";
import { readd } from "../remedy.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import { joinTroubles } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

/** The highest limit. */
const MOST = 8;

/** Whether limits keep subflows away, here or at the peer. */
export function limits(snapshot: Snapshot): Observation[] {
  const { subflows, addAddrAccepted } = part(snapshot, "limits");
  if (![subflows, addAddrAccepted].every(Number.isInteger)) {
    return [unknown("the limits are no numbers")];
  }
  const read = `limits: subflows ${subflows}, add_addr_accepted ` +
    `${addAddrAccepted}`;
  if (usesOtherPathManager(snapshot)) {
    return [ok("The path manager has no limits", read)];
  }
  if (subflows === 0) return [none(snapshot, read)];
  const found = [
    ...reached(snapshot, read, subflows),
    ...notAccepted(snapshot, read, addAddrAccepted),
    ...refusedHere(snapshot, read, subflows),
    ...refusedThere(snapshot),
  ];
  if (found.length > 0) return found;
  return [ok(
    `Connections may have ${subflows} more ` +
      (subflows === 1 ? "subflow" : "subflows"),
    read,
  )];
}

/** With a limit of 0 nothing else matters; nobody may have asked for more. */
function none(snapshot: Snapshot, read: string): Observation {
  const refused = counterText(snapshot, "MPJoinRejected");
  const isUsed = pathEndpoints(snapshot).length > 0 ||
    outward(snapshot).length > 0;
  return {
    status: isUsed ? "problem" : "warning",
    summary: refused.length > 0
      ? "This host refuses the subflows of its peers: the limit is 0"
      : "No connection gets a second subflow: the limit is 0",
    evidence: [read, ...refused],
    remedies: [
      enough(snapshot),
      ...pathEndpoints(snapshot).flatMap((endpoint) => readd(endpoint)),
    ],
  };
}

/** A limit that all endpoints of this host fit into, here or on the peer. */
function enough(snapshot: Snapshot, subflows = 2): string {
  const wanted = Math.max(subflows, pathEndpoints(snapshot).length);
  return `mptcp limits set subflows ${Math.min(MOST, wanted)}`;
}

/** Connections that have as many subflows as they may have. */
function reached(
  snapshot: Snapshot,
  read: string,
  subflows: number,
): Observation[] {
  const missing = missingPaths(snapshot).filter(({ connection }) =>
    isFull(connection)
  );
  const groups = Map.groupBy(missing, ({ endpoint }) => endpoint);
  return Array.from(groups, ([endpoint, all]): Observation => {
    const connections = all.map(({ connection }) => connection);
    return {
      status: "warning",
      summary: `No subflow from ${endpoint.address} is opened for ` +
        `${namesOf(connections)}: the limit of ${subflows} is reached`,
      evidence: [
        read,
        `${connections[0]!.extraSubflows} beside the first one`,
        ...listed(connections),
      ],
      remedies: subflows >= MOST
        ? []
        : [enough(snapshot, subflows + 1), ...readd(endpoint)],
      about: aboutEndpoint(endpoint),
    };
  });
}

/** Addresses of peers that are not used, where nothing else makes a subflow. */
function notAccepted(
  snapshot: Snapshot,
  read: string,
  most: number,
): Observation[] {
  const announced = count(snapshot, "AddAddr");
  const own = pathEndpoints(snapshot);
  const alone = lonely(snapshot).filter((connection) =>
    !own.some((endpoint) => fits(endpoint, connection))
  );
  if (most > 0 || announced === 0 || alone.length === 0) return [];
  // Others, that are gone, may have been those who announced.
  const isEach = announced >= count(snapshot, "MPCapableSYNACKRX");
  return [{
    status: isEach ? "problem" : "warning",
    summary: "Addresses that peers announce are not used, since the limit " +
      "add_addr_accepted is 0: a higher one is for new connections",
    evidence: [
      read,
      ...counterText(snapshot, "AddAddr", "EchoAddTx"),
      ...listed(alone),
    ],
    remedies: ["mptcp limits set add_addr_accepted 2"],
  }];
}

/** Subflows of peers that this host refused. */
function refusedHere(
  snapshot: Snapshot,
  read: string,
  subflows: number,
): Observation[] {
  const full = living(snapshot).filter((one) =>
    !isInitiator(one) && isFull(one)
  );
  if (full.length === 0 || count(snapshot, "MPJoinRejected") === 0) return [];
  return [{
    status: "warning",
    summary: `This host refused further subflows of ${namesOf(full)}: its ` +
      `limit is ${subflows}`,
    evidence: [read, ...counterText(snapshot, "MPJoinRejected")],
    remedies: subflows >= MOST
      ? []
      : [`mptcp limits set subflows ${Math.min(MOST, subflows + 2)}`],
  }];
}

/** Subflows that peers refused. */
function refusedThere(snapshot: Snapshot): Observation[] {
  return joinTroubles(snapshot).filter(({ kind }) => kind === "refused")
    .map(({ connections, endpoint, works }) => ({
      status: works ? "warning" : "problem",
      summary: `The peer of ${namesOf(connections)} refused the subflow from ` +
        `${endpoint.address}, most likely since its limit is reached: a ` +
        "higher one is for new connections",
      evidence: [
        ...listed(connections),
        ...counterText(
          snapshot,
          ...["MPJoinSynTx", "MPJoinSynAckRx", "MPRstTx"],
        ),
      ],
      remedies: [`${enough(snapshot)}  # on the peer`],
      about: aboutEndpoint(endpoint),
    }));
}
