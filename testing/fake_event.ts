/**
 * The bytes of events, as Linux 6.18 sends them.
 *
 * @module
 */

import { encodeGenlMessage } from "../codec/genlmsghdr.ts";
import { AF_INET, AF_INET6, familyOf } from "../codec/inet.ts";
import {
  EVENT_ATTR,
  type EventName,
  EVENTS,
  MPTCP_PM_EV_FLAG_DENY_JOIN_ID0,
  MPTCP_PM_EV_FLAG_SERVER_SIDE,
  MPTCP_PM_VER,
} from "../codec/mptcp_pm.gen.ts";
import type { SubflowAddress } from "../ops/subflow.ts";

/** An event that a {@linkcode FakeKernel} can tell of. */
export type FakeEventType = EventName;

/** Attributes of an event; those that are not of its kind are left out. */
export interface FakeEventFields {
  /**
   * The connection on this host; only listener events have none.
   * @default {0}
   */
  readonly token?: number;
  /**
   * The subflow's end on this host, or where something listens.
   * @default {that of the connection's first subflow, else 10.0.0.1, port 40000}
   */
  readonly local?: SubflowAddress;
  /**
   * The subflow's end on the peer; in `announced`, the announced address.
   * @default {that of the connection's first subflow, else 10.0.0.2, port 443}
   */
  readonly remote?: SubflowAddress;
  /** Id of the local address. @default {0} */
  readonly locId?: number;
  /** Id of the remote address. @default {0} */
  readonly remId?: number;
  /** Whether this host accepted the connection. @default {false} */
  readonly serverSide?: boolean;
  /** Whether the peer wants no subflows to its initial end. @default {false} */
  readonly denyJoinId0?: boolean;
  /** Whether the peer wants the subflow as a spare. @default {false} */
  readonly backup?: boolean;
  /** Name of the device that the subflow is bound to. @default {none} */
  readonly dev?: string;
  /** Error number of the subflow's socket, such as 104. @default {none} */
  readonly error?: number;
  /** What the peer said when it reset the subflow. @default {nothing} */
  readonly reset?: {
    /** Reason code of RFC 8684, section 3.6. */
    readonly reason: number;
    /** Flags; 1: trying again may succeed. @default {0} */
    readonly flags?: number;
  };
}

/** The initial subflow of a connection about which a test says nothing. */
export const LOCAL: SubflowAddress = { address: "10.0.0.1", port: 40000 };
/** Its other end. */
export const REMOTE: SubflowAddress = { address: "10.0.0.2", port: 443 };

/** An event as a message, attributes in the kernel's order. */
export function encodeEvent(
  familyId: number,
  type: FakeEventType,
  {
    token = 0,
    local = LOCAL,
    remote = REMOTE,
    locId = 0,
    remId = 0,
    serverSide = false,
    denyJoinId0 = false,
    backup = false,
    error,
    reset,
  }: FakeEventFields,
  ifIndex: number,
): Uint8Array<ArrayBuffer> {
  if (!Object.hasOwn(EVENTS, type)) {
    throw new TypeError(`Unknown event "${type}"`);
  }
  const isIPv4 = familyOf(local.address) === AF_INET;
  const ipFamily = isIPv4 ? AF_INET : AF_INET6;
  const saddr = { [isIPv4 ? "saddr4" : "saddr6"]: local.address };
  const daddr = {
    [familyOf(remote.address) === AF_INET ? "daddr4" : "daddr6"]:
      remote.address,
  };
  const [sport, dport] = [local.port, remote.port];
  const ends = {
    ...{ family: ipFamily, ...saddr, ...daddr, sport, dport },
    ...{ locId, remId },
  };
  const flags = (denyJoinId0 ? MPTCP_PM_EV_FLAG_DENY_JOIN_ID0 : 0) |
    (serverSide ? MPTCP_PM_EV_FLAG_SERVER_SIDE : 0);
  const attrs = () => {
    switch (type) {
      case "created":
      case "established":
        return {
          token,
          serverSide: serverSide ? 1 : undefined,
          flags: flags || undefined,
          ...ends,
        };
      case "closed":
        return { token };
      case "announced":
        return { token, remId, dport, ...daddr };
      case "removed":
        return { token, remId };
      case "listener-created":
      case "listener-closed":
        return { family: ipFamily, sport, ...saddr };
      default:
        return {
          token,
          ...ends,
          backup: backup ? 1 : 0,
          ifIdx: ifIndex || undefined,
          error: error || undefined,
          resetReason: reset?.reason,
          resetFlags: reset && (reset.flags ?? 0),
        };
    }
  };
  // Nobody asked: there is neither a sequence number nor a port id.
  const header = { type: familyId, flags: 0, seq: 0, pid: 0 };
  return encodeGenlMessage(
    { ...header, cmd: EVENTS[type].cmd, version: MPTCP_PM_VER },
    EVENT_ATTR,
    attrs(),
  ).slice();
}
