/**
 * The C library and the kernel of this machine: any Linux, no privilege, no
 * Multipath TCP.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { libc, libcPaths } from "../../ffi/libc.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";

// Bound here: the sanitizer would take them for leaks of the first test.
const { waiting, file, device, netns } = libc();
waiting(), file(), device(), netns();

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

Deno.test("`NetlinkSocket` talks to the kernel", () => {
  using socket = NetlinkSocket.open();
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

Deno.test("`NetlinkSocket` asks for short acks with reasons", () => {
  using socket = NetlinkSocket.open();
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

Deno.test("`NetlinkSocket` knows the loopback device, and no alias of it", () => {
  using socket = NetlinkSocket.open();
  assertEquals(socket.ifNameToIndex("lo"), 1);
  assertEquals(socket.ifIndexToName(1), "lo");
  const names = ["lo:1", "lo:", "", "no-such-device", "lo\0", "a/b", "x y"];
  for (const name of names) {
    assertEquals(socket.ifNameToIndex(name), undefined, JSON.stringify(name));
  }
  for (const index of [0, -1, 0x7fffffff]) {
    assertEquals(socket.ifIndexToName(index), undefined);
  }
});

/** The multicast group of nlctrl, which anybody may join. */
const NLCTRL_NOTIFY = 16;

Deno.test("`join()` joins with a socket that was used before", () => {
  using socket = NetlinkSocket.open();
  socket.send(GET_NLCTRL);
  socket.join(NLCTRL_NOTIFY);
  assertEquals(socket.receive()?.[16], 1);
});

Deno.test("`join()` joins one group after the other", () => {
  using socket = NetlinkSocket.open();
  for (const _ of [1, 2]) socket.join(NLCTRL_NOTIFY);
  socket.send(GET_NLCTRL);
  assertEquals(socket.receive()?.[16], 1);
});

Deno.test("`NetlinkSocket` throws what the kernel says", () => {
  using socket = NetlinkSocket.open();
  using fresh = NetlinkSocket.open();
  const closed = NetlinkSocket.open();
  closed.close();
  const rows: [() => unknown, string][] = [
    [() => socket.send(new Uint8Array(1 << 24)), "send EMSGSIZE"],
    [() => fresh.join(0xffff), "setsockopt EINVAL"],
    [() => closed.send(GET_NLCTRL), "send EBADF"],
    [() => closed.receive(), "recvfrom EBADF"],
    [() => closed.join(1), "setsockopt EBADF"],
    [() => closed.setReceiveBuffer(1), "setsockopt EBADF"],
    [() => closed.ifNameToIndex("lo"), "ioctl EBADF"],
    [() => closed.ifIndexToName(1), "ioctl EBADF"],
    [() => NetlinkSocket.open("no-such-namespace"), "open ENOENT"],
    [() => NetlinkSocket.open(`/${"x".repeat(5000)}`), "open ENAMETOOLONG"],
    [() => NetlinkSocket.open("/dev/null/x"), "open ENOTDIR"],
    [() => NetlinkSocket.open("/dev/null"), "setns EINVAL"],
  ];
  for (const [call, what] of rows) {
    const error = assertThrows(call, SyscallError);
    assertEquals(`${error.syscall} ${error.code}`, what);
  }
});

Deno.test("`NetlinkSocket` leaves no file descriptor behind", async () => {
  const program = `
import { NetlinkSocket } from "${here}ffi/netlink_socket.ts";
const openFds = () => [...Deno.readDirSync("/proc/self/fd")].length;
const use = () => {
  for (let count = 0; count < 50; count++) {
    using _socket = NetlinkSocket.open();
    for (const netns of ["no-such-namespace", "/dev/null"]) {
      try {
        NetlinkSocket.open(netns);
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

/** Does all that a socket can do, and says how it went. */
const USE_ALL = `
import { NetlinkSocket } from "${here}ffi/netlink_socket.ts";
try {
  using socket = NetlinkSocket.open();
  socket.ifNameToIndex("lo");
  socket.wait(0);
  try {
    NetlinkSocket.open("/proc/thread-self/ns/net").close();
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
  Deno.test(`\`NetlinkSocket\` ${verb} with "${flags}"`, async () => {
    const words = flags.split(" ").filter(Boolean);
    assertEquals(await inChild(USE_ALL, { flags: words }), outcome);
  });
}

Deno.test("`NetlinkSocket` says that the allowed library is not there", async () => {
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
import { NetlinkSocket } from "${here}ffi/netlink_socket.ts";
const socket = NetlinkSocket.open();
const wrong = [];
// EAGAIN, which is nothing to throw.
for (let count = 0; count < 20000; count++) {
  try {
    socket.receive();
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

Deno.test("`NetlinkSocket.open()` leaks nothing when there are no more descriptors", async () => {
  const program = `
import { NetlinkSocket } from "${here}ffi/netlink_socket.ts";
const failure = (action) => {
  try {
    action();
  } catch (error) {
    return error.syscall + " " + error.code;
  }
};
// Binds all symbols while there are descriptors.
failure(() => NetlinkSocket.open("/proc/thread-self/ns/net").close());
const sockets = [];
const fill = () => failure(() => {
  for (;;) sockets.push(NetlinkSocket.open());
});
const lines = [fill()];
const { length } = sockets;
for (const free of [0, 1, 2]) {
  for (let count = 0; count < free; count++) sockets.pop().close();
  for (let count = 0; count < 5; count++) {
    const netns = "/proc/thread-self/ns/net";
    lines.push(free + " " + failure(() => NetlinkSocket.open(netns).close()));
  }
  fill();
  lines.push(sockets.length === length ? "all there" : "leaked");
}
for (const socket of sockets) socket.close();
console.log([...new Set(lines)].join("\\n"));`;
  const ulimit = "ulimit -n 64;";
  const outcome = await inChild(program, { ulimit });
  // The socket takes the place of the second, where entering is allowed.
  assertMatch(
    outcome,
    /^socket EMFILE\n0 open EMFILE\nall there\n1 open EMFILE\n2 (undefined|setns EPERM)$/,
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
