import { attemptText } from "../attempts.ts";
import {
  count,
  counterText,
  gaveUp,
  isInitiator,
  listed,
  living,
  namesOf,
  outward,
  part,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Connection } from "../../diag/connection.ts";
import type { Snapshot } from "../snapshot.ts";

/** The counters that say why, at either end. */
const COUNTERS = [
  ...["MPCapableFallbackSYNACK", "MPCapableFallbackACK", "MPFallbackTokenInit"],
  ...["MPCapableDataFallback", "DssFallback", "DSSCorruptionFallback"],
  ...["MD5SigFallback", "SimultConnectFallback", "DataCsumErr"],
  ...["MPFailRx", "InfiniteMapTx", "InfiniteMapRx"],
];

/** Why a connection fell back, as far as it shows. */
type Reason =
  | "no-mptcp"
  | "this-path"
  | "client-stripped"
  | "stripped"
  | "changed";

const WORDS: Readonly<Record<Reason, string>> = {
  "no-mptcp": "the program there does not use MPTCP, or something on the way " +
    "removes its options",
  "this-path":
    "something on the way that it begins with removes its options, " +
    "since from elsewhere on this host they get through",
  "client-stripped": "the answer of the client came without MPTCP, since " +
    "something on the way removes its options",
  stripped: "something on the way removes the options of MPTCP after the " +
    "handshake",
  changed: "something on the way changes the data",
};

/** Whether connections became plain TCP, which get no second subflow. */
export function fallback(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  const others = new Set(gaveUp(snapshot));
  // The peer may have closed that of the doctor already.
  const isOwn = snapshot.target !== undefined;
  const fallen = outward(snapshot).filter((one) =>
    one.fallback && (one.state === "established" || isOwn) && !others.has(one)
  );
  const evidence = counterText(snapshot, ...COUNTERS);
  const speaking = living(snapshot);
  const places = new Set(speaking.map(place));
  // Most programs of the Internet do not speak MPTCP: one that does not is
  // nothing wrong where others do.
  const odd = speaking.length === 0
    ? fallen
    : fallen.filter((one) => isInitiator(one) && isOdd(one, places));
  if (odd.length === 0) {
    return [
      ok(
        fallen.length === 0
          ? "No connection fell back to TCP"
          : `${fallen.length} of ${fallen.length + speaking.length} ` +
            "connections fell back to TCP: MPTCP works on the others",
        ...evidence,
      ),
    ];
  }
  const groups = Map.groupBy(odd, (one) => reasonOf(one, snapshot));
  return Array.from(groups, ([reason, connections]): Observation => ({
    status: speaking.length === 0 ? "problem" : "warning",
    summary:
      `MPTCP is not used by ${namesOf(connections)}, which can have no ` +
      `second subflow: ${WORDS[reason]}`,
    evidence: [
      `fell back to TCP, key of the peer ${
        connections[0]!.remoteKeyReceived ? "received" : "not received"
      }`,
      ...listed(connections),
      ...snapshot.target?.attempts.map(attemptText) ?? [],
      ...evidence,
    ],
    remedies: [],
  }));
}

/** MPTCP worked at first, or works on other connections to the same program. */
function isOdd(connection: Connection, places: ReadonlySet<string>): boolean {
  return connection.remoteKeyReceived || places.has(place(connection));
}

function place({ remote: { address, port } }: Connection): string {
  return `${address} ${port}`;
}

function reasonOf(connection: Connection, snapshot: Snapshot): Reason {
  if (connection.remoteKeyReceived) {
    return count(snapshot, "DataCsumErr", "MPFailRx") > 0
      ? "changed"
      : "stripped";
  }
  const { attempts = [] } = snapshot.target ?? {};
  if (attempts.some(({ outcome }) => outcome === "mptcp")) return "this-path";
  return isInitiator(connection) ? "no-mptcp" : "client-stripped";
}
