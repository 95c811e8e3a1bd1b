import { attemptText, originText, unbound } from "../attempts.ts";
import { type Observation, ok } from "../finding.ts";
import type { Connection } from "../../diag/connection.ts";
import type { Attempt, Snapshot, Target } from "../snapshot.ts";

/** Why no connection could be made, for the sentence. */
const FAILURES: Readonly<Record<string, string>> = {
  ETIMEDOUT: "does not answer, neither to MPTCP nor to TCP",
  ECONNREFUSED: "refuses connections: no program listens there, or a " +
    "firewall says so",
  ECONNRESET: "resets connections",
  ENETUNREACH: "cannot be reached: there is no route",
  EHOSTUNREACH: "cannot be reached: a host on the way does not answer",
  ENOPROTOOPT: "cannot be asked: MPTCP is switched off here",
  EPROTONOSUPPORT: "cannot be asked: this kernel has no MPTCP",
  EACCES: "cannot be asked: MPTCP sockets are forbidden here",
  EPERM: "cannot be asked: MPTCP sockets are forbidden here",
};

/** Whether the place answers that was asked for, and how. */
export function target(snapshot: Snapshot): Observation[] {
  const { target } = snapshot;
  if (target === undefined || target === null) return [];
  const { error, attempts } = target;
  const first = unbound(target).at(-1);
  if (error !== undefined || first === undefined) {
    return [problem(error ?? "No connection was made")];
  }
  const evidence = attempts.map(attemptText);
  const where = placeText(target, first);
  if (first.outcome !== "failed") {
    return [ok(`${where} ${answer(first, snapshot)}`, ...evidence)];
  }
  const { code = "" } = first;
  const failure = FAILURES[code] ?? `cannot be connected to: ${code}`;
  const other = attempts.find(({ outcome }) => outcome !== "failed");
  const advice = other === undefined
    ? ""
    : `; ${originText(other)} it answers, and connections do not begin ` +
      "there: the first path has to work";
  return [problem(`${where} ${failure}${advice}`, ...evidence)];
}

function problem(summary: string, ...evidence: string[]): Observation {
  return { status: "problem", summary, evidence, remedies: [] };
}

function placeText({ host, port }: Target, { address }: Attempt): string {
  return host === address
    ? `${host} port ${port}`
    : `${host} (${address}) port ${port}`;
}

function subflowsText({ subflows }: Connection): string {
  const there = subflows.filter(({ state }) => state === "established").length;
  return there === 1 ? "1 subflow" : `${there} subflows`;
}

/** What became of the connection that got through. */
function answer(first: Attempt, { target, connections }: Snapshot): string {
  const [connection] = connections ?? [];
  switch (first.outcome) {
    case "mptcp":
      return connection?.fallback
        ? "speaks MPTCP, but its options get lost after the handshake"
        : connection?.state !== "established"
        ? "speaks MPTCP, and closes the connection at once"
        : `speaks MPTCP, and its options get through: ${
          subflowsText(connection)
        }`;
    case "blackhole":
      return "answers to TCP, and not to MPTCP";
    default:
      break;
  }
  if ((first.counters?.["MPCapableSYNTXDisabled"] ?? 0) > 0) {
    return "was asked by TCP: this kernel does not try MPTCP now";
  }
  const other = target?.attempts.find(({ outcome }) => outcome === "mptcp");
  return other === undefined
    ? "answers without MPTCP"
    : `speaks MPTCP, as it does ${originText(other)}, but not on the way ` +
      "that connections begin with";
}
