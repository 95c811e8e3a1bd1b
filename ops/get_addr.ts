import { OPS } from "../codec/mptcp_pm.gen.ts";
import {
  NetlinkError,
  NotFoundError,
  UnsupportedError,
} from "../netlink/errors.ts";
import { connectionToken, integer } from "../codec/arguments.ts";
import { addressId } from "./arguments.ts";

import type { Client } from "./client.ts";
import {
  decodeEndpoint,
  type Endpoint,
  namedEndpoints,
  type RawEndpoint,
} from "./endpoint.ts";

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

/** Checks that the kernel does not ignore the token. */
function tokenFor(
  client: Client,
  token: number | undefined,
): number | undefined {
  if (token === undefined) return undefined;
  connectionToken(token);
  if (client.filtersByToken) return token;
  throw new UnsupportedError("list the addresses of a connection", "6.9");
}

/** One address as the kernel sent it. */
export function getRawAddr(
  client: Client,
  { id, token }: GetAddrOptions,
): RawEndpoint {
  const { addr } = client.get(OPS["get-addr"], {
    addr: {
      id: token === undefined ? addressId(id) : integer("id", id, 0, 255),
    },
    token: tokenFor(client, token),
  });
  return decodeEndpoint(addr);
}

/** `MPTCP_PM_CMD_GET_ADDR`. */
export function getAddr(client: Client, options: GetAddrOptions): Endpoint {
  try {
    const endpoint = getRawAddr(client, options);
    return namedEndpoints(client.namespace, [endpoint])[0]!;
  } catch (error) {
    // With a token it may be the token.
    const isAbsent = options.token === undefined &&
      error instanceof NetlinkError && error.code === "EINVAL";
    throw isAbsent
      ? new NotFoundError(
        "endpoint",
        `Cannot get address: no endpoint has id ${options.id}`,
        "get-addr",
      )
      : error;
  }
}

/** All addresses as the kernel sent them. */
export function dumpRawAddrs(
  client: Client,
  { token }: Pick<GetAddrOptions, "token"> = {},
): RawEndpoint[] {
  const replies = client.dump(OPS["get-addr"], {
    token: tokenFor(client, token),
  });
  return replies.map(({ addr }) => decodeEndpoint(addr));
}
