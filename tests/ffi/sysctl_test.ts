import { assertEquals, assertThrows } from "@std/assert";
import { O_RDONLY, openFile, readText, writeText } from "../../ffi/file.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { libc } from "./fake_libc.ts";

const EPERM = 1;
const EIO = 5;
const EACCES = 13;
const EINVAL = 22;
const EMFILE = 24;

const PLACES = [undefined, "blue"];

function open(netns?: string): NetlinkSocket {
  libc.reset();
  const socket = NetlinkSocket.open(netns);
  libc.calls.length = 0;
  libc.opened.length = 0;
  return socket;
}

const symbols = () => libc.calls.map(({ symbol }) => symbol);

/** Fails the first calls of a function. */
function fail(symbol: string, ...errnos: (number | undefined)[]): void {
  libc.fails = (call) => call.symbol === symbol ? errnos.shift() : undefined;
}

Deno.test("`readSysctl()` reads a file, without its newline", () => {
  for (const netns of PLACES) {
    using socket = open(netns);
    libc.kernel.sysctls.set("available_path_managers", "kernel userspace ");
    assertEquals(socket.readSysctl("path_manager"), "kernel");
    assertEquals(
      socket.readSysctl("available_path_managers"),
      "kernel userspace",
    );
    assertEquals(libc.fds.size, 1);
  }
});

Deno.test("`readSysctl()` knows that there is no such file", () => {
  for (const netns of PLACES) {
    using socket = open(netns);
    assertEquals(socket.readSysctl("no_such"), undefined);
    assertEquals(libc.fds.size, 1);
    assertEquals(libc.netns, "home");
  }
});

Deno.test("`writeSysctl()` writes the text and nothing more", () => {
  for (const netns of PLACES) {
    using socket = open(netns);
    socket.writeSysctl("path_manager", "userspace");
    const { args } = libc.calls.find(({ symbol }) => symbol === "write")!;
    assertEquals(args.slice(1), [new TextEncoder().encode("userspace"), 9n]);
    assertEquals(socket.readSysctl("path_manager"), "userspace");
    assertEquals(libc.fds.size, 1);
  }
});

Deno.test("sysctls are opened in the namespace of the socket", () => {
  {
    using socket = open();
    socket.readSysctl("path_manager");
    socket.writeSysctl("path_manager", "kernel");
    assertEquals(libc.opened, ["path_manager in home", "path_manager in home"]);
    assertEquals(symbols(), ["open", "read", "read", "open", "write"]);
    // O_RDONLY and O_WRONLY, both with O_CLOEXEC.
    const modes = [0, 3].map((index) => libc.calls[index]!.args[1]);
    assertEquals(modes, [0o2000000, 0o2000001]);
  }
  using socket = open("blue");
  socket.readSysctl("path_manager");
  assertEquals(symbols(), [
    "ioctl",
    "open",
    "open",
    "setns",
    "setns",
    "open",
    "setns",
    "read",
    "read",
  ]);
  // SIOCGSKNS; here, there, and the file.
  assertEquals(libc.calls[0]!.args[1], 0x894cn);
  assertEquals(libc.opened, ["blue", "home", "blue", "path_manager in blue"]);
  assertEquals(libc.netns, "home");
});

Deno.test("the namespace of the socket needs no name any more", () => {
  using socket = open("blue");
  // As after `ip netns delete blue`.
  const { namespaces } = libc;
  namespaces.delete("/run/netns/blue");
  try {
    assertEquals(socket.readSysctl("path_manager"), "kernel");
    using _listener = socket.subscribe(40);
    assertEquals(libc.opened.at(-1), "socket in blue");
  } finally {
    namespaces.set("/run/netns/blue", "blue");
  }
});

Deno.test("`readSysctl()` and `writeSysctl()` say what went wrong", () => {
  const rows: [
    call: (socket: NetlinkSocket) => unknown,
    netns: string | undefined,
    symbol: string,
    errnos: (number | undefined)[],
    message: string,
  ][] = [
    [
      (socket) => socket.readSysctl("path_manager"),
      undefined,
      "open",
      [EMFILE],
      "Cannot read net.mptcp.path_manager: Too many open files (open: EMFILE)",
    ],
    [
      (socket) => socket.readSysctl("path_manager"),
      undefined,
      "read",
      [EIO],
      "Cannot read net.mptcp.path_manager: Input/output error (read: EIO)",
    ],
    [
      (socket) => socket.writeSysctl("path_manager", "userspace"),
      undefined,
      "open",
      [EACCES],
      "Cannot set net.mptcp.path_manager to userspace: Permission denied " +
      "(open: EACCES): CAP_NET_ADMIN is needed in the user namespace that " +
      "owns this network namespace",
    ],
    [
      (socket) => socket.writeSysctl("no_such", "1"),
      undefined,
      "open",
      [],
      "Cannot set net.mptcp.no_such to 1: No such file or directory " +
      "(open: ENOENT)",
    ],
    [
      (socket) => socket.writeSysctl("path_manager", "userspace"),
      undefined,
      "write",
      [EINVAL],
      "Cannot set net.mptcp.path_manager to userspace: Invalid argument " +
      "(write: EINVAL)",
    ],
    [
      (socket) => socket.readSysctl("path_manager"),
      "blue",
      "ioctl",
      [EPERM],
      "Cannot find the namespace of the socket: Operation not permitted " +
      "(ioctl: EPERM)",
    ],
    [
      (socket) => socket.writeSysctl("path_manager", "userspace"),
      "blue",
      "setns",
      [undefined, undefined, EIO],
      "Cannot come back from the network namespace: Input/output error " +
      "(setns: EIO)",
    ],
    [
      (socket) => socket.subscribe(40),
      "blue",
      "ioctl",
      [EPERM],
      "Cannot find the namespace of the socket: Operation not permitted " +
      "(ioctl: EPERM)",
    ],
  ];
  for (const [call, netns, symbol, errnos, message] of rows) {
    using socket = open(netns);
    fail(symbol, ...errnos);
    const error = assertThrows(() => call(socket), SyscallError);
    assertEquals(error.message, message);
    libc.fails = () => undefined;
    // What comes next comes back, if it has to.
    assertEquals(socket.readSysctl("path_manager"), "kernel", message);
    assertEquals(libc.fds.size, 1, message);
    assertEquals(libc.kernel.sysctls.get("path_manager"), "kernel");
  }
});

Deno.test("`openFile()` has a hint for the errors that it was told", () => {
  libc.reset();
  const open = () =>
    openFile("/run/netns/blue", O_RDONLY, "open it", { [EIO]: "a hint" });
  const rows: [number, string][] = [
    [EIO, "Cannot open it: Input/output error (open: EIO): a hint"],
    [EMFILE, "Cannot open it: Too many open files (open: EMFILE)"],
  ];
  for (const [errno, message] of rows) {
    fail("open", errno);
    const error = assertThrows(open, SyscallError);
    assertEquals(error.message, message);
  }
  fail("open");
  assertEquals(libc.fds.has(open()), true);
});

Deno.test("`readText()` reads to the end, and `writeText()` writes once", () => {
  using _socket = open();
  const { sysctls } = libc.kernel;
  sysctls.set("path_manager", "ünïcödé");
  const fd = openFile("/proc/sys/net/mptcp/path_manager", O_RDONLY, "test");
  assertEquals(readText(fd, "test"), "ünïcödé\n");
  writeText(fd, "nö", "test");
  assertEquals(sysctls.get("path_manager"), "nö");
  // Bytes, not characters.
  assertEquals(libc.calls.at(-1)!.args[2], 3n);
  const texts = libc.calls.filter(({ symbol }) => symbol !== "open");
  assertEquals(texts.map(({ symbol }) => symbol), ["read", "read", "write"]);
});

Deno.test("`subscribe()` opens a socket of its own that hears the group", () => {
  for (const netns of PLACES) {
    using socket = open(netns);
    using listener = socket.subscribe(40);
    assertEquals(listener === socket, false);
    assertEquals(libc.fds.size, 2);
    const where = netns ?? "home";
    assertEquals([...libc.fds.values()].at(-1), `socket in ${where}`);
    assertEquals(libc.kernel.subscriptions.map(({ group }) => group), [40]);
    // SO_RCVBUFFORCE: 2 MiB; NETLINK_ADD_MEMBERSHIP.
    const options = libc.calls.filter(({ symbol }) => symbol === "setsockopt")
      .map(({ args }) => args.slice(1, 4));
    assertEquals(options, [
      [1, 33, Int32Array.of(2 ** 21)],
      [270, 1, Int32Array.of(40)],
    ]);
    // It can open another one.
    using other = listener.subscribe(41);
    assertEquals(other.closed, false);
    assertEquals([...libc.fds.values()].at(-1), `socket in ${where}`);
  }
});

Deno.test("`subscribe()` closes what it opened when it fails", () => {
  const rows: [symbol: string, errnos: (number | undefined)[], string][] = [
    ["socket", [EMFILE], "socket EMFILE"],
    ["connect", [EIO], "connect EIO"],
    ["setsockopt", [EIO], "setsockopt EIO"],
    ["setsockopt", [undefined, EPERM], "setsockopt EPERM"],
  ];
  for (const netns of PLACES) {
    for (const [symbol, errnos, expected] of rows) {
      using socket = open(netns);
      fail(symbol, ...errnos);
      const error = assertThrows(() => socket.subscribe(40), SyscallError);
      assertEquals(`${error.syscall} ${error.code}`, expected);
      assertEquals(libc.fds.size, 1);
      assertEquals(libc.netns, "home");
    }
  }
});
