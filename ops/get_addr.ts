import { addressId, connectionToken, integer } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";
import { ProtocolError } from "./errors.ts";

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

/** Whether the kernel looks at a token, once that was found out. */
const heedful = new WeakMap<Connection, boolean>();

/**
 * The token to ask with. A kernel that knows none here would answer with the
 * endpoints of the namespace, even for 0, which no connection has.
 */
function tokenFor(
  connection: Connection,
  token: number | undefined,
): number | undefined {
  if (token === undefined) return undefined;
  connectionToken(token);
  let heeds = heedful.get(connection);
  if (heeds === undefined) {
    heeds = connection.heeds("get-addr", { token: 0 });
    heedful.set(connection, heeds);
  }
  if (heeds) return token;
  throw new ProtocolError(
    "Cannot get address: this kernel does not tell the addresses of a " +
      "connection, which Linux does from 6.9 on",
  );
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
    token: tokenFor(connection, token),
  });
  return endpointOf(connection, addr);
}

/** `MPTCP_PM_CMD_GET_ADDR` with `NLM_F_DUMP`. */
export function dumpAddrs(
  connection: Connection,
  { token }: DumpAddrsOptions = {},
): Endpoint[] {
  const replies = connection.dump("get-addr", {
    token: tokenFor(connection, token),
  });
  return replies.map(({ addr }) => endpointOf(connection, addr));
}
