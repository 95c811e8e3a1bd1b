/**
 * Waits for a promise.
 *
 * @throws {Error} It does not settle in time.
 */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  timeoutMs = 60_000,
): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${timeoutMs} ms for ${what()}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
