import type { Connection, Subflow } from "./connection.ts";

/** What is carried each way, in bits per second; absent: not known yet. */
export interface Rates {
  /**
   * What the peer acknowledged. What was sent again does not count, nor what
   * this host dropped before it left, as `bytesSent` does.
   */
  readonly sentBitPerSec?: number;
  /** What arrived in order. */
  readonly receivedBitPerSec?: number;
}

/** A subflow, and what it carried since the update before. */
export interface SubflowRate extends Rates {
  /** The subflow; one that has ended is as it was in the update before. */
  readonly subflow: Subflow;
  /** Whether it is there no more. */
  readonly ended?: true;
}

/** A connection, and what its subflows carried since the update before. */
export interface ConnectionRate extends Rates {
  /** The connection; one that has ended is as it was in the update before. */
  readonly connection: Connection;
  /** Its subflows, those that have ended last. */
  readonly subflows: readonly SubflowRate[];
  /** Whether it is there no more. */
  readonly ended?: true;
}

/**
 * Tells what connections and subflows carry from one reading to the next.
 *
 * A connection that was not in the reading before has no rates yet; a new
 * subflow of one that was has carried all of its bytes since then, unless not
 * all subflows could be seen before. What has ended is told once.
 *
 * @example What do the paths carry?
 * ```ts
 * import { Diag, RateMeter } from "@mptcp/pm/diag";
 *
 * using diag = Diag.open();
 * const meter = new RateMeter();
 * for (let second = 0; second < 10; second++) {
 *   const rates = meter.update(diag.connections(), performance.now());
 *   for (const { subflows } of rates) console.log(subflows);
 *   await new Promise((resolve) => setTimeout(resolve, 1000));
 * }
 * ```
 */
export class RateMeter {
  /** By the cookies, which are not used again. */
  #before = new Map<number, Connection>();
  #beforeMs = 0;

  /**
   * Compares connections with those of the update before. There are no rates
   * where no time has passed since then.
   *
   * @param connections The connections as they are.
   * @param nowMs When that is, in milliseconds, on any clock that goes steadily.
   */
  update(connections: Iterable<Connection>, nowMs: number): ConnectionRate[] {
    const before = this.#before;
    const bits = nowMs > this.#beforeMs
      ? 8000 / (nowMs - this.#beforeMs)
      : undefined;
    this.#before = new Map();
    this.#beforeMs = nowMs;
    const rates: ConnectionRate[] = [];
    for (const connection of connections) {
      const { cookie } = connection;
      this.#before.set(cookie, connection);
      rates.push(rateOf(connection, before.get(cookie), bits));
      before.delete(cookie);
    }
    for (const connection of before.values()) {
      const subflows = connection.subflows.map(ended);
      rates.push({ connection, subflows, ended: true });
    }
    return rates;
  }
}

function rateOf(
  connection: Connection,
  before: Connection | undefined,
  bits: number | undefined,
): ConnectionRate {
  if (before === undefined) {
    const subflows = connection.subflows.map((subflow) => ({ subflow }));
    return { connection, subflows };
  }
  const old = new Map(before.subflows.map((one) => [one.cookie, one]));
  const subflows = connection.subflows.map((subflow) => {
    const was = old.get(subflow.cookie);
    old.delete(subflow.cookie);
    const sent = acked(subflow) - (was === undefined ? 0 : acked(was));
    const received = (subflow.bytesReceived ?? 0) - (was?.bytesReceived ?? 0);
    // It may be an old one that the reading before did not have.
    const isOld = was === undefined && before.partial;
    if (bits === undefined || isOld || sent < 0 || received < 0) {
      return { subflow };
    }
    return {
      subflow,
      sentBitPerSec: sent * bits,
      receivedBitPerSec: received * bits,
    };
  });
  const sum = (name: "sentBitPerSec" | "receivedBitPerSec") =>
    subflows.reduce((total, rate: Rates) => total + (rate[name] ?? 0), 0);
  return {
    connection,
    ...bits !== undefined && {
      sentBitPerSec: sum("sentBitPerSec"),
      receivedBitPerSec: sum("receivedBitPerSec"),
    },
    subflows: [...subflows, ...Array.from(old.values(), ended)],
  };
}

/**
 * Bytes of data of a subflow that the peer acknowledged: its `bytesAcked`
 * without the SYN of this host, which the kernel counts as 1.
 *
 * @param subflow As a reading shows it.
 * @returns `undefined`: the reading does not have them.
 *
 * @example How much has each path carried?
 * ```ts
 * import { ackedBytes, Diag } from "@mptcp/pm/diag";
 *
 * using diag = Diag.open();
 * for (const { subflows } of diag.connections()) {
 *   for (const one of subflows) console.log(one.local, ackedBytes(one));
 * }
 * ```
 */
export function ackedBytes(
  { bytesAcked, openedHere }: Pick<Subflow, "bytesAcked" | "openedHere">,
): number | undefined {
  return bytesAcked && bytesAcked - Number(openedHere);
}

function acked(subflow: Subflow): number {
  return ackedBytes(subflow) ?? 0;
}

function ended(subflow: Subflow): SubflowRate {
  return { subflow, ended: true };
}
