import {
  fits,
  isFullyEstablished,
  isInitiator,
  listed,
  living,
  namesOf,
  part,
  pathEndpoints,
  wasSo,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Connection } from "../../diag/connection.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether connections wait for their first data, before which none joins. */
export function idle(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  if (snapshot.target !== undefined) return [ok("The doctor sent data itself")];
  const own = pathEndpoints(snapshot);
  const isIdle = (one: Connection) => !isFullyEstablished(one);
  const waiting = living(snapshot).filter((connection) =>
    isInitiator(connection) && isIdle(connection) &&
    wasSo(connection, snapshot, isIdle) &&
    own.some((endpoint) => fits(endpoint, connection))
  );
  if (waiting.length === 0) {
    return [ok("No connection waits for its first data")];
  }
  return [{
    status: "warning",
    summary: `No data has been acknowledged yet on ${namesOf(waiting)}: ` +
      "other subflows are opened after that, so nothing is wrong",
    evidence: [
      "the first subflow is not fully established",
      ...listed(waiting),
    ],
    remedies: [],
  }];
}
