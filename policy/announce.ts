import { parseAddress } from "../codec/inet.ts";
import { isSameFamily, plainAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";

/** What to announce. */
export interface AnnounceOptions {
  /**
   * Addresses, as peers reach them: of this host, or of a NAT in front of it.
   * @default {all of this host that the connection does not have already}
   */
  readonly addresses?: readonly string[];
  /**
   * TCP port, 1 to 65535, on which a program listens for MPTCP there. Another
   * one than that of the connection takes a socket that is bound to the very
   * address: the kernel refuses subflows to one that listens on all addresses.
   * @default {that of the connection}
   */
  readonly port?: number;
}

/**
 * Announces addresses to the peers of the connections that this host accepted:
 * for a server, whose clients open the subflows. It accepts them.
 *
 * @param options Which.
 * @throws {TypeError} A text is no address.
 *
 * @example A server with two addresses
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { announce, manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * const policy = announce({ addresses: ["192.0.2.7"] });
 * using manager = manage(pm, policy, { setMode: true });
 * await manager.finished;
 * ```
 */
export function announce({ addresses, port }: AnnounceOptions = {}): Policy {
  const given = addresses?.map((address) => parseAddress(address).text);
  const tell = (connection: ManagedConnection, all: readonly string[]) => {
    if (!connection.serverSide) return;
    const { local } = connection;
    for (const address of all) {
      const isInitial = address === plainAddress(local.address);
      if (isInitial && port === undefined) continue;
      if (!isSameFamily(address, local.address)) continue;
      connection.announce(address, {
        reason: "established",
        ...port !== undefined && { port },
      });
    }
  };
  return {
    established(connection) {
      const own = () => connection.addresses.map(({ address }) => address);
      tell(connection, given ?? own());
    },
    interfaceUp(connection, { address }) {
      if (given?.includes(address) ?? true) tell(connection, [address]);
    },
    interfaceDown(connection, { address, dev }) {
      if (!connection.announcements.some((one) => one.address === address)) {
        return;
      }
      connection.withdraw(address, { reason: `${dev} is down` });
    },
  };
}
