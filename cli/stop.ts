import { isReady, type Wait, waitFor } from "../ffi/waiter.ts";
import type { Stop } from "./words/grammar.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const STDOUT = 1;
const POLLOUT = 4;
/** A pipe that takes anything takes 4096 bytes: that many lines at least. */
const LINES = 4;

/** Looks out for SIGINT, SIGTERM, and for a reader of the output that leaves. */
export function stop(): Stop {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort();
  for (const name of SIGNALS) Deno.addSignalListener(name, abort);
  // With no events asked for, poll still reports that a pipe has no reader.
  const wait: Wait = waitFor(STDOUT, 0);
  wait.ended.then(abort, abort);
  let room = 0;
  return {
    signal,
    async writable() {
      if (signal.aborted || room-- > 0) return;
      room = LINES - 1;
      if (isReady(STDOUT, POLLOUT)) return;
      const { ended, cancel } = waitFor(STDOUT, POLLOUT);
      signal.addEventListener("abort", cancel);
      await ended;
      signal.removeEventListener("abort", cancel);
    },
    [Symbol.dispose]() {
      for (const name of SIGNALS) Deno.removeSignalListener(name, abort);
      wait.cancel();
    },
  };
}
