import { attemptText, unbound } from "../attempts.ts";
import {
  count,
  counterText,
  gaveUp,
  isInitiator,
  living,
  moved,
  part,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** The kernel found it out, and does not try MPTCP after that. */
const OFF = ["Blackhole", "MPCapableSYNTXDisabled"];

/** Whether MPTCP is switched off since SYNs with it got lost. */
export function blackhole(snapshot: Snapshot): Observation[] {
  part(snapshot, "counters");
  const first = snapshot.target && unbound(snapshot.target).at(-1);
  if (first?.outcome === "blackhole") {
    return [{
      status: "problem",
      summary: `SYNs with MPTCP to ${first.address} ${
        first.code === "ETIMEDOUT" ? "get no answer" : "are refused"
      }, and without it they get through: something on the way drops them`,
      evidence: snapshot.target!.attempts.map(attemptText),
      remedies: [],
    }];
  }
  // The first ones tried MPTCP and gave it up, the others do not try it.
  const plain = [
    ...gaveUp(snapshot).flatMap(({ subflows }) => subflows),
    ...count(snapshot, ...OFF) > 0 ? snapshot.withoutMptcp ?? [] : [],
  ];
  const evidence = counterText(snapshot, "MPCapableSYNTXDrop", ...OFF);
  const isNow = moved(snapshot, ...OFF) > 0;
  if (plain.length === 0 && !isNow) {
    return [ok("SYNs with MPTCP get through", ...evidence)];
  }
  const seconds = snapshot.settings?.blackholeTimeoutSeconds;
  const isOver = living(snapshot).some(isInitiator);
  const isProblem = isNow || !isOver;
  return [{
    status: isProblem ? "problem" : "warning",
    summary: isProblem
      ? "SYNs with MPTCP got lost on the way, so the kernel opens new " +
        "connections as plain TCP for an hour or more"
      : "SYNs with MPTCP got lost on the way at some time, so that there are " +
        "connections that are plain TCP",
    evidence: [
      ...evidence,
      ...[
        ...new Set(
          plain.map(({ remote }) =>
            `MPTCP is off for the connection to ${remote.address} port ` +
            `${remote.port}`
          ),
        ),
      ].slice(0, 3),
      ...seconds === undefined
        ? []
        : [`net.mptcp.blackhole_timeout = ${seconds}`],
    ],
    // Any write, of the same value too, ends it.
    remedies: seconds === undefined
      ? []
      : [`sysctl -w net.mptcp.blackhole_timeout=${seconds}`],
  }];
}
