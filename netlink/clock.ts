/** Time as a namespace has it. A test can put another one in its place. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /**
   * Calls something once.
   *
   * @param ms In how many milliseconds.
   * @param action What to call.
   * @returns What prevents it when it is disposed of.
   */
  after(ms: number, action: () => void): Disposable;
}

/** The time of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
