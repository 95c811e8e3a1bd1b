import type { ConnectionRate, Rates, SubflowRate } from "../../diag/mod.ts";

/** How many updates longer what has ended is shown. */
const STAY = 5;
/** How much the latest rate counts against those before. */
const LATEST = 0.4;
/** By what part, and how many bit/s, a rate has to change to get a new place. */
const CLEARLY = 0.2;
const LEAST = 1000;

/** Something that has ended, and how often it is still shown. */
interface Ended<Rate> {
  readonly rate: Rate;
  left: number;
}

/** A connection in its place. */
interface Ranked {
  rate: ConnectionRate;
  /** Absent: it has not ended. */
  left?: number;
  ended: Ended<SubflowRate>[];
  /** Smoothed rate, both ways; absent: not known yet. */
  bitPerSec?: number;
  /** What that was when it got its place. */
  placedAt: number;
}

/**
 * Puts connections in order, the busiest first, and remembers for a while what
 * has ended. A connection keeps its place until its rate has clearly changed, so
 * that lines can be read.
 */
export class Ranking {
  #ranked: Ranked[] = [];
  readonly #byCookie = new Map<number, Ranked>();

  /** Takes what `RateMeter` tells, and tells the same in order. */
  update(rates: readonly ConnectionRate[]): ConnectionRate[] {
    for (const one of this.#ranked) if (one.left !== undefined) one.left--;
    const isNew = ({ connection: { cookie } }: ConnectionRate) =>
      !this.#byCookie.has(cookie);
    // They have no rates yet.
    const fresh = rates.filter(isNew)
      .toSorted((one, other) => bytesOf(other) - bytesOf(one));
    for (const rate of fresh) {
      const ranked: Ranked = { rate, ended: [], placedAt: 0 };
      this.#byCookie.set(rate.connection.cookie, ranked);
      this.#ranked.push(ranked);
    }
    for (const rate of rates) {
      renew(this.#byCookie.get(rate.connection.cookie)!, rate);
    }
    this.#ranked = this.#ranked.filter(({ left, rate }) => {
      const stays = left === undefined || left > 0;
      if (!stays) this.#byCookie.delete(rate.connection.cookie);
      return stays;
    });
    this.#ranked.sort((one, other) => other.placedAt - one.placedAt);
    return this.#ranked.map(({ rate, ended }) =>
      ended.length === 0 ? rate : {
        ...rate,
        subflows: [...rate.subflows, ...ended.map(({ rate }) => rate)],
      }
    );
  }
}

/** Takes what is told of a connection now. */
function renew(ranked: Ranked, rate: ConnectionRate): void {
  if (rate.ended) {
    ranked.rate = rate;
    ranked.left = STAY;
    return;
  }
  delete ranked.left;
  const living = rate.subflows.filter(({ ended }) => !ended);
  const isBack = ({ rate: { subflow } }: Ended<SubflowRate>) =>
    living.some((one) => one.subflow.cookie === subflow.cookie);
  for (const one of ranked.ended) one.left--;
  ranked.ended = [
    ...ranked.ended.filter((one) => one.left > 0 && !isBack(one)),
    ...rate.subflows.filter(({ ended }) => ended)
      .map((rate) => ({ rate, left: STAY })),
  ];
  ranked.rate = { ...rate, subflows: living };
  if (rate.sentBitPerSec === undefined) return;
  const now = bitPerSecOf(rate);
  const { bitPerSec = now, placedAt } = ranked;
  ranked.bitPerSec = bitPerSec + (now - bitPerSec) * LATEST;
  const change = Math.abs(ranked.bitPerSec - placedAt);
  if (change > CLEARLY * placedAt + LEAST) ranked.placedAt = ranked.bitPerSec;
}

/** What is carried both ways. */
export function bitPerSecOf(
  { sentBitPerSec = 0, receivedBitPerSec = 0 }: Rates,
): number {
  return sentBitPerSec + receivedBitPerSec;
}

function bytesOf({ subflows }: ConnectionRate): number {
  return subflows.reduce(
    (sum, { subflow: { bytesAcked = 0, bytesReceived = 0 } }) =>
      sum + bytesAcked + bytesReceived,
    0,
  );
}
