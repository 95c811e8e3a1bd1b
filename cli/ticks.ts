/**
 * Comes back at each multiple of an interval, until the signal aborts. What took
 * too long leaves one out.
 */
export async function* ticks(
  seconds: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const interval = seconds * 1000;
  const start = performance.now();
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort);
  try {
    while (!signal.aborted) {
      const tick = Promise.withResolvers<void>();
      const rest = interval - (performance.now() - start) % interval;
      const timer = setTimeout(tick.resolve, rest);
      await Promise.race([tick.promise, aborted.promise]);
      clearTimeout(timer);
      if (!signal.aborted) yield;
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
