import { assertEquals, assertThrows } from "@std/assert";
import { O_RDONLY, openFile, readText } from "../../ffi/file.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { called, fail, libc, restart } from "../helpers/fake_libc.ts";

const EPERM = 1;
const ENOENT = 2;
const EIO = 5;
const EACCES = 13;
const EROFS = 30;
const ENODEV = 19;
const EINVAL = 22;
const EMFILE = 24;

const SYSCTLS = "/proc/sys/net/mptcp";
const SYSCTL = `${SYSCTLS}/path_manager`;
const COUNTERS = "/proc/thread-self/net/netstat";

const PLACES = [undefined, "blue"];

/** Starts anew, with a namespace whose calls are forgotten. */
function open(netns?: string): NetworkNamespace {
  restart();
  const namespace = NetworkNamespace.open(netns);
  libc.calls.length = 0;
  libc.opened.length = 0;
  return namespace;
}

/** What a namespace opens, in the order of these calls. */
const USES: readonly [(namespace: NetworkNamespace) => unknown, string][] = [
  [(namespace) => namespace.open(16), "generic socket"],
  [(namespace) => namespace.open(4), "diag socket"],
  [(namespace) => namespace.subscribe(0, [1, 5]), "route socket"],
  [(namespace) => namespace.readFile(SYSCTL), SYSCTL],
  [(namespace) => namespace.listDirectory(SYSCTLS), SYSCTLS],
  [(namespace) => namespace.writeFile(SYSCTL, "kernel"), SYSCTL],
  [(namespace) => namespace.ifIndexToName(1), "route socket"],
];

/** Uses it in all ways, and closes the sockets. */
function useAll(namespace: NetworkNamespace): void {
  for (const [use] of USES) (use(namespace) as NetlinkSocket)?.close?.();
}

Deno.test("all that a namespace opens is in that namespace", () => {
  for (const netns of PLACES) {
    using namespace = open(netns);
    useAll(namespace);
    const where = netns ?? "home";
    assertEquals(
      // In another namespace, the file that leads back is opened each time.
      libc.opened.filter((what) => what !== "home"),
      USES.map(([, what]) => `${what} in ${where}`),
    );
    assertEquals(libc.netns, "home");
  }
});

Deno.test("another namespace stays in reach when its name is gone", () => {
  using namespace = open("blue");
  // As after `ip netns delete blue`.
  libc.namespaces.delete("/run/netns/blue");
  useAll(namespace);
  assertEquals(
    libc.opened.filter((what) => / in blue$/.test(what)).length,
    USES.length,
  );
  assertThrows(() => NetworkNamespace.open("blue"), SyscallError, "ENOENT");
});

Deno.test("`readFile()` reads a file as it is, `undefined` where there is none", () => {
  for (const netns of PLACES) {
    using namespace = open(netns);
    const { size } = libc.fds;
    libc.kernel.files.set(COUNTERS, "TcpExt: a b\nTcpExt: 1 2\n");
    assertEquals(namespace.readFile(SYSCTL), "kernel\n");
    assertEquals(namespace.readFile(COUNTERS), "TcpExt: a b\nTcpExt: 1 2\n");
    assertEquals(namespace.readFile("/proc/sys/net/mptcp/no"), undefined);
    assertEquals(libc.fds.size, size);
    assertEquals(libc.netns, "home");
    // O_RDONLY and O_CLOEXEC.
    const opens = libc.calls.filter(({ use }) => use === "open file to read");
    assertEquals(opens.map(({ args }) => args[1]), Array(3).fill(0o2000000));
  }
});

Deno.test("`listDirectory()` gives the names in a directory, however they come", () => {
  for (const netns of PLACES) {
    for (const atMost of [Infinity, 64]) {
      using namespace = open(netns);
      libc.atMost = atMost;
      const { size } = libc.fds;
      const names = [".hidden", "ünïcödé", "...", "two\nlines", "x".repeat(40)];
      for (const name of names) libc.kernel.files.set(`/tmp/${name}`, "");
      assertEquals(namespace.listDirectory("/tmp"), names);
      assertEquals(namespace.listDirectory("/proc/no"), undefined);
      assertEquals([libc.fds.size, libc.netns], [size, "home"]);
    }
  }
});

Deno.test("`readLink()` reads a link where it is, `undefined` where there is none", () => {
  for (const netns of PLACES) {
    using namespace = open(netns);
    libc.kernel.links.set("/proc/self/exe", "/usr/bin/dénø");
    assertEquals(namespace.readLink("/proc/self/exe"), "/usr/bin/dénø");
    assertEquals(namespace.readLink("/proc/self/no"), undefined);
    assertEquals(libc.netns, "home");
    fail("readlink", EACCES);
    const { message } = assertThrows(
      () => namespace.readLink("/proc/1/exe"),
      SyscallError,
    );
    assertEquals(
      message,
      "Cannot read the link /proc/1/exe: Permission denied (readlink: EACCES)",
    );
  }
});

Deno.test("a file that the way back needs is not taken for the one to read", () => {
  using namespace = open("blue");
  libc.namespaces.delete("/proc/thread-self/ns/net");
  const error = assertThrows(() => namespace.readFile(SYSCTL), SyscallError);
  assertEquals(
    error.message,
    "Cannot remember this network namespace: No such file or directory " +
      "(open: ENOENT): /proc is not mounted here",
  );
  assertEquals([...libc.fds.values()], ["blue"]);
});

Deno.test("`writeFile()` writes the text at once, and nothing more", () => {
  for (const netns of PLACES) {
    using namespace = open(netns);
    const { size } = libc.fds;
    namespace.writeFile(SYSCTL, "nö");
    const { args } = libc.calls.at(-1)!;
    // Bytes, not characters.
    assertEquals(args.slice(1), [new TextEncoder().encode("nö"), 3n]);
    assertEquals(libc.kernel.sysctls.get("path_manager"), "nö");
    // O_WRONLY and O_CLOEXEC.
    const opens = libc.calls.filter(({ use }) => use === "open file to write");
    assertEquals(opens.map(({ args }) => args[1]), [0o2000001]);
    assertEquals(libc.fds.size, size);
  }
});

Deno.test("a namespace says what went wrong, and works afterwards", () => {
  type Use = (namespace: NetworkNamespace) => unknown;
  const read: Use = (namespace) => namespace.readFile(SYSCTL);
  const write: Use = (namespace) => namespace.writeFile(SYSCTL, "userspace");
  const absent: Use = (namespace) => namespace.readFile(`${SYSCTL}s`);
  const toRead = `read ${SYSCTL}`;
  const toWrite = `write "userspace" to ${SYSCTL}`;
  const tooMany = "Too many open files (open: EMFILE)";
  const refused = "Permission denied (open: EACCES): CAP_NET_ADMIN is needed " +
    "in the user namespace that owns this network namespace";
  const missing = "No such file or directory (open: ENOENT)";
  const lookUp = "look up the network device";
  const back = "come back from the network namespace";
  const io = "Input/output error";
  const rows: [Use, string | undefined, nth: number, number, string][] = [
    [read, undefined, 1, EMFILE, `${toRead}: ${tooMany}`],
    [read, "blue", 4, EMFILE, `${toRead}: ${tooMany}`],
    [read, undefined, 2, EIO, `${toRead}: ${io} (read: EIO)`],
    [read, "blue", 6, EIO, `${toRead}: ${io} (read: EIO)`],
    [write, undefined, 1, EACCES, `${toWrite}: ${refused}`],
    [write, "blue", 4, EACCES, `${toWrite}: ${refused}`],
    [
      write,
      undefined,
      1,
      EROFS,
      `${toWrite}: Read-only file system (open: EROFS): as in a ` +
      "container, or by ProtectKernelTunables of systemd",
    ],
    [write, undefined, 1, ENOENT, `${toWrite}: ${missing}`],
    [write, "blue", 4, ENOENT, `${toWrite}: ${missing}`],
    [write, "blue", 6, EINVAL, `${toWrite}: Invalid argument (write: EINVAL)`],
    [
      (namespace) => namespace.ifIndexToName(1),
      "blue",
      6,
      EPERM,
      `${lookUp}: Operation not permitted (ioctl: EPERM)`,
    ],
    [
      (namespace) => namespace.open(31),
      "blue",
      0,
      0,
      "open a netlink socket: Protocol not supported (socket: EPROTONOSUPPORT)",
    ],
    // With and without something to close.
    ...[...USES.map(([use]) => use), absent].map((use): typeof rows[number] => [
      use,
      "blue",
      5,
      EIO,
      `${back}: ${io} (setns: EIO)`,
    ]),
  ];
  for (const [use, netns, nth, errno, message] of rows) {
    using namespace = open(netns);
    libc.fails = (_, number) => number === nth ? errno : undefined;
    const error = assertThrows(() => use(namespace), SyscallError);
    assertEquals(error.message, `Cannot ${message}`);
    libc.fails = () => undefined;
    // What comes next comes back, if it has to.
    assertEquals(namespace.readFile(SYSCTL), "kernel\n", message);
    assertEquals(libc.netns, "home");
    namespace.close();
    assertEquals([...libc.fds], [], message);
  }
});

Deno.test("`ifNameToIndex()` and `ifIndexToName()` know the devices", () => {
  using namespace = open();
  libc.kernel.devices.set("ünïcödé", 9).set("fifteen-bytes-x", 10);
  const devices = [["lo", 1], ["ünïcödé", 9], ["fifteen-bytes-x", 10]] as const;
  for (const [name, index] of devices) {
    assertEquals(namespace.ifNameToIndex(name), index);
    assertEquals(namespace.ifIndexToName(index), name);
  }
});

Deno.test("`ifNameToIndex()` and `ifIndexToName()` know no others", () => {
  using namespace = open();
  libc.kernel.devices.set("sixteen-bytes-x", 9);
  const names = [
    "eth9",
    "sixteen-bytes-xx",
    "a-name-that-is-longer-than-any-can-be",
    "lo\0",
    "\0",
    // The kernel looks up what is before the colon: `dev_ioctl()`.
    "lo:1",
    "lo:",
  ];
  for (const name of names) {
    assertEquals(namespace.ifNameToIndex(name), undefined, name);
  }
  for (const index of [0, 10, -1, 0x7fffffff]) {
    assertEquals(namespace.ifIndexToName(index), undefined);
  }
  // A device that goes meanwhile.
  for (
    const call of [
      () => namespace.ifNameToIndex("lo"),
      () => namespace.ifIndexToName(1),
    ]
  ) {
    fail("ioctl", ENODEV);
    assertEquals(call(), undefined);
  }
});

Deno.test("one socket serves all look-ups of devices, and is closed with the namespace", () => {
  for (const netns of PLACES) {
    const namespace = open(netns);
    const before = [...libc.fds.values()];
    // The first try finds no descriptor.
    fail("socket", EMFILE);
    assertThrows(() => namespace.ifNameToIndex("lo"), SyscallError, "EMFILE");
    assertEquals([...libc.fds.values()], before);
    for (let count = 0; count < 3; count++) {
      assertEquals(namespace.ifNameToIndex("eth1"), 3);
      assertEquals(namespace.ifIndexToName(3), "eth1");
    }
    const socket = `route socket in ${netns ?? "home"}`;
    assertEquals([...libc.fds.values()], [...before, socket]);
    namespace.close();
    assertEquals([...libc.fds], []);
  }
});

Deno.test("a closed namespace opens nothing any more, and its sockets go on", () => {
  for (const netns of PLACES) {
    for (const isUsed of [false, true]) {
      const namespace = open(netns);
      if (isUsed) useAll(namespace);
      using requests = namespace.open(16);
      using groups = namespace.subscribe(0, [1]);
      namespace.close();
      const sockets = ["generic", "route"].map((protocol) =>
        `${protocol} socket in ${netns ?? "home"}`
      );
      assertEquals([...libc.fds.values()], sockets);
      libc.calls.length = 0;
      // The fake throws when a number is closed that is not open.
      namespace.close();
      namespace[Symbol.dispose]();
      const uses = [
        ...USES.map(([use]) => use),
        (it: NetworkNamespace) => it.ifNameToIndex("lo"),
      ];
      for (const use of uses) {
        const error = assertThrows(
          () => use(namespace),
          Deno.errors.BadResource,
        );
        assertEquals(error.message, "The network namespace is closed");
      }
      assertEquals(libc.calls, []);
      assertEquals([requests.receive(), groups.receive()], [
        undefined,
        undefined,
      ]);
    }
  }
});

Deno.test("`readText()` reads to the end, whatever a call reads", () => {
  // As long as /proc/net/netstat is here; each character of two bytes or more
  // lies across two reads at some place.
  const long = "n€ẗşťät 🛰 ".repeat(503);
  const rows: [text: string, length: number][] = [
    ["", 0],
    ["€", 3],
    [`${long}end`, 10_063],
    ["ü".repeat(40_000), 80_000],
  ];
  for (const [text, length] of rows) {
    const bytes = new TextEncoder().encode(text);
    assertEquals(bytes.length, length);
    for (const atMost of [1, 2, 3, 4095, 4096, Infinity]) {
      restart();
      libc.kernel.files.set(COUNTERS, text);
      libc.atMost = atMost;
      const fd = openFile(COUNTERS, O_RDONLY, "test");
      assertEquals(readText(fd, "test"), text);
      assertEquals([...libc.fds.keys()], [fd]);
    }
  }
});

Deno.test("a part of a text is not written without an error", () => {
  for (const netns of PLACES) {
    using namespace = open(netns);
    const { size } = libc.fds;
    libc.atMost = 2;
    const write = () => namespace.writeFile(SYSCTL, "nö");
    assertEquals(
      assertThrows(write, SyscallError).message,
      `Cannot write "nö" to ${SYSCTL}: Input/output error (write: EIO): ` +
        "2 of 3 bytes were taken",
    );
    assertEquals(called().filter((symbol) => symbol === "write"), ["write"]);
    assertEquals(libc.fds.size, size);
  }
});
