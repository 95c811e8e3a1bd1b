import type { Connection } from "./connection.ts";

/** `MPTCP_PM_CMD_FLUSH_ADDRS`. */
export function flushAddrs(connection: Connection): void {
  connection.execute("flush-addrs", {});
}
