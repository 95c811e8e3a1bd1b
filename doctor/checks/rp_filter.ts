import {
  count,
  counterText,
  isIPv6,
  moved,
  part,
  pathEndpoints,
  uplinks,
} from "../facts.ts";
import { readd, sysctl } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { pendingJoins } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

const DROPPED = "IPReversePathFilter";

/** Whether packets are dropped since answers would leave by another device. */
export function rpFilter(snapshot: Snapshot): Observation[] {
  const values = part(snapshot, "reversePath");
  part(snapshot, "counters");
  const all = values.find(({ dev }) => dev === "all")?.value ?? 0;
  const ways = uplinks(snapshot, (address) => !isIPv6(address))
    .map(({ dev }) => dev);
  const strict = values.filter(({ dev, value }) =>
    ways.includes(dev) && Math.max(all, value) === 1
  );
  const evidence = [
    ...strict.map(({ dev, value }) =>
      `net.ipv4.conf.${dev}.rp_filter = ${value}`
    ),
    ...all === 0 ? [] : [`net.ipv4.conf.all.rp_filter = ${all}`],
    ...counterText(snapshot, DROPPED),
  ];
  if (
    strict.length === 0 || ways.length < 2 || count(snapshot, DROPPED) === 0
  ) {
    return [
      ok("Packets of no second path are dropped on arrival", ...evidence),
    ];
  }
  const waiting = pendingJoins(snapshot).map(({ endpoint }) => endpoint)
    .filter(({ address }) => !isIPv6(address));
  const isNow = moved(snapshot, DROPPED) > 0 || waiting.length > 0;
  return [{
    status: isNow ? "problem" : "warning",
    summary: isNow
      ? "Packets are dropped that come by another device than answers would " +
        "leave by (rp_filter is strict)"
      : "Packets were dropped that came by another device than answers would " +
        "leave by (rp_filter is strict)",
    evidence,
    remedies: [
      ...strict.map(({ dev }) => sysctl(`net/ipv4/conf/${dev}/rp_filter`, 2)),
      // The next of their SYNs may be a minute away.
      ...new Set(waiting.flatMap((endpoint) => readd(endpoint))),
    ],
    ...pathEndpoints(snapshot).length === 1 &&
      { about: `endpoint ${pathEndpoints(snapshot)[0]!.id}` },
  }];
}
