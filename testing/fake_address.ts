/**
 * Addresses as the kernel keeps them: endpoints, and ends of subflows.
 *
 * @module
 */

import { AF_INET, AF_INET6, familyOf } from "../codec/inet.ts";
import {
  ADDRESS,
  type AddressAttrs,
  MPTCP_PM_ADDR_ATTR_ADDR4 as ADDR4,
  MPTCP_PM_ADDR_ATTR_ADDR6 as ADDR6,
  MPTCP_PM_ADDR_ATTR_FAMILY as FAMILY,
  MPTCP_PM_ADDR_ATTR_FLAGS as FLAGS,
  MPTCP_PM_ADDR_ATTR_ID as ID,
  MPTCP_PM_ADDR_ATTR_IF_IDX as IF_IDX,
  MPTCP_PM_ADDR_ATTR_PORT as PORT,
} from "../codec/mptcp_pm.gen.ts";
import { NLA_HDRLEN } from "../codec/attrs.ts";
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
  return {
    family: familyOf(address),
    address,
    port,
    id: 0,
    flags: 0,
    ifIndex: 0,
  };
}

/** The flags that the kernel knows; it drops the others. */
const KNOWN_FLAGS = 0x3f;

/** Reads an address nest (`mptcp_pm_parse_entry()`). */
export function parseEntry(
  request: FakeRequest,
  nest: Attr,
  needsFamily: boolean,
): Address {
  const inner = request.parse(nest.at + NLA_HDRLEN, nest.end, ADDRESS, false);
  const number = (type: number) => request.number(inner.get(type));
  const entry = {
    family: 0,
    address: "",
    port: number(PORT),
    id: number(ID),
    flags: number(FLAGS) & KNOWN_FLAGS,
    ifIndex: number(IF_IDX),
  };
  if (!inner.has(FAMILY)) {
    if (needsFamily) request.invalid("missing family", nest);
    return entry;
  }
  const family = number(FAMILY);
  if (family !== AF_INET && family !== AF_INET6) {
    request.invalid("unknown address family", nest);
  }
  const address = inner.get(family === AF_INET ? ADDR4 : ADDR6) ??
    request.invalid("missing address data", nest);
  return { ...entry, family, address: request.address(address) };
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

/** Whether an address is IPv4, or IPv4-mapped. */
export function isIPv4({ address }: Address): boolean {
  return !address.includes(":") ||
    address.startsWith("::ffff:") && address.includes(".");
}

/** The same address as IPv4 sockets have it, if they can. */
export function unmapped(one: Address): Address {
  return one.family === AF_INET6 && isIPv4(one)
    ? { ...one, family: AF_INET, address: one.address.slice("::ffff:".length) }
    : one;
}

/** The same address as IPv6 sockets have it. */
export function mapped(one: Address): Address {
  return one.family === AF_INET
    ? { ...one, family: AF_INET6, address: `::ffff:${one.address}` }
    : one;
}

/** `mptcp_addresses_equal()`: mapped addresses are equal to IPv4 ones. */
export function isSame(
  one: Address,
  other: Address,
  withPort: boolean,
): boolean {
  return unmapped(one).address === unmapped(other).address &&
    (!withPort || one.port === other.port);
}
