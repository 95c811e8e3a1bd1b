import { ArgumentTypeError } from "../codec/argument_error.ts";
import { parseAddress } from "../codec/inet.ts";
import {
  MPTCP_PM_ADDR_FLAG_BACKUP,
  MPTCP_PM_ADDR_FLAG_FULLMESH,
  MPTCP_PM_ADDR_FLAG_IMPLICIT,
  MPTCP_PM_ADDR_FLAG_SIGNAL,
  OPS,
} from "../codec/mptcp_pm.gen.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { addressNest } from "./arguments.ts";
import type { Client } from "./client.ts";
import { type Endpoint, namedEndpoints } from "./endpoint.ts";
import { flagWords } from "./flags.ts";
import { getRawAddr } from "./get_addr.ts";
import { type EndpointSelector, selectEndpoints } from "./select.ts";

/** The flags of an endpoint that can change; absent: stays as it is. */
export interface FlagChanges {
  /** Whether its subflows carry data only when the others cannot. */
  readonly backup?: boolean;
  /** Whether it connects to every known address of the peer. */
  readonly fullmesh?: boolean;
  /** One subflow's priority is set by {@linkcode PathManager.setSubflowBackup}. */
  readonly token?: never;
}

const CHANGEABLE = MPTCP_PM_ADDR_FLAG_BACKUP | MPTCP_PM_ADDR_FLAG_FULLMESH;
const NO_FULLMESH = MPTCP_PM_ADDR_FLAG_SIGNAL | MPTCP_PM_ADDR_FLAG_IMPLICIT;
const FULLMESH_HINT =
  "fullmesh goes with neither signal nor an implicit endpoint";

/**
 * `MPTCP_PM_CMD_SET_FLAGS` on an endpoint. The kernel replaces both flags at
 * once, so the one that is not to change is read first.
 */
export function setFlags(
  client: Client,
  change: EndpointSelector & FlagChanges,
): Endpoint {
  const { backup, fullmesh, token, ...selector } = change;
  if (token !== undefined) {
    throw new ArgumentTypeError(
      "Ambiguous change: a token names a connection, and setSubflowBackup() " +
        "changes one of its subflows",
    );
  }
  if (backup === undefined && fullmesh === undefined) {
    throw new ArgumentTypeError(
      "Nothing to change: backup or fullmesh is needed",
    );
  }
  const fitting = selectEndpoints(client, "set-flags", selector);
  // As with `ip`, an address without port is that of the endpoint without one.
  const exact = selector.address === undefined || fitting.length === 1
    ? []
    : fitting.filter(({ port }) => port === 0);
  const endpoints = exact.length > 0 ? exact : fitting;
  if (endpoints.length > 1) {
    const ids = endpoints.map(({ id, port }) =>
      `id ${id}${port === 0 ? "" : ` port ${port}`}`
    );
    throw new ArgumentTypeError(
      `Ambiguous endpoint: ${endpoints[0]!.address} is ${ids.join(" and ")}`,
    );
  }
  const { address, port, id, flags: current } = endpoints[0]!;
  const choose = (bit: number, wanted: boolean | undefined) =>
    (wanted ?? (current & bit) !== 0) ? bit : 0;
  const wanted = choose(MPTCP_PM_ADDR_FLAG_BACKUP, backup) |
    choose(MPTCP_PM_ADDR_FLAG_FULLMESH, fullmesh);
  try {
    // Before Linux 5.17 an id alone does not do.
    client.execute(OPS["set-flags"], {
      addr: addressNest(parseAddress(address), {
        port: port || undefined,
        flags: wanted,
      }),
    });
  } catch (error) {
    const isBarred = fullmesh && (current & NO_FULLMESH) !== 0;
    throw isBarred && error instanceof NetlinkError && error.code === "EINVAL"
      ? error.withHint(FULLMESH_HINT)
      : error;
  }
  const endpoint = getRawAddr(client, { id });
  const wrong = (endpoint.flags & CHANGEABLE) ^ wanted;
  if (wrong !== 0) {
    const reason = wrong & MPTCP_PM_ADDR_FLAG_FULLMESH
      ? "fullmesh changes from Linux 5.18 on"
      : "another program changes it, too";
    client.warn({
      op: "set-flags",
      message: `${address} did not change its ${
        flagWords(wrong).join(", ")
      }: ${reason}`,
    });
  }
  return namedEndpoints(client.namespace, [endpoint])[0]!;
}
