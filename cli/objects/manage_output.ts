/**
 * What `mptcp manage` says of what a policy decides.
 *
 * @module
 */

import type { Decision } from "../../policy/mod.ts";
import { count, type Output } from "../output.ts";
import { tokenText } from "./connection_output.ts";
import { clock } from "./monitor_output.ts";

/** It listens: what happens from now on is not missed. */
export function readyOutput(connections: number): Output {
  const now = clock().json;
  return {
    text: `[${now}] ${"ready".padEnd(10)} ${
      count(connections, "connection")
    }\n`,
    json: { timestamp: now, action: "ready", connections },
  };
}

/** One decision: when, what, on which connection, and why. */
export function decisionOutput(
  { action, connection, subflow, address, tell, reason, error }: Decision,
): Output {
  const now = clock().json;
  const end = (one: { readonly address: string; readonly port: number }) =>
    (one.address.includes(":") ? `[${one.address}]` : one.address) +
    (one.port === 0 ? "" : `:${one.port}`);
  const place = subflow === undefined ? [address] : [
    end(subflow.local),
    "->",
    end(subflow.remote),
    ...subflow.dev === undefined ? [] : ["dev", subflow.dev],
  ];
  const why = [
    ...reason === undefined ? [] : [reason],
    ...error === undefined ? [] : [`not done: ${error.message}`],
  ].join("; ");
  return {
    text:
      `[${now}] ${action.padEnd(10)} 0x${tokenText(connection.token)} ${
        place.join(" ")
      }` +
      (why === "" ? "" : `  # ${why}`) + "\n",
    json: {
      ...{ timestamp: now, action },
      // As ip mptcp monitor writes it, and so do monitor and connection.
      token: `0x${connection.token.toString(16)}`,
      ...subflow !== undefined && {
        local: subflow.local,
        remote: subflow.remote,
        ...subflow.dev !== undefined && { dev: subflow.dev },
      },
      ...address !== undefined && { address },
      ...tell !== undefined && { tell },
      ...reason !== undefined && { reason },
      ...error !== undefined && { error: error.code, message: error.message },
    },
  };
}
