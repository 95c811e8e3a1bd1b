/**
 * Connections of the doctor itself, in words.
 *
 * @module
 */

import type { Endpoint } from "../ops/endpoint.ts";
import type { Attempt, Snapshot, Target } from "./snapshot.ts";

/** Why a connection could not be made, by the name of the error. */
const FAILURES: Readonly<Record<string, string>> = {
  ETIMEDOUT: "no answer",
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ENETUNREACH: "no route",
  EHOSTUNREACH: "no host on the way answers",
  EADDRNOTAVAIL: "the address cannot be used",
  ENODEV: "no such device",
  ENETDOWN: "the device is down",
  EPERM: "not permitted",
  EACCES: "not permitted",
  ENOPROTOOPT: "MPTCP is switched off",
  EPROTONOSUPPORT: "no MPTCP in this kernel",
};

/** What became of an attempt, such as `MPTCP, 12.3 ms`. */
export function outcomeText(
  { outcome, code = "", local, ms }: Attempt,
): string {
  // How long an error took to get here is not exact.
  const isExact = (outcome === "mptcp" || outcome === "tcp") && ms < 100;
  // What did not go out took no time.
  const time = local === undefined
    ? ""
    : `, ${isExact ? ms : Math.ceil(ms)} ms`;
  switch (outcome) {
    case "mptcp":
      return `MPTCP${time}`;
    case "tcp":
      return `TCP${time}`;
    case "blackhole":
      return `TCP only, with MPTCP ${failureText(code)}${time}`;
    default:
      return failureText(code) + time;
  }
}

function failureText(code: string): string {
  return `${FAILURES[code] ?? "an error"} (${code})`;
}

/** Where an attempt began, such as `from 10.0.2.1 by wwan0`. */
export function originText({ source, local, dev }: Attempt): string {
  const from = source ?? local;
  const words = [
    ...from === undefined ? [] : [`from ${from}`],
    ...dev === undefined ? [] : [`by ${dev}`],
  ];
  return words.length === 0 ? "from this host" : words.join(" ");
}

/** An attempt as evidence. */
export function attemptText(attempt: Attempt): string {
  return `a connection of the doctor ${originText(attempt)}: ` +
    outcomeText(attempt);
}

/** The attempts that were bound to nothing, to one address after the other. */
export function unbound({ attempts }: Target): Attempt[] {
  return attempts.filter(({ source, dev }) =>
    source === undefined && dev === undefined
  );
}

/** What became of connections from the address of an endpoint. */
export function attemptsFrom(
  { id }: Endpoint,
  { target }: Snapshot,
): Attempt[] {
  return target?.attempts.filter((one) => one.id === id) ?? [];
}
