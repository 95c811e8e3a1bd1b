import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { libc as boundLibc } from "../../ffi/libc.ts";
import { NetlinkSocket, openFd } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { isReady, pollFds, type Wait, waitFor } from "../../ffi/waiter.ts";
import { golden } from "../helpers/golden.ts";
import { libc, restart } from "../helpers/fake_libc.ts";

const EINTR = 4;
const EIO = 5;
const ENOMEM = 12;
const EMFILE = 24;

const created = golden("event/kpm-v4/client/created").bytes;

/** Starts anew, with files to wait for. */
function files(count: number): number[] {
  restart();
  return Array.from({ length: count }, (_, index) => {
    libc.fds.set(index + 1, "a file");
    return index + 1;
  });
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** The calls of a function. */
const callsOf = (symbol: string) =>
  libc.calls.filter((call) => call.symbol === symbol);

/** Whether each wait has ended, by now. */
async function ended(...waits: Wait[]): Promise<boolean[]> {
  const states = waits.map(() => false);
  waits.forEach((wait, index) => {
    const end = () => states[index] = true;
    wait.ended.then(end, end);
  });
  await turn();
  return states;
}

/** What is left when nobody waits: no eventfd, and no poll. */
async function assertIdle(): Promise<void> {
  await turn();
  assertEquals(libc.polling.size, 0);
  assertEquals([...libc.fds.values()].includes("eventfd"), false);
}

/** The fields of each `struct pollfd`: fd, events, revents. */
function fields(pollfds: unknown): number[][] {
  const { buffer, byteLength } = pollfds as Int16Array<ArrayBuffer>;
  const view = new DataView(buffer);
  return Array.from({ length: byteLength / 8 }, (_, index) => [
    view.getInt32(8 * index, true),
    view.getInt16(8 * index + 4, true),
    view.getInt16(8 * index + 6, true),
  ]);
}

Deno.test("`pollFds()` makes an array of `struct pollfd`, all fields in their places", () => {
  const entries = [
    { fd: 3, events: 1 },
    { fd: 0x12345678, events: 4 },
    { fd: -1, events: 0 },
    { fd: 0x10000, events: 0x2001 },
  ];
  for (const some of [[], entries.slice(1, 2), entries]) {
    const pollfds = pollFds(some);
    assertEquals(pollfds.byteLength, 8 * some.length);
    assertEquals(
      fields(pollfds),
      some.map(({ fd, events }) => [fd, events, 0]),
    );
  }
});

Deno.test("`isReady()` knows at once what `waitFor()` would wait for", () => {
  const [fd] = files(1);
  const POLLOUT = 4;
  assertEquals([isReady(fd!), isReady(4711)], [false, true]);
  libc.signal(fd!);
  assertEquals([isReady(fd!), isReady(fd!, POLLOUT)], [true, false]);
  const [call] = callsOf("poll");
  assertEquals(call!.args.slice(1), [1n, 0]);
  libc.fails = () => EINTR;
  assertEquals(isReady(fd!), false);
  libc.fails = () => ENOMEM;
  assertThrows(() => isReady(fd!), SyscallError, "(poll: ENOMEM)");
});

Deno.test("`waitFor()` ends when something can be read", async () => {
  const [fd] = files(1);
  const wait = waitFor(fd!);
  assertEquals(await ended(wait), [false]);
  const [poll] = callsOf("pollAside");
  const [fds, count, timeoutMs] = poll!.args;
  const [eventfd] = [...libc.fds].find(([, what]) => what === "eventfd")!;
  assertEquals(fields(fds), [[eventfd, 1, 0], [fd!, 1, 0]]);
  assertEquals([count, timeoutMs], [2n, -1]);
  // EFD_NONBLOCK and EFD_CLOEXEC.
  assertEquals(callsOf("eventfd")[0]!.args, [0, 0o2004000]);
  libc.signal(fd!);
  await wait.ended;
  await assertIdle();
});

Deno.test("`waitFor()` waits for the given events", async () => {
  const [fd] = files(1);
  const wait = waitFor(fd!, 0);
  libc.signal(fd!);
  // Data is not what it waits for.
  assertEquals(await ended(wait), [false]);
  assertEquals(fields(callsOf("pollAside")[0]!.args[0])[1], [fd!, 0, 0]);
  wait.cancel();
  await wait.ended;
  await assertIdle();
});

Deno.test("any number of waits share one `poll` and one eventfd", async () => {
  const fds = files(40);
  const waits = fds.map((fd) => waitFor(fd));
  await turn();
  assertEquals(libc.polling.size, 1);
  assertEquals([...libc.polling][0]!.slice(1), fds);
  assertEquals(callsOf("eventfd").length, 1);
  // The first for the first wait, the second for all others.
  assertEquals(callsOf("pollAside").length, 2);
  for (const fd of fds) libc.signal(fd);
  await Promise.all(waits.map(({ ended }) => ended));
  await assertIdle();
});

Deno.test("one wait ends, the others go on", async () => {
  const fds = files(3);
  const waits = fds.map((fd) => waitFor(fd));
  await turn();
  libc.signal(fds[1]!);
  assertEquals(await ended(...waits), [false, true, false]);
  assertEquals([...libc.polling][0]!.slice(1), [fds[0], fds[2]]);
  waits[0]!.cancel();
  assertEquals(await ended(...waits), [true, true, false]);
  libc.signal(fds[2]!);
  assertEquals(await ended(...waits), [true, true, true]);
  await assertIdle();
});

Deno.test("a wait that comes while others wait is polled too", async () => {
  const [one, other] = files(2);
  const first = waitFor(one!);
  await turn();
  const second = waitFor(other!);
  await turn();
  assertEquals([...libc.polling][0]!.slice(1), [one, other]);
  libc.signal(other!);
  assertEquals(await ended(first, second), [false, true]);
  first.cancel();
  await first.ended;
  await assertIdle();
});

Deno.test("two can wait for one descriptor", async () => {
  const [fd] = files(1);
  const waits = [waitFor(fd!), waitFor(fd!)];
  waits[0]!.cancel();
  assertEquals(await ended(...waits), [true, false]);
  libc.signal(fd!);
  assertEquals(await ended(...waits), [true, true]);
  await assertIdle();
});

Deno.test("`cancel()` ends a wait, whenever it comes", async () => {
  for (const others of [0, 1, 2]) {
    for (const [before, after] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const fds = files(3);
      const waits = fds.slice(0, others).map((fd) => waitFor(fd));
      if (before) await turn();
      // Without a turn after it, it was never polled itself.
      const wait = waitFor(fds[2]!);
      if (after) await turn();
      wait.cancel();
      const states = await ended(wait, ...waits);
      assertEquals(states, [true, ...waits.map(() => false)]);
      // Again does nothing.
      wait.cancel();
      for (const other of waits) other.cancel();
      await Promise.all(waits.map(({ ended }) => ended));
      await assertIdle();
    }
  }
});

Deno.test("`cancel()` does nothing to a wait that has ended", async () => {
  const [fd] = files(1);
  const wait = waitFor(fd!);
  libc.signal(fd!);
  await wait.ended;
  await assertIdle();
  const before = libc.calls.length;
  wait.cancel();
  assertEquals(libc.calls.length, before);
});

Deno.test("a wait for a descriptor that is not open ends", async () => {
  const [fd] = files(1);
  const waits = [waitFor(fd!), waitFor(4711)];
  // POLLNVAL: who reads it gets an error.
  assertEquals(await ended(...waits), [false, true]);
  waits[0]!.cancel();
  await waits[0]!.ended;
  await assertIdle();
});

Deno.test("waiting starts anew after everything has ended", async () => {
  const [fd] = files(1);
  for (const isReadable of [true, false, true]) {
    if (isReadable) libc.signal(fd!);
    const wait = waitFor(fd!);
    libc.signal(fd!);
    await wait.ended;
    await assertIdle();
    libc.ready.clear();
  }
  assertEquals(libc.opened, ["eventfd", "eventfd", "eventfd"]);
});

Deno.test("what ends a wait can wait again at once", async () => {
  const [fd] = files(1);
  const wait = waitFor(fd!);
  const again = wait.ended.then(() => {
    libc.ready.clear();
    return waitFor(fd!);
  });
  libc.signal(fd!);
  const second = await again;
  assertEquals(await ended(second), [false]);
  second.cancel();
  await second.ended;
  await assertIdle();
});

const ERRORS: readonly (readonly [
  what: string,
  errnos: Readonly<Record<string, number>>,
  message: string,
])[] = [
  [
    "there is no eventfd",
    { eventfd: EMFILE },
    "Cannot make an eventfd: Too many open files (eventfd: EMFILE)",
  ],
  [
    // What the call on this thread says: the other one's errno is not known.
    "`poll` fails",
    { pollAside: EIO, poll: ENOMEM },
    "Cannot wait for the kernel: Cannot allocate memory (poll: ENOMEM)",
  ],
];

for (const [what, errnos, message] of ERRORS) {
  Deno.test(`all waits end with an error when ${what}`, async () => {
    const fds = files(2);
    libc.fails = ({ symbol }) => errnos[symbol];
    for (let count = 0; count < 2; count++) {
      const waits = fds.map((fd) => waitFor(fd).ended);
      for (const outcome of await Promise.allSettled(waits)) {
        const { reason } = outcome as PromiseRejectedResult;
        assertEquals(reason instanceof SyscallError, true);
        assertEquals(reason.message, message);
      }
    }
    libc.fails = () => undefined;
    await assertIdle();
    libc.signal(fds[0]!);
    await waitFor(fds[0]!).ended;
    await assertIdle();
  });
}

Deno.test("all waits end with an error when libc lacks something", async () => {
  const [fd] = files(1);
  const bound = boundLibc() as { waiting: () => unknown };
  const { waiting } = bound;
  const failure = new Error("undefined symbol: eventfd");
  bound.waiting = () => {
    throw failure;
  };
  try {
    assertEquals(await assertRejects(() => waitFor(fd!).ended), failure);
  } finally {
    bound.waiting = waiting;
  }
  await assertIdle();
});

Deno.test("waiting goes on when `poll` was interrupted", async () => {
  const [fd] = files(1);
  const rows: [aside: number, here: number | undefined][] = [
    [EINTR, undefined],
    [EINTR, EINTR],
    [EIO, undefined],
  ];
  for (const [aside, here] of rows) {
    let left = 3;
    libc.ready.clear();
    libc.fails = ({ symbol }) =>
      symbol === "pollAside" && left-- > 0
        ? aside
        : symbol === "poll"
        ? here
        : undefined;
    const wait = waitFor(fd!);
    assertEquals(await ended(wait), [false]);
    libc.signal(fd!);
    await wait.ended;
  }
  libc.fails = () => undefined;
  await assertIdle();
});

Deno.test("what is ready is seen by the call that follows an interrupted one", async () => {
  const [fd] = files(1);
  libc.fails = ({ symbol }) => symbol === "pollAside" ? EINTR : undefined;
  libc.signal(fd!);
  await waitFor(fd!).ended;
  assertEquals(callsOf("poll").length, 1);
  libc.fails = () => undefined;
  await assertIdle();
});

/** Starts anew, with a socket that is a member of a group. */
function subscribe(): NetlinkSocket {
  restart();
  return NetlinkSocket.forGroups(openFd(16), [40]);
}

Deno.test("`readable()` settles when a datagram is there", async () => {
  const socket = subscribe();
  const readable = socket.readable();
  await turn();
  libc.kernel.emit(created);
  await readable;
  assertEquals(socket.receive()?.toHex(), created.toHex());
  assertEquals(socket.receive(), undefined);
  libc.kernel.emit(created);
  await socket.readable();
  assertEquals(socket.receive()?.toHex(), created.toHex());
  socket.close();
  assertEquals([...libc.fds], []);
});

Deno.test("`readable()` called twice waits once", async () => {
  const socket = subscribe();
  const both = [socket.readable(), socket.readable()];
  await turn();
  assertEquals([...libc.polling][0]!.length, 2);
  libc.kernel.emit(created);
  await Promise.all(both);
  socket.close();
  await assertIdle();
});

Deno.test("`close()` ends `readable()`, and closes when nothing polls any more", async () => {
  const socket = subscribe();
  const [fd] = libc.fds.keys();
  const readable = socket.readable();
  await turn();
  // The fake throws when a descriptor is closed that is polled.
  socket.close();
  assertEquals(socket.closed, true);
  assertEquals(libc.fds.has(fd!), true);
  socket.close();
  await readable;
  await turn();
  assertEquals(libc.fds.has(fd!), false);
  // Closed: there is nothing to wait for.
  await socket.readable();
  assertEquals([...libc.fds], []);
});

Deno.test("`close()` closes at once what does not wait", async () => {
  const socket = subscribe();
  libc.kernel.emit(created);
  await socket.readable();
  socket.close();
  assertEquals([...libc.fds], []);
  await assertIdle();
});

Deno.test("`readable()` throws what prevents waiting, and closes all the same", async () => {
  for (const isClosed of [false, true]) {
    const socket = subscribe();
    libc.fails = ({ symbol }) =>
      ["pollAside", "poll"].includes(symbol) ? ENOMEM : undefined;
    const readable = socket.readable();
    if (isClosed) socket.close();
    const error = await assertRejects(() => readable, SyscallError);
    assertEquals([error.syscall, error.code], ["poll", "ENOMEM"]);
    libc.fails = () => undefined;
    socket.close();
    await turn();
    assertEquals([...libc.fds], []);
  }
});
