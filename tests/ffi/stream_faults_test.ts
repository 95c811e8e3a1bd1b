/** What becomes of streams of events when calls of the C library fail. */
import { assert, assertEquals } from "@std/assert";
import type { EventStream } from "../../ops/events.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { attr, join, u32 } from "../../testing/netlink_bytes.ts";
import { golden } from "../helpers/golden.ts";
import { libc } from "./fake_libc.ts";
import {
  arm,
  disarm,
  type Fault,
  type Hit,
  isHarmless,
  type Result,
  sweep,
  thrownBy,
  WAITING,
} from "./faults.ts";

/** An event with the index of a device. */
const event = withAttr(
  golden("event/upm-v4-subflow-create/client/sub-established").bytes,
  attr(15, u32(2)),
);

function withAttr(message: Uint8Array, bytes: Uint8Array) {
  const whole = join([message, bytes]);
  whole.set(u32(whole.length));
  return whole;
}

/** Lets everything go on that waits for nothing outside. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await undefined;
}

/** A stream, and what its reader has heard. */
class Reader {
  readonly heard: string[] = [];
  readonly stream: EventStream | undefined;
  /** Whether nothing is pending any more. */
  isOver = false;

  constructor(open: () => EventStream) {
    try {
      this.stream = open();
    } catch (error) {
      this.heard.push(`${error}`);
    }
    void this.#read();
  }

  /** Reads two at a time: both are to settle. */
  async #read(): Promise<void> {
    while (this.stream !== undefined && !this.heard.includes("done")) {
      await Promise.all([this.#next(this.stream), this.#next(this.stream)]);
    }
    this.isOver = true;
  }

  async #next(stream: EventStream): Promise<void> {
    try {
      this.heard.push((await stream.next()).value?.type ?? "done");
    } catch (error) {
      this.heard.push(`${error}`);
    }
  }
}

/** The ways to end a stream. */
const ENDS: Readonly<
  Record<string, (stream: EventStream, abort: AbortController) => unknown>
> = {
  "close()": (stream) => stream.close(),
  "return()": (stream) => stream.return(),
  "using": (stream) => stream[Symbol.dispose](),
  "abort()": (_, abort) => abort.abort(),
};

/** What two readers heard. */
interface Heard extends Result {
  readonly readers: readonly (readonly string[])[];
}

const EVENT = "sub-established";

const KNOWN = [EVENT, "overrun", "done"];

const isOverrun = ([use, code]: Hit) =>
  use === "recvfrom" && code === "ENOBUFS";

/** Whether a reader hears an error. */
function isTold([use, code]: Hit): boolean {
  const isNameless = use === "ioctl SIOCGIFNAME" && code === "ENODEV";
  return !isHarmless(use, code) && !isOverrun([use, code]) && !isNameless;
}

/** Errors say which call failed; where there are none, nothing is missing. */
function check(result: Heard, clean: Heard, hits: Hit[], what: string): void {
  const all = result.readers.flat();
  const errors = all.filter((word) => !KNOWN.includes(word));
  const patterns = hits.map((hit) => thrownBy(...hit));
  for (const error of errors) {
    const isKnown = patterns.some((pattern) => pattern.test(error));
    assert(isKnown, `${what}: ${error}`);
  }
  if (hits.length === 1) {
    assertEquals(errors.length > 0, isTold(hits[0]!), `${what}: ${all}`);
    assertEquals(all.includes("overrun"), isOverrun(hits[0]!), what);
  }
  for (const [index, heard] of result.readers.entries()) {
    const events = heard.filter((word) => word === EVENT);
    const expected = clean.readers[index]!.filter((word) => word === EVENT);
    const isWhole = heard.every((word) => KNOWN.includes(word));
    const isRight = isWhole
      ? events.length === expected.length
      : events.length <= expected.length;
    assert(isRight, `${what}: ${heard}`);
    // First events, then errors, and then the end.
    const order = heard.map((word) => [0, 0, 2, 1].at(KNOWN.indexOf(word)));
    assertEquals(order, order.toSorted(), `${what}: ${heard}`);
  }
}

/** Two streams are read, and end; the first by one of the ways. */
async function tell(
  end: (typeof ENDS)[string],
  faults: readonly Fault[],
  what: string,
): Promise<Heard> {
  libc.reset();
  const pm = PathManager.open();
  const abort = new AbortController();
  const { signal } = abort;
  const uses = arm(faults);
  const one = new Reader(() => pm.events({ signal }));
  const other = new Reader(() => pm.events());
  await settle();
  for (let count = 0; count < 3; count++) {
    libc.kernel.emit(event);
    await settle();
  }
  const { length } = uses;
  await settle();
  assertEquals(uses.length, length, `${what}: it calls while it waits`);
  if (one.stream !== undefined) end(one.stream, abort);
  await settle();
  assert(one.isOver, `${what}: one stream hangs`);
  libc.kernel.emit(event);
  await settle();
  other.stream?.close();
  await settle();
  assert(other.isOver, `${what}: the other stream hangs`);
  disarm();
  await assertWorking(pm, what);
  pm.close();
  assertEquals([...libc.fds.values()], [], what);
  return { uses, readers: [one.heard, other.heard] };
}

/** Nothing is left of earlier streams, and another one works. */
async function assertWorking(pm: PathManager, what: string): Promise<void> {
  assertEquals([...libc.fds.values()], ["socket in home"], what);
  assertEquals(libc.polling.size, 0, what);
  const reader = new Reader(() => pm.events());
  await settle();
  libc.kernel.emit(event);
  await settle();
  reader.stream!.close();
  await settle();
  assertEquals(reader.heard, [EVENT, "done"], what);
}

for (const [name, end] of Object.entries(ENDS)) {
  Deno.test(`streams that end by \`${name}\` tell which call failed, or go on, and all settles`, () =>
    sweep((faults, what) => tell(end, faults, what), check, {
      single: name !== "close()",
    }));
}

Deno.test("a stream uses all that waiting needs", async () => {
  libc.reset();
  using pm = PathManager.open();
  const uses = arm([]);
  const reader = new Reader(() => pm.events());
  await settle();
  reader.stream!.close();
  await settle();
  disarm();
  assertEquals(WAITING.filter((use) => !uses.includes(use)), []);
});
