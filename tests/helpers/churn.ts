/**
 * Many short connections, one after the other: for tests and benchmarks.
 *
 * @module
 */

import type { Lab } from "../../testing/lab.ts";
import {
  MptcpSocket,
  POLLIN,
  waitForSockets,
} from "../../testing/mptcp_socket.ts";

const TIMEOUT_MS = 60_000;

/** What a client sees of each connection. */
export const EVENTS_OF_CLIENT = ["created", "established", "closed"] as const;

/** Makes connections on the first path; each carries a byte both ways. */
export function churn(
  { client, server }: Pick<Lab, "client" | "server">,
  count: number,
): void {
  const address = "0.0.0.0";
  using listener = MptcpSocket.listen(server.netns, { address, port: 0 });
  const to = { address: server.address(1), port: listener.local.port };
  for (let made = 0; made < count; made++) {
    using near = MptcpSocket.connect(
      client.netns,
      client.address(1),
      to,
      TIMEOUT_MS,
    );
    using far = listener.accept(TIMEOUT_MS);
    // The answer acknowledges: so the connection is established, for both.
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.send(1);
      waitForSockets([[to, POLLIN]], TIMEOUT_MS, "get a byte");
      to.receive();
    }
  }
}

/** The same in a worker; settles when all have been made. */
export async function churnAside(
  { client, server }: Pick<Lab, "client" | "server">,
  count: number,
): Promise<void> {
  const worker = new Worker(
    new URL("../programs/churn_worker.ts", import.meta.url),
    { type: "module" },
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage([client.netns, server.netns, count]);
  try {
    await promise;
  } finally {
    worker.terminate();
  }
}
