/**
 * The C library and the kernel of this machine: any Linux, no privilege, no
 * Multipath TCP.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { libc, libcPaths, preload } from "../../ffi/libc.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import { openFd } from "../../ffi/netlink_socket.ts";
import { replaceFile } from "../../ffi/replace_file.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";

// Bound here: the sanitizer would take them for leaks of the first test.
preload();

const { symbols: other } = Deno.dlopen("libc.so.6", {
  // ssize_t sendto(int sockfd, const void *buf, size_t len, int flags,
  //   const struct sockaddr *dest_addr, socklen_t addrlen)
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "i32",
  },
});

/** The namespace that this thread is in; tests open sockets in it. */
const namespace = NetworkNamespace.open();

const NETLINK_USERSOCK = 2;
const NETLINK_GENERIC = 16;

/** The multicast group of nlctrl, which anybody may join. */
const NLCTRL_NOTIFY = 16;

/** Asks nlctrl, which every kernel has, for itself. */
const GET_NLCTRL = Uint8Array.fromHex(
  "2000000010000100070000000000000003010000" + "0b0002006e6c6374726c0000",
);

const here = import.meta.resolve("../../");

/** Runs a program in a process of its own, and returns what it printed. */
async function inChild(
  program: string,
  { flags = ["--allow-ffi"], ulimit = "" } = {},
): Promise<string> {
  const deno = [Deno.execPath(), "run", "--no-config", "--no-prompt", ...flags];
  const child = new Deno.Command("sh", {
    args: ["-c", `${ulimit} exec "$@"`, "sh", ...deno, "--ext=ts", "-"],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return (text.decode(stdout) + text.decode(stderr)).trim();
}

Deno.test("a socket for requests gets the kernel's answers", () => {
  using socket = namespace.open(NETLINK_GENERIC);
  assertEquals(socket.receive(), undefined);
  assertEquals(socket.wait(0), false);
  socket.send(GET_NLCTRL);
  assertEquals(socket.wait(1000), true);
  const reply = socket.receive()!;
  // The same sequence number; the command is "new family".
  assertEquals(reply.subarray(8, 12).toHex(), "07000000");
  assertEquals(reply[16], 1);
  assertEquals(socket.receive(), undefined);
});

Deno.test("a socket for requests gets short acks with reasons", () => {
  using socket = namespace.open(NETLINK_GENERIC);
  // A name without NUL at its end.
  const request = GET_NLCTRL.slice();
  request.fill(0x61, 24);
  request[20] = 12;
  socket.send(request);
  const reply = socket.receive()!;
  assertEquals(reply[4], 2);
  // NLM_F_CAPPED and NLM_F_ACK_TLVS.
  assertEquals(reply[7], 3);
});

Deno.test("a socket in groups gets the kernel's answers too", () => {
  const groups = [NLCTRL_NOTIFY, NLCTRL_NOTIFY];
  using socket = namespace.subscribe(NETLINK_GENERIC, groups);
  socket.send(GET_NLCTRL);
  assertEquals(socket.receive()?.[16], 1);
});

Deno.test("a socket is in all of its groups, and drops what processes send there", () => {
  using socket = namespace.subscribe(NETLINK_USERSOCK, [1, 7, 32]);
  const sender = openFd(NETLINK_USERSOCK);
  try {
    for (
      const [group, isMember] of [[1, true], [2, false], [7, true], [32, true]]
    ) {
      // `struct sockaddr_nl`: family, padding, port id, groups as bits.
      const address = new Uint8Array(12);
      const view = new DataView(address.buffer);
      view.setUint16(0, 16, true);
      view.setUint32(8, 1 << Number(group) - 1, true);
      // It says that there is no kernel at the other end, and the group gets it.
      other.sendto(sender, new Uint8Array(16), 16n, 0, address, 12);
      // It has arrived: reading takes it away.
      assertEquals(socket.wait(0), isMember);
      assertEquals(socket.receive(), undefined);
      assertEquals(socket.wait(0), false);
    }
  } finally {
    libc().symbols.close(sender);
  }
});

Deno.test("a namespace knows the loopback device, and no alias of it", () => {
  using here = NetworkNamespace.open();
  assertEquals(here.ifNameToIndex("lo"), 1);
  assertEquals(here.ifIndexToName(1), "lo");
  const names = ["lo:1", "lo:", "", "no-such-device", "lo\0", "a/b", "x y"];
  for (const name of names) {
    assertEquals(here.ifNameToIndex(name), undefined, JSON.stringify(name));
  }
  for (const index of [0, -1, 0x7fffffff]) {
    assertEquals(here.ifIndexToName(index), undefined);
  }
});

Deno.test("a namespace reads files to their end", () => {
  const path = Deno.makeTempFileSync();
  try {
    const long = "nü€ 🛰 ".repeat(10_000);
    for (const text of ["", "\n", long, `x${long}`]) {
      Deno.writeTextFileSync(path, text);
      assert(namespace.readFile(path) === text);
    }
    namespace.writeFile(path, "yz");
    assert(namespace.readFile(path) === `yz${long.slice(1)}`);
  } finally {
    Deno.removeSync(path);
  }
  assertEquals(namespace.readFile(path), undefined);
  // The counters change, their names and their number do not.
  const counters = "/proc/thread-self/net/netstat";
  const names = (text = "") => text.replaceAll(/ -?\d+/g, " 0");
  assertEquals(
    names(namespace.readFile(counters)),
    names(Deno.readTextFileSync(counters)),
  );
});

Deno.test("a namespace lists directories, and reads links", () => {
  const folder = Deno.makeTempDirSync();
  const sorted = (path: string) => namespace.listDirectory(path)?.toSorted();
  try {
    assertEquals(sorted(folder), []);
    // More than one call of the kernel gives.
    const names = Array.from({ length: 3000 }, (_, index) => `ü\n ${index}`);
    for (const name of [...names, "..."]) {
      Deno.symlinkSync(`to ${name}`, `${folder}/${name}`);
    }
    assertEquals(sorted(folder), ["...", ...names].toSorted());
    assertEquals(namespace.readLink(`${folder}/${names[7]}`), `to ${names[7]}`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  assertEquals(sorted(folder), undefined);
  assertEquals(namespace.readLink(folder), undefined);
  const sysctls = "/proc/sys/net/ipv4/conf";
  assertEquals(
    sorted(sysctls),
    Array.from(Deno.readDirSync(sysctls), ({ name }) => name).toSorted(),
  );
  assertEquals(namespace.readLink("/proc/self/exe"), Deno.execPath());
});

Deno.test("a name is claimed once, and free again afterwards", () => {
  const name = `a name of ${Deno.pid}`;
  const isShown = () =>
    namespace.readFile("/proc/thread-self/net/unix")!.includes(` @${name}\n`);
  const claimed = namespace.claim(name)!;
  assertEquals([namespace.claim(name), isShown()], [undefined, true]);
  claimed[Symbol.dispose]();
  assertEquals(isShown(), false);
  const again = namespace.claim(name)!;
  // Its number may be that of another file by now.
  claimed[Symbol.dispose]();
  assertEquals(namespace.claim(name), undefined);
  again[Symbol.dispose]();
  assertThrows(() => namespace.claim("n".repeat(108)), RangeError, "107 bytes");
});

Deno.test("a service tells its service manager how it is", async () => {
  const folder = Deno.makeTempDirSync();
  const { symbols: { socket, recv, close } } = libc();
  const { bind } = libc().streams();
  try {
    for (const name of [`${folder}/notify`, `@notify of ${Deno.pid}`]) {
      const manager = socket(1, 2, 0);
      const path = new TextEncoder().encode(name.replace("@", "\0"));
      const length = 2 + path.length;
      assertEquals(bind(manager, Uint8Array.of(1, 0, ...path), length), 0);
      const program = `
        import { notifyService } from "${here}mod.ts";
        console.log(notifyService({ state: "reloading" }));
        console.log(notifyService({ state: "ready", status: "ä" }));
      `;
      const begin = new BigInt64Array(2);
      libc().service().clock_gettime(1, begin);
      const told = await inChild(program, {
        ulimit: `export NOTIFY_SOCKET='${name}';`,
      });
      assertEquals(told, "true\ntrue");
      const buffer = new Uint8Array(4096);
      const next = () =>
        new TextDecoder().decode(
          buffer.subarray(0, recv(manager, buffer, 4096n, 0x40)),
        );
      const [, us] = next().match(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/)!;
      const passed = Number(us) / 1e6 - Number(begin[0]);
      assert(passed > 0 && passed < 20, `${passed} s`);
      assertEquals(next(), "READY=1\nSTATUS=ä");
      close(manager);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("`SyscallError` has what the kernel says", () => {
  using socket = namespace.open(NETLINK_GENERIC);
  const requests = namespace.open(NETLINK_GENERIC);
  const groups = namespace.subscribe(NETLINK_GENERIC, [NLCTRL_NOTIFY]);
  requests.close(), groups.close();
  const enter = (netns: string) => {
    using there = NetworkNamespace.open(netns);
    there.open(NETLINK_GENERIC);
  };
  const rows: [() => unknown, string][] = [
    [() => socket.send(new Uint8Array(1 << 24)), "send EMSGSIZE"],
    [() => namespace.subscribe(NETLINK_GENERIC, [0xffff]), "setsockopt EINVAL"],
    [() => namespace.open(99), "socket EPROTONOSUPPORT"],
    [() => requests.send(GET_NLCTRL), "send EBADF"],
    [() => requests.receive(), "recv EBADF"],
    [() => groups.receive(), "recvfrom EBADF"],
    [() => namespace.readFile("/"), "read EISDIR"],
    [() => namespace.readFile("/dev/null/x"), "open ENOTDIR"],
    [() => namespace.listDirectory("/dev/null"), "getdents64 ENOTDIR"],
    [() => namespace.readLink("/"), "readlink EINVAL"],
    [() => namespace.writeFile("/proc/self/no-such-file", "1"), "open ENOENT"],
    [() => namespace.writeFile("/dev/full", "1"), "write ENOSPC"],
    [() => enter("no-such-namespace"), "open ENOENT"],
    [() => enter(`/${"x".repeat(5000)}`), "open ENAMETOOLONG"],
    [() => enter("/dev/null/x"), "open ENOTDIR"],
    [() => enter("/dev/null"), "setns EINVAL"],
  ];
  for (const [call, what] of rows) {
    const error = assertThrows(call, SyscallError);
    assertEquals(`${error.syscall} ${error.code}`, what);
  }
});

Deno.test("no file descriptor is left behind", async () => {
  const program = `
import { NetworkNamespace } from "${here}ffi/namespace.ts";
const openFds = () => [...Deno.readDirSync("/proc/self/fd")].length;
const use = () => {
  for (let count = 0; count < 50; count++) {
    using namespace = NetworkNamespace.open();
    using _requests = namespace.open(16);
    using _groups = namespace.subscribe(16, [${NLCTRL_NOTIFY}]);
    namespace.ifNameToIndex("lo");
    namespace.readFile("/proc/self/stat");
    for (const netns of ["no-such-namespace", "/dev/null"]) {
      try {
        using there = NetworkNamespace.open(netns);
        there.open(16);
      } catch (error) {
        if (error.name !== "SyscallError") throw error;
      }
    }
  }
};
use();
const before = openFds();
use();
console.log(openFds() - before);`;
  assertEquals(await inChild(program, { flags: ["--allow-all"] }), "0");
});

/** Does all that a namespace can do, and says how it went. */
const USE_ALL = `
import { NetworkNamespace } from "${here}ffi/namespace.ts";
const use = (netns) => {
  using namespace = NetworkNamespace.open(netns);
  using socket = namespace.open(16);
  socket.wait(0);
  using groups = namespace.subscribe(16, [${NLCTRL_NOTIFY}]);
  groups.receive();
  namespace.ifNameToIndex("lo");
  namespace.readFile("/proc/self/stat");
};
try {
  use();
  try {
    use("/proc/thread-self/ns/net");
  } catch (error) {
    if (error.code !== "EPERM") throw error;
  }
  console.log("works");
} catch (error) {
  console.log(String(error));
}`;

const paths = libcPaths(Deno.build.arch);
const there = paths.filter((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});
const missing = paths.filter((path) => !there.includes(path));

Deno.test("this machine has its C library where it is looked for", () => {
  assert(there.length > 0, `none of ${paths.join(", ")} is there`);
});

const HOW = `NotCapable: Cannot call libc: run again with --allow-ffi, or, for \
no more than that, with --allow-ffi=${paths[0]}`;

const PERMISSIONS: readonly (readonly [flags: string, outcome: string])[] = [
  ["--allow-ffi", "works"],
  ["--allow-all", "works"],
  ...there.map((path) => [`--allow-ffi=${path}`, "works"] as const),
  [`--allow-ffi=${there[0]?.replace(/\/[^/]*$/, "")}`, "works"],
  [`--allow-ffi=${[...missing, ...there]}`, "works"],
  ["", HOW],
  ["--allow-read --allow-net --allow-sys", HOW],
  ["--allow-ffi=/nowhere/libc.so.6", HOW],
  ["--deny-ffi", HOW],
  ["--allow-ffi --deny-ffi", HOW],
];

for (const [flags, outcome] of PERMISSIONS) {
  const verb = outcome === "works" ? "works" : "says what it needs";
  Deno.test(`the library ${verb} with "${flags}"`, async () => {
    const words = flags.split(" ").filter(Boolean);
    assertEquals(await inChild(USE_ALL, { flags: words }), outcome);
  });
}

Deno.test("the error says that the allowed C library is not there", async () => {
  assert(missing.length > 0);
  const flags = [`--allow-ffi=${missing[0]}`];
  const outcome = await inChild(USE_ALL, { flags });
  assertMatch(outcome, /^NotFound: Cannot open libc: Could not open library/);
});

Deno.test("errno is never that of another call", async () => {
  // While a process is young V8 does things of its own when a function is
  // entered, and its system calls change errno. With a function that reads
  // errno, one process of twelve is wrong once here.
  const program = `
import { NetworkNamespace } from "${here}ffi/namespace.ts";
const namespace = NetworkNamespace.open();
const socket = namespace.open(16);
const groups = namespace.subscribe(16, [${NLCTRL_NOTIFY}]);
const wrong = [];
// EAGAIN, which is nothing to throw.
for (let count = 0; count < 20000; count++) {
  try {
    (count % 2 ? socket : groups).receive();
  } catch (error) {
    wrong.push(error.message);
  }
}
socket.close();
for (let count = 0; count < 100; count++) {
  try {
    socket.send(new Uint8Array(20));
  } catch (error) {
    if (error.code !== "EBADF") wrong.push(error.message);
  }
}
console.log(JSON.stringify(wrong));`;
  let left = 60;
  const outcomes = new Set<string>();
  const work = async () => {
    while (left-- > 0) outcomes.add(await inChild(program));
  };
  const workers = Array.from({ length: navigator.hardwareConcurrency }, work);
  await Promise.all(workers);
  assertEquals(outcomes, new Set(["[]"]));
});

Deno.test("nothing leaks when there are no more descriptors", async () => {
  const program = `
import { NetworkNamespace } from "${here}ffi/namespace.ts";
const failure = (action) => {
  try {
    action();
  } catch (error) {
    return error.syscall + " " + error.code;
  }
};
const enter = () => {
  using namespace = NetworkNamespace.open("/proc/thread-self/ns/net");
  namespace.open(16).close();
};
const namespace = NetworkNamespace.open();
// Binds all symbols while there are descriptors.
failure(enter);
const sockets = [];
const fill = () => failure(() => {
  for (;;) sockets.push(namespace.open(16));
});
const lines = [fill()];
const { length } = sockets;
for (const free of [0, 1, 2, 3]) {
  for (let count = 0; count < free; count++) sockets.pop().close();
  for (let count = 0; count < 5; count++) lines.push(free + " " + failure(enter));
  fill();
  lines.push(sockets.length === length ? "all there" : "leaked");
}
for (const socket of sockets) socket.close();
console.log([...new Set(lines)].join("\\n"));`;
  const ulimit = "ulimit -n 64;";
  const outcome = await inChild(program, { ulimit });
  // The namespace, the way back, and the socket, where entering is allowed.
  assertMatch(
    outcome,
    /^socket EMFILE\n0 open EMFILE\nall there\n1 open EMFILE\n(2 socket EMFILE\n3 undefined|2 setns EPERM\n3 setns EPERM)$/,
  );
});

Deno.test("`PathManager.open()` says that other systems have no Multipath TCP", async () => {
  const program = `
const os = "darwin";
Object.defineProperty(Deno, "build", { value: { ...Deno.build, os } });
const { PathManager } = await import("${here}mod.ts");
try {
  PathManager.open();
} catch (error) {
  console.log(error instanceof Deno.errors.NotSupported, error.message);
}`;
  assertEquals(
    await inChild(program, { flags: [] }),
    "true Cannot open mptcp_pm on darwin: Multipath TCP is a part of Linux",
  );
});

Deno.test("importing the module needs no permission and does nothing", async () => {
  const program = `
import * as module from "${here}mod.ts";
console.log(typeof module.PathManager.open);`;
  assertEquals(await inChild(program, { flags: ["--deny-ffi"] }), "function");
});

Deno.test("`replaceFile()` replaces what a link leads to, and no device", () => {
  const folder = Deno.makeTempDirSync();
  const names = () =>
    Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();
  try {
    const path = `${folder}/mptcp.prom`;
    for (const text of ["first", "", "n€ẗşťät 🛰\n".repeat(10_000)]) {
      replaceFile(path, text);
      assert(Deno.readTextFileSync(path) === text);
      assertEquals(Deno.statSync(path).mode! & 0o7777, 0o644);
      assertEquals(names(), ["mptcp.prom"]);
    }
    Deno.symlinkSync("mptcp.prom", `${folder}/link`);
    using open = Deno.openSync(path);
    replaceFile(`${folder}/link`, "new", 0o600);
    assertEquals(Deno.readTextFileSync(path), "new");
    assertEquals(Deno.lstatSync(path).mode! & 0o7777, 0o600);
    assert(Deno.lstatSync(`${folder}/link`).isSymlink);
    // Who has begun to read goes on with what was there.
    assertEquals(open.statSync().size, 200_000);
    // Its permissions stay unless others are asked for.
    replaceFile(path, "newer");
    assertEquals(Deno.lstatSync(path).mode! & 0o7777, 0o600);
    Deno.symlinkSync("nothing", `${folder}/lost`);
    const rows: [string, string][] = [
      ["/dev/null", `Cannot replace /dev/null: it is not a regular file`],
      [
        `/proc/self/root${path}`,
        `Cannot replace /proc/self/root${path}: what is in /dev and /proc ` +
        "stands for another file",
      ],
      [
        `${folder}/lost`,
        `Cannot replace ${folder}/lost: it is a link to a file that is not there`,
      ],
      [folder, `Cannot replace ${folder}: it is not a regular file`],
      [
        `${folder}/no/x`,
        `Cannot write ${folder}/no/x: No such file or directory (open: ENOENT)`,
      ],
    ];
    for (const [path, message] of rows) {
      const error = assertThrows(() => replaceFile(path, ""), Error);
      assertEquals(error.message, message);
    }
    assertEquals(names(), ["link", "lost", "mptcp.prom"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
