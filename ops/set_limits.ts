import { ArgumentTypeError } from "../codec/argument_error.ts";
import { OPS } from "../codec/mptcp_pm.gen.ts";
import { NO_SUBFLOWS } from "./advice.ts";
import { integer } from "../codec/arguments.ts";

import type { Client } from "./client.ts";
import type { Limits } from "./limits.ts";

/** `MPTCP_PM_CMD_SET_LIMITS`. */
export function setLimits(
  client: Client,
  { subflows, addAddrAccepted }: Partial<Limits>,
): void {
  if (subflows === undefined && addAddrAccepted === undefined) {
    throw new ArgumentTypeError(
      "Nothing to set: subflows or addAddrAccepted is needed",
    );
  }
  client.execute(OPS["set-limits"], {
    rcvAddAddrs: limit("addAddrAccepted", addAddrAccepted),
    subflows: limit("subflows", subflows),
  });
  client.hint("set-limits", () => subflows === 0 ? NO_SUBFLOWS : undefined);
}

function limit(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : integer(name, value, 0, 0xffffffff);
}
