/**
 * The checks, the most probable causes first. To add one, add its file and its
 * row.
 *
 * @module
 */

import type { Observation } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";
import { application } from "./checks/application.ts";
import { blackhole } from "./checks/blackhole.ts";
import { enabled } from "./checks/enabled.ts";
import { endpointAddress } from "./checks/endpoint_address.ts";
import { endpointDevice } from "./checks/endpoint_device.ts";
import { endpointFlags } from "./checks/endpoint_flags.ts";
import { endpoints } from "./checks/endpoints.ts";
import { fallback } from "./checks/fallback.ts";
import { firewall } from "./checks/firewall.ts";
import { idle } from "./checks/idle.ts";
import { join } from "./checks/join.ts";
import { kernel } from "./checks/kernel.ts";
import { limits } from "./checks/limits.ts";
import { managers } from "./checks/managers.ts";
import { pathManager } from "./checks/path_manager.ts";
import { route } from "./checks/route.ts";
import { rpFilter } from "./checks/rp_filter.ts";
import { sameSubnet } from "./checks/same_subnet.ts";
import { subflow } from "./checks/subflow.ts";
import { target } from "./checks/target.ts";

/** Looks at what was read. What it throws says why it cannot. */
export type Look = (snapshot: Snapshot) => readonly Observation[];

/** A row of the table. */
export interface Check {
  /** What it asks. */
  readonly about: string;
  /** The checks whose findings explain what this one finds. */
  readonly because: readonly CheckName[];
  /** Looks at a snapshot. */
  readonly look: Look;
}

/** The name of a check. */
export type CheckName =
  | "kernel"
  | "enabled"
  | "path-manager"
  | "blackhole"
  | "fallback"
  | "target"
  | "limits"
  | "endpoint-flags"
  | "endpoint-device"
  | "endpoint-address"
  | "endpoints"
  | "route"
  | "same-subnet"
  | "rp-filter"
  | "join"
  | "subflow"
  | "application"
  | "idle"
  | "firewall"
  | "managers";

/** All checks, by their names. */
export const CHECKS: Readonly<Record<CheckName, Check>> = {
  kernel: {
    about: "Does this kernel have MPTCP?",
    because: [],
    look: kernel,
  },
  enabled: {
    about: "May programs use it?",
    because: ["kernel"],
    look: enabled,
  },
  "path-manager": {
    about: "Does somebody open subflows?",
    because: ["kernel"],
    look: pathManager,
  },
  blackhole: {
    about: "Do SYNs with MPTCP get through?",
    because: ["enabled"],
    look: blackhole,
  },
  fallback: {
    about: "Did connections become plain TCP?",
    because: ["blackhole"],
    look: fallback,
  },
  target: {
    about: "Does the place answer that was asked for?",
    because: ["kernel", "enabled"],
    look: target,
  },
  limits: {
    about: "Do limits keep subflows away?",
    because: ["kernel", "path-manager"],
    look: limits,
  },
  "endpoint-flags": {
    about: "Do the flags of the endpoints make sense?",
    because: [],
    look: endpointFlags,
  },
  "endpoint-device": {
    about: "Do packets pass their devices?",
    because: [],
    look: endpointDevice,
  },
  "endpoint-address": {
    about: "Are their addresses on this host?",
    because: ["endpoint-device"],
    look: endpointAddress,
  },
  endpoints: {
    about: "Are there endpoints for connections?",
    because: ["kernel", "path-manager", "endpoint-flags"],
    look: endpoints,
  },
  route: {
    about: "Do subflows leave by the right device?",
    because: ["endpoint-device", "endpoint-address", "same-subnet"],
    look: route,
  },
  "same-subnet": {
    about: "Are two devices in one network?",
    because: [],
    look: sameSubnet,
  },
  "rp-filter": {
    about: "Are packets of a second path dropped on arrival?",
    because: ["route", "same-subnet"],
    look: rpFilter,
  },
  join: {
    about: "What became of the subflows that are missing?",
    because: [
      "limits",
      "endpoint-flags",
      "endpoint-device",
      "endpoint-address",
      "route",
      "same-subnet",
      "rp-filter",
    ],
    look: join,
  },
  subflow: {
    about: "Do subflows carry data?",
    because: [
      "endpoint-device",
      "endpoint-address",
      "route",
      "same-subnet",
      "rp-filter",
      "join",
    ],
    look: subflow,
  },
  application: {
    about: "Do programs ask for MPTCP?",
    because: ["kernel", "enabled", "blackhole"],
    look: application,
  },
  idle: {
    about: "Did data pass already?",
    because: [],
    look: idle,
  },
  firewall: {
    about: "Are there rules that could be at fault?",
    because: [
      "endpoint-device",
      "endpoint-address",
      "route",
      "same-subnet",
      "rp-filter",
    ],
    look: firewall,
  },
  managers: {
    about: "Do several programs manage endpoints?",
    because: [],
    look: managers,
  },
};

/** The names of the checks, in order. */
export const CHECK_NAMES: readonly CheckName[] = Object.keys(
  CHECKS,
) as CheckName[];
