import type { Connection } from "../../diag/connection.ts";
import type { InterfaceAddress } from "../../diag/addresses.ts";
import {
  endpointText,
  fits,
  isInitiator,
  isIPv6,
  isUserspaceMode,
  living,
  lonely,
  nameOf,
  part,
  pathEndpoints,
  uplinks,
} from "../facts.ts";
import { command } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";

/** Devices that lead to guests of this host, by the names that programs give. */
const INTERNAL = /^(docker|br-|virbr|veth|cni|podman|lxc|lxd|vmnet|vboxnet)/;

/** Whether there are endpoints that connections can use. */
export function endpoints(snapshot: Snapshot): Observation[] {
  const all = part(snapshot, "endpoints").map(endpointText);
  if (isUserspaceMode(snapshot)) {
    return [ok("The userspace path manager does not use endpoints", ...all)];
  }
  const opening = pathEndpoints(snapshot);
  if (opening.length === 0) return [none(snapshot, all)];
  const alone = lonely(snapshot).filter((connection) =>
    !opening.some((endpoint) => fits(endpoint, connection))
  );
  if (alone.length > 0) {
    return alone.map((connection) => ({
      status: "problem",
      summary: `No endpoint can be used by the ${nameOf(connection)}: each ` +
        "is the address that it has already, or of the other address family",
      evidence: [...all, `from ${connection.local.address}`],
      remedies: proposals(snapshot, [connection]).map(addition),
    }));
  }
  return [
    ok(
      opening.length === 1
        ? "One endpoint opens subflows"
        : `${opening.length} endpoints open subflows`,
      ...all,
    ),
  ];
}

function none(snapshot: Snapshot, all: readonly string[]): Observation {
  const connections = snapshot.connections ?? [];
  const isServer = !connections.some(isInitiator) &&
    (connections.length > 0 || (snapshot.listeners ?? []).length > 0);
  const alone = lonely(snapshot);
  const isJoined = alone.length === 0 && living(snapshot).some(isInitiator);
  const proposed = proposals(snapshot, alone);
  if (isServer || isJoined || proposed.length === 0) {
    return ok(
      isServer
        ? "Peers open the subflows: no endpoint is needed for that"
        : isJoined
        ? "The connections have more than one subflow without endpoints"
        : "This host has one way to others: there is nothing to add",
      ...all,
    );
  }
  const isRouted = proposed.some(({ address }) =>
    (snapshot.routes ?? []).some(({ source, route }) =>
      source === address && route.found && !route.assumed
    )
  );
  return {
    status: isRouted || alone.length > 0 ? "problem" : "warning",
    summary: "There is no endpoint from which a second subflow could start",
    evidence: [
      ...all.length === 0 ? ["no endpoints"] : all,
      ...uplinks(snapshot).map(({ address, dev }) => `${address} on ${dev}`),
    ],
    remedies: proposed.map(addition),
  };
}

/**
 * The addresses that connections do not begin with.
 *
 * @param alone Connections that are to get subflows from them.
 */
function proposals(
  snapshot: Snapshot,
  alone: readonly Connection[],
): InterfaceAddress[] {
  const { routes = [], connections = [] } = snapshot;
  const first = new Set(
    routes.flatMap(({ source, route }) =>
      source === undefined && route.found ? [route.ifIndex] : []
    ),
  );
  const used = connections.map(({ local }) => local.address);
  const families = new Set(alone.map(({ remote }) => isIPv6(remote.address)));
  const isWanted = (address: string) =>
    families.size === 0 || families.has(isIPv6(address));
  const all = uplinks(snapshot, isWanted).filter(({ dev = "", address }) =>
    !INTERNAL.test(dev) && !used.includes(address)
  );
  const others = all.filter(({ ifIndex }) => !first.has(ifIndex));
  return first.size > 0 || used.length > 0 ? others : others.slice(1);
}

function addition({ address, dev }: InterfaceAddress): string {
  return command(
    ...["mptcp", "endpoint", "add", address, "dev", dev!, "subflow"],
  );
}
