import {
  ArgumentRangeError,
  ArgumentTypeError,
} from "../codec/argument_error.ts";
import { type Address, isSameAddress, parseAddress } from "../codec/inet.ts";
import type { OpName } from "../codec/mptcp_pm.gen.ts";
import { NotFoundError, ProtocolError } from "../netlink/errors.ts";
import { integer } from "../codec/arguments.ts";
import { addressId, type Device, deviceIndex } from "./arguments.ts";

import type { Client } from "./client.ts";
import { type Endpoint, namedEndpoints, type RawEndpoint } from "./endpoint.ts";
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
    throw new ArgumentTypeError(
      "Unknown endpoint: an id, an address or a device is needed",
    );
  }
  if (id !== undefined) addressId(id);
  const ifIndex = knownIndex(client, dev);
  const fits = filter({ address, port, dev }, ifIndex);
  const endpoints = dumpRawAddrs(client);
  if (endpoints.some(({ id }) => id === 0)) {
    throw new ProtocolError(
      `Cannot ${ACTIONS[op]}: the kernel sent an endpoint without id`,
    );
  }
  const selected = endpoints.filter((endpoint) =>
    (id === undefined || endpoint.id === id) && fits(endpoint)
  );
  if (selected.length > 0) return selected;
  const words = [
    address ?? "",
    port === undefined ? "" : port === 0 ? "without port" : `port ${port}`,
    dev === undefined ? "" : `dev ${dev}`,
  ].filter((part) => part !== "").join(" ");
  const same = endpoints.find((endpoint) => endpoint.id === id);
  const reason = same !== undefined
    ? `endpoint ${id} is ${same.address}, not ${words}`
    : id !== undefined
    ? `no endpoint has id ${id}`
    : dev !== undefined && ifIndex === undefined
    ? `there is no device "${dev}"${orphans(client, endpoints)}`
    : `no endpoint is ${words}`;
  throw new NotFoundError("endpoint", `Cannot ${ACTIONS[op]}: ${reason}`, op);
}

/** Which addresses to list: those that have all that is given. */
export interface DumpAddrsOptions extends Omit<EndpointSelector, "id"> {
  /**
   * Token of a connection with the userspace path manager, whose addresses to
   * list; absent: the endpoints of the namespace.
   */
  readonly token?: number;
}

/** `MPTCP_PM_CMD_GET_ADDR` with `NLM_F_DUMP`. */
export function dumpAddrs(
  client: Client,
  { token, ...wanted }: DumpAddrsOptions,
): Endpoint[] {
  const fits = filter(wanted, knownIndex(client, wanted.dev));
  const all = dumpRawAddrs(client, token === undefined ? {} : { token });
  return namedEndpoints(client.namespace, all.filter(fits));
}

/** Whether an endpoint has all that is given. */
function filter(
  { address, port, dev }: {
    readonly address?: string | undefined;
    readonly port?: number | undefined;
    readonly dev?: Device | undefined;
  },
  ifIndex: number | undefined,
): (endpoint: RawEndpoint) => boolean {
  const wanted = address === undefined ? undefined : parseAddress(address);
  if (port !== undefined) integer("port", port, 0, 65535);
  return (endpoint) =>
    (wanted === undefined || hasAddress(endpoint, wanted)) &&
    (port === undefined || endpoint.port === port) &&
    (dev === undefined || endpoint.ifIndex === ifIndex);
}

/** The index of a device; a name may be that of one that is gone. */
function knownIndex(
  { namespace }: Client,
  dev: Device | undefined,
): number | undefined {
  try {
    return deviceIndex(namespace, dev);
  } catch (error) {
    if (typeof dev === "string" && error instanceof ArgumentRangeError) {
      return undefined;
    }
    throw error;
  }
}

/** What could be meant by the name of a device that is not there. */
function orphans(
  { namespace }: Client,
  endpoints: readonly RawEndpoint[],
): string {
  const gone = endpoints.filter(({ ifIndex }) =>
    ifIndex > 0 && namespace.ifIndexToName(ifIndex) === undefined
  ).map(({ id, ifIndex }) => `id ${id} (dev if${ifIndex})`);
  return gone.length === 0
    ? ""
    : `; endpoints of devices that are gone: ${gone.join(", ")}`;
}

/** Whether an endpoint has an address, IPv4-mapped or not. */
export function hasAddress(endpoint: RawEndpoint, address: Address): boolean {
  return isSameAddress(parseAddress(endpoint.address), address);
}
