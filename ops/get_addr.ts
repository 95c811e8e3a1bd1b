import { addressId, connectionToken, integer } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";

/** Which address to get. */
export interface GetAddrOptions {
  /** Address id, 1 to 255; with a token also 0. */
  readonly id: number;
  /**
   * Token of a connection with the userspace path manager, whose addresses to
   * look in; absent: the endpoints of the namespace.
   */
  readonly token?: number;
}

/** Which addresses to list. */
export interface DumpAddrsOptions {
  /**
   * Token of a connection with the userspace path manager, whose addresses to
   * list; absent: the endpoints of the namespace.
   */
  readonly token?: number;
}

/** `MPTCP_PM_CMD_GET_ADDR`. */
export function getAddr(
  connection: Connection,
  { id, token }: GetAddrOptions,
): Endpoint {
  const { addr } = connection.get("get-addr", {
    addr: {
      id: token === undefined ? addressId(id) : integer("id", id, 0, 255),
    },
    token: token === undefined ? undefined : connectionToken(token),
  });
  return endpointOf(connection, addr);
}

/** `MPTCP_PM_CMD_GET_ADDR` with `NLM_F_DUMP`. */
export function dumpAddrs(
  connection: Connection,
  { token }: DumpAddrsOptions = {},
): Endpoint[] {
  const replies = connection.dump("get-addr", {
    token: token === undefined ? undefined : connectionToken(token),
  });
  return replies.map(({ addr }) => endpointOf(connection, addr));
}
