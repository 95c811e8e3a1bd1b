/**
 * What is said of a command that succeeds and hardly does what is meant: one
 * sentence, the most serious.
 *
 * @module
 */

import {
  type Address,
  formatIPv4,
  isIPv4Mapped,
  isLinkLocal,
  isSameAddress,
} from "../codec/inet.ts";
import {
  MPTCP_PM_ADDR_FLAG_LAMINAR,
  MPTCP_PM_ADDR_FLAG_SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import type { Client } from "./client.ts";
import type { RawEndpoint } from "./endpoint.ts";
import { getLimits } from "./get_limits.ts";
import { type HostAddress, hostAddresses } from "./host_addresses.ts";
import type { Limits } from "./limits.ts";

/** What is said where the limit of subflows is 0. */
export const NO_SUBFLOWS =
  "the limit of subflows is 0: no connection gets a second one";

const CONNECTS = MPTCP_PM_ADDR_FLAG_SUBFLOW | MPTCP_PM_ADDR_FLAG_LAMINAR;

/** What an endpoint depends on, each part read when it is asked for. */
export interface Surroundings {
  readonly limits: () => Limits;
  readonly addresses: () => readonly HostAddress[];
  readonly deviceName: (index: number) => string | undefined;
}

/** What is said of an endpoint that was added. */
export function endpointAdvice(
  client: Client,
  address: Address,
  endpoint: RawEndpoint,
): string | undefined {
  const { namespace } = client;
  return adviceFor(endpoint, address, {
    limits: () => getLimits(client),
    addresses: () => hostAddresses(namespace),
    deviceName: (index) => namespace.ifIndexToName(index),
  });
}

/** What is said of an endpoint, where its surroundings are known. */
export function adviceFor(
  endpoint: RawEndpoint,
  address: Address,
  host: Surroundings,
): string | undefined {
  const { flags, ifIndex } = endpoint;
  const connects = (flags & CONNECTS) !== 0;
  const signals = (flags & MPTCP_PM_ADDR_FLAG_SIGNAL) !== 0;
  if (!connects && !signals) {
    return `${address.text} has neither subflow nor signal: no path is made ` +
      "with it";
  }
  if (ifIndex > 0 && host.deviceName(ifIndex) === undefined) {
    return `no device has index ${ifIndex}: no subflow can start from it`;
  }
  if (isLoopback(address.bytes)) {
    return `${address.text} is a loopback address: no other host reaches it`;
  }
  if (connects && host.limits().subflows === 0) {
    return NO_SUBFLOWS;
  }
  if (connects && ifIndex === 0 && isLinkLocal(address.text)) {
    return needsDevice(address.text);
  }
  if (isOfNoHost(address.bytes)) return ofNoHost(address.text, connects);
  return (signals ? mappedAdvice(address) : undefined) ??
    placeAdvice(host, address, endpoint, connects);
}

/** What is said of an IPv4-mapped address that is announced. */
export function mappedAdvice({ bytes, text }: Address): string | undefined {
  return isIPv4Mapped(bytes)
    ? `${text} is announced as an IPv6 address, which a peer with IPv4 ` +
      `sockets cannot use: ${formatIPv4(bytes, 12)} is for all`
    : undefined;
}

/** What is said of the device of an endpoint. */
function placeAdvice(
  { addresses, deviceName }: Surroundings,
  address: Address,
  { ifIndex }: RawEndpoint,
  connects: boolean,
): string | undefined {
  const all = addresses();
  const name = (index: number) => deviceName(index) ?? `if${index}`;
  const own = all.filter((one) => isSameAddress(one, address));
  if (own.length === 0) {
    return `${address.text} is not on this host` +
      (connects ? ": no subflow can start from it" : "; right behind NAT only");
  }
  const devices = own.map(({ ifIndex }) => ifIndex);
  if (ifIndex > 0 && !devices.includes(ifIndex)) {
    return `${address.text} is on ${devices.map(name).join(", ")}, not on ${
      name(ifIndex)
    }`;
  }
  return connects && ifIndex === 0 && isOneOfSeveral(all)
    ? `without dev, subflows leave where the routes lead, which may be one ` +
      `device for all: dev ${name(devices[0]!)} binds them`
    : undefined;
}

/** What is said of one that is an endpoint without a device. */
export function needsDevice(text: string): string {
  return `${text} is a link-local address: no subflow can start from it ` +
    "without dev";
}

/**
 * Whether the kernel binds a socket to an address that belongs to no host, and
 * then chooses the source by the route: `inet_bind()`, `inet6_bind()`.
 */
export function isOfNoHost(bytes: Uint8Array): boolean {
  const v4 = isIPv4Mapped(bytes) ? bytes.subarray(12) : bytes;
  return v4.every((byte) => byte === 0) ||
    v4.length === 4 &&
      (v4[0]! >> 4 === 14 || v4.every((byte) => byte === 255));
}

/** What is said of such an address. */
export function ofNoHost(text: string, connects: boolean): string {
  return `${text} is the address of no host: ` +
    (connects
      ? "subflows start where the route leads, mostly from the address of the " +
        "initial one"
      : "no peer reaches this one by it");
}

/** Whether several devices have addresses that other hosts may reach. */
function isOneOfSeveral(all: readonly HostAddress[]): boolean {
  const uplinks = all.filter(({ scope, bytes }) =>
    scope === GLOBAL && !isLoopback(bytes)
  );
  return new Set(uplinks.map(({ ifIndex }) => ifIndex)).size > 1;
}

const GLOBAL = 0;

function isLoopback(bytes: Uint8Array): boolean {
  const v4 = isIPv4Mapped(bytes) ? bytes.subarray(12) : bytes;
  return v4.length === 4
    ? v4[0] === 127
    : bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}
