import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Log } from "../../cli/log.ts";
import { OutputError } from "../../cli/stdio.ts";

/** A reader that takes some bytes of what is written when it is told to. */
class Reader {
  read = "";
  #wanted = Promise.withResolvers<number | Error>();

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    const took = await this.#wanted.promise;
    if (took instanceof Error) throw took;
    this.#wanted = Promise.withResolvers();
    const part = bytes.subarray(0, took);
    this.read += new TextDecoder().decode(part);
    return part.length;
  };

  /** Takes so many bytes, so many times. */
  async take(bytes: number | Error, times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.#wanted.resolve(bytes);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

const lost = (lines: number) => `${lines} lost\n`;

Deno.test("a log writes all in order, some bytes at a time", async () => {
  const reader = new Reader();
  const log = new Log(reader.write, lost);
  for (const text of ["one\n", "", "two\nthree\n"]) log.say(text);
  await reader.take(3, 6);
  assertEquals(reader.read, "one\ntwo\nthree\n");
  log.say("four\n");
  const end = log.end();
  await reader.take(100);
  await end;
  assertEquals(reader.read, "one\ntwo\nthree\nfour\n");
});

Deno.test("a log keeps the newest for a reader that is too slow, and counts the others", async () => {
  const reader = new Reader();
  const log = new Log(reader.write, lost);
  const text = (at: number) => `${at}\n${"x".repeat(99_997)}\n`;
  // The first is being written, two have room.
  for (let at = 0; at < 6; at++) log.say(text(at));
  // It waits for nobody for long.
  await log.end();
  await reader.take(200_000, 3);
  const rest = [text(0), "6 lost\n", text(4), text(5)].join("");
  assertEquals(reader.read, rest);
  // What is longer than all that has room alone is not lost.
  log.say("y".repeat(300_000));
  await reader.take(300_000);
  assertEquals(reader.read.length, rest.length + 300_000);
});

/** A clock that goes on when it is told to, and timers by it. */
class Clock implements Disposable {
  readonly #now = performance.now;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #due: (readonly [ms: number, act: () => void])[] = [];
  #ms = 1000;

  constructor() {
    performance.now = () => this.#ms;
    const later = (act: () => void, ms = 0) => {
      if (ms === 0) return this.#setTimeout(act);
      this.#due.push([this.#ms + ms, act]);
      return 0;
    };
    globalThis.setTimeout = later as typeof setTimeout;
  }

  /** Goes on, and lets what is due happen. */
  async pass(ms: number): Promise<void> {
    this.#ms += ms;
    for (const [dueMs, act] of this.#due) if (dueMs <= this.#ms) act();
    await new Promise((resolve) => setTimeout(resolve));
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
    globalThis.setTimeout = this.#setTimeout;
  }
}

Deno.test("a log waits at its end for as long as somebody reads", async () => {
  using clock = new Clock();
  const reader = new Reader();
  const log = new Log(reader.write, lost);
  const text = "0123456789\n".repeat(25);
  log.say(text);
  let read: string | undefined;
  const end = log.end().then(() => read = reader.read);
  for (let line = 0; line < 25; line++) {
    await clock.pass(150);
    await reader.take(11);
  }
  await end;
  assertEquals(read, text);
  // No longer than that for who stops to read.
  log.say(text);
  read = undefined;
  const other = log.end().then(() => read = reader.read);
  for (const [ms, isOver] of [[150, false], [49, false], [1, true]] as const) {
    await clock.pass(ms);
    assertEquals(read !== undefined, isOver);
  }
  await other;
});

Deno.test("a log waits at its end for nobody who has not read for a while", async () => {
  using clock = new Clock();
  const log = new Log(new Reader().write, lost);
  log.say("one\n");
  await clock.pass(300);
  log.say("two\n");
  await log.end();
});

Deno.test("a log ends quietly with its reader, and says what else is wrong", async () => {
  const left = new Reader();
  const log = new Log(left.write, lost);
  log.say("one\n");
  await left.take(new Deno.errors.BrokenPipe());
  log.say("two\n");
  await log.end();
  const full = new Reader();
  const other = new Log(full.write, lost);
  other.say("one\n");
  await full.take(new Error("No space left on device"));
  const message = "Cannot write: No space left on device";
  assertThrows(() => other.say("two\n"), OutputError, message);
  await assertRejects(() => other.end(), OutputError, message);
});
