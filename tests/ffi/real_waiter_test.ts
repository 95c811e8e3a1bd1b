/** Waiting on this machine: any Linux, no privilege, no Multipath TCP. */
import { assertEquals, assertThrows } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { type Wait, waitFor } from "../../ffi/waiter.ts";
import { until } from "../../testing/lab.ts";
import { assertInTime, bestOf } from "../helpers/in_time.ts";

// Bound here: the sanitizer would take them for leaks of the first test.
const { groups, waiting, file } = libc();
groups(), waiting(), file();

const { symbols: pipes } = Deno.dlopen("libc.so.6", {
  // int pipe2(int pipefd[2], int flags)
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
});

const O_NONBLOCK_CLOEXEC = 0o2004000;

const NETLINK_GENERIC = 16;

/** The multicast group of nlctrl, which anybody may join. */
const NLCTRL_NOTIFY = 16;

/** Opens a socket that is a member of a group. */
function subscribe(group = NLCTRL_NOTIFY): NetlinkSocket {
  using namespace = NetworkNamespace.open();
  return namespace.subscribe(NETLINK_GENERIC, [group]);
}

/** Has the kernel answer a socket: nlctrl describes itself. */
function ask(socket: NetlinkSocket): void {
  socket.send(Uint8Array.fromHex(
    "2000000010000100070000000000000003010000" + "0b0002006e6c6374726c0000",
  ));
}

/** A pipe. */
class Pipe implements Disposable {
  readonly #fds = new Int32Array(2);
  #closed = false;

  constructor() {
    assertEquals(pipes.pipe2(this.#fds, O_NONBLOCK_CLOEXEC), 0);
  }

  get readEnd(): number {
    return this.#fds[0]!;
  }

  get writeEnd(): number {
    return this.#fds[1]!;
  }

  write(): void {
    assertEquals(file().write(this.writeEnd, Uint8Array.of(1), 1n), 1);
  }

  read(): void {
    assertEquals(file().read(this.readEnd, new Uint8Array(1), 1n), 1);
  }

  closeReadEnd(): void {
    libc().symbols.close(this.readEnd);
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    libc().symbols.close(this.writeEnd);
    if (!this.#closed) libc().symbols.close(this.readEnd);
  }
}

/** The number of open descriptors, with the one that lists them. */
const openFds = () =>
  Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name).length;

/** The threads that are in the call `poll`, of all that this process has. */
function pollingThreads(): number {
  const isPoll = (text: string) =>
    // By its number on x86_64; other machines have ppoll alone, 73 on aarch64.
    text.startsWith(Deno.build.arch === "x86_64" ? "7 " : "73 ");
  return [...Deno.readDirSync("/proc/self/task")].filter(({ name }) => {
    try {
      return isPoll(Deno.readTextFileSync(`/proc/self/task/${name}/syscall`));
    } catch {
      return false;
    }
  }).length;
}

Deno.test("`waitFor()` ends when a pipe has something to read", async () => {
  using pipe = new Pipe();
  for (let count = 0; count < 3; count++) {
    const wait = waitFor(pipe.readEnd);
    let hasEnded = false;
    void wait.ended.then(() => hasEnded = true);
    // A round through the pool of threads, where it waits.
    await Deno.stat("/");
    assertEquals(hasEnded, false);
    pipe.write();
    await wait.ended;
    pipe.read();
  }
});

Deno.test("`waitFor()` without events ends when a pipe has no reader any more", async () => {
  using pipe = new Pipe();
  const wait = waitFor(pipe.writeEnd, 0);
  await Deno.stat("/");
  pipe.closeReadEnd();
  await wait.ended;
  // At once, when there is none to begin with.
  assertEquals(await waitFor(pipe.writeEnd, 0).ended, undefined);
});

Deno.test("`cancel()` ends a wait within 100 ms", async () => {
  using pipe = new Pipe();
  using other = new Pipe();
  const end = async (wait: Wait) => {
    const start = performance.now();
    wait.cancel();
    await wait.ended;
    assertInTime(performance.now() - start, 100, "the end");
  };
  for (let count = 0; count < 10; count++) {
    await bestOf(async () => {
      const [first, second] = [other, pipe].map((one) => waitFor(one.readEnd));
      if (count % 2 === 0) await Deno.stat("/");
      try {
        await end(second!);
      } finally {
        await end(first!);
      }
    });
  }
});

Deno.test("40 waits leave the pool of threads to others", async () => {
  const sockets = Array.from({ length: 40 }, () => new Pipe());
  const waits = sockets.map(({ readEnd }) => waitFor(readEnd));
  // With a thread for each this never ends: the pool has 32.
  const texts = await Promise.all(
    Array.from({ length: 40 }, () => Deno.readTextFile("/proc/self/comm")),
  );
  assertEquals(new Set(texts).size, 1);
  for (const pipe of sockets) pipe.write();
  await Promise.all(waits.map(({ ended }) => ended));
  for (const pipe of sockets) pipe[Symbol.dispose]();
});

Deno.test("no descriptor is left behind", async () => {
  using pipe = new Pipe();
  await Deno.stat("/");
  const before = openFds();
  for (let count = 0; count < 50; count++) {
    const waits = [waitFor(pipe.readEnd), waitFor(pipe.writeEnd, 0)];
    for (const wait of waits) wait.cancel();
    await Promise.all(waits.map(({ ended }) => ended));
  }
  assertEquals(openFds(), before);
});

Deno.test("a wait for a descriptor that is not open ends, the others go on", async () => {
  using pipe = new Pipe();
  const wait = waitFor(pipe.readEnd);
  await waitFor(1_000_000).ended;
  pipe.write();
  assertEquals(await wait.ended, undefined);
});

Deno.test("`readable()` waits for a netlink socket, and `close()` ends it", async () => {
  const before = openFds();
  const socket = subscribe();
  for (const isWaiting of [false, true]) {
    const readable = isWaiting ? socket.readable() : undefined;
    ask(socket);
    await (readable ?? socket.readable());
    assertEquals(socket.receive()?.[16], 1);
    assertEquals(socket.receive(), undefined);
  }
  const readable = socket.readable();
  await Deno.stat("/");
  socket.close();
  await readable;
  await socket.readable();
  assertEquals(openFds(), before);
});

Deno.test("`close()` leaves the number alone while it is polled", async () => {
  const socket = subscribe();
  const before = openFds();
  const readable = socket.readable();
  await Deno.stat("/");
  const polled = openFds();
  socket.close();
  // A new file may not get the number that is still waited for.
  assertEquals(openFds(), polled);
  using pipe = new Pipe();
  await readable;
  assertEquals(openFds(), before - 1 + 2);
  pipe.write();
  pipe.read();
});

Deno.test("many streams are one thread", async () => {
  const sockets = Array.from(
    { length: 40 },
    () => subscribe(),
  );
  const all = sockets.map((socket) => socket.readable());
  // Until a thread has taken the last call up.
  await until(() => pollingThreads() === 1, "one thread to wait");
  for (const socket of sockets) socket.close();
  await Promise.all(all);
});

Deno.test("a process ends when nothing waits any more, and not before", async () => {
  const here = import.meta.resolve("../../ffi/");
  const program = `
import { NetworkNamespace } from "${here}namespace.ts";
const socket = NetworkNamespace.open().subscribe(16, [${NLCTRL_NOTIFY}]);
const readable = socket.readable().then(() => console.log("ended"));
await Deno.stat("/");
if (Deno.args[0] === "close") socket.close();
else {
  console.log("waiting");
  for await (const _ of Deno.stdin.readable);
  socket.close();
}`;
  for (const mode of ["close", "wait"]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-config",
        "--no-prompt",
        "--allow-ffi",
        "--allow-read",
        `data:application/typescript;base64,${btoa(program)}`,
        mode,
      ],
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    if (mode === "close") {
      const { code, stdout } = await child.output();
      assertEquals([code, new TextDecoder().decode(stdout)], [0, "ended\n"]);
      await writer.close();
      continue;
    }
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    assertEquals((await reader.read()).value, "waiting\n");
    await writer.close();
    assertEquals((await reader.read()).value, "ended\n");
    assertEquals((await reader.read()).done, true);
    assertEquals((await child.status).code, 0);
  }
});

Deno.test("`readable()` works while other calls come and go", async () => {
  const rounds = Array.from({ length: 20 }, async (_, index) => {
    using socket = subscribe();
    for (let count = 0; count < 20; count++) {
      const readable = socket.readable();
      if ((count + index) % 3 === 0) await Deno.stat("/");
      ask(socket);
      await readable;
      assertEquals(socket.receive()?.[16], 1);
    }
    return index;
  });
  assertEquals((await Promise.all(rounds)).length, 20);
});

Deno.test("`subscribe()` leaves nothing open when there is no such group", () => {
  const before = openFds();
  const error = assertThrows(() => subscribe(0xffff), SyscallError);
  assertEquals([error.syscall, error.code], ["setsockopt", "EINVAL"]);
  assertEquals(openFds(), before);
});
