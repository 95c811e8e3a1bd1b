/**
 * Addresses as the kernel keeps them: endpoints, and ends of subflows.
 *
 * @module
 */

import { NLA_HDRLEN } from "../codec/attrs.ts";
import { AF_INET, AF_INET6, familyOf } from "../codec/inet.ts";
import {
  ADDR_FLAGS,
  ADDRESS,
  type AddressAttrs,
} from "../codec/mptcp_pm.gen.ts";
import type { Attr, FakeRequest } from "./fake_netlink.ts";

/** An address with what belongs to it (`struct mptcp_pm_addr_entry`). */
export interface Address {
  /** 2 or 10; 0: a request that has none. */
  readonly family: number;
  /** Text; `""`: a request that has none. */
  readonly address: string;
  /** TCP port; 0: none. */
  readonly port: number;
  readonly id: number;
  flags: number;
  /** Index of a device; 0: none. */
  readonly ifIndex: number;
}

/** An address that a test names. */
export function addressOf(address: string, port: number): Address {
  const family = familyOf(address);
  return { family, address, port, id: 0, flags: 0, ifIndex: 0 };
}

/** The flags that the kernel knows; it drops the others. */
const KNOWN_FLAGS = ADDR_FLAGS.reduce((sum, [, bit]) => sum | bit, 0);

/** Reads an address nest (`mptcp_pm_parse_entry()`). */
export function parseEntry(
  request: FakeRequest,
  nest: Attr,
  needsFamily: boolean,
): Address {
  const start = nest.at + NLA_HDRLEN;
  const attrs = request.parseAttrs(start, nest.end, ADDRESS, false);
  const entry = {
    family: request.number(attrs["family"]),
    address: "",
    port: request.number(attrs["port"]),
    id: request.number(attrs["id"]),
    flags: request.number(attrs["flags"]) & KNOWN_FLAGS,
    ifIndex: request.number(attrs["ifIdx"]),
  };
  const { family } = entry;
  if (attrs["family"] === undefined) {
    if (needsFamily) request.invalid("missing family", nest);
    return entry;
  }
  if (family !== AF_INET && family !== AF_INET6) {
    request.invalid("unknown address family", nest);
  }
  const address = attrs[family === AF_INET ? "addr4" : "addr6"] ??
    request.invalid("missing address data", nest);
  return { ...entry, address: request.address(address) };
}

/** The nest of an address, attributes in the kernel's order. */
export function addressAttrs(
  { family, address, port, id, flags, ifIndex }: Address,
): AddressAttrs {
  return {
    ...{ family, port, id, flags },
    ifIdx: ifIndex === 0 ? undefined : ifIndex,
    [family === AF_INET ? "addr4" : "addr6"]: address,
  };
}

/** An IPv4 address in an IPv6 one, or nothing. */
const MAPPED = /^::ffff:(?=.*\.)/;

/** Whether an address is IPv4, or IPv4-mapped. */
export function isIPv4({ address }: Address): boolean {
  return !address.includes(":") || MAPPED.test(address);
}

/** The same address as sockets of a family have it, if they can. */
export function inFamily(family: number, one: Address): Address {
  if (family === one.family || !isIPv4(one)) return one;
  const address = family === AF_INET
    ? one.address.replace(MAPPED, "")
    : `::ffff:${one.address}`;
  return { ...one, family, address };
}

/** `mptcp_addresses_equal()`: mapped addresses are equal to IPv4 ones. */
export function isSame(
  one: Address,
  other: Address,
  withPort: boolean,
): boolean {
  return one.address.replace(MAPPED, "") ===
      other.address.replace(MAPPED, "") &&
    (!withPort || one.port === other.port);
}
