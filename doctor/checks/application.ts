import { isUserspaceMode, part } from "../facts.ts";
import { command } from "../remedy.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether programs ask for MPTCP. */
export function application(snapshot: Snapshot): Observation[] {
  const tcp = part(snapshot, "tcp");
  const connections = part(snapshot, "connections");
  if (snapshot.token !== undefined) {
    return [ok("The program of this connection asked for MPTCP")];
  }
  if (connections.some(({ partial }) => partial)) {
    return [
      unknown("subflows cannot be told from plain TCP without privilege"),
    ];
  }
  const without = (snapshot.withoutMptcp ?? []).length;
  if (tcp.length === 0 || connections.length + without > 0) {
    return [
      ok(
        connections.length > 0
          ? "Programs use MPTCP"
          : "No program has a connection",
        ...tcp.length === 0 ? [] : [`${tcp.length} other connections are TCP`],
      ),
    ];
  }
  const endpoints = snapshot.endpoints ?? [];
  const isSet = endpoints.length > 0 || isUserspaceMode(snapshot);
  const names = [
    ...new Set(tcp.flatMap(({ process }) => process ?? [])),
  ].slice(0, 3);
  return [{
    status: isSet ? "warning" : "ok",
    summary: `No program uses MPTCP: ${tcp.length} ${
      tcp.length === 1 ? "connection is" : "connections are"
    } plain TCP, since programs have to ask for MPTCP`,
    evidence: tcp.slice(0, 3).map(({ remote, process }) =>
      `${process ?? "a program"}: TCP to ${remote.address} port ${remote.port}`
    ),
    remedies: isSet
      ? (names.length === 0 ? ["COMMAND"] : names).map((name) =>
        `${command("mptcpize", "run", name)}  # and its arguments`
      )
      : [],
  }];
}
