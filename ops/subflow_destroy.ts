import { OPS } from "../codec/mptcp_pm.gen.ts";
import { connectionToken } from "../codec/arguments.ts";

import type { Client } from "./client.ts";
import { type SubflowAddress, subflowEnd } from "./subflow.ts";

/** The subflow to destroy: the four values that an event shows. */
export interface SubflowDestroyOptions {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** The subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The subflow's end on the peer. */
  readonly remote: SubflowAddress;
}

/** `MPTCP_PM_CMD_SUBFLOW_DESTROY`. */
export function subflowDestroy(
  client: Client,
  { token, local, remote }: SubflowDestroyOptions,
): void {
  client.execute(OPS["subflow-destroy"], {
    addr: subflowEnd("local", local),
    token: connectionToken(token),
    addrRemote: subflowEnd("remote", remote),
  });
}
