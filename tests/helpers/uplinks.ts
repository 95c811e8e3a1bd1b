/**
 * A client with uplinks, and a server behind all of them.
 *
 * @module
 */

import { type Host, runIp } from "../../testing/host.ts";
import type { ConnectOptions, Lab, LabConnection } from "../../testing/lab.ts";

/** The server's own addresses, which no path has. */
export const SERVER = { 4: "10.99.0.1", 6: "fd99::1" } as const;

/**
 * Gives the server addresses of its own, and the client a default route over
 * each path: the first is the best.
 */
export function makeUplinks(lab: Lab, paths: number): void {
  const { client, server } = lab;
  runIp(server.netns, [
    ["address", "add", `${SERVER[4]}/32`, "dev", "lo"],
    ["address", "add", `${SERVER[6]}/128`, "dev", "lo", "nodad"],
  ]);
  // As if a router stood before it: it answers no ARP for its own addresses.
  server.sysctl("net.ipv4.conf.all.arp_ignore", 1);
  const all = Array.from({ length: paths }, (_, index) => 1 + index);
  runIp(client.netns, all.flatMap((path) => routes(lab, path)));
}

/** What adds the default routes of one uplink. */
function routes({ client, server }: Lab, path: number): string[][] {
  return [server.address(path), server.address6(path)].map((gateway) => [
    ...["route", "add", "default", "via", gateway],
    ...["dev", client.dev(path), "metric", `${100 * path}`],
  ]);
}

/** Makes the second path anew, with other devices. */
export function renewSecond(lab: Lab): void {
  const { client, server } = lab;
  client.ip(
    ...["link", "add", client.dev(2), "type", "veth"],
    ...["peer", "name", server.dev(2), "netns", server.netns],
  );
  for (const host of [client, server]) {
    const dev = host.dev(2);
    host.ip("address", "add", `${host.address(2)}/24`, "dev", dev);
    host.ip("address", "add", `${host.address6(2)}/64`, "dev", dev, "nodad");
    host.ip("link", "set", dev, "up");
  }
  runIp(client.netns, routes(lab, 2));
}

/** Adds an endpoint, by `ip`. */
export function addEndpoint(
  host: Host,
  address: string,
  ...words: readonly string[]
): void {
  host.ip("mptcp", "endpoint", "add", address, ...words);
}

/** Adds the endpoint that gives a connection a subflow over another path. */
export function addUplink({ client }: Lab, path: number, family: 4 | 6): void {
  const address = family === 4 ? client.address(path) : client.address6(path);
  addEndpoint(client, address, "dev", client.dev(path), "subflow");
}

/** Adds the one of the second path. */
export function addSecond(lab: Lab, family: 4 | 6 = 4): void {
  addUplink(lab, 2, family);
}

/** Adds it without a device: a rule has it leave by the second path. */
export function addSecondBySource(
  { client, server }: Lab,
  address: string = client.address(2),
): void {
  client.ip(
    ...["route", "add", "default", "via", server.address(2)],
    ...["dev", client.dev(2), "table", "2"],
  );
  client.ip("rule", "add", "from", address, "lookup", "2");
  addEndpoint(client, address, "subflow");
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
