/**
 * What a host is wanted to be, the steps that lead there, and their doing: the
 * limits, settings and endpoints of one network namespace.
 *
 * @example Do what a file says
 * ```ts
 * import { parseConfig, plan, readState } from "@mptcp/pm/config";
 *
 * const file = "/etc/mptcp.yaml";
 * const config = await parseConfig(await Deno.readTextFile(file), file);
 * console.log(plan(config, readState()).summary);
 * ```
 *
 * @example Keep two endpoints, and remove all others
 * ```ts
 * import { apply, type Config, plan, readState } from "@mptcp/pm/config";
 *
 * const config: Config = {
 *   limits: { subflows: 2 },
 *   endpoints: [
 *     { address: "10.0.1.1", dev: "eth0", flags: ["subflow"], place: 0 },
 *     { address: "10.0.2.1", dev: "eth1", flags: ["subflow"], place: 1 },
 *   ],
 * };
 * const { summary, steps } = plan(config, readState(), { prune: true });
 * console.log(summary, steps);
 * ```
 *
 * @module
 */

export type {
  AddressState,
  Config,
  ExactEndpoint,
  Governs,
  Match,
  MatchedEndpoints,
  Wanted,
  WantedEndpoint,
} from "./config.ts";
export { DocumentError, type DocumentFault } from "./document.ts";
export { parseConfig } from "./parse.ts";
export { configSchema } from "./schema.ts";
export type { JsonSchema } from "./types.ts";
export {
  type Carried,
  type Dependents,
  type PresentState,
  readState,
  type StateOptions,
} from "./state.ts";
export type { NewEndpoint } from "./match.ts";
export {
  type Contents,
  type Plan,
  plan,
  PlanError,
  type PlanOptions,
  type Summary,
} from "./plan.ts";
export type {
  AddAddr,
  BasicStep,
  DelAddr,
  Effect,
  Force,
  SetFlags,
  SetLimits,
  Step,
  WriteSetting,
} from "./step.ts";
export {
  type Applied,
  apply,
  ApplyError,
  type ApplyOptions,
  goBack,
  type Interruption,
} from "./apply.ts";
export { configOf, exportState } from "./export.ts";
export { type Watch, watch, type WatchOptions } from "./watch.ts";
export type {
  FileEvent,
  ReadyEvent,
  RefusedEvent,
  StepEvent,
  UndoneEvent,
  WaitingEvent,
  WarningEvent,
  WatchEvent,
  WatchStatus,
} from "./watch_events.ts";
