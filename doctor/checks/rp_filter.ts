import {
  aboutEndpoint,
  count,
  counterText,
  isIPv6,
  living,
  moved,
  part,
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
  const waiting = pendingJoins(snapshot).map(({ endpoint }) => endpoint)
    .filter(({ address }) => !isIPv6(address));
  // A peer's subflow that is dropped here does not show here.
  const isAlone = moved(snapshot, DROPPED) > 0 &&
    living(snapshot).some(({ remote, subflows }) =>
      !isIPv6(remote.address) &&
      subflows.filter(({ state }) => state === "established").length === 1
    );
  if (
    strict.length === 0 || ways.length < 2 || count(snapshot, DROPPED) === 0 ||
    waiting.length === 0 && !isAlone
  ) {
    return [ok("No subflow is dropped on arrival", ...evidence)];
  }
  return [{
    status: "problem",
    summary: "Packets are dropped that come by another device than answers " +
      "would leave by (rp_filter is strict)",
    evidence,
    remedies: [
      ...strict.map(({ dev }) => sysctl(`net/ipv4/conf/${dev}/rp_filter`, 2)),
      // The next of their SYNs may be a minute away.
      ...new Set(waiting.flatMap((endpoint) => readd(endpoint))),
    ],
    ...waiting.length === 1 && { about: aboutEndpoint(waiting[0]!) },
  }];
}
