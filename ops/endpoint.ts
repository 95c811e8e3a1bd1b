import { AF_INET, AF_INET6 } from "../codec/inet.ts";
import type { AddressAttrs } from "../codec/mptcp_pm.gen.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";
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
  /**
   * Name of that device; absent: no device has the index, or its name is no
   * UTF-8.
   */
  readonly dev?: string;
}

/** An endpoint as the kernel sent it: flags in bits, the device by its index. */
export interface RawEndpoint extends Omit<Endpoint, "flags" | "dev"> {
  /** Bits of `MPTCP_PM_ADDR_FLAG_*`. */
  readonly flags: number;
}

/**
 * Decodes an address nest.
 *
 * @throws {ProtocolError} The kernel sent no address.
 */
export function decodeEndpoint(attrs: AddressAttrs | undefined): RawEndpoint {
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
  return { address, port, id, flags, ifIndex: ifIdx };
}

/** Turns flags into words and names the devices, each of them once. */
export function namedEndpoints(
  namespace: Namespace,
  endpoints: readonly RawEndpoint[],
): Endpoint[] {
  const names = new DeviceNames(namespace);
  // By name: to copy the rest of an object takes longer than all else here.
  return endpoints.map(({ address, port, id, flags, ifIndex }) =>
    names.named({ address, port, id, flags: flagWords(flags), ifIndex })
  );
}
