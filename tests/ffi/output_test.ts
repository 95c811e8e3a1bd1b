import { assertEquals } from "@std/assert";
import { watchOutput } from "../../ffi/output.ts";
import { waitFor } from "../../ffi/waiter.ts";
import { liveTest } from "../helpers/live.ts";

liveTest(
  "`watchOutput()` aborts with the signal it is given, before or later",
  async () => {
    const early = AbortSignal.abort();
    const later = new AbortController();
    {
      using aborted = watchOutput({ signal: early });
      assertEquals(aborted.signal.aborted, true);
      using output = watchOutput({ signal: later.signal });
      assertEquals(output.signal.aborted, false);
      later.abort();
      assertEquals(output.signal.aborted, true);
      for (let line = 0; line < 10; line++) await output.writable();
    }
    // Until all waits that were cancelled have ended.
    const { ended, cancel } = waitFor(1, 0);
    cancel();
    await ended;
  },
);
