import { integer } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";

/** `MPTCP_PM_CMD_SET_LIMITS`. */
export function setLimits(
  connection: Connection,
  { subflows, addAddrAccepted }: Partial<Limits>,
): void {
  if (subflows === undefined && addAddrAccepted === undefined) {
    throw new TypeError(
      "Nothing to set: subflows or addAddrAccepted is needed",
    );
  }
  connection.execute("set-limits", {
    rcvAddAddrs: limit("addAddrAccepted", addAddrAccepted),
    subflows: limit("subflows", subflows),
  });
}

function limit(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : integer(name, value, 0, 0xffffffff);
}
