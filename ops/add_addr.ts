import { ArgumentTypeError } from "../codec/argument_error.ts";
import { type Address, parseAddress } from "../codec/inet.ts";
import {
  MPTCP_PM_ADDR_FLAG_FULLMESH,
  MPTCP_PM_ADDR_FLAG_IMPLICIT,
  MPTCP_PM_ADDR_FLAG_SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW,
  OPS,
} from "../codec/mptcp_pm.gen.ts";
import { NetlinkError, NotFoundError } from "../netlink/errors.ts";
import { integer } from "../codec/arguments.ts";
import {
  addressId,
  addressNest,
  type Device,
  deviceIndex,
} from "./arguments.ts";

import { endpointAdvice } from "./advice.ts";
import type { Client } from "./client.ts";
import { type Endpoint, namedEndpoints, type RawEndpoint } from "./endpoint.ts";
import { type EndpointFlag, flagBits, flagWords } from "./flags.ts";
import { dumpRawAddrs } from "./get_addr.ts";
import { hasAddress } from "./select.ts";

/** The endpoint to add. */
export interface AddAddrOptions {
  /** IPv4 or IPv6 address; neither zone nor prefix length. */
  readonly address: string;
  /** Address id, 1 to 255. @default {the lowest that the kernel has free} */
  readonly id?: number;
  /**
   * TCP port, 1 to 65535, that the kernel listens on and announces. Needs the
   * flag `signal`; 0 is none. @default {0}
   */
  readonly port?: number;
  /**
   * What the path manager does with the address. Without flags the endpoint
   * lends its id and device to the initial subflow, and does nothing else.
   * @default {[]}
   */
  readonly flags?: readonly EndpointFlag[];
  /** Device to bind the subflows to, by name or index. @default {none} */
  readonly dev?: Device;
}

/** `MPTCP_PM_CMD_ADD_ADDR`. */
export function addAddr(
  client: Client,
  { address, id, port = 0, flags = [], dev }: AddAddrOptions,
): Endpoint {
  const bits = flagBits(flags);
  const own = parseAddress(address);
  const addr = addressNest(own, {
    id: id === undefined ? undefined : addressId(id),
    port: integer("port", port, 0, 65535) || undefined,
    flags: bits || undefined,
    ifIdx: deviceIndex(client.namespace, dev),
  });
  checkFlags(bits, port);
  try {
    client.execute(OPS["add-addr"], { addr });
  } catch (error) {
    throw withHint(client, error, { address: own, port, id });
  }
  const endpoint = dumpRawAddrs(client).find((endpoint) =>
    hasAddress(endpoint, own) && endpoint.port === port
  );
  if (endpoint === undefined) {
    throw new NotFoundError(
      "endpoint",
      `Cannot add address: ${address} was added and is gone again: another ` +
        "program removes it",
      "add-addr",
    );
  }
  const dropped = flagWords(bits & ~endpoint.flags);
  if (dropped.length > 0) {
    client.warn({
      op: "add-addr",
      message: `this kernel does not know the flag ${dropped.join(", ")}, ` +
        `and added ${address} without it`,
    });
  }
  client.hint("add-addr", () => endpointAdvice(client, own, endpoint));
  return namedEndpoints(client.namespace, [endpoint])[0]!;
}

/**
 * Refuses the combinations that the kernel refuses, with better words.
 *
 * @throws {TypeError} The flags contradict each other, or the port.
 */
export function checkFlags(bits: number, port: number): void {
  const signal = (bits & MPTCP_PM_ADDR_FLAG_SIGNAL) !== 0;
  if (bits & MPTCP_PM_ADDR_FLAG_IMPLICIT) {
    throw new ArgumentTypeError(
      "Contradicting flags: only the kernel itself makes endpoints implicit",
    );
  }
  if (signal && bits & MPTCP_PM_ADDR_FLAG_FULLMESH) {
    throw new ArgumentTypeError(
      "Contradicting flags: fullmesh goes with subflow, not with signal",
    );
  }
  if (port !== 0 && (!signal || bits & MPTCP_PM_ADDR_FLAG_SUBFLOW)) {
    throw new ArgumentTypeError(
      "Contradicting flags: a port needs signal, and no subflow",
    );
  }
}

/** Replaces the general hint of a refusal by what the table shows. */
function withHint(
  client: Client,
  error: unknown,
  wanted: Wanted,
): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const { code } = error;
  if (!["EEXIST", "EBUSY", "ERANGE", "EINVAL"].includes(code)) return error;
  try {
    const hint = cause(code, dumpRawAddrs(client), wanted);
    return hint === undefined ? error : error.withHint(hint);
  } catch {
    return error;
  }
}

interface Wanted {
  readonly address: Address;
  readonly port: number;
  readonly id: number | undefined;
}

/** Of Linux before 6.2, which says EINVAL to all of this. */
const OLD_CAPACITY = 8;

function cause(
  code: string,
  endpoints: readonly RawEndpoint[],
  { address, port, id }: Wanted,
): string | undefined {
  // Other ports of an address are in the way of EEXIST alone.
  const same = endpoints.find((endpoint) =>
    hasAddress(endpoint, address) &&
    (code === "EEXIST" || endpoint.port === port)
  );
  if (
    code === "EINVAL" && same !== undefined &&
    same.flags & MPTCP_PM_ADDR_FLAG_IMPLICIT
  ) {
    return `the kernel itself uses ${same.address}, with id ${same.id}: ` +
      "leave the id out to take it over";
  }
  if (same !== undefined) {
    return `${same.address} is an endpoint already, with id ${same.id}`;
  }
  const owner = endpoints.find((endpoint) => endpoint.id === id);
  if (code !== "ERANGE" && owner !== undefined) {
    return `id ${id} belongs to ${owner.address}`;
  }
  return code === "ERANGE" || endpoints.length === OLD_CAPACITY
    ? `the table is full with ${endpoints.length} endpoints: delete one first`
    : undefined;
}
