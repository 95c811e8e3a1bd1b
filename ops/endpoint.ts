import { AF_INET, AF_INET6 } from "../codec/inet.ts";
import type { AddressAttrs } from "../codec/mptcp_pm.gen.ts";
import type { Connection } from "./connection.ts";
import { ProtocolError } from "./errors.ts";
import { type EndpointFlag, flagWords } from "./flags.ts";

/** An address with which the path manager works, as the kernel stores it. */
export interface Endpoint {
  /** IPv4 or IPv6 address, IPv6 in the form of RFC 5952. */
  readonly address: string;
  /** TCP port that the kernel listens on for this address; 0: none. */
  readonly port: number;
  /** Address id, 0 to 255; 0 is the address of the initial subflow. */
  readonly id: number;
  /** What the path manager does with the address. */
  readonly flags: readonly EndpointFlag[];
  /** Index of the device that subflows are bound to; 0: none. */
  readonly ifIndex: number;
  /** Name of that device; absent: there is none, or no longer. */
  readonly dev?: string;
}

/**
 * Turns an address nest into an {@linkcode Endpoint}.
 *
 * @throws {ProtocolError} The kernel sent no address.
 */
export function endpointOf(
  connection: Connection,
  attrs: AddressAttrs | undefined,
): Endpoint {
  const address = attrs?.family === AF_INET
    ? attrs.addr4
    : attrs?.family === AF_INET6
    ? attrs.addr6
    : undefined;
  if (attrs === undefined || address === undefined) {
    throw new ProtocolError(
      "Cannot get address: the kernel sent an endpoint without address",
    );
  }
  const { port = 0, id = 0, flags = 0, ifIdx = 0 } = attrs;
  const dev = ifIdx > 0 ? connection.transport.ifIndexToName(ifIdx) : undefined;
  const endpoint = {
    address,
    port,
    id,
    flags: flagWords(flags),
    ifIndex: ifIdx,
  };
  return dev === undefined ? endpoint : { ...endpoint, dev };
}
