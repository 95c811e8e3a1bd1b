import { isLinkLocal, parseAddress } from "../codec/inet.ts";
import { MPTCP_PM_ADDR_FLAG_BACKUP, OPS } from "../codec/mptcp_pm.gen.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { connectionToken, integer } from "../codec/arguments.ts";
import { addressNest, type Device, deviceIndex } from "./arguments.ts";

import type { Client } from "./client.ts";
import { type SubflowAddress, subflowEnd } from "./subflow.ts";

/** The subflow to create. */
export interface SubflowCreateOptions {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** The subflow's end on this host. */
  readonly local: {
    /** IPv4 or IPv6 address of this host. */
    readonly address: string;
    /**
     * Address id, 0 to 255; an address with its port keeps the id it was first
     * used with. 0 is the address of the initial subflow, whichever this is.
     * @default {0}
     */
    readonly id?: number;
    /** Source port; 0 lets the kernel choose. @default {0} */
    readonly port?: number;
  };
  /** The subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /**
   * Device to bind the subflow to, by name or index, which a link-local
   * address needs; Linux 6.1 ignores it.
   * @default {none}
   */
  readonly dev?: Device;
  /**
   * Whether the subflow carries data only when the others cannot; Linux 6.1
   * ignores it.
   * @default {false}
   */
  readonly backup?: boolean;
}

/** `MPTCP_PM_CMD_SUBFLOW_CREATE`. */
export function subflowCreate(
  client: Client,
  { token, local, remote, dev, backup = false }: SubflowCreateOptions,
): void {
  const { address, id = 0, port = 0 } = local;
  const own = parseAddress(address);
  const attrs = {
    addr: addressNest(own, {
      id: integer("local id", id, 0, 255) || undefined,
      port: integer("local port", port, 0, 65535) || undefined,
      flags: backup ? MPTCP_PM_ADDR_FLAG_BACKUP : undefined,
      ifIdx: deviceIndex(client.namespace, dev),
    }),
    token: connectionToken(token),
    addrRemote: subflowEnd("remote", remote),
  };
  try {
    client.execute(OPS["subflow-create"], attrs);
  } catch (error) {
    const ends = [own, parseAddress(remote.address)];
    throw dev === undefined && ends.some(({ text }) => isLinkLocal(text)) &&
        error instanceof NetlinkError && error.code === "EINVAL" &&
        error.extack?.attribute === undefined
      ? error.withHint("a link-local address needs dev")
      : error;
  }
}
