/**
 * Why is there no second path? What a host is set to and what its connections
 * do is read into plain values, and diagnosed by checks that read nothing else:
 * here, or on another host. Nothing is changed, and `--allow-ffi` is enough.
 *
 * @example Say what is wrong, and what mends it
 * ```ts
 * import { collect, diagnose } from "@mptcp/pm/doctor";
 *
 * for (const { status, summary, remedies } of diagnose(await collect())) {
 *   if (status === "problem") console.log(summary, remedies);
 * }
 * ```
 *
 * @module
 */

export { anonymize } from "./anonymize.ts";
export { attemptText, outcomeText } from "./attempts.ts";
export { collect, type CollectOptions } from "./collect.ts";
export {
  type Check,
  CHECK_NAMES,
  type CheckName,
  CHECKS,
  type Look,
} from "./checks.ts";
export { diagnose, type DiagnoseOptions, isHealthy } from "./diagnose.ts";
export type { Finding, Observation, Status } from "./finding.ts";
export { reproduce, type ReproduceOptions } from "./reproduce.ts";
export {
  parseSnapshot,
  SNAPSHOT_LIMIT,
  snapshotJson,
} from "./snapshot_json.ts";
export type { Place } from "./probe.ts";
export { remedyIn } from "./remedy.ts";
export type {
  AskedRoute,
  Attempt,
  AttemptOutcome,
  Reading,
  Snapshot,
  SocketTrial,
  Target,
  TimedEvent,
} from "./snapshot.ts";
