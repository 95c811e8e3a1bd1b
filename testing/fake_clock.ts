import type { Clock } from "../netlink/clock.ts";

/** What is to be called, and when. */
interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/**
 * Time that passes only when a test says so: hours in milliseconds.
 *
 * @example A policy that waits for an hour
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage } from "@mptcp/pm/policy";
 * import { FakeClock, FakeInterfaces, FakeKernel } from "@mptcp/pm/testing";
 *
 * const kernel = new FakeKernel();
 * const clock = kernel.clock = new FakeClock();
 * kernel.interfaces = new FakeInterfaces();
 * const connection = kernel.connect(5);
 * using pm = PathManager.open({ namespace: kernel });
 * using manager = manage(pm, {
 *   established(connection) {
 *     connection.after(3_600_000, () => connection.announce("10.0.2.1"));
 *   },
 * }, { setMode: true });
 * await clock.advance(3_600_000);
 * console.log(connection.addresses()); // 10.0.2.1
 * ```
 */
export class FakeClock implements Clock {
  #now = 0;
  /** The next one first. */
  readonly #timers: Timer[] = [];

  /** Milliseconds that have passed. */
  now(): number {
    return this.#now;
  }

  /** When something is due next; absent: nothing is. */
  get next(): number | undefined {
    return this.#timers[0]?.due;
  }

  /** Calls something once so many milliseconds have passed. */
  after(ms: number, action: () => void): Disposable {
    const timer = { due: this.#now + Math.max(0, ms), action };
    const later = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(later < 0 ? this.#timers.length : later, 0, timer);
    return {
      [Symbol.dispose]: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  /**
   * Lets time pass: calls what is due in the meantime, and lets all react that
   * waits for nothing else, before that, after each and at the end.
   *
   * @param ms How many milliseconds. @default {0}
   */
  async advance(ms = 0): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = this.#timers;
      if (next === undefined || next.due > end) break;
      this.#timers.shift();
      this.#now = next.due;
      next.action();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets all go on that waits for promises alone. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
