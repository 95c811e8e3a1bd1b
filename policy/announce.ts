import { integer } from "../codec/arguments.ts";
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
   * 0: that of the connection. @default {0}
   */
  readonly port?: number;
}

/**
 * Announces addresses to the peers of the connections that this host accepted:
 * for a server, whose clients open the subflows. It accepts them.
 *
 * @param options Which.
 * @throws {TypeError} A text is no address.
 * @throws {RangeError} The port is out of its range.
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
export function announce(
  { addresses, port = 0 }: AnnounceOptions = {},
): Policy {
  integer("port", port, 0, 65535);
  const given = addresses?.map((one) => plainAddress(parseAddress(one).text));
  const tell = (
    connection: ManagedConnection,
    all: readonly string[],
    reason: string,
  ) => {
    if (!connection.serverSide) return;
    const { local } = connection;
    for (const address of all) {
      const isInitial = address === plainAddress(local.address);
      if (isInitial && port === 0) continue;
      if (!isSameFamily(address, local.address)) continue;
      connection.announce(address, { port, reason });
    }
  };
  return {
    established(connection) {
      const own = () => connection.addresses.map(({ address }) => address);
      tell(connection, given ?? own(), "established");
    },
    interfaceUp(connection, { address, dev }) {
      if (given?.includes(address) === false) return;
      tell(connection, [address], `${dev} is up`);
    },
    interfaceDown(connection, { address, dev }) {
      if (!connection.announcements.some((one) => one.address === address)) {
        return;
      }
      connection.withdraw(address, { reason: `${dev} is down` });
    },
  };
}
