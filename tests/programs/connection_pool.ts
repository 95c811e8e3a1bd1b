/**
 * A worker that keeps a number of connections, and replaces one after the other
 * until it is to stop.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { Host } from "../../testing/host.ts";
import {
  MptcpSocket,
  POLLIN,
  waitForSockets,
} from "../../testing/mptcp_socket.ts";

const TIMEOUT_MS = 60_000;

/**
 * Namespaces of both hosts, how many connections, and what says to stop, and how
 * many have been replaced.
 */
type Order = [string, string, number, Int32Array];

self.onmessage = ({ data }: MessageEvent<Order>) => {
  const [client, server, count, shared] = data;
  const [near, far] = [new Host(client, "client"), new Host(server, "server")];
  const listener = MptcpSocket.listen(server, { address: "0.0.0.0", port: 0 });
  const to = { address: far.address(1), port: listener.local.port };
  const connect = () => {
    const one = MptcpSocket.connect(client, near.address(1), to, TIMEOUT_MS);
    const other = listener.accept(TIMEOUT_MS);
    // Each end gets an ack: so further subflows are possible.
    for (const [from, to] of [[one, other], [other, one]] as const) {
      from.send(1);
      waitForSockets([[to, POLLIN]], TIMEOUT_MS, "get a byte");
      to.receive();
    }
    return [one, other];
  };
  const pool = Array.from({ length: count }, connect);
  self.postMessage(pool.length);
  while (Atomics.load(shared, 0) === 0) {
    const index = Math.floor(Math.random() * count);
    for (const socket of pool[index]!) socket.close();
    pool[index] = connect();
    Atomics.add(shared, 1, 1);
  }
  self.postMessage(pool.length);
};
