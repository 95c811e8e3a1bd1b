import { isAt, type LocalAddress, plainAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import { isOffered } from "./peers.ts";
import type { Policy } from "./policy.ts";
import { pathKey, type PeerAddress, type TrackedSubflow } from "./tracker.ts";

/** Nobody hears before that from a host that answers no neighbour request. */
const NEIGHBOUR_MS = 1000;
/** The kernel says only after two minutes that nobody answers. */
const PENDING_MS = 3000;
const MOST_MS = 60_000;

/** What is wrong on this host, which sees most changes of that, but not all. */
const HERE = ["EADDRNOTAVAIL", "ENETDOWN", "ENETUNREACH"];

/** A subflow that is to be opened again. */
interface Lost {
  readonly connection: ManagedConnection;
  readonly subflow: TrackedSubflow;
  timer: Disposable | undefined;
}

/**
 * Opens subflows again that close, for connections that live long: by the reason
 * for which they closed. After a reset or a timeout at once, and then less and
 * less often; where a host did not answer on the link after a second; where the
 * peer refused, or this host could not, when a link, an address or an
 * announcement has changed, and in the latter case after a minute, too. One that
 * nobody answers is given up after 3 s, and tried less and less often. Only
 * connections that this host opened are managed.
 *
 * @example Long-lived connections through a NAT that forgets
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { keep, manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using manager = manage(pm, keep(), { setMode: true });
 * await manager.finished;
 * ```
 */
export function keep(): Policy {
  return new Keep();
}

class Keep implements Policy {
  readonly #lost = new WeakMap<ManagedConnection, Map<string, Lost>>();
  /** How many in a row were given up, the last of which is this one. */
  readonly #unanswered = new WeakMap<TrackedSubflow, number>();

  subflowClosed(connection: ManagedConnection, subflow: TrackedSubflow): void {
    if (connection.serverSide || !subflow.openedHere) return;
    const lost = this.#lost.get(connection) ?? new Map<string, Lost>();
    this.#lost.set(connection, lost);
    const key = pathKey(subflow);
    lost.get(key)?.timer?.[Symbol.dispose]();
    const entry: Lost = { connection, subflow, timer: undefined };
    lost.set(key, entry);
    const ms = this.#waitOf(subflow);
    if (ms !== undefined) {
      entry.timer = connection.after(ms, () => this.#open(entry));
    }
  }

  subflowOpened(connection: ManagedConnection, subflow: TrackedSubflow): void {
    const lost = this.#lost.get(connection);
    lost?.get(pathKey(subflow))?.timer?.[Symbol.dispose]();
    lost?.delete(pathKey(subflow));
  }

  interfaceUp(connection: ManagedConnection, { address }: LocalAddress): void {
    for (const entry of this.#lost.get(connection)?.values() ?? []) {
      if (isAt(entry.subflow.local, address)) this.#open(entry);
    }
  }

  announced(connection: ManagedConnection, { address }: PeerAddress): void {
    // It may have another address in the place of one that it had.
    this.removed(connection);
    for (const entry of this.#lost.get(connection)?.values() ?? []) {
      const { error, remote } = entry.subflow;
      if (error?.code !== "ECONNREFUSED") continue;
      if (remote.address === plainAddress(address)) this.#open(entry);
    }
  }

  removed(connection: ManagedConnection): void {
    const lost = this.#lost.get(connection);
    for (const [key, { subflow, timer }] of lost ?? []) {
      if (isOffered(connection, subflow.remote)) continue;
      timer?.[Symbol.dispose]();
      lost!.delete(key);
    }
  }

  /** Milliseconds until the next try; `undefined`: something has to change. */
  #waitOf(subflow: TrackedSubflow): number | undefined {
    const { error, failures } = subflow;
    const code = error?.code ?? "";
    if (code === "ECONNREFUSED") return undefined;
    if (HERE.includes(code)) return MOST_MS;
    const isQuick = code === "ECONNRESET" || code === "ETIMEDOUT";
    if (isQuick && failures <= 1) return 0;
    const count = Math.max(1, failures, this.#unanswered.get(subflow) ?? 0);
    return Math.min(MOST_MS, NEIGHBOUR_MS * 2 ** (count - 1));
  }

  #open({ connection, subflow, timer }: Lost): void {
    timer?.[Symbol.dispose]();
    if (!isOffered(connection, subflow.remote)) return;
    const { local, remote, backup, error } = subflow;
    const opened = connection.open({
      ...{ from: local.address, to: remote, backup },
      reason: error === undefined ? "it was closed" : error.message,
    });
    if (opened.state !== "opening") return;
    const lost = this.#lost.get(connection)?.get(pathKey(subflow));
    if (lost === undefined) return;
    lost.timer = connection.after(PENDING_MS, () => {
      if (opened.state !== "opening") return;
      const before = this.#unanswered.get(subflow) ?? 0;
      this.#unanswered.set(opened, before + 1);
      connection.close(opened, { reason: "no answer" });
    });
  }
}
