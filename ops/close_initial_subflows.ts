import { parseAddress } from "../codec/inet.ts";
import { OPS } from "../codec/mptcp_pm.gen.ts";
import { integer } from "../codec/arguments.ts";
import { addressNest } from "./arguments.ts";

import type { Client } from "./client.ts";

/** Which initial subflows to close. */
export interface InitialSubflows {
  /** IPv4 or IPv6 address of this host that they start from. */
  readonly address: string;
  /** Local TCP port, 1 to 65535; 0 is any. @default {0} */
  readonly port?: number;
}

/** `MPTCP_PM_CMD_DEL_ADDR` with id 0, which deletes no endpoint. */
export function closeInitialSubflows(
  client: Client,
  { address, port = 0 }: InitialSubflows,
): void {
  client.execute(OPS["del-addr"], {
    addr: addressNest(parseAddress(address), {
      id: 0,
      port: integer("port", port, 0, 65535) || undefined,
    }),
  });
}
