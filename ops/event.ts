/**
 * From the attributes of an event to what a program wants to know.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import { decodeGenlPayload } from "../codec/genlmsghdr.ts";
import {
  EVENT_ATTR,
  type EventAttrs,
  type EventName,
  EVENTS,
  MPTCP_PM_EV_FLAG_DENY_JOIN_ID0,
  MPTCP_PM_EV_FLAG_SERVER_SIDE,
  RESET_REASONS,
} from "../codec/mptcp_pm.gen.ts";
import type { NlMessage } from "../codec/nlmsghdr.ts";
import { errnoName, errnoText } from "../codec/errno.ts";
import type { SubflowAddress } from "./subflow.ts";

/** What the events of a new connection have in common. */
export interface ConnectionEvent {
  /** The connection on this host. */
  readonly token: number;
  /** The initial subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The initial subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  readonly locId: number;
  /** Id of the remote address. */
  readonly remId: number;
  /** Whether this host accepted the connection; unknown before Linux 5.19. */
  readonly serverSide: boolean;
  /** Whether the peer wants no subflows to its initial address and port. */
  readonly denyJoinId0: boolean;
  /** All flags as the kernel sent them, the unknown ones too. */
  readonly flags: number;
  /**
   * Made by this library of what is there, because you asked for `resync`;
   * absent: the kernel sent it.
   */
  readonly synthetic?: true;
}

/** A connection was made: the handshake is done. */
export interface CreatedEvent extends ConnectionEvent {
  /** Name of the event. */
  readonly type: "created";
}

/**
 * Further subflows are possible: on a server at once, on a client once the peer
 * has acknowledged data.
 */
export interface EstablishedEvent extends ConnectionEvent {
  /** Name of the event. */
  readonly type: "established";
}

/**
 * A connection was closed on this host. Its subflows end without events of
 * their own. A connection that the peer aborted may end without this event.
 */
export interface ClosedEvent {
  /** Name of the event. */
  readonly type: "closed";
  /** The connection on this host. */
  readonly token: number;
  /**
   * Made by this library of what is there, because you asked for `resync`;
   * absent: the kernel sent it.
   */
  readonly synthetic?: true;
}

/** The peer announced an address (ADD_ADDR). */
export interface AnnouncedEvent {
  /** Name of the event. */
  readonly type: "announced";
  /** The connection on this host. */
  readonly token: number;
  /** Id of the peer's address. */
  readonly remId: number;
  /** The peer's address. */
  readonly address: string;
  /**
   * The announced port, or that of the connection if none was; old kernels say
   * 0 then.
   */
  readonly port: number;
}

/** The peer took an address back (RM_ADDR). */
export interface RemovedEvent {
  /** Name of the event. */
  readonly type: "removed";
  /** The connection on this host. */
  readonly token: number;
  /** Id of the peer's address. */
  readonly remId: number;
}

/** What the events of a subflow have in common. */
export interface SubflowEvent {
  /** The connection on this host. */
  readonly token: number;
  /** The subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  readonly locId: number;
  /** Id of the remote address; also 0 if it was never established. */
  readonly remId: number;
  /** Whether the peer wants the subflow as a spare. */
  readonly backup: boolean;
  /** Index of the device that the subflow is bound to; 0: none. */
  readonly ifIndex: number;
  /**
   * Name of that device; absent: no device has the index, or its name is no
   * UTF-8.
   */
  readonly dev?: string;
  /** The socket's error; absent: there was none. */
  readonly error?: {
    /** Positive error number, such as 111. */
    readonly errno: number;
    /** Its name, such as `"ECONNREFUSED"`. */
    readonly code: string;
    /** What it says, such as `"Connection refused"`. */
    readonly message: string;
  };
  /** What the peer said when it reset the subflow; absent: nothing. */
  readonly reset?: {
    /** Reason code of RFC 8684, section 3.6. */
    readonly reason: number;
    /** Its name, such as `"middlebox"`; `"unknown"` for later ones. */
    readonly name: string;
    /** What it says. */
    readonly message: string;
    /** All flags as the kernel sent them. */
    readonly flags: number;
    /** Whether trying again may succeed (flag 1). */
    readonly transient: boolean;
  };
  /**
   * Made by this library of what is there, because you asked for `resync`;
   * absent: the kernel sent it.
   */
  readonly synthetic?: true;
}

/** A subflow was established. */
export interface SubEstablishedEvent extends SubflowEvent {
  /** Name of the event. */
  readonly type: "sub-established";
}

/** A subflow was closed, or could not be established. */
export interface SubClosedEvent extends SubflowEvent {
  /** Name of the event. */
  readonly type: "sub-closed";
}

/** The peer changed the priority of a subflow (MP_PRIO), or repeated it. */
export interface SubPriorityEvent extends SubflowEvent {
  /** Name of the event. */
  readonly type: "sub-priority";
}

/** What the events of a listening socket, of any program, have in common. */
export interface ListenerEvent {
  /** Where it listens. */
  readonly local: SubflowAddress;
}

/** An MPTCP socket started to listen. */
export interface ListenerCreatedEvent extends ListenerEvent {
  /** Name of the event. */
  readonly type: "listener-created";
}

/** An MPTCP socket stopped listening. */
export interface ListenerClosedEvent extends ListenerEvent {
  /** Name of the event. */
  readonly type: "listener-closed";
}

/**
 * You read too slowly, and the kernel dropped events. It comes once, after those
 * that were still queued: from a full queue the kernel drops events until all of
 * it was read. Re-read the state.
 */
export interface OverrunEvent {
  /** Name of the event, which this library makes. */
  readonly type: "overrun";
}

/** An event that this version does not know, or that lacks what it must have. */
export interface UnknownEvent {
  /** Name of the event, which this library makes. */
  readonly type: "unknown";
  /** Its number. */
  readonly cmd: number;
  /** Its attributes, as far as they are known. */
  readonly attrs: EventAttrs;
}

/** What happens to Multipath TCP in a network namespace. */
export type PathManagerEvent =
  | CreatedEvent
  | EstablishedEvent
  | ClosedEvent
  | AnnouncedEvent
  | RemovedEvent
  | SubEstablishedEvent
  | SubClosedEvent
  | SubPriorityEvent
  | ListenerCreatedEvent
  | ListenerClosedEvent
  | OverrunEvent
  | UnknownEvent;

/** The events of some types. */
export type EventOf<Type extends PathManagerEvent["type"]> = Extract<
  PathManagerEvent,
  { readonly type: Type }
>;

/** The names of the events. */
export const EVENT_TYPES: readonly PathManagerEvent["type"][] = [
  ...Object.keys(EVENTS) as EventName[],
  "overrun",
  "unknown",
];

let names: Map<number, EventName> | undefined;

function nameOf(cmd: number): EventName | undefined {
  names ??= new Map(
    Object.entries(EVENTS).map(([name, { cmd }]) => [cmd, name as EventName]),
  );
  return names.get(cmd);
}

/**
 * Decodes an event; devices have no names yet.
 *
 * @param message A message of the multicast group.
 * @throws {DecodeError} The message is malformed.
 */
export function decodeEvent(message: NlMessage): PathManagerEvent {
  const { cmd, attrs: bytes } = decodeGenlPayload(message.payload);
  const attrs = decodeAttrs(EVENT_ATTR, bytes);
  const type = nameOf(cmd);
  return type !== undefined && normalize(type, attrs) ||
    { type: "unknown", cmd, attrs };
}

function normalize(
  type: EventName,
  attrs: EventAttrs,
): PathManagerEvent | undefined {
  const { token = 0, locId = 0, remId = 0 } = attrs;
  const local = end(attrs.saddr4 ?? attrs.saddr6, attrs.sport);
  const remote = end(attrs.daddr4 ?? attrs.daddr6, attrs.dport);
  if (type === "listener-created" || type === "listener-closed") {
    return local && { type, local };
  }
  if (token === 0) return undefined;
  switch (type) {
    case "created":
    case "established": {
      if (local === undefined || remote === undefined) return undefined;
      // The attribute serverSide is all that Linux before 6.18 sends.
      const { flags = 0, serverSide = 0 } = attrs;
      return {
        type,
        token,
        local,
        remote,
        locId,
        remId,
        serverSide: serverSide !== 0 ||
          (flags & MPTCP_PM_EV_FLAG_SERVER_SIDE) !== 0,
        denyJoinId0: (flags & MPTCP_PM_EV_FLAG_DENY_JOIN_ID0) !== 0,
        flags,
      };
    }
    case "closed":
      return { type, token };
    case "announced":
      // Id 0 is an address too: that of the initial subflow.
      if (remote === undefined || attrs.remId === undefined) return undefined;
      return { type, token, remId, ...remote };
    case "removed":
      return attrs.remId === undefined ? undefined : { type, token, remId };
    case "sub-established":
    case "sub-closed":
    case "sub-priority": {
      if (local === undefined || remote === undefined) return undefined;
      const { backup = 0, ifIdx = 0, error = 0 } = attrs;
      return {
        type,
        token,
        local,
        remote,
        locId,
        remId,
        backup: backup !== 0,
        ifIndex: ifIdx,
        ...error !== 0 && { error: failure(error) },
        ...attrs.resetReason !== undefined &&
          { reset: reset(attrs.resetReason, attrs.resetFlags) },
      };
    }
  }
}

function end(
  address: string | undefined,
  port: number | undefined,
): SubflowAddress | undefined {
  return address === undefined || port === undefined
    ? undefined
    : { address, port };
}

function failure(errno: number) {
  return { errno, code: errnoName(errno), message: errnoText(errno) };
}

function reset(reason: number, flags = 0) {
  const { name, doc } = RESET_REASONS[reason] ??
    { name: "unknown", doc: "A reason that RFC 8684 does not have." };
  return {
    reason,
    name,
    message: doc,
    flags,
    transient: (flags & 1) !== 0,
  };
}
