import type { Host } from "../../testing/host.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";

/** Listens on a host, which is an event; to stop is another. */
export function listen({ netns }: Host, port = 0): MptcpSocket {
  return MptcpSocket.listen(netns, { address: "0.0.0.0", port });
}

/** Causes both events, and returns the port. */
export function listenBriefly(host: Host, port = 0): number {
  using listener = listen(host, port);
  return listener.local.port;
}
