import type { Clock } from "../netlink/clock.ts";
import type { ManagedConnection } from "./managed_connection.ts";

/** Does something again and again, the first time after `ms` milliseconds. */
export function repeat(
  clock: Clock,
  ms: number,
  action: () => void,
): Disposable {
  const wait = (): Disposable =>
    clock.after(ms, () => {
      timer = wait();
      action();
    });
  let timer = wait();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** What policies want to be called later. */
export class Timers implements Disposable {
  readonly #clock: Clock;
  readonly #call: (
    connection: ManagedConnection,
    action: () => unknown,
  ) => void;
  readonly #pending = new Map<ManagedConnection, Set<Disposable>>();
  #isStopped = false;

  /**
   * Waits for nothing yet.
   *
   * @param clock By what it waits.
   * @param call Calls what is due.
   */
  constructor(
    clock: Clock,
    call: (connection: ManagedConnection, action: () => unknown) => void,
  ) {
    this.#clock = clock;
    this.#call = call;
  }

  /** See {@linkcode ManagedConnection.after}. */
  after(
    connection: ManagedConnection,
    ms: number,
    action: () => unknown,
  ): Disposable {
    let isWanted = true;
    const timer = this.#clock.after(ms, () => {
      this.#forget(connection, handle);
      // It comes in turn, and may not be wanted any more by then.
      this.#call(connection, () => isWanted ? action() : undefined);
    });
    const handle = {
      [Symbol.dispose]: () => {
        isWanted = false;
        timer[Symbol.dispose]();
        this.#forget(connection, handle);
      },
    };
    const pending = this.#pending.get(connection) ?? new Set<Disposable>();
    this.#pending.set(connection, pending.add(handle));
    if (connection.closed || this.#isStopped) handle[Symbol.dispose]();
    return handle;
  }

  #forget(connection: ManagedConnection, handle: Disposable): void {
    const pending = this.#pending.get(connection);
    pending?.delete(handle);
    if (pending?.size === 0) this.#pending.delete(connection);
  }

  /** A connection has ended. */
  closed(connection: ManagedConnection): void {
    for (const handle of this.#pending.get(connection) ?? []) {
      handle[Symbol.dispose]();
    }
  }

  /** Calls nothing any more. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    for (const connection of this.#pending.keys()) this.closed(connection);
  }
}
