import { OPS } from "../codec/mptcp_pm.gen.ts";
import { ProtocolError } from "../netlink/errors.ts";
import type { Client } from "./client.ts";
import type { Limits } from "./limits.ts";

/** `MPTCP_PM_CMD_GET_LIMITS`. */
export function getLimits(client: Client): Limits {
  const { rcvAddAddrs, subflows } = client.get(OPS["get-limits"], {});
  if (rcvAddAddrs === undefined || subflows === undefined) {
    throw new ProtocolError("Cannot get limits: the kernel sent only a part");
  }
  return { subflows, addAddrAccepted: rcvAddAddrs };
}
