import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { inNetns, type Netns, netnsPath } from "../../ffi/netns.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { libc } from "./fake_libc.ts";

const EPERM = 1;
const EIO = 5;
const EACCES = 13;
const EINVAL = 22;

Deno.test("`netnsPath()` tells names, paths and process ids apart", () => {
  const rows: [Netns, string][] = [
    ["blue", "/run/netns/blue"],
    ["42", "/run/netns/42"],
    ["a b", "/run/netns/a b"],
    [42, "/proc/42/ns/net"],
    [1, "/proc/1/ns/net"],
    ["/proc/42/ns/net", "/proc/42/ns/net"],
    ["./here", "./here"],
  ];
  for (const [netns, path] of rows) assertEquals(netnsPath(netns), path);
});

Deno.test("`NetlinkSocket.open()` refuses what is no namespace, and calls nothing", () => {
  const needed = "it is a name, a path or a process id";
  const rows: [unknown, typeof TypeError | typeof RangeError, string][] = [
    ["", TypeError, `Invalid network namespace "": ${needed}`],
    ["a\0b", TypeError, `Invalid network namespace "a\\u0000b": ${needed}`],
    [0, RangeError, "Invalid process id 0: it is an integer from 1"],
    [-1, RangeError, "Invalid process id -1: it is an integer from 1"],
    [1.5, RangeError, "Invalid process id 1.5: it is an integer from 1"],
    [NaN, RangeError, "Invalid process id NaN: it is an integer from 1"],
    [
      2 ** 53,
      RangeError,
      `Invalid process id ${2 ** 53}: it is an integer from 1`,
    ],
  ];
  for (const [netns, errorClass, message] of rows) {
    libc.reset();
    const error = assertThrows(
      () => NetlinkSocket.open(netns as Netns),
      errorClass,
    );
    assertEquals(error.message, message);
    assertEquals(libc.calls, []);
  }
  for (const netns of [null, true, 42n, {}]) {
    const error = assertThrows(() => netnsPath(netns as Netns), TypeError);
    assertEquals(error.message.endsWith(needed), true);
  }
});

Deno.test("`NetlinkSocket.open()` opens in the namespace and comes back", () => {
  const rows: [Netns, string][] = [
    ["blue", "blue"],
    ["/run/netns/blue", "blue"],
    [42, "process 42"],
  ];
  for (const [netns, where] of rows) {
    libc.reset();
    using _socket = NetlinkSocket.open(netns);
    assertEquals([...libc.fds.values()], [`socket in ${where}`]);
    assertEquals(libc.netns, "home");
    assertEquals(libc.calls.map(({ symbol }) => symbol), [
      "open",
      "open",
      "setns",
      "setns",
      "socket",
      "setns",
      "connect",
      "setsockopt",
      "setsockopt",
    ]);
    // O_CLOEXEC; CLONE_NEWNET.
    assertEquals(libc.calls[0]!.args[1], 0o2000000);
    assertEquals(libc.calls[2]!.args[1], 0x40000000);
  }
});

Deno.test("`NetlinkSocket.open()` says what is wrong with a namespace", () => {
  const rows: [Netns, number, number, string][] = [
    [
      "red",
      0,
      0,
      'Cannot find network namespace "red": No such file or directory ' +
      '(open: ENOENT): there is no /run/netns/red; "ip netns" lists those ' +
      "with a name",
    ],
    [
      43,
      0,
      0,
      "Cannot find network namespace of process 43: No such file or " +
      "directory (open: ENOENT): there is no /proc/43/ns/net; " +
      '"ip netns" lists those with a name',
    ],
    [
      "/etc/passwd",
      0,
      0,
      'Cannot enter network namespace "/etc/passwd": Invalid argument ' +
      "(setns: EINVAL): the file is not a network namespace",
    ],
    [
      "blue",
      2,
      EACCES,
      'Cannot find network namespace "blue": Permission denied (open: EACCES)',
    ],
    [
      "blue",
      3,
      EPERM,
      'Cannot enter network namespace "blue": Operation not permitted ' +
      "(setns: EPERM): CAP_SYS_ADMIN is needed here and in its user namespace",
    ],
    [
      "blue",
      3,
      EINVAL,
      'Cannot enter network namespace "blue": Invalid argument ' +
      "(setns: EINVAL): the file is not a network namespace",
    ],
    [
      "blue",
      1,
      EIO,
      "Cannot remember this network namespace: Input/output error (open: EIO)",
    ],
    [
      "blue",
      4,
      EPERM,
      'Cannot enter network namespace "blue": Operation not permitted ' +
      "(setns: EPERM): CAP_SYS_ADMIN is needed here and in its user namespace",
    ],
    [
      "blue",
      5,
      EIO,
      "Cannot open a netlink socket: Input/output error (socket: EIO)",
    ],
    [
      "blue",
      6,
      EIO,
      "Cannot come back from the network namespace: Input/output error " +
      "(setns: EIO)",
    ],
  ];
  for (const [netns, failing, errno, message] of rows) {
    libc.reset();
    libc.fails = (_, number) => number === failing ? errno : undefined;
    const error = assertThrows(() => NetlinkSocket.open(netns), SyscallError);
    assertEquals(error.message, message);
    assertEquals(libc.netns, failing === 6 ? "blue" : "home", message);
    // What comes next comes back first.
    libc.fails = () => undefined;
    NetlinkSocket.open().close();
    assertEquals(libc.opened.at(-1), "socket in home", message);
    assertEquals([...libc.fds], [], message);
  }
});

Deno.test("`inNetns()` comes back when the action throws", () => {
  libc.reset();
  const failure = new Error("on purpose");
  const undone: unknown[] = [];
  const error = assertThrows(() =>
    inNetns("blue", () => {
      assertEquals(libc.netns, "blue");
      throw failure;
    }, (result) => undone.push(result))
  );
  assertStrictEquals(error, failure);
  assertEquals(libc.netns, "home");
  assertEquals([...libc.fds], []);
  assertEquals(undone, []);
});

Deno.test("`inNetns()` undoes the action when there is no way back", () => {
  libc.reset();
  libc.fails = (_, number) => number === 5 ? EPERM : undefined;
  const undone: unknown[] = [];
  const error = assertThrows(
    () => inNetns("blue", () => "done", (result) => undone.push(result)),
    SyscallError,
  );
  assertEquals(error.syscall, "setns");
  assertEquals(undone, ["done"]);
  assertEquals(inNetns(undefined, () => libc.netns, () => {}), "home");
  assertEquals([...libc.fds], []);
});

Deno.test("`inNetns()` tells that there is no way back rather than what threw", () => {
  libc.reset();
  libc.fails = (_, number) => number === 5 ? EPERM : undefined;
  const error = assertThrows(() =>
    inNetns("blue", () => {
      throw new Error("on purpose");
    }, () => {}), SyscallError);
  assertEquals(
    error.message,
    "Cannot come back from the network namespace: Operation not permitted " +
      "(setns: EPERM)",
  );
  assertEquals(inNetns(undefined, () => libc.netns, () => {}), "home");
  assertEquals([...libc.fds], []);
});

Deno.test("`inNetns()` returns what the action returns", () => {
  libc.reset();
  assertEquals(inNetns("blue", () => libc.netns, () => {}), "blue");
  assertEquals(libc.netns, "home");
});
