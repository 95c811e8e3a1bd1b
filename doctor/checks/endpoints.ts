import type { InterfaceAddress } from "../../diag/addresses.ts";
import {
  endpointText,
  fits,
  isInitiator,
  isUserspaceMode,
  living,
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
  const alone = living(snapshot).filter(isInitiator).filter((connection) =>
    connection.subflows.length === 1 &&
    !opening.some((endpoint) => fits(endpoint, connection))
  );
  if (alone.length > 0) {
    return alone.map((connection) => ({
      status: "problem",
      summary: `No endpoint can be used by the ${nameOf(connection)}: each ` +
        "is the address that it has already, or of the other address family",
      evidence: [...all, `from ${connection.local.address}`],
      remedies: proposals(snapshot).map(addition),
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
  const proposed = proposals(snapshot);
  if (isServer || proposed.length === 0) {
    return ok(
      isServer
        ? "Peers open the subflows: no endpoint is needed for that"
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
    status: isRouted || connections.some(isInitiator) ? "problem" : "warning",
    summary: "There is no endpoint from which a second subflow could start",
    evidence: [
      ...all.length === 0 ? ["no endpoints"] : all,
      ...uplinks(snapshot).map(({ address, dev }) => `${address} on ${dev}`),
    ],
    remedies: proposed.map(addition),
  };
}

/** The addresses that connections do not begin with. */
function proposals(snapshot: Snapshot): InterfaceAddress[] {
  const { routes = [], connections = [] } = snapshot;
  const first = new Set(
    routes.flatMap(({ source, route }) =>
      source === undefined && route.found ? [route.ifIndex] : []
    ),
  );
  const used = connections.map(({ local }) => local.address);
  const all = uplinks(snapshot).filter(({ dev = "", address }) =>
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
