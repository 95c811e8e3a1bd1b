/**
 * A C library in front of a {@linkcode FakeKernel}: it takes the place of
 * `Deno.dlopen`, so that each call of `ffi/` can be seen, and can fail. What
 * imports this uses it in the whole of its test module, and nothing else.
 *
 * @module
 */

import { FakeKernel } from "../support/fake_kernel.ts";

const EAGAIN = 11;
const ENODEV = 19;
const ENOENT = 2;
const EINVAL = 22;

/** What errno is where nobody may look at it. */
const STALE = 999;

const AF_NETLINK = 16;
const SIOCGIFNAME = 0x8910n;

/** One call: the function and what it was called with. */
export interface Call {
  readonly symbol: string;
  readonly args: readonly unknown[];
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

/** The calls that fail: by number, counted from 1, or by anything else. */
export type Fails = (call: Call, number: number) => number | undefined;

/** The C library. */
export class FakeLibc {
  /** What the sockets talk to. */
  kernel: FakeKernel = new FakeKernel();
  /** All calls but those of `memcpy` and `close`. */
  readonly calls: Call[] = [];
  /** The open file descriptors, and what they are open for. */
  readonly fds: Map<number, string> = new Map();
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
  /** The port id of whoever sends what is received; 0 is the kernel. */
  senders: number[] = [];
  #errno = STALE;
  /** The call whose errno was not copied yet. */
  #unread: string | undefined;
  #nextFd = 100;
  /** The sockets that have a port id: by `bind`, or since the first `send`. */
  readonly #bound = new Set<number>();

  /** Forgets all calls. */
  reset(): void {
    this.kernel = new FakeKernel();
    this.calls.length = 0;
    this.fds.clear();
    this.netns = "home";
    this.fails = () => undefined;
    this.senders = [];
  }

  /** What `Deno.dlopen` would return. */
  open(symbols: readonly string[]): { symbols: Record<string, unknown> } {
    const entries = symbols.map((symbol) => [
      symbol,
      (...args: unknown[]) => this.#call({ symbol, args }),
    ]);
    return { symbols: Object.fromEntries(entries) };
  }

  #call(call: Call): unknown {
    const { symbol, args } = call;
    if (symbol === "__errno_location") return null;
    if (symbol === "memcpy") {
      (args[0] as Int32Array)[0] = this.#errno;
      this.#unread = undefined;
      return;
    }
    if (this.#unread !== undefined) {
      throw new Error(`${symbol} follows ${this.#unread} before memcpy(errno)`);
    }
    if (symbol === "close") return this.#close(args[0] as number);
    this.calls.push(call);
    this.#unread = symbol;
    const errno = this.fails(call, this.calls.length);
    if (errno === undefined) this.#errno = STALE;
    return errno === undefined ? this.#do(symbol, args) : this.#fail(errno);
  }

  #fail(errno: number): number {
    this.#errno = errno;
    return -1;
  }

  #close(fd: number): number {
    if (!this.fds.delete(fd)) throw new Error(`close(${fd}): it is not open`);
    return 0;
  }

  #open(what: string): number {
    this.fds.set(++this.#nextFd, what);
    return this.#nextFd;
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
    const fd = symbol === "poll"
      ? (args[0] as Int32Array)[0]!
      : args[0] as number;
    const what = this.fds.get(fd);
    if (what === undefined) throw new Error(`${symbol}(${fd}): it is not open`);
    switch (symbol) {
      case "setns":
        if (what === "") return this.#fail(EINVAL);
        this.netns = what;
        return 0;
      case "setsockopt":
        return 0;
      case "bind": {
        // Port id 0 is not the one that it has by then.
        if (this.#bound.has(fd)) return this.#fail(EINVAL);
        this.#bound.add(fd);
        return 0;
      }
      case "send": {
        const [, bytes, length] = args as [number, Uint8Array, bigint];
        this.#bound.add(fd);
        this.kernel.send(bytes.slice(0, Number(length)) as never);
        return Number(length);
      }
      case "recvfrom":
        return this.#receive(args as unknown as Recvfrom);
      case "poll":
        return this.kernel.wait(args[2] as number) ? 1 : 0;
      default:
        return this.#ioctl(args[1] as bigint, args[2] as Uint8Array);
    }
  }

  #openFile(path: Uint8Array): number {
    const text = new TextDecoder().decode(path);
    if (!text.endsWith("\0")) throw new Error(`open("${text}"): no NUL`);
    const what = this.namespaces.get(text.slice(0, -1));
    return what === undefined ? this.#fail(ENOENT) : this.#open(what);
  }

  #receive([, buffer, length, , sender, senderLength]: Recvfrom): number {
    const bytes = this.kernel.receive();
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

/** The C library of this test module. */
export const libc: FakeLibc = new FakeLibc();

Deno.dlopen =
  ((_path: string, symbols: object) =>
    libc.open(Object.keys(symbols))) as unknown as typeof Deno.dlopen;
