import { connectionToken, integer } from "./arguments.ts";
import type { Connection } from "./connection.ts";

/** The address to take back. */
export interface RemoveOptions {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** Address id, 0 to 255; 0 is the address of the initial subflow. */
  readonly id: number;
}

/** `MPTCP_PM_CMD_REMOVE`. */
export function remove(
  connection: Connection,
  { token, id }: RemoveOptions,
): void {
  connection.execute("remove", {
    token: connectionToken(token),
    locId: integer("id", id, 0, 255),
  });
}
