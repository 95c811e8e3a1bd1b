/**
 * Text as `ip mptcp` writes it, to the trailing space, and the keys of
 * `ip -j mptcp`.
 *
 * @module
 */

import type { Endpoint, Limits } from "../mod.ts";
import type { Output } from "./grammar.ts";

/** Endpoints, one on a line. */
export function endpoints(list: readonly Endpoint[]): Output {
  return {
    text: list.map((endpoint) => `${endpointText(endpoint)}\n`).join(""),
    json: list.map(endpointJson),
  };
}

function endpointText(endpoint: Endpoint): string {
  const { address, port, id, flags } = endpoint;
  const device = deviceName(endpoint);
  return [
    address,
    port === 0 ? "" : `port ${port}`,
    `id ${id}`,
    ...flags.map((flag) =>
      flag.startsWith("0x") ? `rawflags ${rawFlags(flag)}` : flag
    ),
    device === undefined ? "" : `dev ${device}`,
  ].filter((part) => part !== "").map((part) => `${part} `).join("");
}

function endpointJson(endpoint: Endpoint) {
  const { address, port, id, flags } = endpoint;
  const device = deviceName(endpoint);
  return {
    address,
    ...port !== 0 && { port },
    id,
    ...Object.fromEntries(
      flags.map((flag) =>
        flag.startsWith("0x") ? ["rawflags", rawFlags(flag)] : [flag, true]
      ),
    ),
    ...device !== undefined && { dev: device },
  };
}

function rawFlags(flag: string): string {
  return flag.slice(2).padStart(2, "0");
}

/** A device that is gone is shown by its number, as `ip` does. */
export function deviceName(
  { ifIndex, dev }: { readonly ifIndex: number; readonly dev?: string },
): string | undefined {
  return ifIndex === 0 ? undefined : dev ?? `if${ifIndex >>> 0}`;
}

/** The limits. */
export function limits({ addAddrAccepted, subflows }: Limits): Output {
  return {
    text: `add_addr_accepted ${addAddrAccepted} subflows ${subflows} \n`,
    json: { add_addr_accepted: addAddrAccepted, subflows },
  };
}

/** What a change led to: programs may want it, `ip` says nothing to people. */
export function silent({ json }: Output): Output {
  return { text: "", json };
}

/** What was asked for, the token as `ip` writes it. */
export function request(values: { readonly token: number }): Output {
  return {
    text: "",
    json: { ...values, token: `0x${values.token.toString(16)}` },
  };
}
