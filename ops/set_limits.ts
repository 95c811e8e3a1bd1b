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
    ...addAddrAccepted !== undefined && {
      rcvAddAddrs: integer("addAddrAccepted", addAddrAccepted, 0, 0xffffffff),
    },
    ...subflows !== undefined && {
      subflows: integer("subflows", subflows, 0, 0xffffffff),
    },
  });
}
