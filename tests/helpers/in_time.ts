/**
 * What is promised about time, where other programs may have the processor.
 *
 * @module
 */

/** Something took longer than is promised. */
export class TooLate extends Error {}

/**
 * Asserts that something took no longer than is promised.
 *
 * @throws {TooLate} It did: {@linkcode bestOf} tries again.
 */
export function assertInTime(ms: number, mostMs: number, what: string): void {
  if (ms >= mostMs) throw new TooLate(`${what}: ${ms} ms, not ${mostMs}`);
}

/**
 * Does something again, up to five times, where it took too long: one of the
 * tries has to be in time, and everything else has to hold in each of them.
 *
 * @throws {TooLate} None was in time.
 */
export async function bestOf<T>(attempt: () => T | Promise<T>): Promise<T> {
  for (let left = 4;; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TooLate) || left === 0) throw error;
    }
  }
}
