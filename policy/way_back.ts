/**
 * Opens subflows again over paths that were in trouble, to see whether they
 * work.
 *
 * @module
 */

import { isAt, type LocalAddress, plainAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import { peerFor } from "./spare.ts";
import type { TrackedSubflow } from "./tracker.ts";

/** The first try, in milliseconds after the trouble. */
const FIRST_MS = 5000;
/** It takes twice as long after each, up to this. */
const MOST_MS = 60_000;
/** One that works for so long is sound: the next trouble is a new one. */
const SOUND_MS = 10_000;
/** The kernel says only after two minutes that nobody answers. */
const PENDING_MS = 3000;

/** What has to be known of a subflow that was in trouble. */
type Lost = Pick<TrackedSubflow, "local" | "remote" | "backup" | "since">;

/** A path that is tried. */
interface Path {
  readonly connection: ManagedConnection;
  /** The subflow that was in trouble. */
  readonly lost: Lost;
  /** Milliseconds until the next try. */
  wait: number;
  timer: Disposable | undefined;
  /** The one that is being opened. */
  probe?: TrackedSubflow | undefined;
}

/** The paths that are tried. */
export class WaysBack {
  readonly #paths = new WeakMap<ManagedConnection, Map<string, Path>>();
  /** How long the last wait was, where a path works again. */
  readonly #waited = new WeakMap<ManagedConnection, Map<string, number>>();

  readonly #isWanted: (
    connection: ManagedConnection,
    address: string,
  ) => boolean;

  /**
   * Tries nothing yet.
   *
   * @param isWanted Whether to try a path from an address, asked each time.
   */
  constructor(
    isWanted: (connection: ManagedConnection, address: string) => boolean =
      () => true,
  ) {
    this.#isWanted = isWanted;
  }

  /** A connection is there, of which a former manager may have left a path. */
  began(connection: ManagedConnection): void {
    const { local, remote, subflows } = connection;
    const isThere = subflows.some((one) =>
      one.isOpen && isAt(one.local, local.address)
    );
    if (isThere) return;
    this.lost(connection, { local, remote, backup: false, since: 0 });
  }

  /** A subflow was closed since its path is in trouble. */
  lost(connection: ManagedConnection, subflow: Lost): void {
    const key = keyOf(subflow);
    const paths = this.#of(connection);
    if (paths.has(key)) return;
    const isSound = connection.clock.now() - subflow.since >= SOUND_MS;
    const before = isSound ? 0 : this.#waited.get(connection)?.get(key) ?? 0;
    const wait = Math.min(MOST_MS, before === 0 ? FIRST_MS : 2 * before);
    const path: Path = { connection, lost: subflow, wait, timer: undefined };
    paths.set(key, path);
    this.#arm(path, wait);
  }

  /** A subflow was established: its path needs no more tries. */
  opened(
    connection: ManagedConnection,
    { local, openedHere }: TrackedSubflow,
  ): void {
    // One of the peer's is no such path: it goes as the peer likes.
    if (!openedHere) return;
    const key = keyOf({ local });
    const path = this.#paths.get(connection)?.get(key);
    if (path === undefined) return;
    const waited = this.#waited.get(connection) ?? new Map<string, number>();
    waited.set(key, path.wait);
    this.#waited.set(connection, waited);
    this.#drop(path);
  }

  /** An address can be used again: what waits for it is tried at once. */
  up(connection: ManagedConnection, { address }: LocalAddress): void {
    const path = this.#paths.get(connection)?.get(address);
    if (path !== undefined) this.#arm(path, 0);
  }

  #of(connection: ManagedConnection): Map<string, Path> {
    const paths = this.#paths.get(connection) ?? new Map<string, Path>();
    this.#paths.set(connection, paths);
    return paths;
  }

  #arm(path: Path, ms: number): void {
    path.timer?.[Symbol.dispose]();
    path.timer = path.connection.after(ms, () => this.#try(path));
  }

  #try(path: Path): void {
    const { connection, lost } = path;
    const { local: { address: from }, remote, backup } = lost;
    if (!this.#isWanted(connection, from)) return this.#drop(path);
    const to = peerFor(connection, from, remote);
    path.probe = to && connection.open({
      ...{ from, to, backup },
      reason: "to see whether the path works again",
    });
    path.timer?.[Symbol.dispose]();
    path.timer = connection.after(PENDING_MS, () => this.#giveUp(path));
  }

  /** Nobody has answered. */
  #giveUp(path: Path): void {
    const { connection, probe } = path;
    if (probe?.state === "opening") {
      connection.close(probe, { reason: "no answer" });
    }
    path.wait = Math.min(MOST_MS, 2 * path.wait);
    this.#arm(path, path.wait);
  }

  #drop(path: Path): void {
    path.timer?.[Symbol.dispose]();
    const paths = this.#paths.get(path.connection);
    paths?.delete(keyOf(path.lost));
    if (paths?.size === 0) this.#paths.delete(path.connection);
  }
}

/** Paths differ by their addresses of this host. */
function keyOf({ local }: Pick<Lost, "local">): string {
  return plainAddress(local.address);
}
