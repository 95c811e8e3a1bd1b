/**
 * A connection whose two ends are both managed from user space.
 *
 * @module
 */

import { PathManager } from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import {
  type ConnectOptions,
  Lab,
  type LabConnection,
} from "../../testing/lab.ts";
import type { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { Witness } from "./witness.ts";

/** One end of the connection, and what is needed to manage it. */
export interface End {
  readonly host: Host;
  readonly pm: PathManager;
  readonly events: Witness;
  readonly socket: MptcpSocket;
  readonly token: number;
}

/** Two hosts, two paths, and a connection over the first. */
export interface UserspaceLab extends Disposable {
  readonly lab: Lab;
  readonly connection: LabConnection;
  readonly client: End;
  readonly server: End;
}

/** Makes the hosts and connects them; both know that the connection is up. */
export async function openUserspaceLab(
  options: ConnectOptions = {},
): Promise<UserspaceLab> {
  using stack = new DisposableStack();
  const lab = stack.use(Lab.open({ paths: 2 }));
  const prepare = (host: Host) => {
    const pm = stack.use(PathManager.open({ netns: host.netns }));
    pm.setMode("userspace");
    const events = stack.use(new Witness(pm.events()));
    return { host, pm, events };
  };
  const [client, server] = [prepare(lab.client), prepare(lab.server)];
  const connection = lab.connect(options);
  const end = (prepared: ReturnType<typeof prepare>, socket: MptcpSocket) => ({
    ...prepared,
    socket,
    token: socket.token,
  });
  const made = {
    lab,
    connection,
    client: end(client, connection.client),
    server: end(server, connection.server),
  };
  // No subflow can be added before the first data is acknowledged.
  connection.transfer(1000);
  for (const { events, token } of [made.client, made.server]) {
    await events.take("established", (event) => event.token === token);
  }
  const owned = stack.move();
  return { ...made, [Symbol.dispose]: () => owned.dispose() };
}
