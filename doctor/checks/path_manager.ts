import { type EventListener, showsOnly } from "../../diag/event_listeners.ts";
import {
  isUserspace,
  listed,
  namesOf,
  outward,
  part,
  usesOtherPathManager,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether somebody opens subflows: the kernel, or a program that listens. */
export function pathManager(snapshot: Snapshot): Observation[] {
  const { pathManager, pmType } = part(snapshot, "settings");
  const [name, value] = pathManager === undefined
    ? ["pm_type", pmType ?? 0]
    : ["path_manager", pathManager];
  const setting = `net.mptcp.${name} = ${value}`;
  if (usesOtherPathManager(snapshot)) {
    if (name === "path_manager" && value !== "userspace") {
      return [ok(`${value} is the path manager`, setting)];
    }
    const kernel = name === "pm_type" ? "pm_type=0" : "path_manager=kernel";
    return userspace(snapshot, setting, kernel);
  }
  const lost = outward(snapshot).filter((one) =>
    one.state === "established" && !one.fallback &&
    one.subflows.length === 1 && isUserspace(one, snapshot)
  );
  if (lost.length === 0) return [ok("The kernel opens the subflows", setting)];
  return [{
    status: "problem",
    summary: `The path manager was changed after ${namesOf(lost)} began: ` +
      "open new ones, since the old ones get no second subflow",
    evidence: [setting, "the kernel's limits are 0 there", ...listed(lost)],
    remedies: [],
  }];
}

function userspace(
  snapshot: Snapshot,
  setting: string,
  kernel: string,
): Observation[] {
  const listeners = part(snapshot, "eventListeners");
  const nameOf = ({ process, portId }: EventListener) =>
    process ?? `port id ${portId}`;
  const managers = listeners.filter((one) => !showsOnly(one)).map(nameOf);
  const programs = [...new Set(managers)];
  if (programs.length > 0) {
    return [ok(`${programs.join(", ")} listens to the events`, setting)];
  }
  return [{
    status: "problem",
    summary: "The userspace path manager is set, but no program manages " +
      "paths: connections get no second subflow, and endpoints are not used",
    evidence: [
      setting,
      listeners.length === 0
        ? "no program listens to the events"
        : `only ${nameOf(listeners[0]!)} listens to the events`,
    ],
    remedies: [`sysctl -w net.mptcp.${kernel}`],
  }];
}
