/**
 * What the doctor says.
 *
 * @module
 */

import type { CheckName } from "./checks.ts";

/**
 * `ok`, `warning`: it may not be what is meant, `problem`: no path comes of it,
 * `unknown`: it could not be looked at.
 */
export type Status = "ok" | "warning" | "problem" | "unknown";

/** What one check sees. */
export interface Observation {
  /** How serious it is. */
  readonly status: Status;
  /** One sentence without full stop, in the words of a user. */
  readonly summary: string;
  /** What was read, one fact each. */
  readonly evidence: readonly string[];
  /**
   * Commands that mend it, one each, to be run in this order. What has to be
   * run elsewhere ends with a comment: `# on the peer`.
   */
  readonly remedies: readonly string[];
  /** What it is about, such as `endpoint 3`; absent: the host. */
  readonly about?: string;
}

/** What one check says. */
export interface Finding extends Observation {
  /** Which one. */
  readonly check: CheckName;
  /** The checks that found what this follows from. */
  readonly because?: readonly CheckName[];
}

/** Nothing wrong. */
export function ok(summary: string, ...evidence: string[]): Observation {
  return { status: "ok", summary, evidence, remedies: [] };
}

/** It could not be looked at, for this reason. */
export function unknown(summary: string): Observation {
  return { status: "unknown", summary, evidence: [], remedies: [] };
}
