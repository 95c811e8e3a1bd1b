import { assert, assertEquals } from "@std/assert";
import { watchOutput } from "../../ffi/output.ts";
import { libc, restart } from "../helpers/fake_libc.ts";
import {
  arm,
  disarm,
  type Fault,
  isHarmless,
  settle,
  sweep,
  thrownBy,
} from "../helpers/faults.ts";

const POLLOUT = 4;
const POLLERR = 8;
const FD = 7;

/** Watches a pipe whose reader is slow, and then leaves. */
async function watch(faults: readonly Fault[], what: string) {
  restart();
  libc.fds.set(FD, "a pipe");
  const seen: string[] = [];
  const uses = arm(faults);
  const output = watchOutput({ fd: FD });
  const write = async (text: string) => {
    try {
      await output.writable();
      seen.push(output.signal.aborted ? "aborted" : text);
    } catch (error) {
      seen.push(`${error}`);
    }
  };
  const end = write("written");
  await settle();
  seen.push("slow");
  libc.signal(FD, POLLOUT);
  await end;
  // A line in a row need not be asked for.
  const { length } = uses;
  for (let line = 0; line < 3; line++) await write("next");
  assertEquals(uses.length, length, what);
  libc.signal(FD, POLLERR);
  await settle();
  assertEquals(output.signal.aborted, true, what);
  await write("too late");
  assertEquals(output.signal.reason?.name, "BrokenPipe", what);
  output[Symbol.dispose]();
  await settle();
  disarm();
  assertEquals([libc.polling.size, [...libc.fds]], [0, [[FD, "a pipe"]]], what);
  return { uses, seen };
}

Deno.test("`watchOutput()` says which call failed, or aborts, and all settles", async () => {
  let isChecked = false;
  await sweep(watch, ({ seen }, clean, hits, what) => {
    const known = ["slow", "written", "next", "next", "next", "aborted"];
    assertEquals(clean.seen, known);
    const errors = seen.filter((word) => !known.includes(word));
    for (const error of errors) {
      assert(
        hits.some((hit) => thrownBy(...hit).test(error)),
        `${what}: ${error}`,
      );
    }
    if (hits.every((hit) => isHarmless(...hit))) {
      assertEquals(seen, known, what);
    }
    assertEquals([seen.length, seen.at(-1)], [known.length, "aborted"], what);
    isChecked ||= errors.length > 0;
  });
  assert(isChecked);
});

Deno.test("`watchOutput()` aborts with its signal, and waits no more at its end", async () => {
  for (const isEarly of [true, false]) {
    restart();
    libc.fds.set(FD, "a pipe");
    const controller = new AbortController();
    if (isEarly) controller.abort();
    {
      using output = watchOutput({ fd: FD, signal: controller.signal });
      const writable = output.writable();
      await settle();
      controller.abort();
      await writable;
      assertEquals(output.signal.aborted, true);
    }
    await settle();
    assertEquals([libc.polling.size, [...libc.fds]], [0, [[FD, "a pipe"]]]);
  }
});
