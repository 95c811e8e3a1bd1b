/**
 * Where `everything.ts` is run: a connection that a program may steer, seen
 * from the client.
 *
 * @module
 */

import type { Stage } from "../programs/everything.ts";
import { openUserspaceLab, type UserspaceLab } from "./userspace_lab.ts";

/** A laboratory, and what to tell the program in its client. */
export interface LabStage extends UserspaceLab {
  readonly stage: Stage;
}

/** Makes the hosts and the connection. */
export async function openStage(): Promise<LabStage> {
  const made = await openUserspaceLab();
  const { lab, client } = made;
  const { netns } = lab.client;
  const stage = {
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
  return { ...made, stage };
}
