import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkStream } from "../../netlink/stream.ts";
import {
  FakeNamespace,
  type FakeSubscription,
} from "../../testing/fake_namespace.ts";
import {
  ack,
  type Bytes,
  join,
  message,
  u32,
} from "../helpers/netlink_bytes.ts";

const OVERRUN = new SyscallError("recvfrom", 105, "receive from the kernel");
const END = { value: undefined, done: true } as const;
const GROUP = 9;

/** A datagram with one event for each letter. */
const datagram = (letters: string) =>
  join(
    [...letters].map((letter) => message(28, 0, 0, u32(letter.charCodeAt(0)))),
  );

interface Opened {
  readonly stream: NetlinkStream<string>;
  readonly subscription: FakeSubscription;
  /** The open streams. */
  readonly streams: Set<Disposable>;
  /** Delivers one datagram each: a text has one event for each letter. */
  readonly emit: (...deliveries: (string | Bytes | Error)[]) => void;
}

interface Options {
  readonly signal?: AbortSignal;
  readonly overrun?: string;
}

/**
 * A stream of letters. `-` is not wanted by its bytes, `~` not once it is
 * decoded, and `!` cannot be decoded.
 */
function open({ signal, overrun }: Options = { overrun: "overrun" }): Opened {
  const namespace = new FakeNamespace(() => []);
  const subscription = namespace.subscribe(16, [GROUP]);
  const streams = new Set<Disposable>();
  const stream = new NetlinkStream<string>({
    subscription,
    isWanted: (bytes, payload) => bytes[payload] !== "-".charCodeAt(0),
    decode({ payload }) {
      const letter = String.fromCharCode(payload[0]!);
      if (letter === "!") throw new DecodeError("an exclamation mark", 0);
      return letter === "~" ? undefined : letter;
    },
    overrun,
    signal,
    streams,
  });
  const emit: Opened["emit"] = (...deliveries) => {
    for (const one of deliveries) {
      namespace.emit(typeof one === "string" ? datagram(one) : one);
    }
  };
  return { stream, subscription, streams, emit };
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Takes a number of events. */
async function take({ stream }: Opened, count: number): Promise<string> {
  let letters = "";
  while (count-- > 0) letters += (await stream.next()).value;
  return letters;
}

/** Takes a number of events, and asserts that there are no more. */
async function takeAll(opened: Opened, count: number): Promise<string> {
  const letters = await take(opened, count);
  const next = opened.stream.next();
  await turn();
  opened.stream.close();
  assertEquals(await next, END);
  return letters;
}

function assertEnded({ subscription, streams }: Opened, what?: string): void {
  assertEquals([subscription.closed, streams.size], [true, 0], what);
}

Deno.test("a stream has what came before the first `next()`", async () => {
  const opened = open();
  opened.emit("a", "b");
  await turn();
  opened.emit("c");
  assertEquals(await takeAll(opened, 3), "abc");
});

Deno.test("`next()` waits for what comes later", async () => {
  const opened = open();
  for (const letter of "abc") {
    const next = opened.stream.next();
    await turn();
    opened.emit(letter);
    assertEquals(await next, { value: letter, done: false });
  }
});

Deno.test("a stream takes several messages of a datagram in their order", async () => {
  const opened = open();
  opened.emit("abc", "de");
  assertEquals(await takeAll(opened, 5), "abcde");
});

Deno.test("a stream leaves out what is not wanted, before and after it is decoded", async () => {
  const opened = open();
  opened.emit("-", "~", "a-~b", "~-");
  assertEquals(await takeAll(opened, 2), "ab");
});

Deno.test("a stream skips what is no event", async () => {
  const opened = open();
  const request = message(28, 1, 1, new Uint8Array(4));
  const others = [
    message(1, 0, 0), // NLMSG_NOOP
    ack(request, 22, { message: "no" }), // NLMSG_ERROR
    ack(request, 0),
    message(3, 2, 0, u32(0)), // NLMSG_DONE
    new Uint8Array(),
  ];
  opened.emit(
    ...others,
    join([...others, datagram("a"), ...others, datagram("b"), ...others]),
  );
  assertEquals(await takeAll(opened, 2), "ab");
});

Deno.test("an overrun comes once all that is there was taken, and the stream goes on", async () => {
  const opened = open();
  opened.emit("a", OVERRUN, "b", "c");
  assertEquals(await take(opened, 4), "abcoverrun");
  // Once for all that was lost until there was nothing to take.
  opened.emit(OVERRUN, "d", OVERRUN, OVERRUN);
  assertEquals(await take(opened, 2), "doverrun");
  opened.emit("e");
  assertEquals(await takeAll(opened, 1), "e");
  // Where it is not wanted nothing is said.
  const other = open({});
  other.emit("a", OVERRUN, "b");
  assertEquals(await takeAll(other, 2), "ab");
});

Deno.test("`next()` throws what else goes wrong, and ends the stream", async () => {
  const rows: [name: string, Error | Bytes | string][] = [
    ["SyscallError", new SyscallError("recvfrom", 12, "receive")],
    ["Error", new Error("of another kind")],
    ["DecodeError", "!"],
    ["DecodeError", datagram("a").slice(0, 10)],
    ["DecodeError", datagram("ab").slice(0, -1)],
    ["DecodeError", new Uint8Array(32)],
  ];
  for (const [name, delivery] of rows) {
    for (const isWaiting of [false, true]) {
      const opened = open(new AbortController());
      const { stream, emit } = opened;
      let next = isWaiting ? stream.next() : undefined;
      emit(delivery, "b");
      const error = await assertRejects(() => next ??= stream.next(), Error);
      assertEquals(error.name, name);
      if (delivery instanceof Error) assertStrictEquals(error, delivery);
      assertEnded(opened);
      assertEquals(await stream.next(), END);
    }
  }
});

Deno.test("`for await` throws what goes wrong, after what came before", async () => {
  const { stream, emit } = open();
  let seen = "";
  emit("a", "b", "!", "c");
  await assertRejects(async () => {
    for await (const letter of stream) seen += letter;
  }, DecodeError);
  assertEquals(seen, "ab");
});

/** What ends a stream, besides its signal. */
const ENDINGS: Readonly<
  Record<string, (stream: NetlinkStream<string>) => unknown>
> = {
  "`close()`": (stream) => stream.close(),
  "`return()`": (stream) => stream.return(),
  "`using`": (stream) => {
    using _same = stream;
  },
};

for (const [name, end] of Object.entries(ENDINGS)) {
  Deno.test(`${name} ends a stream that waits, has waited, or never did`, async () => {
    for (const when of ["waiting", "before", "between", "with events"]) {
      const opened = open();
      const { stream, emit } = opened;
      if (when === "between") {
        emit("a");
        await stream.next();
      }
      const next = when === "waiting" ? stream.next() : undefined;
      // What was not taken is gone.
      if (when === "with events") {
        emit("bcd");
        await stream.next();
      }
      await turn();
      end(stream);
      assertEnded(opened, when);
      for (const one of [next, stream.next(), stream.next()]) {
        if (one !== undefined) assertEquals(await one, END, when);
      }
      // Again does nothing.
      end(stream);
      assertEquals(await stream.return(), END);
      // A closed subscription may not be read: the fake would throw.
      emit("e");
      assertEquals(await stream.next(), END);
    }
  });
}

Deno.test("`break` ends the stream, and what was read with the last event is gone", async () => {
  const opened = open();
  opened.emit("abc");
  let seen = "";
  for await (const letter of opened.stream) {
    seen += letter;
    if (seen === "ab") break;
  }
  assertEnded(opened);
  assertEquals(await opened.stream.next(), END);
});

Deno.test("an error in the loop ends the stream, and is kept", async () => {
  const failure = new Error("on purpose");
  const opened = open();
  opened.emit("a");
  const error = await assertRejects(async () => {
    for await (const _ of opened.stream) throw failure;
  });
  assertStrictEquals(error, failure);
  assertEnded(opened);
});

/** A signal that counts who listens to it. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const { addEventListener, removeEventListener } = signal;
  const listeners = new Set<unknown>();
  signal.addEventListener = (...args: [string, unknown]) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: [string, unknown]) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args as never);
  };
  return { controller, signal, listeners };
}

Deno.test("a signal ends the stream, whenever it aborts, without an error", async () => {
  const rows = { "before": "", "at once": "", "waiting": "ab", "between": "a" };
  for (const [when, expected] of Object.entries(rows)) {
    const { controller, signal, listeners } = countedSignal();
    if (when === "before") controller.abort(new Error("enough"));
    const opened = open({ signal });
    opened.emit("ab");
    if (when === "at once") controller.abort();
    let seen = "";
    const reading = (async () => {
      for await (const letter of opened.stream) {
        seen += letter;
        if (when === "between") controller.abort();
      }
    })();
    await turn();
    if (when === "waiting") controller.abort();
    await reading;
    assertEquals(seen, expected, when);
    assertEnded(opened, when);
    assertEquals(await opened.stream.next(), END);
    assertEquals(listeners.size, 0, when);
  }
});

Deno.test("a stream leaves no listener on its signal, however it ends", async () => {
  const endings: ((opened: Opened) => unknown)[] = [
    ...Object.values(ENDINGS).map((end) => ({ stream }: Opened) => end(stream)),
    async ({ stream }) => {
      for await (const _ of stream) break;
    },
    ({ stream, emit }) => {
      emit("!!");
      return assertRejects(async () => {
        for await (const _ of stream);
      }, DecodeError);
    },
  ];
  for (const end of endings) {
    const { signal, listeners } = countedSignal();
    const opened = open({ signal });
    assertEquals([listeners.size, opened.streams.size], [1, 1]);
    opened.emit("a");
    await end(opened);
    assertEquals(listeners.size, 0);
    assertEnded(opened);
    assertEquals(signal.aborted, false);
  }
});

Deno.test("`next()` gives events in the order in which it was called", async () => {
  for (const delivery of [["a", "b", "c"], ["abc"], ["a", "bc"]]) {
    const { stream, emit } = open();
    const first = stream.next();
    await turn();
    emit(...delivery);
    // What waits has not been woken yet.
    const nexts = [first, stream.next(), stream.next()];
    const values = (await Promise.all(nexts)).map(({ value }) => value);
    assertEquals(values.join(""), "abc");
  }
});

Deno.test("`next()` can be called again while it waits", async () => {
  const { stream, emit } = open();
  const nexts = Array.from({ length: 4 }, () => stream.next());
  await turn();
  emit("a");
  assertEquals((await nexts[0]!).value, "a");
  emit("bcde");
  assertEquals((await nexts[1]!).value, "b");
  // What is there belongs to those that wait already.
  assertEquals((await stream.next()).value, "e");
  assertEquals((await nexts[2]!).value, "c");
  assertEquals((await nexts[3]!).value, "d");
  const last = [stream.next(), stream.next()];
  await turn();
  stream.close();
  assertEquals(await Promise.all(last), [END, END]);
});

Deno.test("two loops over one stream share its events, and both end", async () => {
  const { stream, emit } = open();
  let seen = "";
  const loops = Array.from({ length: 2 }, async () => {
    // Not `for await`, whose end would end the stream of the other.
    for (let count = 0;; count++) {
      const { value, done } = await stream.next();
      if (done) return count;
      seen += value;
    }
  });
  let expected = "";
  for (let round = 0; round < 50; round++) {
    const deliveries = [
      round % 3 === 0 ? "ab" : "c",
      ...round % 2 ? ["d"] : [],
    ];
    emit(...deliveries);
    expected += deliveries.join("");
    await turn();
  }
  while (seen.length < expected.length) await turn();
  assertEquals(seen, expected);
  stream.close();
  const [one, other] = await Promise.all(loops);
  assertEquals(one! + other!, expected.length);
  assertEquals(await stream.next(), END);
});

Deno.test("an error goes to one of two `next()`, and the other ends", async () => {
  const { stream, emit } = open();
  const settled = Promise.allSettled([stream.next(), stream.next()]);
  await turn();
  emit("!");
  const [first, second] = await settled;
  assertEquals(first!.status, "rejected");
  assertEquals(second, { status: "fulfilled", value: END });
});

Deno.test("a stream is its own iterator", () => {
  using stream = open().stream;
  assertStrictEquals(stream[Symbol.asyncIterator](), stream);
});

Deno.test("a stream takes no more from the kernel than it is asked for", async () => {
  const opened = open();
  const { subscription, stream } = opened;
  const { receive } = subscription;
  let taken = 0;
  subscription.receive = () => {
    taken++;
    return receive.call(subscription);
  };
  opened.emit("a", "b", ...Array(1000).fill("-"), "cde");
  // The kernel keeps them, which has a bound; nothing is kept here.
  assertEquals(taken, 0);
  assertEquals(await take(opened, 2), "ab");
  assertEquals(taken, 2);
  // What is not wanted is gone, and what came with it is kept.
  for (const letter of "cde") {
    assertEquals((await stream.next()).value, letter);
    assertEquals(taken, 1003);
  }
  stream.close();
});

Deno.test("under load a stream waits for batches, and for single events after that", async () => {
  const opened = open();
  const { subscription, stream, emit } = opened;
  const { readable } = subscription;
  let waits = 0;
  subscription.readable = () => {
    waits++;
    return readable.call(subscription);
  };
  const { now } = performance;
  let time = 0;
  performance.now = () => time;
  try {
    /** Delivers events as soon as the stream waits for them. */
    const deliver = async (letters: string) => {
      const next = stream.next();
      await Promise.resolve();
      emit(...letters);
      const first = (await next).value;
      return first + await take(opened, letters.length - 1);
    };
    for (let count = 1; count <= 8; count++) {
      assertEquals(await deliver("a"), "a");
      assertEquals(waits, count);
    }
    // No wait in between: the next ones are batches, as long as they are large.
    for (const letters of ["abcdefgh", "ijklmnopq", "r"]) {
      assertEquals(await deliver(letters), letters);
      assertEquals(waits, 8);
    }
    assertEquals(await deliver("s"), "s");
    assertEquals(waits, 9);
    // What comes at a measured pace is never waited for.
    for (let count = 0; count < 20; count++) {
      time += 1;
      const next = stream.next();
      await Promise.resolve();
      time += 1;
      emit("t");
      assertEquals((await next).value, "t");
    }
    assertEquals(waits, 29);
    // A pause ends with the stream.
    for (let count = 0; count < 8; count++) await deliver("u");
    const last = stream.next();
    await turn();
    assertEquals(waits, 37);
    stream.close();
    const late = turn().then(() => "late");
    assertEquals(await Promise.race([last, late]), END);
    await late;
  } finally {
    performance.now = now;
  }
});
