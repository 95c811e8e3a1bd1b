/**
 * A path manager for a client with several ways out: each connection gets a
 * subflow over each network interface, so that it has the speed of all of them
 * together.
 *
 * ```sh
 * sudo deno run --allow-ffi --allow-sys=networkInterfaces \
 *   examples/one_per_interface.ts
 * sudo deno run --allow-ffi examples/one_per_interface.ts \
 *   eth0=10.0.1.1 eth1=10.0.2.1   # these, and no others
 * ```
 *
 * Events and commands need root (`CAP_NET_ADMIN`). Each interface needs a route
 * to the peer, such as a default route. In a project of your own, do
 * `deno add jsr:@mptcp/pm` first.
 *
 * @module
 */

import { PathManager } from "@mptcp/pm";

/** Opens a subflow over each interface that a connection does not use yet. */
export async function onePerInterface(
  pm: PathManager,
  /** Addresses by the names of the interfaces. */
  interfaces: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  for await (const event of pm.events({ types: ["established"], signal })) {
    const { token, local, remote, serverSide } = event;
    if (serverSide) continue; // The peer's connections are the peer's business.
    let id = 0;
    for (const [dev, address] of Object.entries(interfaces)) {
      id++;
      if (address === local.address) continue;
      try {
        pm.subflowCreate({ token, local: { address, id }, remote, dev });
      } catch (error) {
        console.warn(`${dev}: ${error}`); // It may be down, the others not.
      }
    }
  }
}

/** The IPv4 address of each interface of this host but `lo`. */
function interfacesOfThisHost(): Record<string, string> {
  return Object.fromEntries(
    Deno.networkInterfaces()
      .filter(({ name, family }) => name !== "lo" && family === "IPv4")
      .map(({ name, address }) => [name, address]),
  );
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  using pm = PathManager.open();
  using _mode = pm.setMode("userspace"); // New connections are this program's.
  const given = Deno.args.map((pair) => pair.split("=") as [string, string]);
  await onePerInterface(
    pm,
    given.length > 0 ? Object.fromEntries(given) : interfacesOfThisHost(),
    stop.signal,
  );
}
