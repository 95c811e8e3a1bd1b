/**
 * Comes back at each multiple of an interval, until the signal aborts. What took
 * too long leaves one out.
 */
export async function* ticks(
  seconds: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const interval = seconds * 1000;
  let due = performance.now();
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort);
  try {
    while (!signal.aborted) {
      const tick = Promise.withResolvers<void>();
      // A timer may fire a fraction early: counted from `due`, not from now.
      const now = performance.now();
      const late = Math.max(0, now - due);
      due += interval * (1 + Math.floor(late / interval));
      const timer = setTimeout(tick.resolve, due - now);
      await Promise.race([tick.promise, aborted.promise]);
      clearTimeout(timer);
      if (!signal.aborted) yield;
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
