/**
 * Waiting that ends early when it is to.
 *
 * @module
 */

/** Waits, or is rejected with the reason of the signal. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => reject(signal!.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** What a promise comes to in time; `undefined`: it is late. */
export async function inTime<T>(
  promise: Promise<T>,
  ms: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const over = new AbortController();
  const signals = [over.signal, ...signal === undefined ? [] : [signal]];
  const late = pause(ms, AbortSignal.any(signals)).then(() => undefined);
  // It may fail when nobody waits for it any more.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
