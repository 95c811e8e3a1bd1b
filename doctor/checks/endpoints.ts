import { attemptText } from "../attempts.ts";
import type { Connection } from "../../diag/connection.ts";
import {
  endpointText,
  fits,
  isInitiator,
  isIPv6,
  isKnown,
  listed,
  lonely,
  namesOf,
  outward,
  part,
  pathEndpoints,
  type Uplink,
  uplinks,
  usesOtherPathManager,
} from "../facts.ts";
import { command } from "../remedy.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import type { Attempt, Snapshot } from "../snapshot.ts";

const EMPTY =
  "There is nothing to look at: no connection, no endpoint, and no " +
  "device but loopback that carries packets; if this is not meant, it is the " +
  "wrong namespace";

/** Tunnels, by the names that programs give: nobody wants a path beside them. */
const TUNNEL = /^(tun|tap|wg|tailscale|ipsec)/;

/** Whether there are endpoints that connections can use. */
export function endpoints(snapshot: Snapshot): Observation[] {
  const all = part(snapshot, "endpoints").map(endpointText);
  if (usesOtherPathManager(snapshot)) {
    return [ok("The path manager does not use endpoints", ...all)];
  }
  const opening = pathEndpoints(snapshot);
  if (opening.length === 0) return [none(snapshot, all)];
  const alone = lonely(snapshot).filter((connection) =>
    !opening.some((endpoint) => fits(endpoint, connection))
  );
  if (alone.length > 0) {
    const proposed = proposals(snapshot, alone);
    if (proposed.length === 0) {
      const names = namesOf(alone);
      return [ok(`From no other device ${names} could get a subflow`, ...all)];
    }
    return [{
      status: "problem",
      summary: `No endpoint can be used by ${namesOf(alone)}: each has the ` +
        "address that is used already, or is of the other address family",
      evidence: [
        ...all,
        ...new Set(alone.map(({ local }) => `from ${local.address}`)),
        ...listed(alone),
      ],
      remedies: proposed.map(addition),
    }];
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
  const connections = outward(snapshot);
  const isEmpty = all.length === 0 &&
    part(snapshot, "connections").length === 0 &&
    part(snapshot, "links").every(({ usable }) => !usable);
  if (isEmpty) return unknown(EMPTY);
  const isServer = connections.length > 0 && !connections.some(isInitiator);
  const alone = lonely(snapshot);
  const proposed = proposals(snapshot, alone);
  const failed = failures(snapshot);
  if (proposed.length === 0 && failed.length > 0) {
    return {
      status: "warning",
      summary: `There is no endpoint, and from no other device of this host ` +
        `${failed[0]!.address} can be reached`,
      evidence: failed.map(attemptText),
      remedies: [],
    };
  }
  // Subflows to what peers announce start from any address.
  const accepts = (snapshot.limits?.addAddrAccepted ?? 0) > 0;
  const isJoined = alone.length === 0 &&
    connections.some((one) => isInitiator(one) && one.subflows.length > 1);
  const reason = !part(snapshot, "endpoints").every(isKnown)
    ? "There are endpoints with flags that are not known here"
    : isServer
    ? "Peers open the subflows: no endpoint is needed for that"
    : isJoined
    ? "The connections have more than one subflow without endpoints"
    : proposed.length === 0
    ? "This host has one way to others: there is nothing to add"
    : alone.length === 0 && accepts
    ? "Subflows go to what peers announce: no endpoint is needed for that"
    : undefined;
  if (reason !== undefined) return ok(reason, ...all);
  return {
    status: alone.length > 0 ? "problem" : "warning",
    summary: "There is no endpoint from which a second subflow could start",
    evidence: [
      ...all.length === 0 ? ["no endpoints"] : all,
      ...proposed.map(({ address, dev }) => `${address} on ${dev}`),
    ],
    remedies: proposed.map(addition),
  };
}

/** The connections of the doctor that failed, but for the first. */
function failures({ target }: Snapshot): Attempt[] {
  return target?.attempts.filter(({ outcome, source }) =>
    outcome === "failed" && source !== undefined
  ) ?? [];
}

/**
 * The addresses from which the same destinations are reached by another device.
 *
 * @param alone Connections that are to get subflows from them.
 */
function proposals(
  snapshot: Snapshot,
  alone: readonly Connection[],
): Uplink[] {
  const families = new Set(alone.map(({ remote }) => isIPv6(remote.address)));
  const isWanted = (address: string) =>
    families.size === 0 || families.has(isIPv6(address));
  const routes = part(snapshot, "routes").filter(({ destination }) =>
    isWanted(destination)
  );
  const first = routes.flatMap(({ source, route }) =>
    source === undefined && route.found ? [route] : []
  );
  if (first.some(({ dev = "" }) => TUNNEL.test(dev))) return [];
  const failed = failures(snapshot).map(({ source }) => source);
  return uplinks(snapshot, isWanted).filter(({ address, dev, ifIndex }) =>
    !TUNNEL.test(dev) && !failed.includes(address) &&
    first.every((route) => route.ifIndex !== ifIndex) &&
    routes.some(({ source, dev: by, route }) =>
      source === address && by === dev && route.found && !route.assumed
    )
  );
}

function addition({ address, dev }: Uplink): string {
  return command(
    ...["mptcp", "endpoint", "add", address, "dev", dev, "subflow"],
  );
}
