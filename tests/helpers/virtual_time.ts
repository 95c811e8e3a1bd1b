/**
 * Timers and a clock that go on when all else of this process has been done: what
 * happens after some time happens in the same order on any machine.
 *
 * @module
 */

/** One timer. */
interface Timer {
  readonly dueMs: number;
  readonly act: () => void;
}

/** Stands for the clock and the timers of this process, until it is disposed of. */
export class VirtualTime implements AsyncDisposable {
  readonly #real = {
    now: performance.now,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };
  readonly #timers = new Map<number, Timer>();
  readonly #end: Promise<void>;
  #nowMs = 1000;
  #last = 0;
  #isOver = false;

  constructor() {
    performance.now = () => this.#nowMs;
    const later = (act: () => void, ms = 0) => {
      // Negative, so that no timer from before is meant.
      const id = --this.#last;
      this.#timers.set(id, { dueMs: this.#nowMs + ms, act });
      return id;
    };
    const clear = (id = 0) => {
      if (!this.#timers.delete(id)) this.#real.clearTimeout(id);
    };
    Object.assign(globalThis, { setTimeout: later, clearTimeout: clear });
    this.#end = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      // What can be done now comes first.
      for (const _ of [1, 2]) {
        await new Promise<void>((resolve) =>
          this.#real.setTimeout.call(globalThis, resolve, 0)
        );
      }
      let next: [id: number, timer: Timer] | undefined;
      for (const one of this.#timers) {
        if (next === undefined || one[1].dueMs < next[1].dueMs) next = one;
      }
      if (next === undefined) continue;
      const [id, { dueMs, act }] = next;
      this.#timers.delete(id);
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      act();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#end;
    const { now, setTimeout, clearTimeout } = this.#real;
    performance.now = now;
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}
