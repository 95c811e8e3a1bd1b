import { OPS } from "../codec/mptcp_pm.gen.ts";
import type { Client } from "./client.ts";

/** `MPTCP_PM_CMD_FLUSH_ADDRS`. */
export function flushAddrs(client: Client): void {
  client.execute(OPS["flush-addrs"], {});
}
