import { attemptsFrom, attemptText } from "../attempts.ts";
import {
  aboutEndpoint,
  counterText,
  listed,
  namesOf,
  part,
  usesOtherPathManager,
} from "../facts.ts";
import { command, readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import {
  type JoinOutcome,
  joinTroubles,
  type UnansweredPeer,
  unansweredPeers,
} from "../joins.ts";
import type { Connection } from "../../diag/connection.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Snapshot } from "../snapshot.ts";

const COUNTERS = [
  ...["MPJoinSynTx", "MPJoinSynAckRx", "MPJoinSynAckHMacFailure", "MPRstTx"],
  ...["MPJoinSynTxBindErr", "MPJoinSynTxConnectErr", "MPJoinNoTokenFound"],
];

/** What became of the SYN, for the sentence. */
const WORDS: Readonly<Record<JoinOutcome, string>> = {
  pending: "gets no answer to its SYN: a firewall drops it, the route is " +
    "wrong, or the peer has no way back",
  refused:
    "was answered and then reset: the peer refused it, or something on " +
    "the way removed the MPTCP option of its third packet",
  stripped:
    "was answered without MP_JOIN: something on that path removes the " +
    "options of MPTCP",
  reset: "was answered with a reset, or with the news that the peer cannot " +
    "be reached: no program listens at that address and port, another host " +
    "has the address, or a router knows no way",
  unreachable: "was sent to nobody: the next host on the link does not answer",
  hmac: "was answered by a host that does not have the keys of the connection",
  unsent: "could not be sent when the kernel tried",
  untried:
    "is missing, and the kernel never tried it: add the endpoint again; " +
    "if that does not help, the peer does not allow it",
  unclear: "is missing, and the kernel does not try again by itself: add the " +
    "endpoint again, and ask the doctor at once",
};

/** Where connections of the doctor show that it is not the path. */
const ALONE = "gets no answer to its SYN, but new connections from there do: " +
  "something on the way drops SYNs with MP_JOIN";

/** What shows as missing, and no more than that. */
const UNEXPLAINED: readonly JoinOutcome[] = ["untried", "unclear"];

/** Whether subflows that should be there were refused or got lost. */
export function join(snapshot: Snapshot): Observation[] {
  part(snapshot, "connections");
  part(snapshot, "endpoints");
  const evidence = counterText(snapshot, ...COUNTERS);
  const isOther = usesOtherPathManager(snapshot);
  const found = isOther ? [] : joinTroubles(snapshot);
  const peers = isOther ? [] : unansweredPeers(snapshot);
  if (found.length + peers.length === 0) {
    return [ok("No subflow is missing that could be there", ...evidence)];
  }
  const missing = found.map((
    { connections, endpoint, kind, syns, works },
  ): Observation => {
    const own = attemptsFrom(endpoint, snapshot);
    const isAlone = kind === "pending" &&
      own.some(({ outcome }) => outcome === "mptcp");
    return {
      status: works || UNEXPLAINED.includes(kind) ? "warning" : "problem",
      summary:
        `The subflow from ${endpoint.address} of ${namesOf(connections)} ` +
        (isAlone ? ALONE : WORDS[kind]),
      evidence: [
        ...syns === undefined ? [] : [`SYN sent ${syns} times`],
        ...own.map(attemptText),
        ...listed(connections),
        ...evidence,
      ],
      remedies: retry(endpoint),
      about: aboutEndpoint(endpoint),
    };
  });
  return [...missing, ...peers.map((peer) => unansweredPeer(peer, evidence))];
}

/** Servers behind a router announce addresses that nobody reaches. */
function unansweredPeer(
  { address, connections, syns }: UnansweredPeer,
  evidence: readonly string[],
): Observation {
  return {
    status: connections.every(hasSecond) ? "warning" : "problem",
    summary:
      `The peer of ${namesOf(connections)} announced ${address}, and a ` +
      "SYN to there gets no answer: it is not reached from here, or a " +
      "firewall drops it",
    evidence: [`SYN sent ${syns} times`, ...listed(connections), ...evidence],
    remedies: [command("ip", "route", "get", address)],
  };
}

function hasSecond({ subflows }: Connection): boolean {
  return subflows.some(({ initial, state }) =>
    !initial && state === "established"
  );
}

/** It helps once the cause is mended. */
function retry(endpoint: Endpoint): string[] {
  const [deletion, addition] = readd(endpoint) as [string, string];
  return [deletion, `${addition}  # tries it again`];
}
