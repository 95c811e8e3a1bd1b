import { part } from "../facts.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether programs can open MPTCP sockets. */
export function enabled(snapshot: Snapshot): Observation[] {
  switch (part(snapshot, "settings").enabled) {
    case true:
      return [ok("MPTCP is switched on", "net.mptcp.enabled = 1")];
    case false:
      return [{
        status: "problem",
        summary: "MPTCP is switched off: new connections are plain TCP",
        evidence: ["net.mptcp.enabled = 0"],
        remedies: ["sysctl -w net.mptcp.enabled=1"],
      }];
    default:
      return [unknown("net.mptcp.enabled is neither 0 nor 1")];
  }
}
