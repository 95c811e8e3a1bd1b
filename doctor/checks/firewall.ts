import type { FirewallTable } from "../../diag/firewall.ts";
import { aboutEndpoint, gaveUp, part } from "../facts.ts";
import { type Observation, ok } from "../finding.ts";
import { type JoinOutcome, joinTroubles, unansweredPeers } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

/** How subflows fail that firewalls do not let pass as they are. */
const LOST: readonly JoinOutcome[] = ["pending", "reset", "stripped"];

/** Whether there are rules that could drop what gets lost. */
export function firewall(snapshot: Snapshot): Observation[] {
  const { attempts = [] } = snapshot.target ?? {};
  const joins = joinTroubles(snapshot).filter(({ kind }) =>
    LOST.includes(kind)
  );
  const others = gaveUp(snapshot).length + unansweredPeers(snapshot).length +
    attempts.filter(({ code }) => code === "ETIMEDOUT").length;
  if (joins.length + others === 0) {
    return [ok("Nothing gets lost that a firewall could drop")];
  }
  const tables = part(snapshot, "firewall").filter(canDrop);
  if (tables.length === 0) return [ok("This host has no firewall rules")];
  const kinds = new Set(tables.map(({ kind }) => kind));
  return [{
    status: "warning",
    summary: "Packets get lost, and a firewall rule of this host may drop " +
      "them: look for rules about TCP options, invalid states and devices",
    evidence: tables.map(tableText),
    remedies: [
      ...kinds.has("nftables") ? ["nft list ruleset"] : [],
      ...kinds.has("iptables") ? ["iptables-legacy-save"] : [],
      ...kinds.has("ip6tables") ? ["ip6tables-legacy-save"] : [],
    ],
    ...joins.length === 1 && others === 0 &&
      { about: aboutEndpoint(joins[0]!.endpoint) },
  }];
}

/** Whether it may have rules, or drops what has none. */
function canDrop({ rules, drops }: FirewallTable): boolean {
  return rules !== 0 || drops === true;
}

function tableText({ kind, name, rules, drops }: FirewallTable): string {
  const count = rules === undefined
    ? []
    : [`${rules} ${rules === 1 ? "rule" : "rules"}`];
  return [
    `${kind}: table ${name}`,
    ...count,
    ...drops ? ["drops the rest"] : [],
  ].join(", ");
}
