/**
 * What is thrown where nobody catches it, by code that is not ours: in a timer,
 * in a promise that nobody waits for, in a worker.
 *
 * @module
 */

/**
 * Takes such errors until the end of the block, instead of ending the program by
 * them.
 */
export function lateErrors(report: (thrown: unknown) => void): Disposable {
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    const { error, message } = event;
    // Of what a worker throws there is a message alone.
    report(error === null ? new Error(message) : error);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    report(event.reason);
  };
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("error", onError);
      globalThis.removeEventListener("unhandledrejection", onRejection);
    },
  };
}

/** Does something, should the program be ended until the end of the block. */
export function atExit(action: () => void): Disposable {
  globalThis.addEventListener("unload", action);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unload", action),
  };
}
