import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether several programs change endpoints and limits. */
export function managers(snapshot: Snapshot): Observation[] {
  const { found, seesAll } = part(snapshot, "managers");
  const evidence = [
    ...found.map(({ name, pid, about }) => `${name} (${pid}): ${about}`),
    ...seesAll ? [] : ["processes outside of this container are not seen"],
  ];
  const names = [...new Set(found.map(({ name }) => name))];
  if (names.length < 2) {
    return [
      ok(
        names.length === 0
          ? "No other program manages endpoints"
          : `${names[0]} may manage endpoints here`,
        ...evidence,
      ),
    ];
  }
  return [{
    status: "warning",
    summary: `${names.join(" and ")} both manage endpoints, and one undoes ` +
      "what the other does",
    evidence,
    remedies: names.includes("mptcpd")
      ? ["systemctl disable --now mptcp.service"]
      : [],
  }];
}
