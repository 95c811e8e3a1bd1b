/**
 * Readings of connections that are made up.
 *
 * @module
 */

import type { Connection, Subflow } from "../../diag/mod.ts";

const END = { address: "10.0.0.1", port: 443, id: 0 };
const SOCKET = {
  state: "established",
  inode: 1,
  uid: 0,
  receiveQueue: 0,
  sendQueue: 0,
  ifIndex: 0,
  local: END,
  remote: END,
} as const;

/** A subflow that has carried this. */
export function subflow(
  cookie: number,
  figures: Partial<Subflow> = {},
): Subflow {
  return {
    ...SOCKET,
    cookie,
    initial: false,
    openedHere: true,
    backup: false,
    flags: [],
    timerRetransmits: 0,
    ...figures,
  };
}

/** A connection of these subflows; its token is its cookie. */
export function connection(cookie: number, ...subflows: Subflow[]): Connection {
  return {
    ...SOCKET,
    cookie,
    token: cookie,
    fallback: false,
    remoteKeyReceived: true,
    subflows,
  };
}
