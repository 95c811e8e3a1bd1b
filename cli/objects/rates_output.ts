/**
 * What connections carry, as lines and as JSON.
 *
 * @module
 */

import type { ConnectionRate, Rates, SubflowRate } from "../../diag/mod.ts";
import { deviceName } from "../output.ts";
import { rateText, timeText } from "../units.ts";
import { connectionJson, endText, tokenText } from "./connection_output.ts";

/**
 * Connections for programs, as `mptcp -j connection` has them, with
 * `sent_bit_per_sec` and `received_bit_per_sec` where these are known.
 */
export function ratesJson(
  rates: readonly ConnectionRate[],
): Record<string, unknown>[] {
  return rates.map((rate) => {
    const { connection, subflows, ended } = rate;
    const { subflows: jsons, ...json } = connectionJson({
      ...connection,
      subflows: subflows.map(({ subflow }) => subflow),
    });
    return {
      ...json,
      ...bitsPerSec(rate),
      ...ended && { ended },
      subflows: (jsons as object[]).map((json, index) => ({
        ...json,
        ...bitsPerSec(subflows[index]!),
        ...subflows[index]!.ended && { ended: true },
      })),
    };
  });
}

function bitsPerSec({ sentBitPerSec, receivedBitPerSec }: Rates) {
  return {
    ...sentBitPerSec !== undefined &&
      { sent_bit_per_sec: Math.round(sentBitPerSec) },
    ...receivedBitPerSec !== undefined &&
      { received_bit_per_sec: Math.round(receivedBitPerSec) },
  };
}

/** A line for each subflow. */
export function ratesLines(rates: readonly ConnectionRate[]): string[] {
  return rates.flatMap(({ connection: { token }, subflows }) =>
    subflows.map((rate) => subflowLine(token, rate))
  );
}

function subflowLine(token: number, rate: SubflowRate): string {
  const { subflow, sentBitPerSec, receivedBitPerSec, ended } = rate;
  const { local, remote, backup, rttUs, retransmits } = subflow;
  const device = deviceName(subflow);
  return [
    `token ${tokenText(token)}`,
    `${endText(local)} -> ${endText(remote)}`,
    `id ${local.id}/${remote.id}`,
    ...device === undefined ? [] : [`dev ${device}`],
    ...backup ? ["backup"] : [],
    ...ended ? ["closed"] : [
      `sent ${bits(sentBitPerSec)}`,
      `received ${bits(receivedBitPerSec)}`,
      ...rttUs === undefined ? [] : [`rtt ${timeText(rttUs)}`],
      ...retransmits ? [`${retransmits} retransmitted`] : [],
    ],
  ].join("  ");
}

function bits(perSec: number | undefined): string {
  return perSec === undefined ? "-" : rateText(perSec);
}
