import { parseAddress } from "../codec/inet.ts";
import { MPTCP_PM_ADDR_FLAG_SIGNAL, OPS } from "../codec/mptcp_pm.gen.ts";
import { mappedAdvice } from "./advice.ts";
import { connectionToken, integer } from "../codec/arguments.ts";
import {
  addressId,
  addressNest,
  type Device,
  deviceIndex,
} from "./arguments.ts";

import type { Client } from "./client.ts";

/** The address to announce. */
export interface AnnounceOptions {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** IPv4 or IPv6 address of this host, as the peer reaches it. */
  readonly address: string;
  /** Address id, 1 to 255; the same address keeps its id. */
  readonly id: number;
  /**
   * TCP port, 1 to 65535, that the peer is to connect to. Nothing listens on
   * it unless a program does. 0 is the port of the connection. @default {0}
   */
  readonly port?: number;
  /** Device that the address belongs to, by name or index. @default {none} */
  readonly dev?: Device;
}

/** `MPTCP_PM_CMD_ANNOUNCE`. */
export function announce(
  client: Client,
  { token, address, id, port = 0, dev }: AnnounceOptions,
): void {
  const own = parseAddress(address);
  client.execute(OPS["announce"], {
    addr: addressNest(own, {
      id: addressId(id),
      port: integer("port", port, 0, 65535) || undefined,
      flags: MPTCP_PM_ADDR_FLAG_SIGNAL,
      ifIdx: deviceIndex(client.namespace, dev),
    }),
    token: connectionToken(token),
  });
  client.hint("announce", () => mappedAdvice(own));
}
