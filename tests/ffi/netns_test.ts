import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { closeFd } from "../../ffi/file.ts";
import { openFd } from "../../ffi/netlink_socket.ts";
import { inNetns, type Netns, netnsPath, openNetns } from "../../ffi/netns.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { called, libc, restart } from "../helpers/fake_libc.ts";

const EPERM = 1;
const EIO = 5;
const EACCES = 13;
const EINVAL = 22;

/** Opens a socket, as everything here does. */
const open = () => openFd(16);

Deno.test("`netnsPath()` distinguishes names, paths and process ids", () => {
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

Deno.test("a namespace that cannot be is refused, and nothing is called", () => {
  const needed = "it is a name, a path or a process id";
  const rows: [unknown, typeof TypeError | typeof RangeError, string][] = [
    ...["", "a\0b"].map((netns): (typeof rows)[number] => [
      netns,
      TypeError,
      `Invalid network namespace ${JSON.stringify(netns)}: ${needed}`,
    ]),
    ...[0, -1, 1.5, NaN, 2 ** 53].map((pid): (typeof rows)[number] => [
      pid,
      RangeError,
      `Invalid process id ${pid}: it is an integer from 1`,
    ]),
  ];
  restart();
  for (const [netns, errorClass, message] of rows) {
    for (const call of [openNetns, (it: Netns) => inNetns(it, open, closeFd)]) {
      const error = assertThrows(() => call(netns as Netns), errorClass);
      assertEquals(error.message, message);
    }
  }
  for (const netns of [null, true, 42n, {}]) {
    const error = assertThrows(() => netnsPath(netns as Netns), TypeError);
    assertEquals(error.message.endsWith(needed), true);
  }
  assertEquals(libc.calls, []);
});

Deno.test("`inNetns()` opens in the namespace and comes back", () => {
  const rows: [Netns | undefined, string][] = [
    [undefined, "home"],
    ["blue", "blue"],
    ["/run/netns/blue", "blue"],
    [42, "process 42"],
  ];
  for (const [netns, where] of rows) {
    restart();
    inNetns(netns, open, closeFd);
    assertEquals([...libc.fds.values()], [`generic socket in ${where}`]);
    assertEquals(libc.netns, "home");
    if (netns === undefined) {
      assertEquals(called(), ["socket"]);
      continue;
    }
    // There, here; here and there, and back again.
    assertEquals(libc.calls.map(({ symbol, args }) => [symbol, args[1]]), [
      // O_CLOEXEC and O_NONBLOCK; O_CLOEXEC.
      ["open", 0o2004000],
      ["open", 0o2000000],
      // CLONE_NEWNET.
      ["setns", 0x40000000],
      ["setns", 0x40000000],
      ["socket", 0o2000003],
      ["setns", 0x40000000],
    ]);
    const [here, there, home] = [2, 3, 5].map((at) => libc.calls[at]!.args[0]);
    assertEquals([here === home, here === there], [true, false]);
  }
});

Deno.test("`inNetns()` says what is wrong with a namespace", () => {
  const enter = 'enter network namespace "blue": ';
  const privilege =
    "Operation not permitted (setns: EPERM): CAP_SYS_ADMIN is " +
    "needed here and in its user namespace";
  const isNone =
    "Invalid argument (setns: EINVAL): the file is not a network " +
    "namespace";
  const isMissing = "No such file or directory (open: ENOENT)";
  const io = "Input/output error";
  const rows: [
    netns: Netns,
    failing: number,
    errno: number,
    message: string,
  ][] = [
    [
      "red",
      0,
      0,
      `find network namespace "red": ${isMissing}: there is no ` +
      '/run/netns/red; "ip netns" lists those with a name',
    ],
    [
      43,
      0,
      0,
      `find network namespace of process 43: ${isMissing}: there is no ` +
      '/proc/43/ns/net; "ip netns" lists those with a name',
    ],
    ["/etc/passwd", 0, 0, `enter network namespace "/etc/passwd": ${isNone}`],
    [
      "blue",
      1,
      EACCES,
      'find network namespace "blue": Permission denied (open: EACCES)',
    ],
    [
      42,
      1,
      EACCES,
      "find network namespace of process 42: Permission denied " +
      "(open: EACCES): the process belongs to another user: " +
      "CAP_SYS_PTRACE is needed",
    ],
    ["blue", 2, EIO, `remember this network namespace: ${io} (open: EIO)`],
    // It goes nowhere unless it may come back.
    ["blue", 3, EPERM, enter + privilege],
    ["blue", 3, EINVAL, enter + isNone],
    ["blue", 4, EPERM, enter + privilege],
    ["blue", 5, EIO, `open a netlink socket: ${io} (socket: EIO)`],
    [
      "blue",
      6,
      EIO,
      `come back from the network namespace: ${io} (setns: EIO)`,
    ],
  ];
  for (const [netns, failing, errno, message] of rows) {
    restart();
    libc.fails = (_, number) => number === failing ? errno : undefined;
    const error = assertThrows(
      () => inNetns(netns, open, closeFd),
      SyscallError,
    );
    assertEquals(error.message, `Cannot ${message}`);
    assertEquals(libc.netns, failing === 6 ? "blue" : "home", message);
    // What comes next comes back first.
    libc.fails = () => undefined;
    closeFd(inNetns(undefined, open, closeFd));
    assertEquals(libc.opened.at(-1), "generic socket in home", message);
    assertEquals([...libc.fds], [], message);
  }
});

Deno.test("`inNetns()` comes back whatever the action does, or undoes it", () => {
  const failure = new Error("on purpose");
  const actions = [() => libc.netns, () => {
    throw failure;
  }];
  for (const [index, action] of actions.entries()) {
    for (const isLost of [false, true]) {
      restart();
      libc.fails = (_, number) => isLost && number === 5 ? EPERM : undefined;
      const undone: unknown[] = [];
      const call = () =>
        inNetns("blue", action, (result) => undone.push(result));
      // That there is no way back matters more than what the action threw.
      if (isLost) {
        const error = assertThrows(call, SyscallError);
        assertEquals(
          error.message,
          "Cannot come back from the network namespace: Operation not " +
            "permitted (setns: EPERM)",
        );
      } else if (index === 0) assertEquals(call(), "blue");
      else assertStrictEquals(assertThrows(call), failure);
      assertEquals(undone, isLost && index === 0 ? ["blue"] : []);
      assertEquals(libc.netns, isLost ? "blue" : "home");
      // What comes next comes back first.
      assertEquals(inNetns(undefined, () => libc.netns, () => {}), "home");
      assertEquals([...libc.fds], []);
    }
  }
});

Deno.test("nothing is done in the wrong namespace while there is no way back", () => {
  restart();
  libc.fails = ({ symbol }, number) =>
    symbol === "setns" && number > 5 ? EPERM : undefined;
  for (const netns of ["blue", undefined, "blue", 42]) {
    const call = () => inNetns(netns, open, closeFd);
    assertThrows(call, SyscallError, "Cannot come back");
    assertEquals(libc.netns, "blue");
    // The way back is all that is kept.
    assertEquals([...libc.fds.values()], ["home"]);
  }
  assertEquals(libc.opened.filter((what) => /socket/.test(what)).length, 1);
  libc.fails = () => undefined;
  const fd = inNetns(42, open, closeFd);
  assertEquals([...libc.fds], [[fd, "generic socket in process 42"]]);
  assertEquals(libc.netns, "home");
});
