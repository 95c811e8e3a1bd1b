/**
 * Checks of what callers pass, before any byte leaves.
 *
 * @module
 */

import { AF_INET, familyOf, isIPv4Mapped, parseIPv6 } from "../codec/inet.ts";
import type { AddressAttrs } from "../codec/mptcp_pm.gen.ts";
import type { Namespace } from "../netlink/transport.ts";

/** A network device, by its name or its index. */
export type Device = string | number;

/** What an address nest has beside the address; what is undefined is not sent. */
type NestFields = Omit<AddressAttrs, "family" | "addr4" | "addr6">;

/**
 * An address nest, in the order of the numbers.
 *
 * @throws {TypeError} The text is not an address.
 */
export function addressNest(
  address: string,
  { id, port, flags, ifIdx }: NestFields = {},
): AddressAttrs {
  if (typeof address !== "string") {
    throw new TypeError(`Invalid address ${address}: a text is needed`);
  }
  if (address.includes("/")) {
    throw new TypeError(
      `Invalid address "${address}": it is given without prefix length`,
    );
  }
  if (!/[.:]/.test(address)) {
    throw new TypeError(
      `Invalid address "${address}": an IPv4 or IPv6 address is needed`,
    );
  }
  const family = familyOf(address);
  const [addr4, addr6] = family === AF_INET
    ? [address, undefined]
    : [undefined, address];
  return { family, id, addr4, addr6, port, flags, ifIdx };
}

/**
 * The nest of an endpoint or announcement, whose address is not IPv4-mapped:
 * the kernel would announce it as an IPv6 address, which a peer may not be able
 * to reach, but take it for a duplicate of the IPv4 one.
 *
 * @throws {TypeError} The text is not an address, or an IPv4-mapped one.
 */
export function ownAddressNest(
  address: string,
  fields: NestFields,
): AddressAttrs {
  const nest = addressNest(address, fields);
  if (nest.addr6 === undefined) return nest;
  const bytes = parseIPv6(nest.addr6);
  if (!isIPv4Mapped(bytes)) return nest;
  throw new TypeError(
    `Ambiguous address "${address}": write ${bytes.slice(12).join(".")}`,
  );
}

/**
 * Checks an integer.
 *
 * @throws {RangeError} It is none, or out of range.
 */
export function integer(
  name: string,
  value: number,
  min: number,
  max: number,
): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Invalid ${name} ${value}: it is an integer from ${min} to ${max}`,
    );
  }
  return value;
}

/** Checks an address id that is not that of the initial subflow. */
export function addressId(id: number): number {
  return integer("id", id, 1, 255);
}

/** Checks a port. */
export function tcpPort(name: string, port: number): number {
  return integer(name, port, 1, 65535);
}

/** Checks a connection's token. */
export function connectionToken(token: number): number {
  return integer("token", token, 1, 0xffffffff);
}

/**
 * The index of a device, if one is given.
 *
 * @throws {RangeError} There is no such device in the namespace.
 */
export function deviceIndex(
  namespace: Namespace,
  dev: Device | undefined,
): number | undefined {
  if (dev === undefined) return undefined;
  if (typeof dev === "number") {
    integer("device index", dev, 1, 0x7fffffff);
    if (namespace.ifIndexToName(dev) !== undefined) return dev;
    throw new RangeError(
      `Unknown device index ${dev}: "ip link" lists the devices`,
    );
  }
  const index = namespace.ifNameToIndex(dev);
  if (index !== undefined) return index;
  throw new RangeError(`Unknown device "${dev}": "ip link" lists the devices`);
}
