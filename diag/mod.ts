/**
 * What is there: connections with their subflows, counters, settings, links and
 * addresses. Reads only, and needs `--allow-ffi`.
 *
 * @example Find what fell back to TCP
 * ```ts
 * import { Diag } from "@mptcp/pm/diag";
 *
 * using diag = Diag.open();
 * for (const { remote } of diag.connections({ fallback: true })) {
 *   console.log(`${remote.address} port ${remote.port}`);
 * }
 * ```
 *
 * @module
 */

export { Diag, type DiagOptions } from "./diag.ts";
export type { AddressScope, InterfaceAddress } from "./addresses.ts";
export type {
  Connection,
  ConnectionFigures,
  ConnectionSummary,
  Listener,
  SocketEnd,
  SocketFigures,
  SocketState,
  SocketTimer,
  Subflow,
  SubflowEnd,
  SubflowReading,
  TcpConnection,
} from "./connection.ts";
export {
  type CounterDoc,
  counterDoc,
  type CounterGroup,
  type CounterSide,
} from "./counter_docs.ts";
export { counterChanges, type Counters } from "./counters.ts";
export type { EventListener } from "./event_listeners.ts";
export type { ConnectionFilter } from "./filter.ts";
export type { FirewallTable } from "./firewall.ts";
export type { Link } from "./links.ts";
export type { IdRange, Manager, Managers } from "./managers.ts";
export type { Neighbour } from "./neighbours.ts";
export type {
  NetworkChange,
  NetworkChanges,
  NetworkChangesOptions,
} from "./network_changes.ts";
export type { NoRoute, NoRouteReason, Route, RouteOptions } from "./routes.ts";
export type { ReversePath } from "./reverse_path.ts";
export type { Rule, RuleAction } from "./rules.ts";
export { type Settings, sysctlTexts } from "./settings.ts";
export type {
  AddressFlag,
  LinkFlag,
  LinkState,
  NeighbourState,
  RouteType,
} from "../codec/rtnetlink.gen.ts";
export type { SubflowFlag } from "../codec/sock_diag.gen.ts";
export {
  ackedBytes,
  type ConnectionRate,
  RateMeter,
  type Rates,
  type SubflowRate,
} from "./rates.ts";
