/**
 * The ids of the addresses of this host: one for each, the same in all
 * connections, as far as they let us.
 *
 * @module
 */

import { plainAddress } from "./interfaces.ts";
import type { Announcement } from "./managed_connection.ts";
import type { TrackedConnection } from "./tracker.ts";

const MAX_ID = 255;

/** Chooses ids, and remembers them. */
export class AddressIds {
  readonly #ids = new Ids();
  /** What some connections have from before, or from another manager. */
  readonly #own = new WeakMap<TrackedConnection, Ids>();

  /**
   * The id of an address in a connection; 0: that of the initial subflow.
   *
   * @returns `undefined`: all ids are taken.
   */
  of(
    connection: TrackedConnection,
    address: string,
    port = 0,
  ): number | undefined {
    const plain = plainAddress(address);
    const key = keyOf(plain, port);
    const own = this.#own.get(connection);
    if (port === 0 && plain === plainAddress(connection.local.address)) {
      // Unless another program has given it one.
      return own?.get(key) ?? 0;
    }
    const known = own?.get(key) ?? this.#ids.get(key);
    if (known !== undefined && (own?.isFree(known, key) ?? true)) return known;
    const id = this.#ids.free(own);
    if (id === undefined) return undefined;
    (own ?? this.#ids).set(key, id);
    if (own !== undefined && known === undefined) this.#ids.set(key, id);
    return id;
  }

  /** Takes an id that an address has in a connection. */
  learn(address: string, id: number): void {
    const key = keyOf(plainAddress(address), 0);
    if (id === 0 || this.#ids.get(key) !== undefined) return;
    if (this.#ids.isFree(id, key)) this.#ids.set(key, id);
  }

  /** Takes what a connection has: all of it. */
  rebuild(
    connection: TrackedConnection,
    addresses: readonly Announcement[],
  ): void {
    const own = new Ids();
    for (const { address, id, port } of addresses) {
      if (id !== 0) own.set(keyOf(plainAddress(address), port), id);
    }
    this.#own.set(connection, own);
  }
}

/** Ids by address, and addresses by id. */
class Ids {
  readonly #byKey = new Map<string, number>();
  readonly #byId = new Map<number, string>();

  get(key: string): number | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, id: number): void {
    this.#byKey.set(key, id);
    this.#byId.set(id, key);
  }

  /** Whether no address has an id, or no other than this. */
  isFree(id: number, key?: string): boolean {
    return (this.#byId.get(id) ?? key) === key;
  }

  /** The lowest id that no address has, here or there. */
  free(other?: Ids): number | undefined {
    for (let id = 1; id <= MAX_ID; id++) {
      if (this.isFree(id) && (other?.isFree(id) ?? true)) return id;
    }
    return undefined;
  }
}

function keyOf(address: string, port: number): string {
  return port === 0 ? address : `${address} ${port}`;
}
