/**
 * A C library in front of a {@linkcode FakeKernel}: it takes the place of
 * `Deno.dlopen`, so that each call of `ffi/` can be seen, and can fail. What
 * imports this uses it in the whole of its test module, and nothing else.
 *
 * @module
 */

import { FakeKernel } from "../../testing/fake_kernel.ts";
import type { FakeSubscription } from "../../testing/fake_transport.ts";

const EAGAIN = 11;
const ENODEV = 19;
const ENOENT = 2;
const EINVAL = 22;

/** What errno is where nobody may look at it. */
const STALE = 999;

const AF_NETLINK = 16;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const SIOCGSKNS = 0x894cn;
const SIOCGIFNAME = 0x8910n;

const SIOCGIFINDEX = 0x8933n;
const REQUESTS = new Map([
  [SIOCGSKNS, "SIOCGSKNS"],
  [SIOCGIFNAME, "SIOCGIFNAME"],
  [SIOCGIFINDEX, "SIOCGIFINDEX"],
]);

const OPTIONS: { readonly [option: number]: string } = {
  1: "NETLINK_ADD_MEMBERSHIP",
  8: "SO_RCVBUF",
  33: "SO_RCVBUFFORCE",
};

const O_CLOEXEC = 0o2000000;

const POLLIN = 1;
const POLLNVAL = 0x20;

/** One call: the function, what it was called with, and what for. */
export interface Call {
  readonly symbol: string;
  readonly args: readonly unknown[];
  /** The function, and which use of it where errors differ. */
  readonly use: string;
}

/** The arguments of `recvfrom`. */
type Recvfrom = readonly [
  fd: number,
  buffer: Uint8Array,
  length: bigint,
  flags: number,
  sender: Uint32Array,
  senderLength: Uint32Array,
];

/**
 * The calls that fail: by number, counted from 1, or by anything else. An error
 * instead of a number is for what a thread of the pool does.
 */
export type Fails = (call: Call, number: number) => number | Error | undefined;

/** The C library. */
export class FakeLibc {
  /** What the sockets talk to. */
  kernel: FakeKernel = new FakeKernel();
  /** All functions that were bound, but those that cannot fail. */
  readonly bound: Set<string> = new Set();
  /** All calls but those of `memcpy` and `close`. */
  readonly calls: Call[] = [];
  /** The open file descriptors, and what they are open for. */
  readonly fds: Map<number, string> = new Map();
  /** What they were ever open for. */
  readonly opened: string[] = [];
  /** The descriptors of each `pollAside` under way. */
  readonly polling: Set<readonly number[]> = new Set();
  /** What can be read, of what is neither a socket nor an eventfd. */
  readonly readable: Set<number> = new Set();
  /** Where this thread is. */
  netns = "home";
  /** The files that stand for network namespaces; `""`: it is none. */
  readonly namespaces: Map<string, string> = new Map([
    ["/proc/thread-self/ns/net", "home"],
    ["/run/netns/blue", "blue"],
    ["/proc/42/ns/net", "process 42"],
    ["/etc/passwd", ""],
  ]);
  /** The errno of a call that is to fail, instead of doing anything. */
  fails: Fails = () => undefined;
  /** The most bytes that reading or writing a file once takes. */
  atMost: number = Infinity;
  /** The port id of whoever sends what is received; 0 is the kernel. */
  senders: number[] = [];
  #errno = STALE;
  /** The call whose errno was not copied yet. */
  #unread: string | undefined;
  #nextFd = 100;
  /** How far the files are read. */
  readonly #offsets = new Map<number, number>();
  /** The sockets that hear the kernel alone. */
  readonly #connected = new Set<number>();
  /** The sockets that have joined a group. */
  readonly #joined = new Map<number, FakeSubscription>();
  /** Settles when an eventfd was written to. */
  #written = Promise.withResolvers<void>();

  /** Forgets all calls. */
  reset(): void {
    this.kernel = new FakeKernel();
    this.calls.length = 0;
    this.fds.clear();
    this.#offsets.clear();
    this.opened.length = 0;
    this.readable.clear();
    this.#connected.clear();
    this.#joined.clear();
    this.netns = "home";
    this.fails = () => undefined;
    this.atMost = Infinity;
    this.senders = [];
  }

  /** What `Deno.dlopen` would return. */
  open(symbols: readonly string[]): { symbols: Record<string, unknown> } {
    const entries = symbols.map((symbol) => {
      if (!["__errno_location", "memcpy"].includes(symbol)) {
        this.bound.add(symbol);
      }
      return [symbol, (...args: unknown[]) => this.#call(symbol, args)];
    });
    return { symbols: Object.fromEntries(entries) };
  }

  #call(symbol: string, args: readonly unknown[]): unknown {
    if (symbol === "__errno_location") return null;
    if (symbol === "memcpy") {
      (args[0] as Int32Array)[0] = this.#errno;
      this.#unread = undefined;
      return;
    }
    if (this.#unread !== undefined) {
      throw new Error(`${symbol} follows ${this.#unread} before memcpy(errno)`);
    }
    const call = { symbol, args, use: this.#useOf(symbol, args) };
    if (symbol !== "close") this.calls.push(call);
    const errno = this.fails(call, this.calls.length);
    if (symbol === "close") {
      this.#close(args[0] as number);
      return errno === undefined ? 0 : -1;
    }
    if (symbol === "pollAside") {
      if (errno instanceof Error) return Promise.reject(errno);
      // Its errno stays on a thread of its own.
      return errno === undefined
        ? this.#pollAside(args[0] as Int32Array)
        : Promise.resolve(-1);
    }
    if (errno instanceof Error) throw errno;
    // The counter is full, and so can be read.
    if (errno !== undefined && call.use === "write eventfd") {
      this.signal(args[0] as number);
    }
    // Nobody asks what reading and writing one say.
    if (this.fds.get(args[0] as number) !== "eventfd") this.#unread = symbol;
    if (errno === undefined) this.#errno = STALE;
    return errno === undefined ? this.#do(symbol, args) : this.#fail(errno);
  }

  #useOf(symbol: string, args: readonly unknown[]): string {
    switch (symbol) {
      case "setsockopt":
        return `setsockopt ${OPTIONS[args[2] as number] ?? "ack"}`;
      case "open": {
        const path = textOf(args[0] as Uint8Array);
        const use = args[1] === O_CLOEXEC ? "read" : "write";
        return path.startsWith("/proc/sys/")
          ? `open sysctl to ${use}`
          : "open namespace";
      }
      case "read":
      case "write": {
        const what = this.fds.get(args[0] as number);
        return `${symbol} ${what === "eventfd" ? what : "sysctl"}`;
      }
      case "ioctl":
        return `ioctl ${REQUESTS.get(args[1] as bigint)}`;
      default:
        return symbol;
    }
  }

  #fail(errno: number): number {
    this.#errno = errno;
    return -1;
  }

  #close(fd: number): void {
    for (const polled of this.polling) {
      if (polled.includes(fd)) throw new Error(`close(${fd}): it is polled`);
    }
    if (!this.fds.delete(fd)) throw new Error(`close(${fd}): it is not open`);
    this.#offsets.delete(fd);
    this.#connected.delete(fd);
  }

  #open(what: string): number {
    this.fds.set(++this.#nextFd, what);
    this.opened.push(what);
    return this.#nextFd;
  }

  /** Makes something that can be read at once, whatever it is. */
  signal(fd: number): void {
    this.readable.add(fd);
    this.#written.resolve();
  }

  async #pollAside(fds: Int32Array): Promise<number> {
    const polled = Array.from(fds).filter((_, index) => index % 2 === 0);
    this.polling.add(polled);
    try {
      for (;;) {
        for (const fd of polled) {
          void this.#joined.get(fd)?.readable().then(() => this.signal(fd));
        }
        const ready = this.#revents(fds);
        if (ready > 0) return ready;
        this.#written = Promise.withResolvers();
        await this.#written.promise;
      }
    } finally {
      this.polling.delete(polled);
    }
  }

  #revents(fds: Int32Array): number {
    let ready = 0;
    for (let at = 0; at < fds.length; at += 2) {
      const revents = !this.fds.has(fds[at]!)
        ? POLLNVAL
        : this.readable.has(fds[at]!)
        ? fds[at + 1]! & POLLIN
        : 0;
      fds[at + 1] = fds[at + 1]! & 0xffff | revents << 16;
      if (revents !== 0) ready++;
    }
    return ready;
  }

  #do(symbol: string, args: readonly unknown[]): number {
    if (symbol === "socket") {
      const [domain, type, protocol] = args as number[];
      if (domain !== AF_NETLINK || type !== 0o2000003 || protocol !== 16) {
        return this.#fail(EINVAL);
      }
      return this.#open(`socket in ${this.netns}`);
    }
    if (symbol === "open") return this.#openFile(args[0] as Uint8Array);
    if (symbol === "eventfd") return this.#open("eventfd");
    if (symbol === "poll" && args[1] !== 1n) {
      return this.#revents(args[0] as Int32Array);
    }
    const fd = symbol === "poll"
      ? (args[0] as Int32Array)[0]!
      : args[0] as number;
    const what = this.fds.get(fd);
    if (what === undefined) throw new Error(`${symbol}(${fd}): it is not open`);
    // Anybody could fill its queue.
    if (
      symbol !== "connect" && /^socket/.test(what) && !this.#connected.has(fd)
    ) {
      throw new Error(`${symbol}(${fd}): it is not connected`);
    }
    switch (symbol) {
      case "setns":
        if (what === "") return this.#fail(EINVAL);
        this.netns = what;
        return 0;
      case "setsockopt": {
        const [, level, option, value] = args as [
          number,
          number,
          number,
          Int32Array,
        ];
        if (level === SOL_NETLINK && option === NETLINK_ADD_MEMBERSHIP) {
          this.#joined.set(fd, this.kernel.subscribe(value[0]!));
        }
        return 0;
      }
      case "read":
        return what === "eventfd"
          ? this.#readEventfd(fd)
          : this.#readSysctl(fd, what, args[1] as Uint8Array);
      case "write":
        if (what !== "eventfd") {
          return this.#writeSysctl(what, args[1] as Uint8Array);
        }
        this.signal(fd);
        return Number(args[2]);
      case "connect": {
        const [, address, length] = args as [number, Uint32Array, number];
        const [family, port] = address;
        if (length !== 12 || family !== AF_NETLINK) return this.#fail(EINVAL);
        if (port !== 0) throw new Error(`connect(${fd}): not to the kernel`);
        this.#connected.add(fd);
        return 0;
      }
      case "send": {
        const [, bytes, length] = args as [number, Uint8Array, bigint];
        this.kernel.send(bytes.slice(0, Number(length)) as never);
        return Number(length);
      }
      case "recvfrom":
        return this.#receive(args as unknown as Recvfrom);
      case "poll":
        return this.kernel.wait(args[2] as number) ? 1 : 0;
      default:
        if (args[1] === SIOCGSKNS) {
          return this.#open(what.replace("socket in ", ""));
        }
        return this.#ioctl(args[1] as bigint, args[2] as Uint8Array);
    }
  }

  #openFile(name: Uint8Array): number {
    const path = textOf(name);
    const [, sysctl = ""] = path.match(/^\/proc\/sys\/net\/mptcp\/(.+)$/) ?? [];
    const [, fd] = path.match(/^\/proc\/thread-self\/fd\/(.+)$/) ?? [];
    const what = this.kernel.sysctls.has(sysctl)
      ? `${sysctl} in ${this.netns}`
      : this.namespaces.get(path) ?? this.fds.get(Number(fd));
    return what === undefined ? this.#fail(ENOENT) : this.#open(what);
  }

  #readEventfd(fd: number): number {
    return this.readable.delete(fd) ? 8 : this.#fail(EAGAIN);
  }

  #readSysctl(fd: number, what: string, buffer: Uint8Array): number {
    const text = `${this.kernel.sysctls.get(what.split(" ")[0]!)}\n`;
    const start = this.#offsets.get(fd) ?? 0;
    const end = start + Math.min(this.atMost, buffer.length);
    const bytes = new TextEncoder().encode(text).subarray(start, end);
    buffer.set(bytes);
    this.#offsets.set(fd, start + bytes.length);
    return bytes.length;
  }

  #writeSysctl(what: string, text: Uint8Array): number {
    const bytes = text.subarray(0, Math.min(this.atMost, text.length));
    const value = new TextDecoder().decode(bytes);
    this.kernel.writeSysctl(what.split(" ")[0]!, value);
    return bytes.length;
  }

  #receive([fd, buffer, length, , sender, senderLength]: Recvfrom): number {
    this.readable.delete(fd);
    const bytes = (this.#joined.get(fd) ?? this.kernel).receive();
    if (bytes === undefined) return this.#fail(EAGAIN);
    if (senderLength[0] !== 12) throw new Error("sockaddr_nl has 12 bytes");
    sender.set([AF_NETLINK, this.senders.shift() ?? 0, 0]);
    buffer.set(bytes.subarray(0, Number(length)));
    return bytes.length;
  }

  #ioctl(command: bigint, request: Uint8Array): number {
    const index = new Int32Array(request.buffer);
    if (command === SIOCGIFNAME) {
      const name = this.kernel.ifIndexToName(index[4]!);
      if (name === undefined) return this.#fail(ENODEV);
      request.set(new TextEncoder().encode(`${name}\0`));
      return 0;
    }
    // `dev_ioctl()` ends the name after 15 bytes, and before the colon of an
    // alias, "eth0:1".
    request[15] = 0;
    const end = request.indexOf(0);
    const name = new TextDecoder().decode(request.subarray(0, end));
    const found = this.kernel.ifNameToIndex(name.split(":")[0]!);
    if (found === undefined) return this.#fail(ENODEV);
    index[4] = found;
    return 0;
  }
}

function textOf(name: Uint8Array): string {
  const text = new TextDecoder().decode(name);
  if (!text.endsWith("\0")) throw new Error(`open("${text}"): no NUL`);
  return text.slice(0, -1);
}

/** The C library of this test module. */
export const libc: FakeLibc = new FakeLibc();

Deno.dlopen =
  ((_path: string, symbols: object) =>
    libc.open(Object.keys(symbols))) as unknown as typeof Deno.dlopen;
