import { decodeAttrs } from "../codec/attrs.ts";
import { AF_INET } from "../codec/inet.ts";
import {
  FIB_RULE_HDR,
  type FibRuleHdr,
  MESSAGES,
  RULE_ACTIONS,
  type RuleAttrs,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import type { Question } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { isIp, openRouteClient, prefixText } from "./rtnetlink.ts";

/** What a rule does, in the words of `ip`. */
export type RuleAction =
  | "unspec"
  | "lookup"
  | "goto"
  | "nop"
  | "blackhole"
  | "unreachable"
  | "prohibit";

/**
 * A rule of policy routing. It is for the packets that meet all of what is
 * there.
 */
export interface Rule {
  /** 4 or 6. */
  readonly family: 4 | 6;
  /** The lowest number comes first. */
  readonly priority: number;
  /** The source's prefix, such as `"10.0.2.1/32"`. */
  readonly from?: string;
  /** The destination's prefix. */
  readonly to?: string;
  /** Device by which packets come; `lo`: they come from this host. */
  readonly iif?: string;
  /** Device that the socket is bound to. */
  readonly oif?: string;
  /** Mark of the packets. */
  readonly fwmark?: number;
  /** Bits of the mark that count. */
  readonly fwmask?: number;
  /** Whether it is for the packets that do not meet that. */
  readonly not: boolean;
  /**
   * There are further conditions, such as ports or users, which are not shown
   * here.
   */
  readonly partial?: true;
  /** What it does; a number: this version has no word for it. */
  readonly action: RuleAction | number;
  /** The table of `lookup`: 255 local, 254 main, 253 default. */
  readonly table?: number;
  /** Priority of the rule that `goto` goes on with. */
  readonly goto?: number;
}

/** `FIB_RULE_INVERT` */
const INVERT = 2;

/** Decodes a rule; `undefined`: it is one of multicast routing. */
export function decodeRule(bytes: Uint8Array): Rule | undefined {
  const header = decodeStruct(FIB_RULE_HDR, bytes);
  const { family, dstLen, srcLen, tos, flags } = header;
  if (!isIp(family)) return undefined;
  const attrs = decodeAttrs(MESSAGES.newrule.set, bytes, FIB_RULE_HDR.length);
  const { dst, src, iifname, oifname, fwmark, fwmask, goto } = attrs;
  const word = RULE_ACTIONS[header.action]?.name;
  const action = word === "to-tbl" ? "lookup" : word ?? header.action;
  return {
    family: family === AF_INET ? 4 : 6,
    priority: attrs.priority ?? 0,
    ...src && { from: prefixText(src, srcLen, ".src") },
    ...dst && { to: prefixText(dst, dstLen, ".dst") },
    ...iifname !== undefined && { iif: iifname },
    ...oifname !== undefined && { oif: oifname },
    ...fwmark !== undefined && { fwmark },
    ...fwmask !== undefined && { fwmask },
    not: (flags & INVERT) !== 0,
    ...(tos !== 0 || CONDITIONS.some((key) => attrs[key] !== undefined)) &&
      { partial: true },
    action,
    ...action === "lookup" && { table: attrs.table ?? header.table },
    ...goto !== undefined && { goto },
  };
}

/** The conditions that are not shown. */
const CONDITIONS: readonly (keyof RuleAttrs)[] = [
  ...["tunId", "l3mdev", "uidRange", "ipProto"] as const,
  ...["sportRange", "dportRange", "dscp", "flowlabel"] as const,
];

const EOPNOTSUPP = 95;

const RULES: Question<FibRuleHdr, RuleAttrs, Rule> = {
  name: "getrule",
  action: "list the rules",
  request: MESSAGES.getrule,
  answer: MESSAGES.newrule.type,
  decode: decodeRule,
  hint: (errno) =>
    errno === EOPNOTSUPP
      ? "the kernel was built without CONFIG_IP_MULTIPLE_TABLES: it looks into " +
        "the tables local and main"
      : undefined,
};

/** Lists the rules of a namespace, IPv4 and IPv6. */
export function listRules(namespace: Namespace): Rule[] {
  using client = openRouteClient(namespace);
  return client.collect(RULES, {});
}
