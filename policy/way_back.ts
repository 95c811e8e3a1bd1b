/**
 * Opens subflows again over paths that were in trouble, to see whether they
 * work.
 *
 * @module
 */

import type { LocalAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { TrackedSubflow } from "./tracker.ts";

/** The first try, in milliseconds after the trouble. */
const FIRST_MS = 5000;
/** It takes twice as long after each, up to this. */
const MOST_MS = 60_000;
/** One that works for so long is sound: the next trouble is a new one. */
const SOUND_MS = 10_000;
/** The kernel says only after two minutes that nobody answers. */
const PENDING_MS = 3000;

/** A path that is tried. */
interface Path {
  readonly connection: ManagedConnection;
  /** The subflow that was in trouble. */
  readonly lost: TrackedSubflow;
  /** Milliseconds until the next try. */
  wait: number;
  timer: Disposable | undefined;
  /** The one that is being opened. */
  probe?: TrackedSubflow;
}

/** The paths that are tried. */
export class WaysBack {
  readonly #paths = new WeakMap<ManagedConnection, Map<string, Path>>();
  /** How long the last wait was, where a path works again. */
  readonly #waited = new WeakMap<ManagedConnection, Map<string, number>>();

  /** A subflow was closed since its path is in trouble. */
  lost(connection: ManagedConnection, subflow: TrackedSubflow): void {
    const key = subflow.local.address;
    const paths = this.#of(connection);
    if (paths.has(key)) return;
    const isSound = connection.clock.now() - subflow.since >= SOUND_MS;
    const before = isSound ? 0 : this.#waited.get(connection)?.get(key) ?? 0;
    const wait = Math.min(MOST_MS, before === 0 ? FIRST_MS : 2 * before);
    const path: Path = { connection, lost: subflow, wait, timer: undefined };
    paths.set(key, path);
    this.#arm(path, wait);
  }

  /** Whether a path is tried that a subflow could have. */
  isTried(connection: ManagedConnection, { local }: TrackedSubflow): boolean {
    return this.#paths.get(connection)?.has(local.address) ?? false;
  }

  /** A subflow was established: its path needs no more tries. */
  opened(connection: ManagedConnection, { local }: TrackedSubflow): void {
    const path = this.#paths.get(connection)?.get(local.address);
    if (path === undefined) return;
    const waited = this.#waited.get(connection) ?? new Map<string, number>();
    waited.set(local.address, path.wait);
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
    const { local, remote, backup } = lost;
    path.probe = connection.open({
      ...{ from: local.address, to: remote, backup },
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
    paths?.delete(path.lost.local.address);
    if (paths?.size === 0) this.#paths.delete(path.connection);
  }
}
