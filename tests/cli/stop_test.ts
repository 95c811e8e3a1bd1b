import { assertEquals } from "@std/assert";
import { stop } from "../../cli/stop.ts";
import { keepHangupIgnored } from "../../ffi/signal.ts";
import { waitFor } from "../../ffi/waiter.ts";
import { liveTest } from "../helpers/live.ts";

const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];
// Whoever runs the tests by `nohup` has it ignored.
if (!keepHangupIgnored()) SIGNALS.push("SIGHUP");

/** Records who listens to which signal: the test runner takes SIGINT itself. */
function recordListeners() {
  const { addSignalListener, removeSignalListener } = Deno;
  const listeners = new Map<Deno.Signal, () => void>();
  Deno.addSignalListener = (name, listener) => {
    listeners.set(name, listener);
  };
  Deno.removeSignalListener = (name, listener) => {
    assertEquals(listeners.get(name), listener);
    listeners.delete(name);
  };
  return {
    listeners,
    [Symbol.dispose]: () =>
      Object.assign(Deno, { addSignalListener, removeSignalListener }),
  };
}

const STOPPED = "AbortError: Stopped before the end";

/** Settles when all waits that were cancelled before have ended. */
async function settled(): Promise<void> {
  const { ended, cancel } = waitFor(1, 0);
  cancel();
  await ended;
}

liveTest(
  "`stop()` aborts at SIGINT, SIGTERM and SIGHUP, not before",
  async () => {
    using recorded = recordListeners();
    const { listeners } = recorded;
    for (const name of SIGNALS) {
      using stopping = stop("test", true);
      assertEquals([...listeners.keys()], SIGNALS);
      assertEquals(stopping.signal.aborted, false);
      listeners.get(name)!();
      assertEquals(`${stopping.signal.reason}`, STOPPED);
      // A second time, it does no harm.
      listeners.get(name)!();
    }
    {
      // It has another meaning to who reads a file again by it.
      using _stopping = stop("test", false);
      assertEquals([...listeners.keys()], ["SIGINT", "SIGTERM"]);
    }
    assertEquals(listeners.size, 0);
    await settled();
  },
);

liveTest("`stop()` no longer looks out at the end of its block", async () => {
  let signal: AbortSignal;
  {
    using stopping = stop("test", true);
    signal = stopping.signal;
    await Promise.resolve();
    assertEquals(signal.aborted, false);
  }
  // What waited for the reader to leave has ended too.
  await settled();
  assertEquals(signal.aborted, true);
});

liveTest(
  "`stop()` says when a line can be written, or no longer has to",
  async () => {
    using recorded = recordListeners();
    {
      using stopping = stop("test", true);
      // Some need not be asked for: a pipe has room for more than one.
      for (let line = 0; line < 10; line++) await stopping.writable();
      assertEquals(stopping.signal.aborted, false);
      recorded.listeners.get("SIGINT")!();
      for (let line = 0; line < 10; line++) await stopping.writable();
      assertEquals(stopping.signal.aborted, true);
    }
    await settled();
  },
);
