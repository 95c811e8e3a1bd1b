import { count, counterText, isUnmarked, moved, part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

const COUNTERS = [
  ...["MPCapableSYNTXDrop", "Blackhole", "MPCapableSYNTXDisabled"],
];

/** Whether MPTCP is switched off since SYNs with it got lost. */
export function blackhole(snapshot: Snapshot): Observation[] {
  part(snapshot, "counters");
  // The first ones tried MPTCP and gave it up, the others do not try it.
  const fallen = (snapshot.connections ?? []).filter(({ fallback }) => fallback)
    .flatMap(({ subflows }) => subflows.filter(isUnmarked));
  const plain = [
    ...count(snapshot, "MPCapableSYNTXDrop") > 0 ? fallen : [],
    ...snapshot.withoutMptcp ?? [],
  ];
  const evidence = counterText(snapshot, ...COUNTERS);
  if (plain.length === 0 && moved(snapshot, ...COUNTERS) === 0) {
    return [ok("SYNs with MPTCP get through", ...evidence)];
  }
  const seconds = snapshot.settings?.blackholeTimeoutSeconds;
  return [{
    status: "problem",
    summary: "SYNs with MPTCP got lost on the way, so the kernel opens new " +
      "connections as TCP for an hour or more",
    evidence: [
      ...evidence,
      ...plain.slice(0, 3).map(({ remote }) =>
        `MPTCP is off for the connection to ${remote.address} port ` +
        `${remote.port}`
      ),
    ],
    // Any write, of the same value too, ends it.
    remedies: seconds === undefined
      ? []
      : [`sysctl -w net.mptcp.blackhole_timeout=${seconds}`],
  }];
}
