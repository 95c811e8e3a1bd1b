import type { FirewallTable } from "../../diag/firewall.ts";
import { part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import { joinTroubles } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether there are rules that could drop what gets lost. */
export function firewall(snapshot: Snapshot): Observation[] {
  const tables = part(snapshot, "firewall").filter(canDrop);
  const evidence = tables.map(({ kind, name, rules }) =>
    `${kind}: table ${name}` +
    (rules === undefined ? "" : `, ${rules} ${rules === 1 ? "rule" : "rules"}`)
  );
  const isLost =
    joinTroubles(snapshot).some(({ kind }) =>
      kind === "pending" || kind === "reset" || kind === "stripped"
    ) || (snapshot.withoutMptcp ?? []).length > 0;
  if (tables.length === 0 || !isLost) {
    return [
      ok(
        tables.length === 0
          ? "This host has no firewall rules"
          : "Nothing gets lost that firewall rules could drop",
        ...evidence,
      ),
    ];
  }
  const kinds = new Set(tables.map(({ kind }) => kind));
  return [{
    status: "warning",
    summary: "Packets get lost, and this host has firewall rules that could " +
      "be at fault: look for those about TCP options, invalid states and " +
      "devices",
    evidence,
    remedies: [
      ...kinds.has("nftables") ? ["nft list ruleset"] : [],
      ...kinds.has("iptables") ? ["iptables-save"] : [],
      ...kinds.has("ip6tables") ? ["ip6tables-save"] : [],
    ],
  }];
}

/** Whether it may have rules, or drops what has none. */
function canDrop({ rules, drops }: FirewallTable): boolean {
  return rules !== 0 || drops === true;
}
