/**
 * The bytes of events, as Linux 6.18 sends them.
 *
 * @module
 */

import { AF_INET, familyOf, parseIPv4, parseIPv6 } from "../codec/inet.ts";
import type { PathManagerEvent } from "../ops/event.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { attr, type Bytes, join, u16, u32, u8 } from "./netlink_bytes.ts";

/** An event that a {@linkcode FakeKernel} can tell of. */
export type FakeEventType = Exclude<
  PathManagerEvent["type"],
  "overrun" | "unknown"
>;

const NUMBERS: Readonly<Record<FakeEventType, number>> = {
  "created": 1,
  "established": 2,
  "closed": 3,
  "announced": 6,
  "removed": 7,
  "sub-established": 10,
  "sub-closed": 11,
  "sub-priority": 13,
  "listener-created": 15,
  "listener-closed": 16,
};

/** What an event of a {@linkcode FakeKernel} tells, as far as it is of its kind. */
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

/** The bytes of an address, and its family. */
export function addressBytes(
  address: string,
): { family: number; bytes: Bytes } {
  const family = familyOf(address);
  const bytes = family === AF_INET ? parseIPv4(address) : parseIPv6(address);
  return { family, bytes };
}

const port = (type: number, value: number) =>
  attr(type, Uint8Array.of(value >> 8, value));

/** The message without its header, attributes in the kernel's order. */
export function encodeEvent(
  type: FakeEventType,
  {
    token = 0,
    local = { address: "10.0.0.1", port: 40000 },
    remote = { address: "10.0.0.2", port: 443 },
    locId = 0,
    remId = 0,
    serverSide = false,
    denyJoinId0 = false,
    backup = false,
    error = 0,
    reset,
  }: FakeEventFields,
  ifIndex: number,
): Bytes {
  const cmd: number | undefined = NUMBERS[type];
  if (cmd === undefined) throw new TypeError(`Unknown event "${type}"`);
  const near = addressBytes(local.address);
  const far = addressBytes(remote.address);
  const isIPv4 = near.family === AF_INET;
  const family = attr(2, u16(near.family));
  const saddr = attr(isIPv4 ? 5 : 6, near.bytes);
  const daddr = attr(far.family === AF_INET ? 7 : 8, far.bytes);
  const sport = port(9, local.port);
  const dport = port(10, remote.port);
  const ids = [attr(3, u8(locId)), attr(4, u8(remId))];
  const flags = (denyJoinId0 ? 1 : 0) | (serverSide ? 2 : 0);
  const attrs = () => {
    switch (type) {
      case "created":
      case "established":
        return [
          ...serverSide ? [attr(18, u8(1))] : [],
          ...flags === 0 ? [] : [attr(13, u16(flags))],
          ...[family, saddr, daddr, sport, dport, ...ids],
        ];
      case "closed":
        return [];
      case "announced":
        return [attr(4, u8(remId)), dport, daddr];
      case "removed":
        return [attr(4, u8(remId))];
      case "listener-created":
      case "listener-closed":
        return [family, sport, saddr];
      default:
        return [
          ...[family, saddr, daddr, sport, dport, ...ids],
          attr(11, u8(backup ? 1 : 0)),
          ...ifIndex === 0 ? [] : [attr(15, u32(ifIndex))],
          ...error === 0 ? [] : [attr(12, u8(error))],
          ...reset === undefined
            ? []
            : [attr(16, u32(reset.reason)), attr(17, u32(reset.flags ?? 0))],
        ];
    }
  };
  const head = Uint8Array.of(cmd, 1, 0, 0);
  return type.startsWith("listener-")
    ? join([head, ...attrs()])
    : join([head, attr(1, u32(token)), ...attrs()]);
}
