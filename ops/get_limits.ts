import type { Connection } from "./connection.ts";
import { ProtocolError } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** `MPTCP_PM_CMD_GET_LIMITS`. */
export function getLimits(connection: Connection): Limits {
  const { rcvAddAddrs, subflows } = connection.get("get-limits", {});
  if (rcvAddAddrs === undefined || subflows === undefined) {
    throw new ProtocolError("Cannot get limits: the kernel sent only a part");
  }
  return { subflows, addAddrAccepted: rcvAddAddrs };
}
