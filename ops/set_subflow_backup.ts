import { ArgumentTypeError } from "../codec/argument_error.ts";
import { MPTCP_PM_ADDR_FLAG_BACKUP, OPS } from "../codec/mptcp_pm.gen.ts";
import { UnsupportedError } from "../netlink/errors.ts";
import { connectionToken } from "../codec/arguments.ts";

import type { Client } from "./client.ts";
import { type SubflowAddress, subflowEnd } from "./subflow.ts";

/** The priority to give to one subflow of one connection. */
export interface SubflowBackup {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** The subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Whether the subflow carries data only when the others cannot. */
  readonly backup: boolean;
}

/** `MPTCP_PM_CMD_SET_FLAGS` on a subflow: sends MP_PRIO to the peer. */
export function setSubflowBackup(
  client: Client,
  { token, local, remote, backup }: SubflowBackup,
): void {
  if (backup === undefined) {
    throw new ArgumentTypeError("Nothing to change: backup is needed");
  }
  const attrs = {
    addr: subflowEnd(
      "local",
      local,
      backup ? MPTCP_PM_ADDR_FLAG_BACKUP : undefined,
    ),
    token: connectionToken(token),
    addrRemote: subflowEnd("remote", remote),
  };
  // Older kernels would change the endpoint that has the local address.
  if (!client.managesConnections) {
    throw new UnsupportedError("change the priority of one subflow", "5.19");
  }
  client.execute(OPS["set-flags"], attrs);
}
