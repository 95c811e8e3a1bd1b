/**
 * A client with two uplinks, and a server behind both of them.
 *
 * @module
 */

import type { Host } from "../../testing/host.ts";
import type { ConnectOptions, Lab, LabConnection } from "../../testing/lab.ts";

/** The server's own addresses, which no path has. */
export const SERVER = { 4: "10.99.0.1", 6: "fd99::1" } as const;

/**
 * Gives the server addresses of its own, and the client a default route over
 * each of two paths: the first is better.
 */
export function makeUplinks({ client, server }: Lab): void {
  server.ip("address", "add", `${SERVER[4]}/32`, "dev", "lo");
  server.ip("address", "add", `${SERVER[6]}/128`, "dev", "lo", "nodad");
  // As if a router stood before it: it answers no ARP for its own addresses.
  server.sysctl("net.ipv4.conf.all.arp_ignore", 1);
  for (const path of [1, 2]) addRoutes({ client, server }, path);
}

/** The default routes of one uplink. */
export function addRoutes(
  { client, server }: Pick<Lab, "client" | "server">,
  path: number,
): void {
  const to = ["dev", client.dev(path), "metric", `${100 * path}`];
  for (const gateway of [server.address(path), server.address6(path)]) {
    const family = gateway.includes(":") ? "-6" : "-4";
    client.ip(family, "route", "add", "default", "via", gateway, ...to);
  }
}

/** Adds an endpoint, by `ip`. */
export function addEndpoint(
  host: Host,
  address: string,
  ...words: readonly string[]
): void {
  host.ip("mptcp", "endpoint", "add", address, ...words);
}

/** Adds the endpoint that gives a connection its second subflow. */
export function addSecond({ client }: Lab, family: 4 | 6 = 4): void {
  const address = family === 4 ? client.address(2) : client.address6(2);
  addEndpoint(client, address, "dev", client.dev(2), "subflow");
}

/** Sets the limits, by `ip`. */
export function setLimits(
  host: Host,
  subflows: number,
  addAddrAccepted: number,
): void {
  host.ip(
    ...["mptcp", "limits", "set", "subflows", `${subflows}`],
    ...["add_addr_accepted", `${addAddrAccepted}`],
  );
}

/** Connects to the server, without data. */
export function connectIdle(
  lab: Lab,
  options: ConnectOptions = {},
): LabConnection {
  const serverAddress = SERVER[options.family ?? 4];
  return lab.connect({ serverAddress, ...options });
}

/** Connects to the server, and sends something, so that it may be joined. */
export function connect(lab: Lab, options?: ConnectOptions): LabConnection {
  const connection = connectIdle(lab, options);
  connection.transfer(10_000);
  return connection;
}
