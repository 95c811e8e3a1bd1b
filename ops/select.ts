import {
  AF_INET,
  familyOf,
  formatIPv6,
  isIPv4Mapped,
  parseIPv6,
} from "../codec/inet.ts";
import type { OpName } from "../codec/mptcp_pm.gen.ts";
import { NotFoundError, ProtocolError } from "../netlink/errors.ts";
import {
  addressId,
  addressNest,
  type Device,
  deviceIndex,
  integer,
} from "./arguments.ts";
import type { Client } from "./client.ts";
import type { RawEndpoint } from "./endpoint.ts";
import { dumpRawAddrs } from "./get_addr.ts";
import { ACTIONS } from "./operation.ts";

/** Which endpoints are meant: those that have all that is given. */
export interface EndpointSelector {
  /** Address id, 1 to 255. */
  readonly id?: number;
  /** IPv4 or IPv6 address. */
  readonly address?: string;
  /** Port of an endpoint with this address; 0: the one without port. */
  readonly port?: number;
  /** Device, by name or index. */
  readonly dev?: Device;
}

/**
 * The endpoints that a selector means, one at the least.
 *
 * @throws {TypeError | RangeError} The selector is empty or malformed.
 * @throws {NotFoundError} No endpoint fits.
 */
export function selectEndpoints(
  client: Client,
  op: OpName,
  { id, address, port, dev }: EndpointSelector,
): RawEndpoint[] {
  if (id === undefined && address === undefined && dev === undefined) {
    throw new TypeError(
      "Unknown endpoint: an id, an address or a device is needed",
    );
  }
  if (id !== undefined) addressId(id);
  if (address !== undefined) addressNest(address);
  if (port !== undefined) integer("port", port, 0, 65535);
  const ifIndex = deviceIndex(client.namespace, dev);
  const endpoints = dumpRawAddrs(client);
  if (endpoints.some(({ id }) => id === 0)) {
    throw new ProtocolError(
      `Cannot ${ACTIONS[op]}: the kernel sent an endpoint without id`,
    );
  }
  const selected = endpoints.filter((endpoint) =>
    (id === undefined || endpoint.id === id) &&
    (address === undefined || isSameAddress(endpoint.address, address)) &&
    (port === undefined || endpoint.port === port) &&
    (ifIndex === undefined || endpoint.ifIndex === ifIndex)
  );
  if (selected.length > 0) return selected;
  const wanted = [
    address ?? "",
    port === undefined ? "" : port === 0 ? "without port" : `port ${port}`,
    dev === undefined ? "" : `dev ${dev}`,
  ].filter((part) => part !== "").join(" ");
  const same = endpoints.find((endpoint) => endpoint.id === id);
  const reason = same !== undefined
    ? `endpoint ${id} is ${same.address}, not ${wanted}`
    : id !== undefined
    ? `no endpoint has id ${id}`
    : `no endpoint is ${wanted}`;
  throw new NotFoundError("endpoint", `Cannot ${ACTIONS[op]}: ${reason}`, op);
}

/**
 * Whether two texts are one address to the kernel, which takes `a.b.c.d` and
 * `::ffff:a.b.c.d` for the same (`mptcp_addresses_equal()` in
 * `net/mptcp/pm.c`).
 */
export function isSameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  if (familyOf(address) === AF_INET) return address;
  const bytes = parseIPv6(address);
  return isIPv4Mapped(bytes) ? bytes.slice(12).join(".") : formatIPv6(bytes);
}
