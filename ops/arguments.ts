/**
 * Checks of what callers pass, before any byte leaves.
 *
 * @module
 */

import { ArgumentRangeError } from "../codec/argument_error.ts";
import { integer } from "../codec/arguments.ts";
import { type Address, AF_INET } from "../codec/inet.ts";
import type { AddressAttrs } from "../codec/mptcp_pm.gen.ts";
import type { AttrInput } from "../codec/policy.ts";
import type { Namespace } from "../netlink/transport.ts";

/** A network device, by its name or its index. */
export type Device = string | number;

/** An address nest; what is undefined is not sent. */
export type AddressNest = AttrInput<AddressAttrs>;

/** What an address nest has beside the address. */
type NestFields = Omit<AddressNest, "family" | "addr4" | "addr6">;

/** An address nest, in the order of the numbers. */
export function addressNest(
  { family, bytes }: Address,
  { id, port, flags, ifIdx }: NestFields = {},
): AddressNest {
  const [addr4, addr6] = family === AF_INET
    ? [bytes, undefined]
    : [undefined, bytes];
  return { family, id, addr4, addr6, port, flags, ifIdx };
}

/** Checks an address id that is not that of the initial subflow. */
export function addressId(id: number): number {
  return integer("id", id, 1, 255);
}

/**
 * The index of a device, if one is given. An index needs no device: an endpoint
 * may outlive its own. `if40` is index 40 where no device has that name.
 *
 * @throws {RangeError} There is no such device in the namespace.
 */
export function deviceIndex(
  namespace: Namespace,
  dev: Device | undefined,
): number | undefined {
  if (dev === undefined) return undefined;
  if (typeof dev === "number") {
    return integer("device index", dev, 1, 0x7fffffff);
  }
  const index = namespace.ifNameToIndex(dev) ?? shownIndex(dev);
  if (index !== undefined) return index;
  throw new ArgumentRangeError(
    `Unknown device "${dev}": "ip link" lists the devices`,
  );
}

/** The index in what `ip` shows of a device that is gone. */
function shownIndex(dev: string): number | undefined {
  const index = /^if([1-9]\d{0,9})$/.exec(dev)?.[1];
  return index === undefined || Number(index) > 0x7fffffff
    ? undefined
    : Number(index);
}
