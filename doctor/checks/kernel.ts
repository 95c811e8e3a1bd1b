import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the kernel was built with MPTCP. */
export function kernel(snapshot: Snapshot): Observation[] {
  const release = snapshot.kernel === undefined
    ? "This kernel"
    : `Linux ${snapshot.kernel}`;
  if (snapshot.socket?.opened) {
    return [ok(`${release} has MPTCP`, "an MPTCP socket can be opened")];
  }
  const protocols = part(snapshot, "protocols");
  const evidence = `protocols: ${protocols.join(", ") || "none of MPTCP"}`;
  if (protocols.includes("MPTCP")) {
    return [ok(`${release} has MPTCP`, evidence)];
  }
  return [{
    status: "problem",
    summary: `${release} has no MPTCP: Linux 5.6 or later is needed, built ` +
      "with CONFIG_MPTCP",
    evidence: [evidence],
    remedies: [],
  }];
}
