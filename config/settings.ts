/**
 * The steps for the sysctls and the limits.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { PresentState } from "./state.ts";
import type { SetLimits, WriteSetting } from "./step.ts";

/** What is to become of settings or limits. */
export interface ValuePlan<Step> {
  /** The steps. */
  readonly steps: readonly Step[];
  /** How many values are as the file wants them. */
  readonly kept: number;
  /** Why it cannot be done; empty: it can. */
  readonly refusals: readonly string[];
}

const MODES = ["kernel", "userspace"];

/** Where the kernel lists what a sysctl can be. */
const CHOICES: Readonly<Record<string, string>> = {
  path_manager: "available_path_managers",
  scheduler: "available_schedulers",
};

/** Whether a sysctl can only be read. */
export function isReadOnly(name: string): boolean {
  return name.startsWith("available_");
}

/** Plans the sysctls. */
export function planSettings(
  { settings: wanted = {} }: Config,
  { settings }: PresentState,
): ValuePlan<WriteSetting> {
  const steps: WriteSetting[] = [];
  const refusals: string[] = [];
  let kept = 0;
  const { path_manager: mode, pm_type: type } = wanted;
  if (
    mode !== undefined && type !== undefined && MODES[Number(type)] !== mode
  ) {
    refusals.push(
      "settings.pm_type: it is the older name of path_manager, and contradicts it",
    );
  }
  for (const [key, value] of Object.entries(wanted)) {
    const [name, after] = ofKernel(key, value, settings);
    const before = Object.hasOwn(settings, name) ? settings[name] : undefined;
    const fault = faultOf(name, before, after, settings);
    if (fault !== undefined) refusals.push(`settings.${key}: ${fault}`);
    else if (isSame(before!, after)) kept++;
    else {
      steps.push({
        op: "write-setting",
        ...{ name, before: before!, after },
        ...{ reason: `settings.${key}`, effect: {} },
      });
    }
  }
  return { steps, kept, refusals };
}

/** Before Linux 6.15 `path_manager` is `pm_type`, a number. */
function ofKernel(
  name: string,
  value: string,
  settings: PresentState["settings"],
): [name: string, value: string] {
  const isOlder = name === "path_manager" && MODES.includes(value) &&
    !Object.hasOwn(settings, name) && Object.hasOwn(settings, "pm_type");
  return isOlder ? ["pm_type", `${MODES.indexOf(value)}`] : [name, value];
}

function faultOf(
  name: string,
  before: string | undefined,
  after: string,
  settings: PresentState["settings"],
): string | undefined {
  if (isReadOnly(name)) return "it can only be read";
  if (before === undefined) return `this kernel has no net.mptcp.${name}`;
  const choices = settings[CHOICES[name] ?? ""]?.split(/\s+/);
  return choices === undefined || choices.includes(after)
    ? undefined
    : `there is no "${after}": available are ${choices.join(", ")}`;
}

function isSame(before: string, after: string): boolean {
  const isNumber = (text: string) => /^\d+$/.test(text);
  return before === after ||
    isNumber(before) && isNumber(after) && Number(before) === Number(after);
}

/** A sysctl was written: some are two names of one thing. */
export function written(
  settings: PresentState["settings"],
  name: string,
  value: string,
): PresentState["settings"] {
  const after = { ...settings, [name]: value };
  const has = (other: string) => Object.hasOwn(settings, other);
  if (name === "path_manager" && has("pm_type")) {
    const type = MODES.indexOf(value);
    if (type >= 0) after["pm_type"] = `${type}`;
  }
  if (name === "pm_type" && has("path_manager")) {
    after["path_manager"] = MODES[Number(value)] ?? settings["path_manager"]!;
  }
  return after;
}

/** The limits, and what a file calls them. */
export const LIMITS = [
  ["subflows", "subflows"],
  ["addAddrAccepted", "add_addr_accepted"],
] as const;

/** Plans the limits, which are set at once. */
export function planLimits(
  { limits: wanted = {} }: Config,
  { limits, capacity }: PresentState,
): ValuePlan<SetLimits> {
  const before: Record<string, number> = {};
  const after: Record<string, number> = {};
  const refusals: string[] = [];
  let kept = 0;
  for (const [name, key] of LIMITS) {
    const value = wanted[name];
    if (value === undefined) continue;
    if (value > capacity) {
      refusals.push(
        `limits.${key}: ${value} is more than this kernel takes, ${capacity}`,
      );
    }
    if (value === limits[name]) kept++;
    else {
      before[name] = limits[name];
      after[name] = value;
    }
  }
  const effect = {};
  const steps: SetLimits[] = Object.keys(after).length === 0
    ? []
    : [{ op: "set-limits", before, after, reason: "limits", effect }];
  return { steps, kept, refusals };
}
