import { attemptsFrom, attemptText } from "../attempts.ts";
import {
  aboutEndpoint,
  deviceText,
  isIPv6,
  linkOf,
  living,
  OUTSIDE,
  part,
  pathEndpoints,
  plain,
  usesOtherPathManager,
} from "../facts.ts";
import { command, readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { isUsable } from "../joins.ts";
import { isSilent, neighbourOf } from "../neighbours.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { AskedRoute, Snapshot } from "../snapshot.ts";

/** Whether packets from the endpoints leave by the devices of their addresses. */
export function route(snapshot: Snapshot): Observation[] {
  const routes = part(snapshot, "routes");
  part(snapshot, "endpoints");
  if (usesOtherPathManager(snapshot)) {
    return [ok("The path manager does not use endpoints")];
  }
  const found = pathEndpoints(snapshot)
    .filter((endpoint) => isUsable(endpoint, snapshot))
    .flatMap((endpoint) => {
      const asked = routes.filter(({ id }) => id === endpoint.id);
      const bad = asked.filter((one) => isBad(one, endpoint, snapshot));
      return bad.length === 0 ? [] : [
        observe(bad[0]!, endpoint, snapshot, bad.length === asked.length),
      ];
    });
  if (found.length > 0) return found;
  const asked = routes.filter(({ id }) => id !== undefined);
  return [
    asked.length === 0
      ? ok("No endpoint is there whose route could be asked for")
      : ok("Each endpoint has a route to the peers", ...asked.map(routeText)),
  ];
}

/** The device that has the address of an endpoint, if it leads anywhere. */
function ownerOf({ address }: Endpoint, snapshot: Snapshot) {
  const owner = snapshot.addresses?.find((one) =>
    one.address === plain(address)
  );
  const { flags = [] } = owner && linkOf(owner, snapshot) || {};
  const isInside = flags.some((flag) =>
    flag === "loopback" || flag === "noarp"
  );
  return isInside ? undefined : owner;
}

/** Whether it leads nowhere, or by another device. */
function isBad(
  { route, destination, dev }: AskedRoute,
  endpoint: Endpoint,
  snapshot: Snapshot,
): boolean {
  if (!route.found) return true;
  const owner = ownerOf(endpoint, snapshot);
  if (dev === undefined && owner && route.ifIndex !== owner.ifIndex) {
    return true;
  }
  return (route.assumed ||
    isSilent(neighbourOf(route, destination, snapshot))) &&
    !isReached(destination, endpoint, snapshot);
}

/** A subflow that is there shows that there is a way. */
function isReached(
  destination: string,
  { address }: Endpoint,
  snapshot: Snapshot,
): boolean {
  return living(snapshot).some(({ subflows }) =>
    subflows.some(({ local, remote, state }) =>
      state === "established" && plain(local.address) === plain(address) &&
      plain(remote.address) === destination
    )
  );
}

/** They are there, and no packet passes. */
const REFUSALS: readonly string[] = ["prohibited", "blackhole", "unreachable"];

/** @param isEverywhere Whether no other destination is reached. */
function observe(
  asked: AskedRoute,
  endpoint: Endpoint,
  snapshot: Snapshot,
  isEverywhere: boolean,
): Observation {
  const { destination, route } = asked;
  const { address } = endpoint;
  const dev = deviceText(ownerOf(endpoint, snapshot) ?? endpoint);
  // Without a peer, it may be there for a network of its own.
  const isOutside = OUTSIDE.includes(destination);
  const common = {
    status: isEverywhere && !isOutside ? "problem" : "warning",
    evidence: [
      routeText(asked),
      ...neighbour(route, destination, snapshot),
      ...attemptsFrom(endpoint, snapshot).map(attemptText),
    ],
    about: aboutEndpoint(endpoint),
  } as const;
  const owner = ownerOf(endpoint, snapshot);
  if (route.found && !route.assumed && route.ifIndex !== owner?.ifIndex) {
    return {
      ...common,
      summary:
        `The subflow from ${address} leaves by ${deviceText(route)}, not ` +
        `by ${dev} which has the address: it is no second path`,
      remedies: readd(endpoint, { dev }),
    };
  }
  if (route.found && !route.assumed) {
    const { gateway } = route;
    return {
      ...common,
      summary: gateway === undefined
        ? `${destination} does not answer on ${dev}, the way from ${address}`
        : `The router ${gateway} does not answer on ${dev}, by which ` +
          `${address} goes to ${destination}`,
      remedies: [
        command(
          ...["ip", ...isIPv6(address) ? ["-6"] : [], "route", "show"],
          ...["default", "dev", dev],
        ),
        ...readd(endpoint, { dev }).map((one) => `${one}  # once it answers`),
      ],
    };
  }
  const to = isOutside ? "the Internet" : destination;
  if (!route.found && REFUSALS.includes(route.reason)) {
    return {
      ...common,
      summary:
        `A route or a rule refuses packets from ${address} by ${dev} to ` +
        to,
      remedies: ["ip rule show", "ip route show table all"],
    };
  }
  return {
    ...common,
    summary: `There is no route from ${address} by ${dev} to ${to}`,
    remedies: [
      command(
        ...["ip", ...isIPv6(address) ? ["-6"] : [], "route", "add", "default"],
        ...["via", "GATEWAY", "dev", dev, "metric", 200],
      ) + "  # GATEWAY: the router on that device",
      ...readd(endpoint, { dev }),
    ],
  };
}

function neighbour(
  route: AskedRoute["route"],
  destination: string,
  snapshot: Snapshot,
): string[] {
  const known = neighbourOf(route, destination, snapshot);
  return known === undefined || !isSilent(known)
    ? []
    : [`${known.address} on ${deviceText(known)}: ${known.state.join(", ")}`];
}

/** The question and the answer, as `ip route get` has them. */
function routeText({ destination, source, dev, route }: AskedRoute): string {
  const question = [
    `route to ${destination}`,
    ...source === undefined ? [] : [`from ${source}`],
    ...dev === undefined ? [] : [`dev ${dev}`],
  ].join(" ");
  if (!route.found) return `${question}: none (${route.reason})`;
  const by = `dev ${deviceText(route)}`;
  const via = route.gateway === undefined ? "" : `via ${route.gateway} `;
  return `${question}: ${via}${by}${
    route.assumed ? " (assumed: no route)" : ""
  }`;
}
