import {
  isOutward,
  outward,
  part,
  pathEndpoints,
  usesOtherPathManager,
} from "../facts.ts";
import { command } from "../remedy.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether programs ask for MPTCP. */
export function application(snapshot: Snapshot): Observation[] {
  if (snapshot.target !== undefined) {
    return [ok("The doctor itself asked for MPTCP")];
  }
  if (snapshot.token !== undefined) {
    return [ok("The program of this connection asked for MPTCP")];
  }
  const tcp = part(snapshot, "tcp").filter(isOutward(snapshot));
  part(snapshot, "connections");
  const connections = outward(snapshot);
  if (connections.some(({ partial }) => partial)) {
    return [
      unknown("subflows cannot be told from plain TCP without CAP_NET_ADMIN"),
    ];
  }
  const withoutIt = snapshot.withoutMptcp ?? [];
  if (connections.length + withoutIt.length > 0) {
    return [
      ok(
        "Programs use MPTCP",
        ...tcp.length === 0 ? [] : [`${tcp.length} other connections are TCP`],
      ),
    ];
  }
  if (tcp.length === 0) return [ok("No program has a connection")];
  // A server may have no client now.
  const isMeant = (snapshot.listeners ?? []).length === 0 &&
    (pathEndpoints(snapshot).length > 0 || usesOtherPathManager(snapshot));
  const names = [
    ...new Set(tcp.flatMap(({ process }) => process ?? [])),
  ].slice(0, 3);
  return [{
    status: isMeant ? "warning" : "ok",
    summary: `No program uses MPTCP: ${
      tcp.length === 1
        ? "the only connection is"
        : `all ${tcp.length} connections are`
    } plain TCP, since programs have to ask for MPTCP`,
    evidence: [
      ...new Set(
        tcp.map(({ remote, process = "a program" }) =>
          `${process}: TCP to ${remote.address} port ${remote.port}`
        ),
      ),
    ].slice(0, 3),
    remedies: isMeant
      ? (names.length === 0 ? ["COMMAND"] : names).map((name) =>
        `${command("mptcpize", "run", name)}  # and its arguments`
      )
      : [],
  }];
}
