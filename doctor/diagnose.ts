/**
 * From what was read to what is wrong.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { CHECK_NAMES, type CheckName, CHECKS } from "./checks.ts";
import { type Finding, type Observation, unknown } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** The most serious first. */
const ORDER = ["problem", "warning", "unknown", "ok"] as const;

/** How to diagnose. */
export interface DiagnoseOptions {
  /** Checks that are left out. @default {none} */
  readonly ignore?: readonly CheckName[];
}

/**
 * Says what is wrong. It reads nothing but the snapshot, and needs no privilege.
 *
 * @param snapshot What was read, here or elsewhere.
 * @returns Problems first, the most probable cause on top. A finding that
 * follows from others names them in `because`, and stands behind them. Each
 * check is there at least once.
 * @throws {TypeError} `ignore` names no check, or the snapshot has another
 * version.
 *
 * @example Why is there no second path?
 * ```ts
 * import { collect, diagnose } from "@mptcp/pm/doctor";
 *
 * for (const { check, status, summary } of diagnose(await collect())) {
 *   if (status === "problem") console.log(`${check}: ${summary}`);
 * }
 * ```
 */
export function diagnose(
  snapshot: Snapshot,
  { ignore = [] }: DiagnoseOptions = {},
): Finding[] {
  if (snapshot?.version !== 1) {
    throw new ArgumentTypeError(
      `Invalid version ${snapshot?.version} of a snapshot: 1 is known`,
    );
  }
  for (const name of ignore) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new ArgumentTypeError(
        `Invalid check "${name}": ${CHECK_NAMES.join(", ")}`,
      );
    }
  }
  const found = CHECK_NAMES.filter((name) => !ignore.includes(name))
    .flatMap((check) =>
      observe(check, snapshot).map((one): Finding => ({ check, ...one }))
    );
  return found.map((finding) => explained(finding, found)).toSorted(
    (one, other) =>
      ORDER.indexOf(one.status) - ORDER.indexOf(other.status) ||
      Number(one.because !== undefined) - Number(other.because !== undefined),
  );
}

/** One check that fails hides no other. */
function observe(
  check: CheckName,
  snapshot: Snapshot,
): readonly Observation[] {
  try {
    return CHECKS[check].look(snapshot);
  } catch (error) {
    return [unknown((error as Error).message)];
  }
}

/** With the checks whose findings explain it, if there are any. */
function explained(finding: Finding, all: readonly Finding[]): Finding {
  const { check, status, about } = finding;
  if (status === "ok" || status === "unknown") return finding;
  const causes = CHECKS[check].because;
  const because = all.filter((other) =>
    causes.includes(other.check) && isCause(other, status) &&
    (about === undefined || other.about === undefined || about === other.about)
  ).map(({ check }) => check);
  return because.length === 0
    ? finding
    : { ...finding, because: [...new Set(because)] };
}

/** A problem explains all, a warning what is no more than that. */
function isCause(other: Finding, status: string): boolean {
  return other.status === "problem" || other.status === status;
}

/**
 * Whether all is well: `null` where nothing is wrong and something could not be
 * looked at.
 */
export function isHealthy(findings: readonly Finding[]): boolean | null {
  if (findings.some(({ status }) => status === "problem")) return false;
  return findings.some(({ status }) => status === "unknown") ? null : true;
}
