/**
 * Path managers that are ready, and your own in a few lines: a policy is an
 * object with callbacks, and {@linkcode manage} runs it.
 *
 * @example A second path for each connection
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using manager = manage(pm, {
 *   established: (connection) => connection.open({ from: "10.0.2.1" }),
 * }, { setMode: true });
 * await manager.finished;
 * ```
 *
 * @module
 */

export { announce, type AnnounceOptions } from "./announce.ts";
export { backup, type BackupOptions } from "./backup.ts";
export type { Decision } from "./commands.ts";
export { byDevice } from "./devices.ts";
export { fullmesh, type FullmeshOptions } from "./fullmesh.ts";
export { keep } from "./keep.ts";
export type { LocalAddress } from "./interfaces.ts";
export { manage, type ManageOptions, type Manager } from "./manage.ts";
export type {
  AnnounceAddressOptions,
  Announcement,
  CloseOptions,
  ManagedConnection,
  OpenOptions,
  Reason,
} from "./managed_connection.ts";
export { ndiffports, type NdiffportsOptions } from "./ndiffports.ts";
export { onDemand, type OnDemandOptions } from "./on_demand.ts";
export type { Policy } from "./policy.ts";
export { refresh, type RefreshOptions } from "./refresh.ts";
export type { RetryOptions } from "./retries.ts";
export type { SpareOptions } from "./spare.ts";
export type { TroubleOptions } from "./trouble.ts";
export {
  type PeerAddress,
  type SubflowError,
  type SubflowState,
  TrackedConnection,
  TrackedSubflow,
  Tracker,
  type TrackerObserver,
} from "./tracker.ts";
