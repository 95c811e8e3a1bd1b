import type { OpName } from "../codec/mptcp_pm.gen.ts";

/** A command of the family, or the look-up of the family itself. */
export type Operation = OpName | "getfamily";

/** What each command does, as errors say it. */
export const ACTIONS: { readonly [op in Operation]: string } = {
  "add-addr": "add address",
  "del-addr": "delete address",
  "get-addr": "get address",
  "flush-addrs": "flush addresses",
  "set-limits": "set limits",
  "get-limits": "get limits",
  "set-flags": "set flags",
  "announce": "announce address",
  "remove": "remove address",
  "subflow-create": "create subflow",
  "subflow-destroy": "destroy subflow",
  "getfamily": "look up mptcp_pm",
};
