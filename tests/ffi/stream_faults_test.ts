/** What becomes of streams of events when calls of the C library fail. */
import { assert, assertEquals } from "@std/assert";
import type { EventStream } from "../../ops/events.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { attr, join, u32 } from "../helpers/netlink_bytes.ts";
import { golden } from "../helpers/golden.ts";
import { libc, restart } from "../helpers/fake_libc.ts";
import {
  arm,
  disarm,
  type Fault,
  type Hit,
  isHarmless,
  type Result,
  settle,
  STREAMING,
  sweep,
  thrownBy,
} from "../helpers/faults.ts";

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

/** A stream, and what its reader has got. */
class Reader {
  readonly results: string[] = [];
  readonly stream: EventStream | undefined;
  /** Whether nothing is pending any more. */
  isOver = false;

  constructor(open: () => EventStream) {
    try {
      this.stream = open();
    } catch (error) {
      this.results.push(`${error}`);
    }
    void this.#read();
  }

  /** Reads two at a time: both are to settle. */
  async #read(): Promise<void> {
    while (this.stream !== undefined && !this.results.includes("done")) {
      await Promise.all([this.#next(this.stream), this.#next(this.stream)]);
    }
    this.isOver = true;
  }

  async #next(stream: EventStream): Promise<void> {
    try {
      this.results.push((await stream.next()).value?.type ?? "done");
    } catch (error) {
      this.results.push(`${error}`);
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

/** What two readers got. */
interface Read extends Result {
  readonly readers: readonly (readonly string[])[];
}

const EVENT = "sub-established";

const KNOWN = [EVENT, "overrun", "done"];

const isOverrun = ([use, code]: Hit) =>
  use === "recvfrom" && code === "ENOBUFS";

/** Whether a reader gets an error. */
function isReported([use, code]: Hit): boolean {
  const isNameless = use === "ioctl SIOCGIFNAME" && code === "ENODEV";
  return !isHarmless(use, code) && !isOverrun([use, code]) && !isNameless;
}

/** Errors say which call failed; where there are none, nothing is missing. */
function check(result: Read, clean: Read, hits: Hit[], what: string): void {
  const all = result.readers.flat();
  const errors = all.filter((word) => !KNOWN.includes(word));
  const patterns = hits.map((hit) => thrownBy(...hit));
  for (const error of errors) {
    const isKnown = patterns.some((pattern) => pattern.test(error));
    assert(isKnown, `${what}: ${error}`);
  }
  if (hits.length === 1) {
    assertEquals(errors.length > 0, isReported(hits[0]!), `${what}: ${all}`);
    assertEquals(all.includes("overrun"), isOverrun(hits[0]!), what);
  }
  for (const [index, results] of result.readers.entries()) {
    const events = results.filter((word) => word === EVENT);
    const expected = clean.readers[index]!.filter((word) => word === EVENT);
    const isWhole = results.every((word) => KNOWN.includes(word));
    const isRight = isWhole
      ? events.length === expected.length
      : events.length <= expected.length;
    assert(isRight, `${what}: ${results}`);
    // First events, then errors, and then the end.
    const order = results.map((word) => [0, 0, 2, 1].at(KNOWN.indexOf(word)));
    assertEquals(order, order.toSorted(), `${what}: ${results}`);
  }
}

/** Two streams are read, and end; the first by one of the ways. */
async function read(
  end: (typeof ENDS)[string],
  netns: string | undefined,
  faults: readonly Fault[],
  what: string,
): Promise<Read> {
  restart();
  const pm = PathManager.open(netns === undefined ? {} : { netns });
  const { size } = libc.fds;
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
  assertEquals(libc.polling.size, 0, what);
  // Nothing is left of the streams, but maybe the socket for device names.
  const device = [...libc.fds.values()].filter((one) => /^route/.test(one));
  assertEquals(libc.fds.size, size + Math.min(device.length, 1), what);
  await assertWorking(pm, what);
  assertEquals(libc.netns, "home", what);
  pm.close();
  assertEquals([...libc.fds.values()], [], what);
  return { uses, readers: [one.results, other.results] };
}

/** Another stream works. */
async function assertWorking(pm: PathManager, what: string): Promise<void> {
  const reader = new Reader(() => pm.events());
  await settle();
  libc.kernel.emit(event);
  await settle();
  reader.stream!.close();
  await settle();
  assertEquals(reader.results, [EVENT, "done"], what);
}

const CASES = [
  ...Object.keys(ENDS).map((name) => [name, undefined] as const),
  ["close()", "blue"] as const,
];

for (const [name, netns] of CASES) {
  Deno.test(`streams in namespace ${netns ?? "home"} that end by \`${name}\` say which call failed, or go on, and all settles`, () =>
    sweep((faults, what) => read(ENDS[name]!, netns, faults, what), check, {
      single: name !== "close()" || netns !== undefined,
    }));
}

Deno.test("a stream uses all that only streams need", async () => {
  restart();
  using pm = PathManager.open();
  const uses = arm([]);
  const reader = new Reader(() => pm.events());
  await settle();
  reader.stream!.close();
  await settle();
  disarm();
  assertEquals(STREAMING.filter((use) => !uses.includes(use)), []);
});
