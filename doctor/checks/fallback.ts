import { counterText, isInitiator, nameOf, part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Connection } from "../../diag/connection.ts";
import type { Snapshot } from "../snapshot.ts";

/** The counters that say why, at either end. */
const COUNTERS = [
  ...["MPCapableFallbackSYNACK", "MPCapableFallbackACK", "MPFallbackTokenInit"],
  ...["MPCapableDataFallback", "DssFallback", "DSSCorruptionFallback"],
  ...["MD5SigFallback", "SimultConnectFallback", "DataCsumErr"],
  ...["InfiniteMapTx", "InfiniteMapRx"],
];

/** Whether connections became plain TCP, which get no second subflow. */
export function fallback(snapshot: Snapshot): Observation[] {
  const connections = part(snapshot, "connections").filter(({ state }) =>
    state === "established"
  );
  const evidence = counterText(snapshot, ...COUNTERS);
  const fallen = connections.filter(({ fallback }) => fallback);
  if (fallen.length === 0) {
    return [ok("No connection fell back to TCP", ...evidence)];
  }
  // Most servers of the Internet do not speak MPTCP: one that does not is
  // nothing wrong where others do.
  const isAll = fallen.length === connections.length;
  return fallen.slice(0, 8).map((connection) => ({
    status: isAll ? "problem" : "warning",
    summary: `The ${nameOf(connection)} is plain TCP now and gets no second ` +
      `subflow: ${reason(connection, snapshot)}`,
    evidence: [
      `fallback, key of the peer ${
        connection.remoteKeyReceived ? "received" : "not received"
      }`,
      ...evidence,
    ],
    remedies: [],
  }));
}

function reason(connection: Connection, snapshot: Snapshot): string {
  const has = (name: string) => (snapshot.counters?.[name] ?? 0) > 0;
  if (connection.remoteKeyReceived) {
    return has("DataCsumErr")
      ? "something on the way changes the data"
      : "something on the way removes the options of MPTCP after the handshake";
  }
  return isInitiator(connection)
    ? "the program there does not use MPTCP, or something on the way removes " +
      "its options"
    : "the client's answer came without MPTCP: something on the way removes " +
      "its options";
}
