/**
 * The descriptor that a program prints to, and who reads it.
 *
 * @module
 */

import { isReady, waitFor } from "./waiter.ts";

const POLLOUT = 4;
/** Where poll says POLLOUT, a pipe takes PIPE_BUF, 4096 bytes: some lines. */
const LINES = 4;

/** What to watch. */
export interface OutputWatchOptions {
  /** The descriptor. @default {1} */
  readonly fd?: number;
  /** What else ends the program: the watch aborts with it. */
  readonly signal?: AbortSignal;
}

/** A descriptor that is watched, until the end of the block. */
export interface OutputWatch extends Disposable {
  /**
   * Aborts when the pipe or socket has no reader any more, with a
   * `Deno.errors.BrokenPipe` as the reason, or with `signal`.
   */
  readonly signal: AbortSignal;
  /**
   * Settles when a line can be written without waiting for a slow reader, or
   * `signal` has aborted.
   */
  readonly writable: () => Promise<void>;
}

/**
 * Watches whether what a program prints is still read, so that it can end with
 * its reader, as in `program | head -1`, even while it has nothing to print.
 * Needs no privilege.
 *
 * @example End with the reader
 * ```ts
 * import { PathManager, watchOutput } from "@mptcp/pm";
 *
 * using output = watchOutput();
 * using pm = PathManager.open();
 * for await (const { type } of pm.events({ signal: output.signal })) {
 *   await output.writable();
 *   console.log(type);
 * }
 * ```
 *
 * @param options What to watch; by default standard output.
 * @throws {Deno.errors.NotCapable} There is no permission to call libc.
 */
export function watchOutput(options: OutputWatchOptions = {}): OutputWatch {
  const { fd = 1, signal: outer } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort);
  // With no events asked for, poll still reports that a pipe has no reader.
  const gone = waitFor(fd, 0);
  const end = () =>
    controller.abort(new Deno.errors.BrokenPipe("Nobody reads the output"));
  gone.ended.then(end, end);
  let room = 0;
  return {
    signal,
    async writable() {
      if (signal.aborted || room-- > 0) return;
      room = LINES - 1;
      if (isReady(fd, POLLOUT)) return;
      const { ended, cancel } = waitFor(fd, POLLOUT);
      signal.addEventListener("abort", cancel);
      await ended;
      signal.removeEventListener("abort", cancel);
    },
    [Symbol.dispose]() {
      outer?.removeEventListener("abort", abort);
      gone.cancel();
    },
  };
}
