/**
 * What of a file is wanted at the moment: not the endpoints whose address is not
 * there.
 *
 * @module
 */

import {
  MPTCP_PM_ADDR_FLAG_FULLMESH as FULLMESH,
  MPTCP_PM_ADDR_FLAG_LAMINAR as LAMINAR,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import { flagBits } from "../ops/flags.ts";
import type { Config, ExactEndpoint } from "./config.ts";
import { addressKey } from "./reasons.ts";
import type { Standing } from "./settle.ts";
import type { PresentState } from "./state.ts";

/** An endpoint of the file that is not wanted at the moment. */
export interface WaitingEndpoint {
  /** The endpoint. */
  readonly endpoint: ExactEndpoint;
  /** What it waits for. */
  readonly why: string;
}

/** What there is to be planned with. */
export interface PresentWanted {
  /** What the file wants at the moment. */
  readonly config: Config;
  /** What there is, with the addresses that count. */
  readonly state: PresentState;
  /** The endpoints of the file that wait. */
  readonly waiting: readonly WaitingEndpoint[];
  /** Whether something stays only since connections have nothing else. */
  readonly isHeld: boolean;
}

/**
 * Leaves out what is not there. Where a link is down or has no carrier, an
 * endpoint stays as long as connections have no other subflow: without it they
 * would end sooner than by TCP alone.
 *
 * @param config What the file wants.
 * @param state What there is.
 * @param standings Its addresses, settled.
 * @param wasHere Whether an address has been this host's since the agent began.
 */
export function presentWanted(
  config: Config,
  state: PresentState,
  standings: readonly Standing[],
  wasHere: (address: string) => boolean,
): PresentWanted {
  const held = heldBy(state, standings);
  const there = standings.filter(({ isThere, isLinkLost, address }) =>
    isThere || isLinkLost && held.has(addressKey(address))
  );
  const waiting: WaitingEndpoint[] = [];
  const endpoints = config.endpoints?.filter((one) => {
    if ("match" in one) return true;
    const isAt = ({ address: { address, dev } }: Standing) =>
      addressKey({ address }) === addressKey(one) &&
      (one.dev === undefined || one.dev === dev);
    if (there.some(isAt)) return true;
    if (isElsewhere(one, state, wasHere)) return true;
    const why = standings.find(isAt)?.why ?? lacks(one, state);
    waiting.push({ endpoint: one, why });
    return false;
  });
  return {
    config: { ...config, ...endpoints && { endpoints } },
    state: { ...state, addresses: there.map(({ address }) => address) },
    waiting,
    isHeld: there.some(({ isThere }) => !isThere),
  };
}

/** The addresses that all established subflows of a connection start from. */
function heldBy(
  { endpoints, dependents }: PresentState,
  standings: readonly Standing[],
): Set<string> {
  const there = new Set(
    standings.flatMap(({ isThere, address }) =>
      isThere ? addressKey(address) : []
    ),
  );
  const addresses = new Map(endpoints.map((one) => [one.id, addressKey(one)]));
  return new Set(
    dependents.map(({ ids }) => ids.flatMap((id) => addresses.get(id) ?? []))
      .filter((all) => all.every((one) => !there.has(one))).flat(),
  );
}

/**
 * Whether an address is one that other hosts know this one by, such as in front
 * of a NAT: it is only announced, and has not been this host's.
 */
function isElsewhere(
  { address, dev, flags }: ExactEndpoint,
  { links }: PresentState,
  wasHere: (address: string) => boolean,
): boolean {
  return (flagBits(flags) & (SUBFLOW | FULLMESH | LAMINAR)) === 0 &&
    !wasHere(address) &&
    (dev === undefined || links.some((link) => link.dev === dev));
}

function lacks(
  { address, dev }: ExactEndpoint,
  { links }: PresentState,
): string {
  const isThere = links.some((link) => link.dev === dev);
  return dev === undefined
    ? `this host does not have ${address}`
    : isThere
    ? `${dev} does not have ${address}`
    : `there is no ${dev}`;
}
