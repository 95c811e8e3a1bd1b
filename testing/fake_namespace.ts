/**
 * Namespaces that need neither Linux nor root, wait for nothing and do the same
 * every time.
 *
 * @module
 */

import { parseAddress } from "../codec/inet.ts";
import { MptcpError } from "../codec/mptcp_error.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import { systemClock } from "../netlink/clock.ts";
import type {
  Clock,
  Namespace,
  Stream,
  Subscription,
  Transport,
} from "../netlink/transport.ts";

/**
 * What `receive()` finds next: a datagram; nothing yet, until `wait()` was
 * called; an error, which it throws.
 */
export type Delivery = Uint8Array<ArrayBuffer> | undefined | Error;

/** What comes back for one request, sent over one of the open transports. */
export type Answer = (
  request: Uint8Array<ArrayBuffer>,
  transport: FakeTransport,
) => Delivery[];

/** Another way to deliver the answer to a request. */
export type Distortion = (
  answer: Delivery[],
  request: Uint8Array<ArrayBuffer>,
) => Delivery[];

const EPROTONOSUPPORT = 93;

const SYSCTLS = "/proc/sys/net/mptcp/";
const UNIX_SOCKETS = "/proc/thread-self/net/unix";

/**
 * A namespace in which something answers requests: what {@linkcode FakeKernel}
 * is built on, and what a test uses that wants to choose each byte itself.
 *
 * @example A kernel that never answers
 * ```ts
 * import { PathManager, ProtocolError } from "@mptcp/pm";
 * import { FakeNamespace } from "@mptcp/pm/testing";
 *
 * try {
 *   PathManager.open({ namespace: new FakeNamespace(() => []) });
 * } catch (error) {
 *   console.log(error instanceof ProtocolError); // true
 * }
 * ```
 */
export class FakeNamespace implements Namespace {
  /** All requests of all transports, as they were sent. */
  readonly sent: Uint8Array<ArrayBuffer>[] = [];
  /** The timeouts of all calls of `wait()`, in milliseconds. */
  readonly waits: number[] = [];
  /** What waits here goes by it; a {@linkcode FakeClock} waits for nothing. */
  clock: Clock = systemClock;
  /** Whether it was closed. */
  closed = false;
  /** The network devices: indices by name. */
  readonly devices: Map<string, number> = new Map([["lo", 1]]);
  /** The sysctls below `net.mptcp`: values by name. */
  readonly sysctls: Map<string, string> = new Map([
    ["enabled", "1"],
    ["available_path_managers", "kernel userspace"],
    ["path_manager", "kernel"],
    ["pm_type", "0"],
  ]);
  /** Other files: texts by path. */
  readonly files: Map<string, string> = new Map();
  /** Symbolic links: what they say, by path. */
  readonly links: Map<string, string> = new Map();
  /** Other hosts: their addresses by their names. */
  readonly hosts: Map<string, readonly string[]> = new Map();
  /** The names that somebody has claimed. */
  readonly claimed: Set<string> = new Set();
  /** Every socket for requests, closed or not. */
  readonly transports: FakeTransport[] = [];
  /** Everything that listened to events, closed or not. */
  readonly subscriptions: FakeSubscription[] = [];
  /** How answers are delivered; unless it is set: as they are. */
  distort: Distortion = (answer) => answer;
  readonly #answer: Answer;

  /**
   * Makes a namespace.
   *
   * @param answer Answers each request.
   */
  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** What can still be received by the open transports. */
  get unread(): readonly Delivery[] {
    return this.transports.filter(({ closed }) => !closed)
      .flatMap(({ unread }) => unread);
  }

  /**
   * Opens a transport to whatever answers.
   *
   * @param protocol Netlink protocol.
   */
  open(protocol: number): FakeTransport {
    this.#demandOpen();
    const transport: FakeTransport = new FakeTransport(protocol, (request) => {
      this.sent.push(request);
      return this.distort(this.#answer(request, transport), request);
    }, (timeoutMs) => this.waits.push(timeoutMs));
    this.transports.push(transport);
    return transport;
  }

  /**
   * Listens to groups.
   *
   * @param protocol Netlink protocol.
   * @param groups The groups' numbers.
   */
  subscribe(protocol: number, groups: readonly number[]): FakeSubscription {
    this.#demandOpen();
    const subscription = new FakeSubscription(protocol, groups);
    this.subscriptions.push(subscription);
    return subscription;
  }

  /**
   * Delivers a datagram, or an error for them to throw, to all who listen.
   *
   * @param delivery What they find.
   * @param group The group it is sent to. @default {every group}
   * @param protocol The netlink protocol of the group. @default {every protocol}
   */
  emit(
    delivery: Uint8Array<ArrayBuffer> | Error,
    group?: number,
    protocol?: number,
  ): void {
    for (const subscription of this.subscriptions) {
      const isMember = (group === undefined ||
        subscription.groups.includes(group)) &&
        (protocol === undefined || subscription.protocol === protocol);
      if (isMember) subscription.deliver(delivery);
    }
  }

  /** Makes no socket: there is no network. */
  stream(_address: string, _isMptcp: boolean): Stream {
    throw new SyscallError("socket", EPROTONOSUPPORT, "open a socket");
  }

  /** An address, or those of a host in {@linkcode FakeNamespace.hosts}. */
  resolve(name: string): Promise<string[]> {
    this.#demandOpen();
    const addresses = this.hosts.get(name) ??
      (/^[\d.]+$|:/.test(name) ? [parseAddress(name).text] : undefined);
    if (addresses !== undefined) return Promise.resolve([...addresses]);
    const reason = "there is no host of this name (EAI_NONAME)";
    return Promise.reject(
      new MptcpError(`Cannot look up "${name}": ${reason}`),
    );
  }

  /** The index of a device; absent: there is none of this name. */
  ifNameToIndex(name: string): number | undefined {
    this.#demandOpen();
    return this.devices.get(name);
  }

  /** The name of a device; absent: there is none of this index. */
  ifIndexToName(index: number): string | undefined {
    this.#demandOpen();
    return [...this.devices].find(([, other]) => other === index)?.[0];
  }

  /** Reads a sysctl below `net.mptcp`, or another file; absent: there is none. */
  readFile(path: string): string | undefined {
    this.#demandOpen();
    if (path === UNIX_SOCKETS) return this.#unixSockets();
    if (!path.startsWith(SYSCTLS)) return this.files.get(path);
    const value = this.sysctls.get(path.slice(SYSCTLS.length));
    return value === undefined ? undefined : `${value}\n`;
  }

  /** The names in a directory that holds something; absent: there is none. */
  listDirectory(path: string): string[] | undefined {
    this.#demandOpen();
    const sysctls = [...this.sysctls.keys()].map((name) => SYSCTLS + name);
    const folder = `${path.replace(/\/+$/, "")}/`;
    const names = [...sysctls, ...this.files.keys(), ...this.links.keys()]
      .filter((path) => path.startsWith(folder))
      .map((path) => path.slice(folder.length).replace(/\/.*/, ""));
    return names.length === 0 ? undefined : [...new Set(names)];
  }

  /** What a symbolic link says; absent: there is none. */
  readLink(path: string): string | undefined {
    this.#demandOpen();
    return this.links.get(path);
  }

  /** Sets a sysctl below `net.mptcp`, or writes another file. */
  writeFile(path: string, text: string): void {
    this.#demandOpen();
    if (!path.startsWith(SYSCTLS)) this.files.set(path, text);
    else this.sysctls.set(path.slice(SYSCTLS.length), text);
  }

  /** The file that shows who has which name. */
  #unixSockets(): string {
    const lines = Array.from(
      this.claimed,
      (name, index) =>
        `0000000000000000: 00000002 00000000 00000000 0001 01 ${
          index + 1
        } @${name}\n`,
    );
    return [
      "Num       RefCount Protocol Flags    Type St Inode Path\n",
      ...lines,
    ].join("");
  }

  /** Claims a name, until it is disposed of; absent: another one has it. */
  claim(name: string): Disposable | undefined {
    this.#demandOpen();
    if (this.claimed.has(name)) return undefined;
    this.claimed.add(name);
    return { [Symbol.dispose]: () => void this.claimed.delete(name) };
  }

  /** Ends it: using it is an error from now on. */
  close(): void {
    this.closed = true;
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.close();
  }

  #demandOpen(): void {
    if (this.closed) throw new Error("The fake namespace was used after close");
  }
}

/** A socket for requests in a {@linkcode FakeNamespace}. */
export class FakeTransport implements Transport {
  /** Netlink protocol. */
  readonly protocol: number;
  /** Whether it was closed. */
  closed = false;
  readonly #answer: (request: Uint8Array<ArrayBuffer>) => Delivery[];
  readonly #onWait: (timeoutMs: number) => void;
  readonly #queue: Delivery[] = [];
  readonly #buffer = new Uint8Array(65536);
  #view = this.#buffer.subarray(0, 0);

  /**
   * Makes a socket; {@linkcode FakeNamespace.open} does.
   *
   * @param protocol Netlink protocol.
   * @param answer Answers each request.
   * @param onWait Takes the timeouts of `wait()`.
   */
  constructor(
    protocol: number,
    answer: (request: Uint8Array<ArrayBuffer>) => Delivery[],
    onWait: (timeoutMs: number) => void = () => {},
  ) {
    this.protocol = protocol;
    this.#answer = answer;
    this.#onWait = onWait;
  }

  /** What can still be received. */
  get unread(): readonly Delivery[] {
    return this.#queue;
  }

  /** Takes a request, and answers it at once. */
  send(datagram: Uint8Array<ArrayBuffer>): void {
    this.#demandOpen();
    this.#queue.push(...this.#answer(datagram.slice()));
  }

  /** The next datagram, which the next call overwrites; absent: none is there. */
  receive(): Uint8Array | undefined {
    this.#demandOpen();
    if (this.#queue[0] === undefined) return undefined;
    const delivery = this.#queue.shift()!;
    if (delivery instanceof Error) throw delivery;
    // Views of earlier datagrams show this instead of them.
    this.#view.fill(0xee);
    this.#buffer.set(delivery);
    return this.#view = this.#buffer.subarray(0, delivery.length);
  }

  /** Says whether a datagram is there, without waiting for it. */
  wait(timeoutMs: number): boolean {
    this.#demandOpen();
    this.#onWait(timeoutMs);
    if (this.#queue[0] === undefined) this.#queue.shift();
    return this.#queue.length > 0;
  }

  /** Ends the transport: using it is an error from now on. */
  close(): void {
    this.closed = true;
  }

  /** Ends the transport. */
  [Symbol.dispose](): void {
    this.close();
  }

  #demandOpen(): void {
    if (this.closed) throw new Error("The fake transport was used after close");
  }
}

/** A socket in a {@linkcode FakeNamespace} that is a member of groups. */
export class FakeSubscription implements Subscription {
  /** Netlink protocol. */
  readonly protocol: number;
  /** The groups' numbers. */
  readonly groups: readonly number[];
  /** Whether it was closed. */
  closed = false;
  readonly #queue: (Uint8Array<ArrayBuffer> | Error)[] = [];
  #view: Uint8Array | undefined;
  #change: PromiseWithResolvers<void> | undefined;

  /**
   * Listens; {@linkcode FakeNamespace.subscribe} makes one.
   *
   * @param protocol Netlink protocol.
   * @param groups The groups' numbers.
   */
  constructor(protocol: number, groups: readonly number[]) {
    this.protocol = protocol;
    this.groups = groups;
  }

  /**
   * Puts a datagram, or an error, where `receive()` finds it. Nobody hears it
   * once it is closed.
   *
   * @param delivery What it finds.
   */
  deliver(delivery: Uint8Array<ArrayBuffer> | Error): void {
    if (this.closed) return;
    this.#queue.push(delivery);
    this.#wake();
  }

  /** The next datagram, which the next call overwrites; absent: none is there. */
  receive(): Uint8Array | undefined {
    if (this.closed) {
      throw new Error("The fake subscription was used after close");
    }
    const delivery = this.#queue.shift();
    if (delivery instanceof Error) throw delivery;
    this.#view?.fill(0xee);
    return this.#view = delivery?.slice();
  }

  /** Settles when something is there, or it is closed. */
  readable(): Promise<void> {
    if (this.closed || this.#queue.length > 0) return Promise.resolve();
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** Ends it. Doing it again does nothing. */
  close(): void {
    this.closed = true;
    this.#wake();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.close();
  }
}
