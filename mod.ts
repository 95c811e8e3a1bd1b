/**
 * Controls Multipath TCP on Linux: all commands of the kernel's path-manager
 * interface `mptcp_pm`, through libc and nothing else. No native build, no
 * dependencies; `--allow-ffi` is the one permission it needs.
 *
 * {@linkcode PathManager} offers every command as a method.
 *
 * @example Add an endpoint and see what the kernel made of it
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * const endpoint = pm.addAddr({
 *   address: "10.0.2.1",
 *   dev: "eth1",
 *   flags: ["subflow", "backup"],
 * });
 * console.log(endpoint);
 * ```
 *
 * @module
 */

export type { AddAddrOptions } from "./ops/add_addr.ts";
export type { AnnounceOptions } from "./ops/announce.ts";
export type { Device } from "./ops/arguments.ts";
export type { InitialSubflows } from "./ops/close_initial_subflows.ts";
export { isConnectionGone } from "./ops/connection_gone.ts";
export type { Endpoint } from "./ops/endpoint.ts";
export type {
  AnnouncedEvent,
  ClosedEvent,
  ConnectionEvent,
  CreatedEvent,
  EstablishedEvent,
  EventOf,
  ListenerClosedEvent,
  ListenerCreatedEvent,
  ListenerEvent,
  OverrunEvent,
  PathManagerEvent,
  RemovedEvent,
  SubClosedEvent,
  SubEstablishedEvent,
  SubflowEvent,
  SubPriorityEvent,
  UnknownEvent,
} from "./ops/event.ts";
export type { EventsOptions, EventStream } from "./ops/events.ts";
export type { EndpointFlag } from "./ops/flags.ts";
export type { GetAddrOptions } from "./ops/get_addr.ts";
export type { Limits } from "./ops/limits.ts";
export type { PathManagerMode } from "./ops/mode.ts";
export { PathManager, type PathManagerOptions } from "./ops/path_manager.ts";
export type { RemoveOptions } from "./ops/remove.ts";
export type { DumpAddrsOptions, EndpointSelector } from "./ops/select.ts";
export type { FlagChanges } from "./ops/set_flags.ts";
export type { SubflowBackup } from "./ops/set_subflow_backup.ts";
export type { SubflowAddress } from "./ops/subflow.ts";
export type { SubflowCreateOptions } from "./ops/subflow_create.ts";
export type { SubflowDestroyOptions } from "./ops/subflow_destroy.ts";
export type {
  ConnectionsCondition,
  EventCondition,
  SubflowsCondition,
  WaitOptions,
} from "./ops/wait_for.ts";
export {
  isPermissionError,
  type Missing,
  NetlinkError,
  NotFoundError,
  ProtocolError,
  type Refusal,
  TimeoutError,
  UnsupportedError,
} from "./netlink/errors.ts";
export type { Warning } from "./netlink/genl.ts";
export { traced } from "./netlink/trace.ts";
export {
  type Clock,
  type Namespace,
  type Netns,
  openNamespace,
  type SocketAddress,
  type Stream,
  type StreamSource,
  type Subscription,
  type Transport,
} from "./netlink/transport.ts";
export { preload } from "./ffi/libc.ts";
export { checkReplaceable, replaceFile } from "./ffi/replace_file.ts";
export {
  notifyService,
  type ServiceNews,
  type ServiceState,
  serviceWatchdogMs,
} from "./ffi/service.ts";
export {
  ignoreInspectorSignal,
  keepHangupIgnored,
  suspend,
} from "./ffi/signal.ts";
export { SyscallError } from "./ffi/syscall_error.ts";
export {
  type OutputWatch,
  type OutputWatchOptions,
  watchOutput,
} from "./ffi/output.ts";
export {
  ArgumentRangeError,
  ArgumentTypeError,
} from "./codec/argument_error.ts";
export { DecodeError } from "./codec/decode_error.ts";
export type { ExtAck, PolicyHint } from "./codec/extack.ts";
export { MptcpError } from "./codec/mptcp_error.ts";
export type { AddrFlag, EventAttrs, OpName } from "./codec/mptcp_pm.gen.ts";
