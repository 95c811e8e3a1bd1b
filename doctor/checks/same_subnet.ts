import type { Endpoint } from "../../ops/endpoint.ts";
import {
  isIPv6,
  isSameNetwork,
  part,
  pathEndpoints,
  plain,
  type Uplink,
  uplinks,
} from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import { joinTroubles } from "../joins.ts";
import { readd, sysctl } from "../remedy.ts";
import type { Snapshot } from "../snapshot.ts";

type Pair = readonly [Uplink, Uplink];

/** Whether two devices are in one network, where answers may mix them up. */
export function sameSubnet(snapshot: Snapshot): Observation[] {
  part(snapshot, "addresses");
  const all = uplinks(snapshot, (address) => !isIPv6(address));
  const pairs = all.flatMap((one, at) =>
    all.slice(at + 1).filter((other) => isShared(one, other))
      .map((other): Pair => [one, other])
  );
  const found = pairs.flatMap((pair) => look(pair, snapshot));
  if (found.length > 0) return found;
  return [
    pairs.length === 0 ? ok("Each device is in a network of its own") : ok(
      "Two devices are in one network, and no subflow suffers from it",
      ...pairs.flat().map(addressText),
    ),
  ];
}

function look(pair: Pair, snapshot: Snapshot): Observation[] {
  const concerned = pathEndpoints(snapshot).filter((endpoint) =>
    ownerOf(endpoint, pair) !== undefined
  );
  const isTrouble = concerned.some((endpoint) =>
    isLost(endpoint, snapshot) || isMisled(endpoint, pair, snapshot)
  );
  if (!isTrouble) return [];
  return [{
    status: "problem",
    summary:
      `${pair[0].dev} and ${pair[1].dev} are in the same network: packets ` +
      "of one may leave or arrive by the other",
    evidence: pair.map(addressText),
    remedies: [
      ...pair.flatMap(({ dev }) => [
        sysctl(`net/ipv4/conf/${dev}/arp_ignore`, 1),
        sysctl(`net/ipv4/conf/${dev}/arp_announce`, 2),
      ]),
      ...concerned.flatMap((endpoint) =>
        readd(endpoint, { dev: ownerOf(endpoint, pair)!.dev })
      ),
    ],
  }];
}

function ownerOf({ address }: Endpoint, pair: Pair) {
  return pair.find((one) => one.address === plain(address));
}

/** Whether a subflow of it got no answer. */
function isLost({ id }: Endpoint, snapshot: Snapshot): boolean {
  return joinTroubles(snapshot).some(({ endpoint, kind }) =>
    endpoint.id === id && ["pending", "reset", "unreachable"].includes(kind)
  );
}

/** Whether its packets leave by the other device of the two. */
function isMisled(
  endpoint: Endpoint,
  pair: Pair,
  { routes = [] }: Snapshot,
): boolean {
  const owner = ownerOf(endpoint, pair);
  return routes.some(({ id, dev, route }) =>
    id === endpoint.id && dev === undefined && route.found &&
    route.ifIndex !== owner?.ifIndex &&
    pair.some(({ ifIndex }) => ifIndex === route.ifIndex)
  );
}

function addressText({ address, prefixLength, dev }: Uplink): string {
  return `${address}/${prefixLength} on ${dev}`;
}

function isShared(one: Uplink, other: Uplink): boolean {
  const length = Math.max(one.prefixLength, other.prefixLength);
  return isSameNetwork(one.address, other.address, length);
}
