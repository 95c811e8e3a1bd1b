import {
  aboutEndpoint,
  isIPv6,
  isUserspaceMode,
  living,
  part,
  pathEndpoints,
  plain,
} from "../facts.ts";
import { command, readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { isUsable } from "../joins.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { AskedRoute, Snapshot } from "../snapshot.ts";

/** Whether packets from the endpoints leave by the devices of their addresses. */
export function route(snapshot: Snapshot): Observation[] {
  const routes = part(snapshot, "routes");
  part(snapshot, "endpoints");
  if (isUserspaceMode(snapshot)) {
    return [ok("The userspace path manager chooses the devices")];
  }
  const found = pathEndpoints(snapshot)
    .filter((endpoint) => isUsable(endpoint, snapshot))
    .flatMap((endpoint) => {
      const asked = routes.filter(({ id }) => id === endpoint.id);
      const bad = asked.find((one) => fault(one, endpoint, snapshot));
      return bad === undefined ? [] : [observe(bad, endpoint, snapshot)];
    });
  if (found.length > 0) return found;
  const asked = routes.filter(({ id }) => id !== undefined);
  return [
    asked.length === 0
      ? ok("No endpoint is there whose route could be asked for")
      : ok("Each endpoint has a route to the peers", ...asked.map(routeText)),
  ];
}

/** The device that has the address of an endpoint. */
function ownerOf({ address }: Endpoint, { addresses = [] }: Snapshot) {
  return addresses.find((one) => one.address === plain(address));
}

/** What is wrong; a subflow that is there shows that it works. */
function fault(
  { route, destination, dev }: AskedRoute,
  endpoint: Endpoint,
  snapshot: Snapshot,
): string | undefined {
  const { address } = endpoint;
  if (!route.found) return `no route (${route.reason})`;
  const owner = ownerOf(endpoint, snapshot);
  if (dev === undefined && owner && route.ifIndex !== owner.ifIndex) {
    return `it leaves by ${route.dev}`;
  }
  const works = living(snapshot).some(({ subflows }) =>
    subflows.some(({ local, remote, state }) =>
      state === "established" && plain(local.address) === plain(address) &&
      plain(remote.address) === destination
    )
  );
  return route.assumed && !works ? "no route" : undefined;
}

function observe(
  asked: AskedRoute,
  endpoint: Endpoint,
  snapshot: Snapshot,
): Observation {
  const { destination, route } = asked;
  const { address, ifIndex } = endpoint;
  const dev = ownerOf(endpoint, snapshot)?.dev ?? endpoint.dev ??
    `if${ifIndex}`;
  const about = aboutEndpoint(endpoint);
  const evidence = [routeText(asked), ...neighbour(asked, snapshot)];
  if (route.found && !route.assumed) {
    return {
      status: "problem",
      summary: `The subflow from ${address} leaves by ${route.dev}, not by ` +
        `${dev} which has the address: it is no second path`,
      evidence,
      remedies: readd(endpoint, { dev }),
      about,
    };
  }
  return {
    status: "problem",
    summary: `There is no route from ${address} by ${dev} to ${destination}`,
    evidence,
    remedies: [
      command(
        ...["ip", ...isIPv6(address) ? ["-6"] : [], "route", "add", "default"],
        ...["via", "GATEWAY", "dev", dev, "metric", 200],
      ) + "  # GATEWAY: the router on that device",
      ...readd(endpoint, { dev }),
    ],
    about,
  };
}

/** Whether the peer answers on the link, where it was asked for. */
function neighbour(
  { destination, route, dev }: AskedRoute,
  { neighbours = [] }: Snapshot,
): string[] {
  if (!route.found || !route.assumed) return [];
  const known = neighbours.find((one) =>
    one.address === destination && one.dev === dev
  );
  return known === undefined
    ? []
    : [`${destination} on ${dev}: ${known.state.join(", ")}`];
}

/** The question and the answer, as `ip route get` has them. */
function routeText({ destination, source, dev, route }: AskedRoute): string {
  const question = [
    `route to ${destination}`,
    ...source === undefined ? [] : [`from ${source}`],
    ...dev === undefined ? [] : [`dev ${dev}`],
  ].join(" ");
  if (!route.found) return `${question}: none (${route.reason})`;
  const by = route.gateway === undefined
    ? `dev ${route.dev}`
    : `via ${route.gateway} dev ${route.dev}`;
  return `${question}: ${by}${route.assumed ? " (assumed: no route)" : ""}`;
}
