/**
 * What stands between the hosts of a lab and meddles with their packets: rules
 * of nftables, where they enter and leave the server.
 *
 * @module
 */

import type { Host } from "../../testing/host.ts";

/** The tables of {@linkcode addMiddlebox}. */
const TABLE = "inet middlebox";

/** Packets by their TCP flags. */
export const SYN = "tcp flags & (syn|ack) == syn";
export const SYN_ACK = "tcp flags & (syn|ack) == (syn|ack)";
export const NO_SYN = "tcp flags & (syn|rst) == 0x0";

/** Packets by their MPTCP option. */
export const MP_JOIN = "tcp option mptcp subtype 1";
export const ANY_OPTION = "tcp option mptcp exists";

/** Replaces the option by one that does nothing. */
export const STRIP = "reset tcp option mptcp";

/** Changes a byte of what segments carry. */
export const CHANGE_DATA: string =
  `${NO_SYN} meta length > 100 @ih,64,8 set 0x21`;

/** What the middlebox does to packets in either direction. */
export interface Middlebox {
  readonly toServer?: string;
  readonly toClient?: string;
  /** Changes where connections go to that are made from the client. */
  readonly dnat?: string;
}

/** Puts it before the server. */
export function addMiddlebox(server: Host, box: Middlebox): void {
  const chain = (name: string, type: string, priority: number, rule?: string) =>
    rule === undefined ? [] : [
      `add chain ${TABLE} ${name} ` +
      `{ type ${type} hook ${name} priority ${priority}; }`,
      `add rule ${TABLE} ${name} ${rule}`,
    ];
  server.exec(
    "nft",
    [
      `add table ${TABLE}`,
      ...chain("input", "filter", 0, box.toServer),
      ...chain("output", "filter", 0, box.toClient),
      ...chain("prerouting", "nat", -100, box.dnat),
    ].join("; "),
  );
}

/** Takes it away. */
export function removeMiddlebox(server: Host): void {
  server.exec("nft", "delete", "table", ...TABLE.split(" "));
}
