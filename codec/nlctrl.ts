/**
 * The family `nlctrl`, which knows the number that another family has on the
 * running kernel, its commands and its multicast groups.
 *
 * @module
 */

import { decodeAttrs } from "./attrs.ts";
import { DecodeError } from "./decode_error.ts";
import {
  decodeGenlPayload,
  encodeGenlMessage,
  GENL_HDRLEN,
} from "./genlmsghdr.ts";
import { NLM_F_REQUEST, type NlMessage } from "./nlmsghdr.ts";
import type { AttrSet } from "./policy.ts";

/** Message type of `nlctrl`: the one family with a fixed number. */
export const GENL_ID_CTRL = 16 as const;
/** Command: a new family, also the reply to `CTRL_CMD_GETFAMILY`. */
export const CTRL_CMD_NEWFAMILY = 1 as const;
/** Command: describe one family. */
export const CTRL_CMD_GETFAMILY = 3 as const;

/** Flag of an operation: needs `CAP_NET_ADMIN` in the initial user namespace. */
export const GENL_ADMIN_PERM = 0x01 as const;
/** Flag of an operation: it can be done. */
export const GENL_CMD_CAP_DO = 0x02 as const;
/** Flag of an operation: it can be dumped. */
export const GENL_CMD_CAP_DUMP = 0x04 as const;
/** Flag of an operation: its attributes are checked by a policy. */
export const GENL_CMD_CAP_HASPOL = 0x08 as const;
/** Flag of an operation: needs `CAP_NET_ADMIN` in the owning user namespace. */
export const GENL_UNS_ADMIN_PERM = 0x10 as const;

const CTRL_ATTR_OP: AttrSet = {
  name: "op",
  attrs: [
    undefined,
    { type: 1, name: "id", key: "id", kind: "u32" },
    { type: 2, name: "flags", key: "flags", kind: "u32" },
  ],
};

const CTRL_ATTR_MCAST_GRP: AttrSet = {
  name: "mcast-group",
  attrs: [
    undefined,
    { type: 1, name: "name", key: "name", kind: "string" },
    { type: 2, name: "id", key: "id", kind: "u32" },
  ],
};

/** The attributes of `nlctrl`; see {@linkcode toFamily}. */
export const CTRL_ATTR: AttrSet<Partial<GenlFamily>> = {
  name: "ctrl",
  attrs: [
    undefined,
    { type: 1, name: "family-id", key: "id", kind: "u16" },
    { type: 2, name: "family-name", key: "name", kind: "string" },
    { type: 3, name: "version", key: "version", kind: "u32" },
    { type: 4, name: "hdrsize", key: "hdrsize", kind: "u32" },
    { type: 5, name: "maxattr", key: "maxattr", kind: "u32" },
    { type: 6, name: "ops", key: "ops", kind: "array", nested: CTRL_ATTR_OP },
    {
      type: 7,
      name: "mcast-groups",
      key: "mcastGroups",
      kind: "array",
      nested: CTRL_ATTR_MCAST_GRP,
    },
  ],
};

/** One command of a family, as the running kernel lists it. */
export interface GenlOp {
  /** Command number. */
  readonly id: number;
  /** `GENL_*` bits. */
  readonly flags: number;
}

/** One multicast group of a family. */
export interface GenlMcastGroup {
  /** Name, such as `"mptcp_pm_events"`. */
  readonly name: string;
  /** Number on the running kernel. */
  readonly id: number;
}

/** A family, as the running kernel describes it. */
export interface GenlFamily {
  /** Message type on the running kernel: it changes from boot to boot. */
  readonly id: number;
  /** Name, such as `"mptcp_pm"`. */
  readonly name: string;
  /** Version of the family's protocol. */
  readonly version: number;
  /** The commands that the kernel knows. */
  readonly ops: readonly GenlOp[];
  /** The multicast groups. */
  readonly mcastGroups: readonly GenlMcastGroup[];
}

/**
 * Encodes the question for one family.
 *
 * @param name Name of the family, such as `"mptcp_pm"`.
 * @param seq Sequence number, unsigned 32 bits.
 *
 * @example Ask for mptcp_pm
 * ```ts
 * import { encodeGetFamily } from "@mptcp/pm/codec";
 *
 * console.log(encodeGetFamily("mptcp_pm", 1).length); // 36
 * ```
 */
export function encodeGetFamily(
  name: string,
  seq: number,
): Uint8Array<ArrayBuffer> {
  return encodeGenlMessage(
    {
      type: GENL_ID_CTRL,
      flags: NLM_F_REQUEST,
      seq,
      pid: 0,
      cmd: CTRL_CMD_GETFAMILY,
      version: 1,
    },
    CTRL_ATTR,
    { name },
  );
}

/**
 * Decodes the description of a family.
 *
 * @param message A message of `nlctrl`.
 * @throws {DecodeError} It is malformed, or has no id or name.
 */
export function decodeFamily(message: NlMessage): GenlFamily {
  const { payload } = message;
  decodeGenlPayload(payload);
  return toFamily(decodeAttrs(CTRL_ATTR, payload, GENL_HDRLEN));
}

/**
 * The family that attributes of the set {@linkcode CTRL_ATTR} describe.
 *
 * @throws {DecodeError} It has no id or name.
 */
export function toFamily(attrs: Partial<GenlFamily>): GenlFamily {
  const { id, name, version = 1, ops = [], mcastGroups = [] } = attrs;
  if (id === undefined || name === undefined) {
    throw new DecodeError("a family without id or name", 0);
  }
  if (
    ops.some(({ id, flags }) => id === undefined || flags === undefined) ||
    mcastGroups.some(({ id, name }) => id === undefined || name === undefined)
  ) {
    throw new DecodeError("a command or a group without id or name", 0);
  }
  return { id, name, version, ops, mcastGroups };
}
