/**
 * What `programs/every_operation.ts` is run with, and what it prints.
 *
 * @module
 */

import { openUserspaceLab, type UserspaceLab } from "./userspace_lab.ts";

/** What to call the operations with. */
export interface Inputs {
  /** The ways to a namespace, by what they are called in the results. */
  readonly ways: Readonly<Record<string, string | number>>;
  /** A connection with the userspace path manager, and a way to a second. */
  readonly connection: {
    readonly token: number;
    /** An address of this host that has no subflow yet. */
    readonly spare: string;
    /** What the spare address can connect to. */
    readonly remote: { readonly address: string; readonly port: number };
  };
}

/** What an error says. */
export interface Failed {
  readonly name: string;
  readonly message: string;
  readonly op?: string;
  readonly syscall?: string;
  readonly code?: string;
  readonly hint?: string;
}

/** What each call returned, or a {@linkcode Failed}. */
export type Results = Record<string, unknown>;

/** The results for a user who has the privilege. */
export const DONE = {
  getMode: "userspace",
  setMode: "kernel",
  getLimits: { subflows: 2, addAddrAccepted: 0 },
  setLimits: 3,
  addAddr: 1,
  setFlags: ["backup"],
  getAddr: "lo",
  dumpAddrs: 1,
  "dumpAddrs of a token": "done",
  delAddr: 1,
  flushAddrs: "done",
  events: "done",
  steering: ["1 announced", "sub-established", "sub-closed"],
  open: "done",
} as const;

/** A lab, and what to call the operations with in its client. */
export interface OperationsLab extends UserspaceLab {
  readonly inputs: Inputs;
}

/** Makes the hosts and the connection. */
export async function openOperationsLab(): Promise<OperationsLab> {
  const made = await openUserspaceLab();
  const { lab, client } = made;
  const { netns } = lab.client;
  const inputs = {
    ways: { name: netns, path: `/run/netns/${netns}` },
    connection: {
      token: client.token,
      spare: lab.client.address(2),
      remote: {
        address: lab.server.address(2),
        port: client.socket.remote.port,
      },
    },
  };
  return { ...made, inputs };
}
