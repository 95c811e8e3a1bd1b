import { isUserspace, isUserspaceMode, nameOf, part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether somebody opens subflows: the kernel, or a program that listens. */
export function pathManager(snapshot: Snapshot): Observation[] {
  const { pathManager, pmType } = part(snapshot, "settings");
  const [name, value] = pathManager === undefined
    ? ["pm_type", pmType ?? 0]
    : ["path_manager", pathManager];
  const setting = `net.mptcp.${name} = ${value}`;
  const isUserspaceNow = isUserspaceMode(snapshot);
  const programs = (isUserspaceNow ? part(snapshot, "eventListeners") : [])
    .map(({ process, portId }) => process ?? `port id ${portId}`);
  if (isUserspaceNow && programs.length === 0) {
    const kernel = name === "pm_type" ? "pm_type=0" : "path_manager=kernel";
    return [{
      status: "problem",
      summary: "The userspace path manager is set, and no program is one: " +
        "connections get no second subflow, and endpoints are not used",
      evidence: [setting, "nobody listens to the events"],
      remedies: [`sysctl -w net.mptcp.${kernel}`],
    }];
  }
  const lost = isUserspaceNow ? [] : (snapshot.connections ?? [])
    .filter((one) => isUserspace(one, snapshot) && !one.fallback);
  if (lost.length > 0) {
    return lost.map((connection) => ({
      status: "problem",
      summary: `The ${nameOf(connection)} began under the userspace path ` +
        "manager, and keeps it: it has to be opened again",
      evidence: [setting, "no limits of the kernel hold for it"],
      remedies: [],
    }));
  }
  return [
    isUserspaceNow
      ? ok(`${programs.join(", ")} is the path manager`, setting)
      : ok("The kernel is the path manager", setting),
  ];
}
