import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the kernel was built with MPTCP. */
export function kernel(snapshot: Snapshot): Observation[] {
  const release = snapshot.kernel === undefined
    ? "This kernel"
    : `Linux ${snapshot.kernel}`;
  const hasIt = [ok(`${release} has MPTCP`)];
  if (snapshot.socket?.opened) return hasIt;
  const protocols = part(snapshot, "protocols");
  if (protocols.includes("MPTCP")) return hasIt;
  return [{
    status: "problem",
    summary: `${release} has no MPTCP: Linux 5.6 or later is needed, built ` +
      "with CONFIG_MPTCP",
    evidence: [`protocols: ${protocols.join(", ") || "none of MPTCP"}`],
    remedies: [],
  }];
}
