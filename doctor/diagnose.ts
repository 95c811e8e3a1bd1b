/**
 * From what was read to what is wrong.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { connectionToken } from "../codec/arguments.ts";
import { CHECK_NAMES, type CheckName, CHECKS } from "./checks.ts";
import { type Finding, type Observation, unknown } from "./finding.ts";
import { ofConnection } from "./one_connection.ts";
import { demandVersion, type Snapshot } from "./snapshot.ts";
import { reasonOf, UnreadError, watched } from "./unread.ts";

/** The most serious first. */
const ORDER = ["problem", "warning", "unknown", "ok"] as const;

/** How to diagnose. */
export interface DiagnoseOptions {
  /** Checks that are left out. @default {none} */
  readonly ignore?: readonly CheckName[];
  /**
   * The token of the only connection to look at, 1 to 0xffffffff.
   * @default {the snapshot's}
   */
  readonly token?: number;
  /**
   * Is called when a check fails, which is a bug of this library, or of what
   * wrote the snapshot. Its finding is `unknown`.
   */
  readonly onError?: (error: Error, check: CheckName) => void;
}

/**
 * Says what is wrong. It reads nothing but the snapshot, and needs no privilege.
 *
 * @param snapshot What was read, here or elsewhere.
 * @returns Problems first, the most probable cause on top. A finding that
 * follows from others names them in `because`, and stands behind them. Each
 * check is there at least once, but `target` only with a target.
 * @throws {TypeError} `ignore` names no check, or the snapshot has another
 * version, or was not read by {@linkcode parseSnapshot}.
 * @throws {RangeError} The token is out of its range.
 * @throws {NotFoundError} The snapshot has no connection with the token.
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
  { ignore = [], token, onError }: DiagnoseOptions = {},
): Finding[] {
  demandVersion(snapshot);
  if (token !== undefined) connectionToken(token);
  for (const name of ignore) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new ArgumentTypeError(
        `Invalid check "${name}": ${CHECK_NAMES.join(", ")}`,
      );
    }
  }
  const about = token === undefined ? snapshot : ofConnection(snapshot, token);
  const found: Finding[] = [];
  for (const check of CHECK_NAMES) {
    if (ignore.includes(check)) continue;
    const [first] = found;
    const isAbsent = first?.check === "kernel" && first.status === "problem";
    found.push(
      ...observe(check, about, isAbsent, onError)
        .map((one): Finding => ({ check, ...one })),
    );
  }
  return found.map((finding) => explained(finding, found)).toSorted(
    (one, other) =>
      ORDER.indexOf(one.status) - ORDER.indexOf(other.status) ||
      Number(one.because !== undefined) - Number(other.because !== undefined),
  );
}

/** What is there only in a kernel with MPTCP. */
const OF_MPTCP = [
  ...["settings", "counters", "connections", "endpoints", "limits"],
  "eventListeners",
];

/**
 * What one check sees: if it fails, it hides no other; and it says nothing where
 * it could not read all that it asked for.
 *
 * @param isAbsent Whether the kernel has no MPTCP, which explains that.
 */
function observe(
  check: CheckName,
  snapshot: Snapshot,
  isAbsent: boolean,
  onError: DiagnoseOptions["onError"],
): readonly (Observation & Pick<Finding, "because">)[] {
  const unread = new Set<string>();
  const blind = (why: string) => {
    const [part = ""] = unread;
    return [{
      ...unknown(why),
      ...isAbsent && OF_MPTCP.includes(part.replace("earlier.", "")) &&
        { because: ["kernel" as const] },
    }];
  };
  try {
    const seen = CHECKS[check].look(watched(snapshot, unread));
    const [missing] = unread;
    return missing === undefined ? seen : blind(reasonOf(snapshot, missing));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof UnreadError) return blind(error.message);
    onError?.(error, check);
    return [unknown(`the check failed: ${error.message}`)];
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
