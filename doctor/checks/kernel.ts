import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the kernel was built with MPTCP. */
export function kernel(snapshot: Snapshot): Observation[] {
  const protocols = part(snapshot, "protocols");
  const release = `Linux ${snapshot.kernel ?? "of a release not known"}`;
  const evidence = `protocols: ${protocols.join(", ") || "no MPTCP"}`;
  if (protocols.includes("MPTCP")) {
    return [ok(`${release} has MPTCP`, evidence)];
  }
  return [{
    status: "problem",
    summary:
      `${release} has no MPTCP: one of 5.6 or later is needed that was ` +
      "built with CONFIG_MPTCP",
    evidence: [evidence],
    remedies: [],
  }];
}
