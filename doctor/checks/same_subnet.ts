import { isIPv6, isSameNetwork, part, uplinks } from "../facts.ts";
import { sysctl } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { joinTroubles } from "../joins.ts";
import type { InterfaceAddress } from "../../diag/addresses.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether two devices are in one network, where answers may mix them up. */
export function sameSubnet(snapshot: Snapshot): Observation[] {
  part(snapshot, "addresses");
  const all = uplinks(snapshot).filter(({ address }) => !isIPv6(address));
  const pairs = all.flatMap((one, at) =>
    all.slice(at + 1).filter((other) => isShared(one, other))
      .map((other) => [one, other] as const)
  );
  if (pairs.length === 0) return [ok("Each device is in a network of its own")];
  const troubled = joinTroubles(snapshot).map(({ endpoint }) =>
    endpoint.address
  );
  return pairs.map(([one, other]) => {
    const isTrouble = [one, other].some(({ address }) =>
      troubled.includes(address)
    );
    return {
      status: isTrouble ? "problem" : "warning",
      summary: `${one.dev} and ${other.dev} are in the same network: what is ` +
        "sent to one may arrive at the other",
      evidence: [one, other].map(({ address, prefixLength, dev }) =>
        `${address}/${prefixLength} on ${dev}`
      ),
      remedies: [one, other].flatMap(({ dev }) => [
        sysctl(`net/ipv4/conf/${dev}/arp_ignore`, 1),
        sysctl(`net/ipv4/conf/${dev}/arp_announce`, 2),
      ]),
    };
  });
}

function isShared(one: InterfaceAddress, other: InterfaceAddress): boolean {
  const length = Math.max(one.prefixLength, other.prefixLength);
  return isSameNetwork(one.address, other.address, length);
}
