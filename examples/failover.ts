/**
 * A path manager for a client with two ways out: each connection gets a spare
 * subflow over the second one. The spare carries nothing until another subflow
 * of the connection closes; then it becomes an ordinary one.
 *
 * ```sh
 * sudo deno run --allow-ffi examples/failover.ts 10.0.2.1 eth1
 * ```
 *
 * Events and commands need root (`CAP_NET_ADMIN`). The second way needs a route
 * of its own, such as a default route with a higher metric. In a project of your
 * own, do `deno add jsr:@mptcp/pm` first.
 *
 * @module
 */

import {
  NetlinkError,
  PathManager,
  type PathManagerEvent,
  type SubflowEvent,
} from "@mptcp/pm";

/** The second way out. */
export interface Spare {
  /** An address of this host. */
  readonly address: string;
  /** The device that has it. */
  readonly dev: string;
}

/** Keeps a spare subflow for each connection, until it is needed. */
export async function failover(
  pm: PathManager,
  spare: Spare,
  signal?: AbortSignal,
): Promise<void> {
  /** The spare subflows, by the token of the connection. */
  const spares = new Map<number, SubflowEvent>();

  function react(event: PathManagerEvent): void {
    switch (event.type) {
      case "established": {
        // The peer's connections are the peer's business.
        if (event.serverSide || event.local.address === spare.address) return;
        const { token, remote } = event;
        const local = { address: spare.address, id: 1 };
        const { dev } = spare;
        pm.subflowCreate({ token, local, remote, dev, backup: true });
        return;
      }
      case "sub-established":
        if (event.local.address === spare.address) {
          spares.set(event.token, event);
        }
        return;
      case "sub-closed": {
        const kept = spares.get(event.token);
        spares.delete(event.token);
        const isSpare = event.local.address === spare.address;
        if (kept === undefined || isSpare) return;
        const { token, local, remote } = kept;
        pm.setSubflowBackup({ token, local, remote, backup: false });
        return;
      }
      case "closed":
        spares.delete(event.token);
    }
  }

  for await (const event of pm.events({ signal })) {
    try {
      react(event);
    } catch (error) {
      // The connection may be gone already, or is no longer MPTCP.
      if (!(error instanceof NetlinkError)) throw error;
      console.warn(String(error));
    }
  }
}

if (import.meta.main) {
  const [address = "10.0.2.1", dev = "eth1"] = Deno.args;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  using pm = PathManager.open();
  using _mode = pm.setMode("userspace"); // New connections are this program's.
  await failover(pm, { address, dev }, stop.signal);
}
