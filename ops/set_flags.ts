import {
  MPTCP_PM_ADDR_FLAG_BACKUP,
  MPTCP_PM_ADDR_FLAG_FULLMESH,
  MPTCP_PM_ADDR_FLAG_IMPLICIT,
  MPTCP_PM_ADDR_FLAG_SIGNAL,
} from "../codec/mptcp_pm.gen.ts";
import { addressNest, connectionToken } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { NetlinkError, ProtocolError } from "./errors.ts";
import { flagBits, flagWords } from "./flags.ts";
import { getAddr } from "./get_addr.ts";
import { type EndpointSelector, selectEndpoints } from "./select.ts";
import { type SubflowAddress, subflowEnd } from "./subflow.ts";

/** The flags of an endpoint that can change; absent: stays as it is. */
export interface FlagChanges {
  /** Whether its subflows carry data only when the others cannot. */
  readonly backup?: boolean;
  /** Whether it connects to every known address of the peer. */
  readonly fullmesh?: boolean;
}

/** The priority to give to one subflow of one connection. */
export interface SubflowFlagChanges {
  /** Token of a connection with the userspace path manager. */
  readonly token: number;
  /** The subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Whether the subflow carries data only when the others cannot. */
  readonly backup: boolean;
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
  connection: Connection,
  change: EndpointSelector & FlagChanges,
): Endpoint {
  const { backup, fullmesh, ...selector } = change;
  if (backup === undefined && fullmesh === undefined) {
    throw new TypeError("Nothing to change: backup or fullmesh is needed");
  }
  const endpoints = selectEndpoints(connection, "set-flags", selector);
  if (endpoints.length > 1) {
    const ids = endpoints.map(({ id, port }) =>
      `id ${id}${port === 0 ? "" : ` port ${port}`}`
    );
    throw new TypeError(
      `Ambiguous endpoint: ${endpoints[0]!.address} is ${ids.join(" and ")}`,
    );
  }
  const { address, port, id, flags } = endpoints[0]!;
  const current = flagBits(flags);
  const choose = (bit: number, wanted: boolean | undefined) =>
    (wanted ?? (current & bit) !== 0) ? bit : 0;
  const wanted = choose(MPTCP_PM_ADDR_FLAG_BACKUP, backup) |
    choose(MPTCP_PM_ADDR_FLAG_FULLMESH, fullmesh);
  try {
    // Before Linux 5.17 an id alone does not do.
    connection.execute("set-flags", {
      addr: addressNest(address, { port: port || undefined, flags: wanted }),
    });
  } catch (error) {
    const isBarred = fullmesh && (current & NO_FULLMESH) !== 0;
    throw isBarred && error instanceof NetlinkError && error.code === "EINVAL"
      ? new NetlinkError(error.op, error.errno, error.extack, FULLMESH_HINT)
      : error;
  }
  const endpoint = getAddr(connection, { id });
  const wrong = (flagBits(endpoint.flags) & CHANGEABLE) ^ wanted;
  if (wrong !== 0) {
    const reason = wrong & MPTCP_PM_ADDR_FLAG_FULLMESH
      ? "fullmesh changes from Linux 5.18 on"
      : "another program changes it, too";
    connection.warn({
      op: "set-flags",
      message: `${address} did not change its ${
        flagWords(wrong).join(", ")
      }: ${reason}`,
    });
  }
  return endpoint;
}

/** `MPTCP_PM_CMD_SET_FLAGS` on a subflow: sends MP_PRIO to the peer. */
export function setSubflowFlags(
  connection: Connection,
  { token, local, remote, backup }: SubflowFlagChanges,
): void {
  if (backup === undefined) {
    throw new TypeError("Nothing to change: backup is needed");
  }
  const attrs = {
    addr: subflowEnd(
      "local",
      local,
      backup ? MPTCP_PM_ADDR_FLAG_BACKUP : undefined,
    ),
    token: connectionToken(token),
    addrRemote: subflowEnd("remote", remote),
  };
  // Older kernels would change the endpoint that has the local address.
  if (!connection.knows("subflow-destroy")) {
    throw new ProtocolError(
      "Cannot set flags: this kernel lets nobody manage a connection, which " +
        "Linux does from 5.19 on",
    );
  }
  connection.execute("set-flags", attrs);
}
