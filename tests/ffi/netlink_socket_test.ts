import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkSocket, openFd } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { golden } from "../helpers/golden.ts";
import { called, fail, libc, restart } from "../helpers/fake_libc.ts";

const EPERM = 1;
const EINTR = 4;
const EIO = 5;
const EAGAIN = 11;
const EMFILE = 24;
const ENOBUFS = 105;

const getLimits = golden("get-limits/default/request").bytes;
const created = golden("event/kpm-v4/client/created").bytes;
const established = golden("event/kpm-v4/client/established").bytes;

/** The two kinds of sockets. */
const KINDS = {
  requests: {
    open: () => NetlinkSocket.forRequests(openFd(16)),
    syscall: "recv",
    /** Has datagrams arrive. */
    deliver(socket: NetlinkSocket, ...datagrams: Uint8Array<ArrayBuffer>[]) {
      libc.kernel.distort = () => datagrams;
      socket.send(getLimits);
    },
  },
  groups: {
    open: () => NetlinkSocket.forGroups(openFd(0), [40, 33]),
    syscall: "recvfrom",
    deliver(_: NetlinkSocket, ...datagrams: Uint8Array<ArrayBuffer>[]) {
      for (const datagram of datagrams) libc.kernel.emit(datagram);
    },
  },
} as const;

type Kind = keyof typeof KINDS;

/** Starts anew, with a socket whose calls are forgotten. */
function open(kind: Kind): NetlinkSocket {
  restart();
  const socket = KINDS[kind].open();
  libc.calls.length = 0;
  return socket;
}

/** Bytes in the order that they have in memory, a number as it is. */
const plain = (argument: unknown) =>
  ArrayBuffer.isView(argument)
    ? new Uint8Array(argument.buffer, argument.byteOffset, argument.byteLength)
      .toHex()
    : argument;

/** `struct sockaddr_nl`: family, padding, port id, groups. */
const KERNEL = ["1000", "0000", "00000000", "00000000"].join("");

/** 2 MiB. */
const SIZE = "00002000";

const SETTINGS: Readonly<Record<Kind, readonly (readonly unknown[])[]>> = {
  requests: [
    ["socket", 16, 0o2000003, 16],
    ["connect", "fd", KERNEL, 12],
    // NETLINK_EXT_ACK and NETLINK_CAP_ACK.
    ["setsockopt", "fd", 270, 11, "01000000", 4],
    ["setsockopt", "fd", 270, 10, "01000000", 4],
  ],
  groups: [
    ["socket", 16, 0o2000003, 0],
    ["connect", "fd", KERNEL, 12],
    // SO_RCVBUFFORCE; NETLINK_ADD_MEMBERSHIP.
    ["setsockopt", "fd", 1, 33, SIZE, 4],
    ["setsockopt", "fd", 270, 1, "28000000", 4],
    ["setsockopt", "fd", 270, 1, "21000000", 4],
  ],
};

for (const kind of ["requests", "groups"] as const) {
  const { syscall, deliver } = KINDS[kind];

  Deno.test(`a socket for ${kind} is connected to the kernel, then set up`, () => {
    restart();
    using socket = KINDS[kind].open();
    const [fd] = libc.fds.keys();
    const calls = libc.calls.map(({ symbol, args }) =>
      [symbol, ...args].map((one) => one === fd ? "fd" : plain(one))
    );
    assertEquals(calls, SETTINGS[kind]);
    assertEquals(socket.closed, false);
  });

  Deno.test(`a socket for ${kind} is closed once`, () => {
    const socket = open(kind);
    socket.close();
    assertEquals([...libc.fds], []);
    assertEquals(socket.closed, true);
    // The fake throws when a number is closed that is not open.
    socket.close();
    socket[Symbol.dispose]();
    assertEquals(libc.calls, []);
  });

  Deno.test(`a socket for ${kind} is read with \`${syscall}\`, without blocking`, () => {
    using socket = open(kind);
    assertEquals(socket.receive(), undefined);
    const [, buffer, length, flags] = libc.calls[0]!.args;
    assertEquals((buffer as Uint8Array).length, 65536);
    // MSG_DONTWAIT and MSG_TRUNC.
    assertEquals([length, flags], [65536n, 0x60]);
    deliver(socket, created, established);
    libc.calls.length = 0;
    for (const datagram of [created, established]) {
      assertEquals(socket.receive()?.toHex(), datagram.toHex());
    }
    assertEquals(socket.receive(), undefined);
    assertEquals(called(), [syscall, syscall, syscall]);
  });

  Deno.test(`a socket for ${kind} is read again after EINTR, and not after other errors`, () => {
    using socket = open(kind);
    deliver(socket, created);
    fail(syscall, EINTR, EINTR);
    assertEquals(socket.receive()?.toHex(), created.toHex());
    fail(syscall, EINTR, EAGAIN);
    assertEquals(socket.receive(), undefined);
    fail(syscall, EINTR, ENOBUFS);
    const error = assertThrows(() => socket.receive(), SyscallError);
    assertEquals(
      error.message,
      "Cannot receive from the kernel: No buffer space available " +
        `(${syscall}: ENOBUFS)`,
    );
  });

  Deno.test(`a socket for ${kind} refuses a datagram that does not fit the buffer`, () => {
    using socket = open(kind);
    deliver(socket, new Uint8Array(65536));
    assertEquals(socket.receive()?.length, 65536);
    // With MSG_TRUNC the kernel returns the true length.
    const { transports, subscriptions } = libc.kernel;
    const source = kind === "groups" ? subscriptions[0]! : transports[0]!;
    source.receive = () => new Uint8Array(65537);
    const error = assertThrows(() => socket.receive(), SyscallError);
    assertEquals(
      error.message,
      "Cannot receive 65537 bytes into a buffer of 65536: Message too long " +
        `(${syscall}: EMSGSIZE)`,
    );
  });
}

Deno.test("a socket that cannot be set up is closed, and the error names the step", () => {
  const privilege = ": CAP_NET_ADMIN is needed in the user namespace that " +
    "owns this network namespace";
  const refused = "Operation not permitted (setsockopt: EPERM)";
  const rows: [Kind, failing: number, errno: number, message: string][] = [
    ["requests", 1, EMFILE, "open a netlink socket"],
    ["requests", 2, EMFILE, "connect to the kernel"],
    ["requests", 3, EMFILE, "ask for reasons"],
    ["requests", 4, EMFILE, "ask for short acks"],
    ["requests", 4, EPERM, `ask for short acks: ${refused}`],
    ["groups", 1, EMFILE, "open a netlink socket"],
    ["groups", 2, EMFILE, "connect to the kernel"],
    ["groups", 3, EMFILE, "size the receive buffer"],
    ["groups", 4, EMFILE, "listen to the kernel, group 40"],
    ["groups", 5, EMFILE, "listen to the kernel, group 33"],
    [
      "groups",
      5,
      EPERM,
      `listen to the kernel, group 33: ${refused}${privilege}`,
    ],
  ];
  for (const [kind, failing, errno, message] of rows) {
    restart();
    libc.fails = (_, number) => number === failing ? errno : undefined;
    const error = assertThrows(KINDS[kind].open, SyscallError);
    const [syscall] = SETTINGS[kind][failing - 1]!;
    assertEquals([error.syscall, error.errno], [syscall, errno]);
    const reason = errno === EMFILE
      ? `: Too many open files (${syscall}: EMFILE)`
      : "";
    assertEquals(error.message, `Cannot ${message}${reason}`);
    assertEquals([...libc.fds], []);
  }
});

Deno.test("the receive buffer is as large as the process may have it", () => {
  for (const errnos of [[EPERM], [EPERM, ENOBUFS]]) {
    restart();
    const isRefused = errnos.length > 1;
    fail("setsockopt", ...errnos);
    if (isRefused) assertThrows(KINDS.groups.open, SyscallError, "ENOBUFS");
    else KINDS.groups.open().close();
    const options = libc.calls.slice(2).map(({ args }) =>
      args.slice(1, 4).map(plain)
    );
    // SO_RCVBUFFORCE, and then SO_RCVBUF.
    assertEquals(options.slice(0, 2), [[1, 33, SIZE], [1, 8, SIZE]]);
    assertEquals(options.length, isRefused ? 2 : 4);
    assertEquals([...libc.fds], []);
  }
});

Deno.test("`send()` sends the whole datagram and nothing more", () => {
  using socket = open("requests");
  const buffer = new Uint8Array(100).fill(7);
  buffer.set(getLimits, 3);
  socket.send(buffer.subarray(3, 3 + getLimits.length));
  assertEquals(libc.kernel.sent, [getLimits]);
});

Deno.test("`send()` is repeated after EINTR, and not after other errors", () => {
  using socket = open("requests");
  fail("send", EINTR, EINTR);
  socket.send(getLimits);
  assertEquals(called(), ["send", "send", "send"]);
  assertEquals(libc.kernel.sent.length, 1);
  fail("send", EINTR, EPERM);
  const error = assertThrows(() => socket.send(getLimits), SyscallError);
  assertEquals(
    error.message,
    "Cannot send to the kernel: Operation not permitted (send: EPERM)",
  );
});

Deno.test("one socket gets what is sent to any of its groups, in one order", () => {
  using socket = open("groups");
  libc.kernel.emit(established, 33);
  libc.kernel.emit(created, 41);
  libc.kernel.emit(created, 40);
  libc.kernel.emit(established, 33);
  for (const datagram of [established, created, established]) {
    assertEquals(socket.receive()?.toHex(), datagram.toHex());
  }
  assertEquals(socket.receive(), undefined);
  const [{ protocol, groups } = {}] = libc.kernel.subscriptions;
  assertEquals([protocol, groups], [0, [40, 33]]);
});

Deno.test("what other processes send to a group is dropped", () => {
  using socket = open("groups");
  const { deliver } = KINDS.groups;
  deliver(
    socket,
    created,
    new Uint8Array(65537),
    created,
    established,
    created,
  );
  // Port ids have all 32 bits; that of the kernel is 0.
  libc.senders.push(4711, 0x10000, 0x80000000, 0, 1);
  assertEquals(socket.receive()?.toHex(), established.toHex());
  assertEquals(called().length, 4);
  assertEquals(socket.receive(), undefined);
  // `struct sockaddr_nl`, and `socklen_t` with its size before each call.
  const [, , , , sender, length] = libc.calls.at(-1)!.args;
  assertEquals((plain(sender) as string).length, 2 * 12);
  assertEquals(plain(length), "0c000000");
});

Deno.test("`wait()` polls for data, as long as it was told", () => {
  using socket = open("requests");
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
  // `struct pollfd`: fd, events (POLLIN), revents.
  const fd = plain(Int32Array.from(libc.fds.keys()));
  assertEquals(plain(pollfd), [fd, "0100", "0000"].join(""));
  assertEquals(count, 1n);
  // A fraction of a millisecond counts as one.
  assertEquals(timeoutMs, 20);
});

Deno.test("`wait()` goes on after EINTR for the rest of the time", () => {
  using socket = open("requests");
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

Deno.test("the fake C library throws when errno is not copied at once", () => {
  using socket = open("requests");
  libc.call("socket", [16, 0o2000003, 16]);
  assertThrows(() => libc.call("socket", []), Error, "before memcpy(errno)");
  libc.call("memcpy", [new Int32Array(1)]);
  assertEquals(socket.receive(), undefined);
});
