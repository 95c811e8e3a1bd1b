/**
 * A C library in front of a {@linkcode FakeKernel}: it takes the place of
 * `Deno.dlopen`, so that each call of `ffi/` can be seen, and can fail. What
 * imports this uses it in the whole of its test module, and nothing else.
 *
 * @module
 */

import { FakeKernel } from "../../testing/fake_kernel.ts";
import { decodeSockaddr, encodeSockaddr } from "../../ffi/sockaddr.ts";
import type { SyscallError } from "../../ffi/syscall_error.ts";
import type { Stream } from "../../netlink/transport.ts";
import type {
  FakeSubscription,
  FakeTransport,
} from "../../testing/fake_namespace.ts";

const ENOENT = 2;
const EAGAIN = 11;
const EEXIST = 17;
const ENODEV = 19;
const EINVAL = 22;
const EPROTONOSUPPORT = 93;
const EADDRINUSE = 98;
const ENOTCONN = 107;
const ECONNREFUSED = 111;
const EINPROGRESS = 115;

const EAI_NONAME = -2;
const EAI_SYSTEM = -11;

/** What errno is where it means nothing. */
const STALE = 999;

const AF_UNIX = 1;
const UNIX_TYPES: { readonly [type: number]: string } = {
  [0o2004001]: "unix stream",
  [0o2004002]: "unix datagram",
};
const AF_NETLINK = 16;
const SOCKADDR_NL_LENGTH = 12;
const SOCK_RAW_CLOEXEC = 0o2000003;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 0o2004001;
/** An address of each family. */
const FAMILIES = new Map([[2, "0.0.0.0"], [10, "::"]]);
const IPPROTO_MPTCP = 262;
const PROTOCOLS: { readonly [protocol: number]: string } = {
  0: "route",
  4: "diag",
  16: "generic",
};

const ADD_MEMBERSHIP = "NETLINK_ADD_MEMBERSHIP";
const OPTIONS: { readonly [levelAndOption: string]: string } = {
  "1 4": "SO_ERROR",
  "1 8": "SO_RCVBUF",
  "1 25": "SO_BINDTODEVICE",
  "1 33": "SO_RCVBUFFORCE",
  "270 1": ADD_MEMBERSHIP,
  "270 10": "ack",
  "270 11": "ack",
};

const IFREQ_LENGTH = 40;
const SIOCGIFNAME = 0x8910n;
const REQUESTS = new Map([
  [SIOCGIFNAME, "SIOCGIFNAME"],
  [0x8933n, "SIOCGIFINDEX"],
]);

const O_ACCMODE = 3;

const POLLIN = 1;
const POLLOUT = 4;
/** Found whether or not it was asked for. */
const POLLERR = 8;
const POLLNVAL = 0x20;

/** The functions that are called with a path, and which argument it is. */
const PATHS: { readonly [symbol: string]: number } = {
  ...{ readlink: 0, statx: 2, realpath: 0, create: 0, rename: 0, unlink: 0 },
};

/** The network namespaces that there are. */
const PLACES = ["home", "blue", "process 42"];

/** One call: the function, what it was called with, and what for. */
export interface Call {
  readonly symbol: string;
  readonly args: readonly unknown[];
  /** The function, and which use of it where errors differ. */
  readonly use: string;
}

/** A netlink socket. */
interface Socket {
  readonly protocol: number;
  readonly groups: number[];
  /** Since it was connected. */
  transport?: FakeTransport;
  /** Since it joined its first group. */
  subscription?: FakeSubscription;
}

/** A TCP or MPTCP socket. */
interface StreamState {
  readonly stream: Stream;
  source?: string;
  dev?: string;
  error: number;
}

/**
 * The calls that fail: by number, counted from 1, or by anything else. An error
 * instead of a number is for what a thread of the pool does.
 */
export type Fails = (call: Call, number: number) => number | Error | undefined;

/** The C library. */
export class FakeLibc {
  /** What the sockets talk to. */
  readonly kernel: FakeKernel = new FakeKernel();
  /** All calls but those of `memcpy` and `close`. */
  readonly calls: Call[] = [];
  /** The open file descriptors, and what they are open for. */
  readonly fds: Map<number, string> = new Map();
  /** What they were ever open for. */
  readonly opened: string[] = [];
  /** The descriptors of each `pollAside` under way. */
  readonly polling: Set<readonly number[]> = new Set();
  /** What `poll` finds, by descriptor: bits of `revents`. */
  readonly ready: Map<number, number> = new Map();
  /** Where this thread is. */
  netns = "home";
  /** The files that stand for network namespaces, and one that does not. */
  readonly namespaces: Map<string, string> = new Map([
    ["/proc/thread-self/ns/net", "home"],
    ["/run/netns/blue", "blue"],
    ["/proc/42/ns/net", "process 42"],
    ["/etc/passwd", "a file"],
  ]);
  /** The errno of a call that is to fail, instead of doing anything. */
  fails: Fails = () => undefined;
  /** The most bytes that reading or writing a file once takes. */
  atMost: number = Infinity;
  /** The environment. */
  readonly environment: Map<string, string> = new Map();
  /** What came to the sockets of other processes, by their addresses. */
  readonly received: Map<string, string[]> = new Map();
  /** The port ids of who sends what is received; 0 is the kernel. */
  readonly senders: number[] = [];
  #errno = STALE;
  /** The call whose errno was not copied yet. */
  #unread: string | undefined;
  #nextFd = 100;
  /** What was not read of the files yet. */
  readonly #rest = new Map<number, Uint8Array>();
  /** What was not read of the directories yet, as `struct linux_dirent64`. */
  readonly #entries = new Map<number, Uint8Array[]>();
  readonly #sockets = new Map<number, Socket>();
  readonly #streams = new Map<number, StreamState>();
  /** What `getaddrinfo` has allocated, by its address. */
  readonly memory: Map<bigint, Uint8Array> = new Map();
  /** Settles when an eventfd was written to. */
  #written = Promise.withResolvers<void>();

  /** Calls a function. */
  call(symbol: string, args: readonly unknown[]): unknown {
    if (symbol === "__errno_location") return null;
    if (symbol === "memcpy") {
      if (typeof args[1] === "string") {
        new TextEncoder().encodeInto(args[1], args[0] as Uint8Array);
        return;
      }
      (args[0] as Int32Array)[0] = this.#errno;
      this.#unread = undefined;
      return;
    }
    if (symbol === "copyFrom") {
      const [to, from, length] = args as [Uint8Array, bigint, bigint];
      to.set(this.memory.get(from)!.subarray(0, Number(length)));
      return;
    }
    if (symbol === "freeaddrinfo") return this.#freeAddresses(args[0]);
    if (this.#unread !== undefined) {
      throw new Error(`${symbol} follows ${this.#unread} before memcpy(errno)`);
    }
    if (symbol === "getenv") return this.environment.get(textOf(args)) ?? null;
    if (symbol === "strlen") {
      return BigInt(new TextEncoder().encode(args[0] as string).length);
    }
    if (symbol === "clock_gettime") {
      (args[1] as BigInt64Array).set([12n, 345_678_999n]);
      return 0;
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
        ? this.#pollAside(pollfdsOf(args))
        : Promise.resolve(-1);
    }
    if (symbol === "getaddrinfoAside") {
      if (errno instanceof Error) return Promise.reject(errno);
      return Promise.resolve(
        errno === undefined ? this.#getAddresses(args) : EAI_SYSTEM,
      );
    }
    if (errno instanceof Error) throw errno;
    // The counter is full, and so can be read.
    if (errno !== undefined && call.use === "write eventfd") {
      this.signal(args[0] as number);
    }
    // errno of reading and writing one is not used.
    if (this.fds.get(args[0] as number) !== "eventfd") this.#unread = symbol;
    if (errno === undefined) this.#errno = STALE;
    const result = errno === undefined
      ? this.#do(symbol, args)
      : this.#fail(errno);
    if (symbol === "realpath") return result < 0 ? null : "pointer";
    const isSystem = symbol === "getaddrinfo" && errno !== undefined;
    return isSystem ? EAI_SYSTEM : result;
  }

  #useOf(symbol: string, args: readonly unknown[]): string {
    switch (symbol) {
      case "socket":
        return args[0] === AF_NETLINK || args[0] === AF_UNIX
          ? symbol
          : "socket of a stream";
      case "bind":
        return this.#streams.has(args[0] as number) ? symbol : "bind a name";
      case "connect":
      case "send":
        return this.#streams.has(args[0] as number)
          ? `${symbol} of a stream`
          : symbol;
      case "getsockopt":
      case "setsockopt":
        return `${symbol} ${OPTIONS[`${args[1]} ${args[2]}`]}`;
      case "open": {
        const isFile = /^\/proc\/(sys|thread-self\/net)\//.test(textOf(args));
        const isRead = ((args[1] as number) & O_ACCMODE) === 0;
        return !isFile
          ? "open namespace"
          : `open file to ${isRead ? "read" : "write"}`;
      }
      case "read":
      case "write": {
        const isEventfd = this.fds.get(args[0] as number) === "eventfd";
        return `${symbol} ${isEventfd ? "eventfd" : "file"}`;
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
    this.#rest.delete(fd);
    this.#entries.delete(fd);
    this.#sockets.get(fd)?.transport?.close();
    this.#sockets.get(fd)?.subscription?.close();
    this.#sockets.delete(fd);
    this.#streams.get(fd)?.stream.close();
    this.#streams.delete(fd);
  }

  #open(what: string): number {
    this.fds.set(++this.#nextFd, what);
    this.opened.push(what);
    return this.#nextFd;
  }

  /** Makes something readable at once, or what else the bits say. */
  signal(fd: number, revents: number = POLLIN): void {
    this.ready.set(fd, revents);
    this.#written.resolve();
  }

  async #pollAside(pollfds: DataView): Promise<number> {
    const polled = Array.from(
      { length: pollfds.byteLength / 8 },
      (_, index) => pollfds.getInt32(8 * index, true),
    );
    this.polling.add(polled);
    try {
      for (;;) {
        for (const fd of polled) {
          void this.#sockets.get(fd)?.subscription?.readable()
            .then(() => this.signal(fd));
        }
        const ready = this.#revents(pollfds);
        if (ready > 0) return ready;
        this.#written = Promise.withResolvers();
        await this.#written.promise;
      }
    } finally {
      this.polling.delete(polled);
    }
  }

  /** Writes `revents` of each, and counts those that are not 0. */
  #revents(pollfds: DataView): number {
    let ready = 0;
    for (let at = 0; at < pollfds.byteLength; at += 8) {
      const fd = pollfds.getInt32(at, true);
      const events = pollfds.getInt16(at + 4, true);
      const revents = !this.fds.has(fd)
        ? POLLNVAL
        : (this.ready.get(fd) ?? 0) & (events | POLLERR);
      pollfds.setInt16(at + 6, revents, true);
      if (revents !== 0) ready++;
    }
    return ready;
  }

  #do(symbol: string, args: readonly unknown[]): number {
    if (symbol === "socket") return this.#openSocket(args as number[]);
    if (symbol === "open") return this.#openFile(textOf(args));
    if (symbol === "eventfd") return this.#open("eventfd");
    if (symbol === "getaddrinfo") return this.#getAddresses(args);
    if (symbol in PATHS) return this.#usePath(symbol, args);
    const fd = symbol === "poll"
      ? pollfdsOf(args).getInt32(0, true)
      : args[symbol === "getdents64" ? 1 : 0] as number;
    const socket = this.#sockets.get(fd);
    if (symbol === "poll") {
      return socket === undefined
        ? this.#revents(pollfdsOf(args))
        : Number(connected(socket).wait(args[2] as number));
    }
    const what = this.fds.get(fd);
    if (what === undefined) throw new Error(`${symbol}(${fd}): it is not open`);
    if (socket !== undefined) return this.#useSocket(symbol, socket, args);
    const stream = this.#streams.get(fd);
    if (stream !== undefined) return this.#useStream(symbol, stream, args);
    if (what.startsWith("unix")) return this.#useUnixSocket(symbol, args);
    switch (symbol) {
      case "getdents64":
        return this.#readDirectory(fd, args[2] as Uint8Array);
      case "fchmod":
        return 0;
      case "setns":
        if (!PLACES.includes(what)) return this.#fail(EINVAL);
        this.netns = what;
        return 0;
      case "read":
        if (what !== "eventfd") {
          return this.#readFile(fd, args[1] as Uint8Array);
        }
        return this.ready.delete(fd) ? 8 : this.#fail(EAGAIN);
      case "write":
        if (what !== "eventfd") {
          return this.#writeFile(what, args[1] as Uint8Array);
        }
        this.signal(fd);
        return Number(args[2]);
      default:
        throw new Error(`${symbol}(${fd}): it is ${what}`);
    }
  }

  #openSocket([domain, type, protocol]: readonly number[]): number {
    if (domain === AF_UNIX && UNIX_TYPES[type!] !== undefined) {
      return this.#open(`${UNIX_TYPES[type!]} socket in ${this.netns}`);
    }
    const any = FAMILIES.get(domain!);
    if (any !== undefined && type === SOCK_STREAM_NONBLOCK_CLOEXEC) {
      return this.#openStream(any, protocol === IPPROTO_MPTCP);
    }
    if (domain !== AF_NETLINK || type !== SOCK_RAW_CLOEXEC) {
      return this.#fail(EINVAL);
    }
    const name = PROTOCOLS[protocol!];
    if (name === undefined) return this.#fail(EPROTONOSUPPORT);
    const fd = this.#open(`${name} socket in ${this.netns}`);
    this.#sockets.set(fd, { protocol: protocol!, groups: [] });
    return fd;
  }

  #openStream(address: string, isMptcp: boolean): number {
    const name = isMptcp ? "MPTCP" : "TCP";
    const fd = this.#open(`${name} socket in ${this.netns}`);
    const stream = this.kernel.stream(address, isMptcp);
    this.#streams.set(fd, { stream, error: 0 });
    return fd;
  }

  #useStream(
    symbol: string,
    state: StreamState,
    args: readonly unknown[],
  ): number {
    const { stream, error, ...from } = state;
    switch (symbol) {
      case "setsockopt":
        state.dev = new TextDecoder().decode(args[3] as Uint8Array);
        return 0;
      case "bind":
        state.source = sockaddrOf(args).address;
        return 0;
      case "connect":
        return this.#connect(args[0] as number, state, from, sockaddrOf(args));
      case "getsockopt":
        viewOf(args[3]).setInt32(0, error, true);
        return 0;
      case "getsockname": {
        const address = encodeSockaddr(stream.local);
        (args[1] as Uint8Array).set(address);
        viewOf(args[2]).setUint32(0, address.length, true);
        return 0;
      }
      case "send":
        return stream.send(args[1] as Uint8Array<ArrayBuffer>);
      default:
        throw new Error(`${symbol}(): it is a stream`);
    }
  }

  #connect(
    fd: number,
    state: StreamState,
    from: { source?: string; dev?: string },
    to: ReturnType<typeof decodeSockaddr>,
  ): number {
    try {
      state.stream.connect(to, from);
    } catch (error) {
      return this.#fail((error as SyscallError).errno);
    }
    const ready = () => {
      if (this.#streams.has(fd)) this.signal(fd, POLLOUT);
    };
    state.stream.connected().catch((error: SyscallError) => {
      state.error = error.errno;
    }).then(ready);
    return this.#fail(EINPROGRESS);
  }

  /** A list of `struct addrinfo`, each in front of its address. */
  #getAddresses(args: readonly unknown[]): number {
    const addresses = this.kernel.hosts.get(textOf(args));
    if (addresses === undefined) return EAI_NONAME;
    let next = 0n;
    for (const address of addresses.toReversed()) {
      const sockaddr = encodeSockaddr({ address, port: 0 });
      const info = new DataView(new ArrayBuffer(48));
      const at = 0x7f0000000000n + BigInt(this.memory.size * 0x100);
      info.setUint32(16, sockaddr.length, true);
      info.setBigUint64(24, at + 48n, true);
      info.setBigUint64(40, next, true);
      this.memory.set(at, new Uint8Array(info.buffer));
      this.memory.set(at + 48n, sockaddr);
      next = at;
    }
    viewOf(args[3]).setBigUint64(0, next, true);
    return 0;
  }

  #freeAddresses(first: unknown): void {
    for (let at = first as bigint; at !== 0n;) {
      const info = viewOf(this.memory.get(at));
      this.memory.delete(info.getBigUint64(24, true));
      this.memory.delete(at);
      at = info.getBigUint64(40, true);
    }
  }

  #openFile(path: string): number {
    const text = this.kernel.readFile(path);
    const names = this.kernel.listDirectory(path);
    const what = text === undefined && names === undefined
      ? this.namespaces.get(path)
      : `${path} in ${this.netns}`;
    if (what === undefined) return this.#fail(ENOENT);
    const fd = this.#open(what);
    this.#rest.set(fd, new TextEncoder().encode(text));
    this.#entries.set(fd, [".", "..", ...names ?? []].map(direntOf));
    return fd;
  }

  /** Gives as many entries as there is room for. */
  #readDirectory(fd: number, buffer: Uint8Array): number {
    const entries = this.#entries.get(fd)!;
    const room = Math.min(buffer.length, this.atMost);
    let length = 0;
    while (entries.length > 0 && length + entries[0]!.length <= room) {
      buffer.set(entries[0]!, length);
      length += entries.shift()!.length;
    }
    return length === 0 && entries.length > 0 ? this.#fail(EINVAL) : length;
  }

  #usePath(symbol: string, args: readonly unknown[]): number {
    const path = textOf(args.slice(PATHS[symbol]));
    const file = this.kernel.files.get(path);
    switch (symbol) {
      case "readlink": {
        const text = this.kernel.readLink(path);
        if (text === undefined) return this.#fail(ENOENT);
        return new TextEncoder().encodeInto(text, args[1] as Uint8Array)
          .written;
      }
      case "statx":
        if (file === undefined) return this.#fail(ENOENT);
        viewOf(args[5]).setUint16(28, 0o100644, true);
        return 0;
      case "realpath":
        new TextEncoder().encodeInto(`${path}\0`, args[1] as Uint8Array);
        return 0;
      case "create":
        if (file !== undefined) return this.#fail(EEXIST);
        this.kernel.files.set(path, "");
        return this.#open(`${path} in ${this.netns}`);
      case "rename":
        this.kernel.files.set(textOf(args.slice(1)), file!);
        this.kernel.files.delete(path);
        return 0;
      default:
        this.kernel.files.delete(path);
        return 0;
    }
  }

  #readFile(fd: number, buffer: Uint8Array): number {
    const rest = this.#rest.get(fd)!;
    const length = Math.min(rest.length, buffer.length, this.atMost);
    buffer.set(rest.subarray(0, length));
    this.#rest.set(fd, rest.subarray(length));
    return length;
  }

  #writeFile(what: string, text: Uint8Array): number {
    const bytes = text.subarray(0, Math.min(this.atMost, text.length));
    const value = new TextDecoder().decode(bytes);
    this.kernel.writeFile(what.split(" ")[0]!, value);
    return bytes.length;
  }

  #useSocket(
    symbol: string,
    socket: Socket,
    args: readonly unknown[],
  ): number {
    switch (symbol) {
      case "ioctl":
        return this.#ioctl(args[1] as bigint, viewOf(args[2]));
      case "connect": {
        const address = viewOf(args[1]);
        const isNetlink = address.byteLength === SOCKADDR_NL_LENGTH &&
          args[2] === SOCKADDR_NL_LENGTH &&
          address.getUint16(0, true) === AF_NETLINK;
        if (!isNetlink) return this.#fail(EINVAL);
        if (address.getUint32(4, true) !== 0) {
          throw new Error("connect(): not to the kernel");
        }
        socket.transport = this.kernel.open(socket.protocol);
        return 0;
      }
      case "setsockopt":
        connected(socket);
        if (OPTIONS[`${args[1]} ${args[2]}`] === ADD_MEMBERSHIP) {
          // One queue for all of its groups, which the fake takes by reference.
          socket.groups.push(viewOf(args[3]).getInt32(0, true));
          socket.subscription ??= this.kernel.subscribe(
            socket.protocol,
            socket.groups,
          );
        }
        return 0;
      case "send": {
        const bytes = args[1] as Uint8Array<ArrayBuffer>;
        connected(socket).send(bytes.slice(0, Number(args[2])));
        return Number(args[2]);
      }
      case "recv":
        if (socket.subscription !== undefined) {
          throw new Error("recv(): other processes may have sent it");
        }
        return this.#receive(socket, args);
      case "recvfrom": {
        const length = this.#receive(socket, args);
        if (length >= 0) this.#writeSender(socket, args[4], args[5]);
        return length;
      }
      default:
        throw new Error(`${symbol}(): it is a socket`);
    }
  }

  /** Claims a name, or sends to somebody. */
  #useUnixSocket(symbol: string, args: readonly unknown[]): number {
    const [fd, bytes, length] = args as [number, Uint8Array, number | bigint];
    const text = new TextDecoder().decode(bytes.subarray(0, Number(length)));
    switch (symbol) {
      case "bind":
      case "connect": {
        if (bytes[0] !== AF_UNIX || bytes[1] !== 0) return this.#fail(EINVAL);
        const address = text.slice(2).replace(/^\0/, "@").replace(/\0$/, "");
        if (symbol === "bind") {
          const what = `unix ${address} in ${this.netns}`;
          if ([...this.fds.values()].includes(what)) {
            return this.#fail(EADDRINUSE);
          }
          this.fds.set(fd, what);
          return 0;
        }
        if (!this.received.has(address)) return this.#fail(ECONNREFUSED);
        this.fds.set(fd, `unix to ${address}`);
        return 0;
      }
      case "send": {
        const [, address] = this.fds.get(fd)!.split("unix to ");
        if (address === undefined) return this.#fail(ENOTCONN);
        this.received.get(address)!.push(text);
        return Number(length);
      }
      default:
        throw new Error(`${symbol}(${fd}): it is a socket of AF_UNIX`);
    }
  }

  #receive(
    socket: Socket,
    [fd, buffer, length]: readonly unknown[],
  ): number {
    this.ready.delete(fd as number);
    const bytes = (socket.subscription ?? connected(socket)).receive();
    if (bytes === undefined) return this.#fail(EAGAIN);
    (buffer as Uint8Array).set(bytes.subarray(0, Number(length)));
    return bytes.length;
  }

  /** Writes a `struct sockaddr_nl`. */
  #writeSender({ groups }: Socket, sender: unknown, length: unknown): void {
    const address = viewOf(sender);
    const lengths = [address.byteLength, viewOf(length).getUint32(0, true)];
    if (lengths.some((length) => length !== SOCKADDR_NL_LENGTH)) {
      throw new Error(`struct sockaddr_nl of ${lengths} bytes`);
    }
    address.setUint16(0, AF_NETLINK, true);
    address.setUint16(2, 0, true);
    address.setUint32(4, this.senders.shift() ?? 0, true);
    // `netlink_group_mask()`.
    address.setUint32(8, 1 << (groups[0] ?? 1) - 1, true);
  }

  #ioctl(command: bigint, request: DataView): number {
    if (request.byteLength !== IFREQ_LENGTH) {
      throw new Error(`struct ifreq of ${request.byteLength} bytes`);
    }
    const bytes = new Uint8Array(request.buffer, request.byteOffset, 16);
    if (command === SIOCGIFNAME) {
      const name = this.kernel.ifIndexToName(request.getInt32(16, true));
      if (name === undefined) return this.#fail(ENODEV);
      bytes.set(new TextEncoder().encode(`${name}\0`));
      return 0;
    }
    // `dev_ioctl()` ends the name after 15 bytes, and before the colon of an
    // alias, "eth0:1".
    bytes[15] = 0;
    const name = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    const index = this.kernel.ifNameToIndex(name.split(":")[0]!);
    if (index === undefined) return this.#fail(ENODEV);
    request.setInt32(16, index, true);
    return 0;
  }
}

/** A `struct linux_dirent64`. */
function direntOf(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  // With its NUL, and padded to 8 bytes.
  const entry = new Uint8Array((19 + bytes.length + 8) & ~7);
  new DataView(entry.buffer).setUint16(16, entry.length, true);
  entry.set(bytes, 19);
  return entry;
}

/** The transport of a socket that only the kernel can send to. */
function connected({ transport }: Socket): FakeTransport {
  // Any process could fill its queue.
  if (transport === undefined) throw new Error("A socket is not connected");
  return transport;
}

function viewOf(argument: unknown): DataView {
  const { buffer, byteOffset, byteLength } = argument as Uint8Array;
  return new DataView(buffer, byteOffset, byteLength);
}

/** The end that `bind` or `connect` is called with. */
function sockaddrOf([, address, length]: readonly unknown[]) {
  const bytes = address as Uint8Array<ArrayBuffer>;
  if (bytes.length !== length) throw new Error(`sockaddr of ${length} bytes`);
  return decodeSockaddr(bytes);
}

/** The array of `struct pollfd` that `poll` is called with. */
function pollfdsOf([pollfds, count]: readonly unknown[]): DataView {
  const view = viewOf(pollfds);
  if (view.byteLength !== 8 * Number(count)) {
    throw new Error(`poll(): ${view.byteLength} bytes for ${count}`);
  }
  return view;
}

/** The path that `open` is called with. */
function textOf([name]: readonly unknown[]): string {
  const text = new TextDecoder().decode(name as Uint8Array);
  if (!text.endsWith("\0")) throw new Error(`open("${text}"): no NUL`);
  return text.slice(0, -1);
}

/** The C library of this test module. */
export let libc: FakeLibc = new FakeLibc();

/** Starts anew, with nothing open. */
export function restart(): void {
  libc = new FakeLibc();
}

/** Fails the first calls of a function, those without a number excepted. */
export function fail(symbol: string, ...errnos: (number | undefined)[]): void {
  libc.fails = (call) => call.symbol === symbol ? errnos.shift() : undefined;
}

/** The functions that were called. */
export function called(): string[] {
  return libc.calls.map(({ symbol }) => symbol);
}

/** All functions that were bound. */
export const bound: Set<string> = new Set();

Deno.dlopen = ((_path: string, symbols: object) => ({
  symbols: Object.fromEntries(
    Object.keys(symbols).map((symbol) => {
      bound.add(symbol);
      return [symbol, (...args: unknown[]) => libc.call(symbol, args)];
    }),
  ),
})) as unknown as typeof Deno.dlopen;
