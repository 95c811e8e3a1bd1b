import {
  isFullyEstablished,
  isInitiator,
  living,
  nameOf,
  part,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether connections wait for their first data, before which none joins. */
export function idle(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  const waiting = living(snapshot).filter(isInitiator)
    .filter((connection) => !isFullyEstablished(connection));
  if (waiting.length === 0) {
    return [ok("No connection waits for its first data")];
  }
  return waiting.slice(0, 8).map((connection) => ({
    status: "warning",
    summary: `No data has passed on the ${nameOf(connection)} yet: subflows ` +
      "are opened after the first, and nothing is wrong",
    evidence: ["its first subflow is not fully established"],
    remedies: [],
  }));
}
