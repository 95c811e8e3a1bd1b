/**
 * The bytes of netlink: messages, attributes, structs, extended acks, and the
 * tables of {@linkcode mptcpPm}, {@linkcode sockDiag}, {@linkcode rtnetlink}
 * and {@linkcode nftables}, which are generated from specifications. Pure: it
 * needs no permission, does no I/O, and works on any system.
 *
 * @example Decode what another tool captured
 * ```ts
 * import {
 *   decodeAttrs,
 *   decodeGenlPayload,
 *   decodeNlMessages,
 *   mptcpPm,
 * } from "@mptcp/pm/codec";
 *
 * const bytes = Uint8Array.fromHex(
 *   "240000001c0000000100000000000000060100000800020000000000" +
 *     "0800030002000000",
 * );
 * for (const message of decodeNlMessages(bytes)) {
 *   const { attrs } = decodeGenlPayload(message.payload);
 *   console.log(decodeAttrs(mptcpPm.OPS["get-limits"].set, attrs));
 *   // { rcvAddAddrs: 0, subflows: 2 }
 * }
 * ```
 *
 * @module
 */

export { attrPathAt } from "./attr_path.ts";
export {
  decodeAttrs,
  encodeAttrs,
  NLA_F_NESTED,
  NLA_HDRLEN,
  NLA_TYPE_MASK,
  writeAttrs,
} from "./attrs.ts";
export { ArgumentRangeError, ArgumentTypeError } from "./argument_error.ts";
export { DecodeError } from "./decode_error.ts";
export { errnoName, errnoText } from "./errno.ts";
export {
  type Ack,
  type AckedRequest,
  decodeAck,
  type ExtAck,
  nameAttribute,
  type PolicyHint,
} from "./extack.ts";
export {
  decodeGenlPayload,
  encodeGenlMessage,
  GENL_HDRLEN,
  type GenlHeader,
  type GenlPayload,
} from "./genlmsghdr.ts";
export {
  type Address,
  AF_INET,
  AF_INET6,
  familyOf,
  formatIPv4,
  formatIPv6,
  isIPv4Mapped,
  isSameAddress,
  parseAddress,
  parseIPv4,
  parseIPv6,
} from "./inet.ts";
export { encodeMessage } from "./message.ts";
export { MptcpError } from "./mptcp_error.ts";
export * as mptcpPm from "./mptcp_pm.gen.ts";
export * as nftables from "./nftables.gen.ts";
export * as rtnetlink from "./rtnetlink.gen.ts";
export * as sockDiag from "./sock_diag.gen.ts";
export {
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  decodeFamily,
  encodeGetFamily,
  GENL_ADMIN_PERM,
  GENL_CMD_CAP_DO,
  GENL_CMD_CAP_DUMP,
  GENL_CMD_CAP_HASPOL,
  GENL_ID_CTRL,
  GENL_UNS_ADMIN_PERM,
  type GenlFamily,
  type GenlMcastGroup,
  type GenlOp,
} from "./nlctrl.ts";
export {
  align4,
  decodeNlMessages,
  encodeNlHeader,
  type NlHeader,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  type NlMessage,
  nlMessageAt,
  nlMessageEnd,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "./nlmsghdr.ts";
export type {
  AttrInput,
  AttrKind,
  AttrPolicy,
  AttrSet,
  Bitfield32,
  EventPolicy,
  IntegerKind,
  MessagePolicy,
  OpPolicy,
  StructMember,
  StructPolicy,
} from "./policy.ts";
export { decodeStruct, encodeStruct } from "./struct.ts";
