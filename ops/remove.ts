import { OPS } from "../codec/mptcp_pm.gen.ts";
import { connectionToken, integer } from "../codec/arguments.ts";

import type { Client } from "./client.ts";

/** The address to take back. */
export interface RemoveOptions {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** Address id, 0 to 255; 0 is the address of the initial subflow. */
  readonly id: number;
}

/** `MPTCP_PM_CMD_REMOVE`. */
export function remove(
  client: Client,
  { token, id }: RemoveOptions,
): void {
  client.execute(OPS["remove"], {
    token: connectionToken(token),
    locId: integer("id", id, 0, 255),
  });
}
