import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { golden } from "../helpers/golden.ts";
import { libc } from "./fake_libc.ts";

const EPERM = 1;
const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;
const ENODEV = 19;
const EMFILE = 24;
const ENOBUFS = 105;

const getFamily = golden("ctrl/getfamily/request").bytes;
const getLimits = golden("get-limits/default/request").bytes;

function open(): NetlinkSocket {
  libc.reset();
  const socket = NetlinkSocket.open();
  libc.calls.length = 0;
  return socket;
}

/** Fails the first calls of a function. */
function fail(symbol: string, ...errnos: number[]): void {
  libc.fails = (call) => call.symbol === symbol ? errnos.shift() : undefined;
}

const symbols = () => libc.calls.map(({ symbol }) => symbol);

Deno.test("`open()` connects to the kernel, asks for reasons and for short acks", () => {
  libc.reset();
  using socket = NetlinkSocket.open();
  const [fd] = libc.fds.keys();
  assertEquals(libc.calls.map(({ symbol, args }) => [symbol, ...args]), [
    ["socket", 16, 0o2000003, 16],
    ["connect", fd, Uint32Array.of(16, 0, 0), 12],
    ["setsockopt", fd, 270, 11, Int32Array.of(1), 4],
    ["setsockopt", fd, 270, 10, Int32Array.of(1), 4],
  ]);
  assertEquals(socket.closed, false);
});

Deno.test("`open()` leaves no socket open when it fails", () => {
  const rows: [number, string, string][] = [
    [1, "socket", "open a netlink socket"],
    [2, "connect", "connect to the kernel"],
    [3, "setsockopt", "ask for reasons"],
    [4, "setsockopt", "ask for short acks"],
  ];
  for (const [failing, syscall, action] of rows) {
    libc.reset();
    libc.fails = (_, number) => number === failing ? EMFILE : undefined;
    const error = assertThrows(() => NetlinkSocket.open(), SyscallError);
    assertEquals(
      error.message,
      `Cannot ${action}: Too many open files (${syscall}: EMFILE)`,
    );
    assertEquals([error.syscall, error.errno], [syscall, EMFILE]);
    assertEquals([...libc.fds], []);
  }
});

Deno.test("`close()` closes once", () => {
  const socket = open();
  socket.close();
  assertEquals([...libc.fds], []);
  assertEquals(socket.closed, true);
  // The fake throws when a number is closed that is not open.
  socket.close();
  socket[Symbol.dispose]();
});

Deno.test("`send()` sends the whole datagram and nothing more", () => {
  using socket = open();
  const buffer = new Uint8Array(100).fill(7);
  buffer.set(getLimits, 3);
  socket.send(buffer.subarray(3, 3 + getLimits.length));
  assertEquals(libc.kernel.sent, [getLimits]);
});

Deno.test("`send()` tries again after EINTR, and throws what else there is", () => {
  using socket = open();
  fail("send", EINTR, EINTR);
  socket.send(getLimits);
  assertEquals(symbols(), ["send", "send", "send"]);
  assertEquals(libc.kernel.sent.length, 1);
  fail("send", EINTR, EPERM);
  const error = assertThrows(() => socket.send(getLimits), SyscallError);
  assertEquals(
    error.message,
    "Cannot send to the kernel: Operation not permitted (send: EPERM)",
  );
});

Deno.test("`receive()` returns the datagram, or nothing where there is none", () => {
  using socket = open();
  assertEquals(socket.receive(), undefined);
  socket.send(getFamily);
  assertEquals(
    socket.receive()?.toHex(),
    golden("ctrl/getfamily/reply").bytes.toHex(),
  );
  assertEquals(socket.receive(), undefined);
  const [, buffer, length, flags] = libc.calls[0]!.args;
  assertEquals((buffer as Uint8Array).length, 65536);
  // MSG_DONTWAIT and MSG_TRUNC.
  assertEquals([length, flags], [65536n, 0x60]);
});

Deno.test("`receive()` tries again after EINTR, and throws what else there is", () => {
  using socket = open();
  socket.send(getFamily);
  fail("recvfrom", EINTR);
  assertEquals(socket.receive()?.length, 360);
  fail("recvfrom", ENOBUFS);
  const error = assertThrows(() => socket.receive(), SyscallError);
  assertEquals(
    error.message,
    "Cannot receive from the kernel: No buffer space available " +
      "(recvfrom: ENOBUFS)",
  );
});

Deno.test("`receive()` throws away what does not come from the kernel", () => {
  using socket = open();
  socket.send(getFamily);
  socket.send(getLimits);
  libc.senders = [4711];
  assertEquals(socket.receive()?.length, 36);
  assertEquals(socket.receive(), undefined);
});

Deno.test("`receive()` refuses a datagram that does not fit the buffer", () => {
  using socket = open();
  libc.kernel.distort = () => [new Uint8Array(65536)];
  socket.send(getLimits);
  assertEquals(socket.receive()?.length, 65536);
  // recvfrom says the true length with MSG_TRUNC.
  libc.kernel.receive = () => new Uint8Array(65537);
  const error = assertThrows(() => socket.receive(), SyscallError);
  assertEquals(
    error.message,
    "Cannot receive 65537 bytes into a buffer of 65536: Message too long " +
      "(recvfrom: EMSGSIZE)",
  );
});

Deno.test("`wait()` polls for data, as long as it was told", () => {
  using socket = open();
  assertEquals(socket.wait(0), false);
  assertEquals(socket.wait(-5), false);
  assertEquals(libc.kernel.waits, [0, 0]);
  socket.send(getLimits);
  libc.calls.length = 0;
  const { now } = performance;
  performance.now = () => 5.5;
  try {
    assertEquals(socket.wait(19.5), true);
  } finally {
    performance.now = now;
  }
  const [pollfd, count, timeoutMs] = libc.calls[0]!.args;
  assertEquals(pollfd, Int32Array.of([...libc.fds.keys()][0]!, 1));
  assertEquals(count, 1n);
  // A fraction of a millisecond counts as one.
  assertEquals(timeoutMs, 20);
});

Deno.test("`wait()` goes on after EINTR for the rest of the time", () => {
  using socket = open();
  const { now } = performance;
  let time = 0;
  performance.now = () => time += 30;
  try {
    fail("poll", EINTR, EINTR, EINTR, EINTR);
    assertEquals(socket.wait(100), false);
  } finally {
    performance.now = now;
  }
  const timeouts = libc.calls.map(({ args }) => args[2]);
  assertEquals(timeouts, [70, 40, 10, 0, 0]);
  fail("poll", EIO);
  const error = assertThrows(() => socket.wait(0), SyscallError);
  assertEquals(
    error.message,
    "Cannot wait for the kernel: Input/output error (poll: EIO)",
  );
});

Deno.test("`join()` joins one group after the other", () => {
  using socket = open();
  socket.join(40);
  socket.join(41);
  const [fd] = libc.fds.keys();
  assertEquals(libc.calls.map(({ symbol, args }) => [symbol, ...args]), [
    ["setsockopt", fd, 270, 1, Int32Array.of(40), 4],
    ["setsockopt", fd, 270, 1, Int32Array.of(41), 4],
  ]);
});

Deno.test("`join()` says what it takes", () => {
  using socket = open();
  fail("setsockopt", EPERM);
  const error = assertThrows(() => socket.join(40), SyscallError);
  assertEquals(
    error.message,
    "Cannot join multicast group 40: Operation not permitted " +
      "(setsockopt: EPERM): CAP_NET_ADMIN is needed in the user namespace " +
      "that owns this network namespace",
  );
});

Deno.test("`setReceiveBuffer()` takes what it may get", () => {
  const SO_RCVBUF = 8;
  const SO_RCVBUFFORCE = 33;
  const rows: [number[], number[], string?][] = [
    [[], [SO_RCVBUFFORCE]],
    [[EPERM], [SO_RCVBUFFORCE, SO_RCVBUF]],
    [[EPERM, ENOBUFS], [SO_RCVBUFFORCE, SO_RCVBUF], "ENOBUFS"],
    [[EIO], [SO_RCVBUFFORCE], "EIO"],
  ];
  for (const [errnos, options, code] of rows) {
    using socket = open();
    fail("setsockopt", ...errnos);
    if (code === undefined) socket.setReceiveBuffer(1 << 20);
    else {
      const error = assertThrows(
        () => socket.setReceiveBuffer(1 << 20),
        SyscallError,
      );
      assertEquals(error.code, code);
    }
    assertEquals(libc.calls.map(({ args }) => args[2]), options);
    assertEquals(libc.calls.at(-1)!.args[3], Int32Array.of(1 << 20));
  }
});

Deno.test("`ifNameToIndex()` and `ifIndexToName()` know the devices", () => {
  using socket = open();
  assertEquals(socket.ifNameToIndex("lo"), 1);
  assertEquals(socket.ifIndexToName(1), "lo");
  libc.kernel.devices.set("ünïcödé", 9).set("fifteen-bytes-x", 10);
  assertEquals(socket.ifNameToIndex("ünïcödé"), 9);
  assertEquals(socket.ifIndexToName(9), "ünïcödé");
  assertEquals(socket.ifNameToIndex("fifteen-bytes-x"), 10);
  assertEquals(socket.ifIndexToName(10), "fifteen-bytes-x");
});

Deno.test("`ifNameToIndex()` and `ifIndexToName()` know no others", () => {
  using socket = open();
  libc.kernel.devices.set("sixteen-bytes-x", 9);
  const names = [
    "eth9",
    "sixteen-bytes-xx",
    "a-name-that-is-longer-than-any-can-be",
    "lo\0",
    "\0",
  ];
  for (const name of names) {
    assertEquals(socket.ifNameToIndex(name), undefined, name);
  }
  for (const index of [0, 10, -1, 0x7fffffff]) {
    assertEquals(socket.ifIndexToName(index), undefined);
  }
});

Deno.test("`ifNameToIndex()` does not take an alias for its device", () => {
  // The kernel looks up what is before the colon: dev_ioctl().
  using socket = open();
  assertEquals(socket.ifNameToIndex("lo:1"), undefined);
  assertEquals(socket.ifNameToIndex("lo:"), undefined);
});

Deno.test("`ifNameToIndex()` and `ifIndexToName()` throw other trouble", () => {
  using socket = open();
  const calls = [
    () => socket.ifNameToIndex("lo"),
    () => socket.ifIndexToName(1),
  ];
  for (const call of calls) {
    fail("ioctl", ENODEV);
    assertEquals(call(), undefined);
    fail("ioctl", EPERM);
    const error = assertThrows(call, SyscallError);
    assertEquals(
      error.message,
      "Cannot look up the network device: Operation not permitted " +
        "(ioctl: EPERM)",
    );
  }
});

Deno.test("the fake C library throws when errno is not copied at once", () => {
  using socket = open();
  const { symbols } = libc.open(["socket", "poll"]);
  const call = (name: string, ...args: unknown[]) =>
    (symbols[name] as (...args: unknown[]) => unknown)(...args);
  call("socket", 16, 0o2000003, 16);
  assertThrows(() => call("socket"), Error, "before memcpy(errno)");
  const { memcpy } = libc.open(["memcpy"]).symbols;
  (memcpy as (to: Int32Array) => void)(new Int32Array(1));
  assertEquals(socket.receive(), undefined);
  fail("recvfrom", EAGAIN);
  assertEquals(socket.receive(), undefined);
});
