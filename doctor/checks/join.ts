import {
  aboutEndpoint,
  counterText,
  isUserspaceMode,
  nameOf,
  part,
} from "../facts.ts";
import { readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import { type JoinOutcome, joinTroubles } from "../joins.ts";
import type { Snapshot } from "../snapshot.ts";

const COUNTERS = [
  ...["MPJoinSynTx", "MPJoinSynAckRx", "MPJoinSynAckHMacFailure", "MPRstTx"],
  ...["MPJoinSynTxBindErr", "MPJoinSynTxConnectErr", "MPJoinNoTokenFound"],
];

/** What became of the SYN, for the sentence. */
const WORDS: Readonly<Record<JoinOutcome, string>> = {
  pending: "has no answer to its SYN: a firewall, a wrong route, or the peer " +
    "does not have this way back",
  refused: "was answered, and reset right after: the peer refused it, or " +
    "something on the way removed the option of its third packet",
  stripped:
    "was answered without MP_JOIN: something on that path removes the " +
    "options of MPTCP",
  reset: "was answered with a reset: no program listens at that address and " +
    "port, or it is another host behind the same address",
  hmac: "was answered by somebody who does not have the keys of the connection",
  unsent: "could not be sent when the kernel tried",
  untried: "was not tried by the kernel",
};

/** Whether subflows that should be there were refused or got lost. */
export function join(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  part(snapshot, "endpoints");
  const evidence = counterText(snapshot, ...COUNTERS);
  const found = isUserspaceMode(snapshot) ? [] : joinTroubles(snapshot);
  if (found.length === 0) {
    return [ok("No subflow is missing that could be there", ...evidence)];
  }
  return found.map(({ connection, endpoint, kind, pending }) => ({
    status: kind === "untried" ? "warning" : "problem",
    summary: `The subflow from ${endpoint.address} of the ` +
      `${nameOf(connection)} ${WORDS[kind]}`,
    evidence: [
      ...pending === undefined
        ? []
        : [`SYN sent ${pending.timerRetransmits + 1} times`],
      ...evidence,
    ],
    remedies: readd(endpoint),
    about: aboutEndpoint(endpoint),
  }));
}
