/**
 * What became of the subflows that this host wanted to open.
 *
 * @module
 */

import type { Connection } from "../diag/connection.ts";
import {
  count,
  isFull,
  isInitiator,
  linkOf,
  living,
  missingPaths,
  moved,
  type Parts,
  pathEndpoints,
  plain,
  works,
} from "./facts.ts";
import { isSilent, neighbourOf } from "./neighbours.ts";
import type { Endpoint } from "../ops/endpoint.ts";

/**
 * `pending`: no answer to the SYN. `refused`: the peer answered it, and reset
 * the subflow when the third ACK came. `stripped`: the answer had no MP_JOIN.
 * `reset`: an RST came, or the host could not be reached. `unreachable`: on the
 * link nobody was there to send it to. `hmac`: the answer was signed with another
 * key.
 * `unsent`: the SYN could not be sent. `untried`: the kernel did not try.
 * `unclear`: it tried, or tried others, and the counters do not tell which.
 */
export type JoinOutcome =
  | "pending"
  | "refused"
  | "stripped"
  | "reset"
  | "unreachable"
  | "hmac"
  | "unsent"
  | "untried"
  | "unclear";

/** Subflows of one endpoint that should be there and are not. */
export interface JoinTrouble {
  readonly endpoint: Endpoint;
  /** The connections that lack it. */
  readonly connections: readonly Connection[];
  readonly kind: JoinOutcome;
  /** How many SYNs the subflow sent that waits for an answer. */
  readonly syns?: number;
  /** Other connections have a subflow from the endpoint. */
  readonly works: boolean;
}

/** Subflows to one address of a peer that get no answer. */
export interface UnansweredPeer {
  /** An address that the peer announced. */
  readonly address: string;
  /** The connections that try it. */
  readonly connections: readonly Connection[];
  /** How many SYNs were sent, at the most. */
  readonly syns: number;
}

/** The subflows that wait for an answer longer than is usual. */
function unanswered(snapshot: Parts) {
  const own = pathEndpoints(snapshot).map(({ address }) => plain(address));
  return living(snapshot).filter(isInitiator).flatMap((connection) =>
    connection.subflows.filter(({ initial, state, timerRetransmits }) =>
      !initial && state === "syn-sent" && timerRetransmits > 0
    ).map(({ local, remote, timerRetransmits }) => {
      const [from, to] = [plain(local.address), plain(remote.address)] as const;
      // From the first address the initial subflow gets through.
      const isOwn = own.includes(from) &&
        from !== plain(connection.local.address);
      const isAnnounced = to !== plain(connection.remote.address);
      const isOfPeer = isAnnounced && !isOwn;
      return { connection, from, to, isOfPeer, syns: timerRetransmits + 1 };
    })
  );
}

/** Those to addresses that peers announced. */
export function unansweredPeers(snapshot: Parts): UnansweredPeer[] {
  const waiting = unanswered(snapshot).filter(({ isOfPeer }) => isOfPeer);
  return Array.from(Map.groupBy(waiting, ({ to }) => to), ([address, all]) => ({
    address,
    connections: all.map(({ connection }) => connection),
    syns: Math.max(...all.map(({ syns }) => syns)),
  }));
}

/** Those from endpoints. */
export function pendingJoins(snapshot: Parts): JoinTrouble[] {
  const waiting = unanswered(snapshot).filter(({ isOfPeer }) => !isOfPeer);
  return pathEndpoints(snapshot).flatMap((endpoint) => {
    const own = waiting.filter(({ from }) => from === plain(endpoint.address));
    return own.length === 0 ? [] : [{
      endpoint,
      connections: own.map(({ connection }) => connection),
      kind: "pending" as const,
      syns: Math.max(...own.map(({ syns }) => syns)),
      works: works(endpoint, snapshot),
    }];
  });
}

/** The subflows that are missing from endpoints with which nothing is wrong. */
export function joinTroubles(snapshot: Parts): JoinTrouble[] {
  const missing = missingPaths(snapshot).filter(({ connection, endpoint }) =>
    isUsable(endpoint, snapshot) && !isFull(connection)
  );
  const kind = outcome(snapshot, missing.length);
  const groups = Map.groupBy(missing, ({ endpoint }) => endpoint);
  return [
    ...pendingJoins(snapshot),
    ...Array.from(groups, ([endpoint, all]) => ({
      endpoint,
      connections: all.map(({ connection }) => connection),
      kind: kind === "reset" && isCut(endpoint, snapshot)
        ? "unreachable" as const
        : kind,
      works: works(endpoint, snapshot),
    })),
  ];
}

/** Whether nobody answered on the link, by which its packets would go. */
function isCut({ id }: Endpoint, snapshot: Parts): boolean {
  const routes = (snapshot.routes ?? []).filter((one) => one.id === id);
  return routes.length > 0 &&
    routes.every(({ route, destination }) =>
      isSilent(neighbourOf(route, destination, snapshot))
    );
}

/** Whether its address is on this host, on a device that is up. */
export function isUsable(endpoint: Endpoint, snapshot: Parts): boolean {
  const { ifIndex, address } = endpoint;
  const own = (snapshot.addresses ?? []).find((one) =>
    one.address === plain(address) && !one.tentative && !one.failed &&
    (ifIndex === 0 || one.ifIndex === ifIndex)
  );
  return own !== undefined && linkOf(own, snapshot)?.usable !== false;
}

/**
 * What the counters say, which count for all connections together, those that
 * are gone too: if they do not move now, they tell only where nothing but what
 * is missing can have been counted.
 *
 * @param missing How many subflows are missing.
 */
function outcome(snapshot: Parts, missing: number): JoinOutcome {
  const isNow = moved(snapshot, "MPJoinSynTx") > 0;
  const of = (...names: string[]) =>
    isNow ? moved(snapshot, ...names) : count(snapshot, ...names);
  const joined = isNow ? 0 : joins(snapshot);
  const [sent, answered] = [of("MPJoinSynTx"), of("MPJoinSynAckRx")];
  const unsent = of("MPJoinSynTxBindErr", "MPJoinSynTxConnectErr");
  if (sent + unsent === 0) return "untried";
  const failed = answered - joined;
  const isTold = isNow || answered === 0 || sent + unsent <= joined + missing ||
    joined === 0 && of("MPRstTx") >= answered;
  if (!isTold) return "unclear";
  if (of("MPJoinSynAckHMacFailure") > 0) return "hmac";
  if (of("MPRstTx") > 0 && failed > 0) return "refused";
  if (sent > answered) return of("MPRstTx") > 0 ? "stripped" : "reset";
  return unsent > 0 ? "unsent" : "unclear";
}

/** How many subflows that this host opened are there. */
function joins(snapshot: Parts): number {
  return living(snapshot).flatMap(({ subflows }) =>
    subflows.filter(({ initial, openedHere, state }) =>
      !initial && openedHere && state === "established"
    )
  ).length;
}
