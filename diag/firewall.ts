/**
 * Whether there are firewall rules: what they do is not told.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import {
  type ChainAttrs,
  MESSAGES,
  NETLINK_NETFILTER,
  NF_DROP,
  NF_PROTOS,
  NFGENMSG,
  type Nfgenmsg,
} from "../codec/nftables.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import { NetlinkError, SyscallError } from "../netlink/errors.ts";
import { type Question, QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";

/** A table of firewall rules that packets pass. */
export interface FirewallTable {
  /** What made it; `iptables` and `ip6tables` are the older ones, of xtables. */
  readonly kind: "nftables" | "iptables" | "ip6tables";
  /** Its name; in nftables with the family, such as `inet filter`. */
  readonly name: string;
  /**
   * How many rules packets come to, without those that a rule jumps to. Absent:
   * the kernel does not tell, as of xtables.
   */
  readonly rules?: number;
  /** Whether packets are dropped that no rule decides about. Absent as above. */
  readonly drops?: boolean;
}

/** What a chain adds to its table. */
type Chain = Required<Pick<FirewallTable, "name" | "rules" | "drops">>;

/** Decodes a chain; `undefined`: packets come to it by a jump only. */
export function decodeChain(bytes: Uint8Array): Chain | undefined {
  const { family } = decodeStruct(NFGENMSG, bytes);
  const { table = "", hook, policy, use = 0 } = decodeAttrs(
    MESSAGES.newchain.set,
    bytes,
    NFGENMSG.length,
  );
  if (hook === undefined) return undefined;
  return {
    name: `${NF_PROTOS[family]?.name ?? family} ${table}`,
    rules: use,
    drops: policy === NF_DROP,
  };
}

/** No such netlink protocol, or no such part of it. */
const WITHOUT = ["EPROTONOSUPPORT", "EINVAL"];

const EPERM = 1;

const CHAINS: Question<Nfgenmsg, ChainAttrs, Chain> = {
  name: "getchain",
  action: "list the firewall's chains",
  request: MESSAGES.getchain,
  answer: MESSAGES.newchain.type,
  decode: decodeChain,
  hint: (errno) =>
    errno === EPERM
      ? "CAP_NET_ADMIN is needed in the user namespace that owns this network " +
        "namespace"
      : undefined,
};

/** Lists the tables of a namespace that packets pass. */
export function listFirewall(namespace: Namespace): FirewallTable[] {
  return [
    ...nftables(namespace),
    ...xtables(namespace, "iptables", "ip_tables_names"),
    ...xtables(namespace, "ip6tables", "ip6_tables_names"),
  ];
}

function nftables(namespace: Namespace): FirewallTable[] {
  const tables = Map.groupBy(chainsOf(namespace), ({ name }) => name);
  return Array.from(tables, ([name, chains]) => ({
    kind: "nftables",
    name,
    rules: chains.reduce((sum, { rules }) => sum + rules, 0),
    drops: chains.some(({ drops }) => drops),
  }));
}

function chainsOf(namespace: Namespace): Chain[] {
  try {
    using client = new QuestionClient(namespace.open(NETLINK_NETFILTER));
    return client.collect(CHAINS, {});
  } catch (error) {
    const isWithout = WITHOUT.includes((error as { code?: string }).code ?? "");
    const isOfKernel = error instanceof NetlinkError ||
      error instanceof SyscallError;
    if (isOfKernel && isWithout) return [];
    throw error;
  }
}

/** The older tables; the kernel makes one when it is first asked for. */
function xtables(
  namespace: Namespace,
  kind: "iptables" | "ip6tables",
  file: string,
): FirewallTable[] {
  const text = namespace.readFile(`/proc/thread-self/net/${file}`) ?? "";
  return text.split("\n").filter((name) => name !== "")
    .map((name) => ({ kind, name }));
}
