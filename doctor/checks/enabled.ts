import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether programs can open MPTCP sockets. */
export function enabled(snapshot: Snapshot): Observation[] {
  if (!part(snapshot, "settings").enabled) {
    return [{
      status: "problem",
      summary: "MPTCP is switched off: new connections are plain TCP",
      evidence: ["net.mptcp.enabled = 0"],
      remedies: ["sysctl -w net.mptcp.enabled=1"],
    }];
  }
  return [ok("MPTCP is switched on", "net.mptcp.enabled = 1")];
}
