/**
 * Two hosts and the paths between them, for tests of Multipath TCP: network
 * namespaces joined by veth pairs. Nothing outside of them changes.
 *
 * @example Two hosts, two paths, one connection
 * ```ts
 * import { Lab } from "@mptcp/pm/testing";
 *
 * using lab = Lab.open({ paths: 2 });
 * using connection = lab.connect();
 * connection.transfer(1_000_000);
 * console.log(lab.client.subflows());
 * ```
 *
 * @module
 */

import { ArgumentRangeError } from "../codec/argument_error.ts";
import { Host, run, runIp } from "./host.ts";
import {
  MptcpSocket,
  POLLIN,
  POLLOUT,
  waitForSockets,
} from "./mptcp_socket.ts";
import { whatIsMissing } from "./requirements.ts";

/** What a lab leaves in /run and in /run/netns: its process, and which. */
const NAME = /^(mptcp-\d+-[0-9a-f]{8})(-client|-server|\.lock)$/;

/** More than it takes on a host where other programs are busy. */
const TIMEOUT_MS = 20_000;

/** How to make a {@linkcode Lab}. */
export interface LabOptions {
  /** How many paths there are between the hosts. @default {1} */
  readonly paths?: number;
  /** How much a path carries each way, in Mbit/s. @default {no limit} */
  readonly rate?: number;
  /**
   * How long a path takes each way beside that, in milliseconds, 0 to 10000.
   * It needs `sch_netem`, which few kernels lack. @default {0}
   */
  readonly delayMs?: number;
  /**
   * How many packets of 100 a path loses each way, 0 to 100. It needs
   * `sch_netem`, too. @default {0}
   */
  readonly lossPercent?: number;
}

/** How to connect the hosts of a {@linkcode Lab}. */
export interface ConnectOptions {
  /** Family of the client's socket. @default {4} */
  readonly family?: 4 | 6;
  /**
   * Whether the server is an IPv6 socket, whatever the client's family.
   * @default {false}
   */
  readonly dualStack?: boolean;
  /**
   * Whether the server speaks TCP only, so that the client falls back.
   * @default {false}
   */
  readonly tcpServer?: boolean;
  /** Whether the client speaks TCP only. @default {false} */
  readonly tcpClient?: boolean;
  /**
   * The address to connect to, which the server has beside those of the paths.
   * @default {its address on the path}
   */
  readonly serverAddress?: string;
  /** The path of the initial subflow. @default {1} */
  readonly path?: number;
  /** The server's port; 0 is any that is free. @default {0} */
  readonly port?: number;
  /** How long it may take, in milliseconds. @default {20000} */
  readonly timeoutMs?: number;
}

/**
 * Two hosts, a client and a server, and any number of paths between them:
 * network namespaces of the running kernel, joined by veth pairs. Nothing
 * outside of them changes, and {@linkcode Lab.close} removes them.
 *
 * It takes Linux with Multipath TCP, root (or `CAP_NET_ADMIN` and
 * `CAP_SYS_ADMIN`), `ip`, `ss` and `nstat` of iproute2, and `sysctl`. Deno has
 * to run with `--allow-all`: without it, it lets nobody read `/proc`.
 *
 * @example Try a path manager on a real connection
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { Lab, until } from "@mptcp/pm/testing";
 *
 * using lab = Lab.open({ paths: 2 });
 * using client = PathManager.open({ netns: lab.client.netns });
 * client.addAddr({ address: lab.client.address(2), flags: ["subflow"] });
 *
 * using connection = lab.connect();
 * await connection.transferAsync(1_000_000);
 * await until(() => lab.client.subflows().length === 2, "the second subflow");
 * ```
 *
 * @example A test that is skipped where there can be no lab
 * ```ts
 * import { Lab } from "@mptcp/pm/testing";
 *
 * const missing = Lab.missing();
 * Deno.test({
 *   name: "a path may go away",
 *   ignore: missing !== undefined,
 *   fn() {
 *     using lab = Lab.open({ paths: 2 });
 *     using connection = lab.connect();
 *     lab.cut(2);
 *     connection.transfer(1_000_000);
 *   },
 * });
 * ```
 */
export class Lab implements Disposable {
  /** The host that connects. */
  readonly client: Host;
  /** The host that listens. */
  readonly server: Host;
  readonly #connections = new Set<LabConnection>();
  readonly #lock: Lock;
  static #missing: string | undefined;

  private constructor() {
    const id = crypto.getRandomValues(new Uint8Array(4)).toHex();
    const name = `mptcp-${Deno.pid}-${id}`;
    this.client = new Host(`${name}-client`, "client");
    this.server = new Host(`${name}-server`, "server");
    let lock: Lock | undefined;
    while ((lock = tryLock(name)) === undefined);
    this.#lock = lock;
  }

  /**
   * Tells what a lab lacks here.
   *
   * Call it before the first test: where nothing is missing, it also opens the
   * C library, which Deno's sanitizer would take for a leak of the test that
   * does it.
   *
   * @returns A sentence such as `"making network namespaces needs root"`;
   * absent: there can be a lab.
   */
  static missing(): string | undefined {
    return whatIsMissing();
  }

  /**
   * Makes the hosts and the paths. Path `i`, counted from 1, joins
   * `client<i>` (10.77.i.1, fd77:i::1) and `server<i>` (10.77.i.2, fd77:i::2).
   * There are no routes between the paths.
   *
   * @param options How many paths, how wide, how long and how bad.
   * @throws {RangeError} `paths` is no whole number up to 255, `rate` not above
   * 0, `delayMs` or `lossPercent` out of its range.
   * @throws {Error} Something is missing here, see {@linkcode Lab.missing}, the
   * kernel cannot delay or lose packets, or a program fails.
   */
  static open(options: LabOptions = {}): Lab {
    const { paths = 1, rate, delayMs = 0, lossPercent = 0 } = options;
    if (!Number.isInteger(paths) || paths < 0 || paths > 255) {
      throw new ArgumentRangeError(
        `Invalid paths ${paths}: a whole number from 0 to 255 is needed`,
      );
    }
    if (rate !== undefined && !(rate > 0 && rate < Infinity)) {
      throw new ArgumentRangeError(
        `Invalid rate ${rate}: a number of Mbit/s above 0 is needed`,
      );
    }
    for (
      const [name, value, most] of [
        ["delayMs", delayMs, 10_000],
        ["lossPercent", lossPercent, 100],
      ] as const
    ) {
      if (value >= 0 && value <= most) continue;
      throw new ArgumentRangeError(
        `Invalid ${name} ${value}: a number from 0 to ${most} is needed`,
      );
    }
    // Asked once, and told again.
    const missing = Lab.#missing ??= Lab.missing() ?? "";
    if (missing !== "") throw new Error(`Cannot make a lab: ${missing}`);
    Lab.removeLeftovers();
    const lab = new Lab();
    try {
      lab.#make(Array.from({ length: paths }, (_, index) => 1 + index), {
        ...rate !== undefined && { rate },
        delayMs,
        lossPercent,
      });
      return lab;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  #make(
    paths: readonly number[],
    quality: Pick<LabOptions, "rate" | "delayMs" | "lossPercent">,
  ): void {
    const { client, server } = this;
    for (const host of [client, server]) {
      run("ip", "netns", "add", host.netns);
      // Link-local addresses too are to be ready at once, and a path that
      // was cut and restored is to have its addresses again.
      const conf = "net.ipv6.conf.default";
      host.exec(
        ...["sysctl", "-qw", `${conf}.accept_dad=0`],
        `${conf}.keep_addr_on_down=1`,
      );
    }
    // With equal indexes the kernel waits a second before it tells IPv6 that
    // a veth is up (`linkwatch_urgent_event()` in net/core/link_watch.c).
    const links = paths.map((path) => [
      ...["link", "add", client.dev(path), "index", `${10 + path}`],
      ...["type", "veth", "peer", "name", server.dev(path)],
      ...["index", `${20 + path}`, "netns", server.netns],
    ]);
    runIp(client.netns, [...links, ...addresses(client, paths)]);
    runIp(server.netns, addresses(server, paths));
    for (const host of [client, server]) {
      for (const path of paths) limit(host, path, quality);
    }
    this.#waitUntilUp(paths);
  }

  /** Until the kernel has noticed the carrier, it drops what is sent. */
  #waitUntilUp(paths: readonly number[]): void {
    for (const host of [this.client, this.server]) {
      const isUp = (path: number, up: readonly { readonly ifname: string }[]) =>
        up.some(({ ifname }) => ifname === host.dev(path));
      waitFor(() => {
        const links: { ifname: string; operstate: string }[] = JSON.parse(
          host.ip("-j", "link", "show"),
        );
        const up = links.filter(({ operstate }) => operstate === "UP");
        return paths.every((path) => isUp(path, up));
      }, `the devices of ${host.netns} to be up`);
    }
  }

  /**
   * Removes the namespaces of labs whose process was killed.
   * {@linkcode Lab.open} does it, too.
   */
  static removeLeftovers(): void {
    const names = [...namesIn("/run"), ...namesIn("/run/netns")]
      .flatMap((name) => name.match(NAME)?.[1] ?? []);
    for (const name of new Set(names)) {
      using lock = tryLock(name);
      // The process that made the lab keeps its lock, in any PID namespace.
      if (lock !== undefined) removeNetns(`${name}-client`, `${name}-server`);
    }
  }

  /**
   * Makes a connection between sockets of this process. It is not fully
   * established on the client until data was transferred.
   *
   * @param options Over which path and family, and to which port.
   * @throws {Error} It is not made in time.
   * @throws {SyscallError} A system call fails.
   */
  connect(options: ConnectOptions = {}): LabConnection {
    const {
      family = 4,
      dualStack = false,
      tcpServer = false,
      tcpClient = false,
      path = 1,
      port = 0,
      timeoutMs = TIMEOUT_MS,
    } = options;
    const address = (host: Host) =>
      family === 4 ? host.address(path) : host.address6(path);
    const { serverAddress = address(this.server) } = options;
    using sockets = new DisposableStack();
    const listener = sockets.use(MptcpSocket.listen(
      this.server.netns,
      { address: family === 6 || dualStack ? "::" : "0.0.0.0", port },
      tcpServer,
    ));
    const client = sockets.use(MptcpSocket.connect(
      this.client.netns,
      address(this.client),
      { address: serverAddress, port: listener.local.port },
      timeoutMs,
      tcpClient,
    ));
    const server = sockets.use(listener.accept(timeoutMs));
    const connection = new LabConnection(client, server, sockets.move());
    this.#connections.add(connection);
    return connection;
  }

  /**
   * Cuts a path: the client's device loses its carrier, and the server's is
   * down.
   *
   * @param path The path, counted from 1.
   */
  cut(path: number): void {
    this.server.ip("link", "set", this.server.dev(path), "down");
  }

  /**
   * Restores a path that was cut.
   *
   * @param path The path, counted from 1.
   */
  restore(path: number): void {
    this.server.ip("link", "set", this.server.dev(path), "up");
    this.#waitUntilUp([path]);
  }

  /** Closes all connections and removes the hosts. Again, it does nothing. */
  close(): void {
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    removeNetns(this.client.netns, this.server.netns);
    this.#lock[Symbol.dispose]();
  }

  /** Does the same at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** What gives a host its addresses. */
function addresses(host: Host, paths: readonly number[]): string[][] {
  return [
    ["link", "set", "lo", "up"],
    ...paths.flatMap((path) => {
      const dev = host.dev(path);
      return [
        ["address", "add", `${host.address(path)}/24`, "dev", dev],
        // Else a worker of the kernel has to make it usable first.
        ["address", "add", `${host.address6(path)}/64`, "dev", dev, "nodad"],
        ["link", "set", dev, "up"],
      ];
    }),
  ];
}

/** Makes a path worse than it is, for what a host sends. */
function limit(
  host: Host,
  path: number,
  { rate, delayMs = 0, lossPercent = 0 }: LabOptions,
): void {
  const add = (...qdisc: string[]) =>
    run(
      "tc",
      "-n",
      host.netns,
      "qdisc",
      "add",
      "dev",
      host.dev(path),
      ...qdisc,
    );
  let parent = ["root"];
  if (delayMs > 0 || lossPercent > 0) {
    const limits = ["delay", `${delayMs}ms`, "loss", `${lossPercent}%`];
    try {
      add(...parent, "handle", "1:", "netem", ...limits);
    } catch (error) {
      const isMissing = /unknown|No such file/.test((error as Error).message);
      if (!isMissing) throw error;
      throw new Error(
        "Cannot make a lab: this kernel cannot delay or lose packets, it has " +
          "no sch_netem",
        { cause: error },
      );
    }
    parent = ["parent", "1:1"];
  }
  if (rate === undefined) return;
  const limits = ["rate", `${rate}mbit`, "burst", "32k", "latency", "20ms"];
  add(...parent, "tbf", ...limits);
}

function removeNetns(...names: readonly string[]): void {
  for (const name of names) {
    if (exists(`/run/netns/${name}`)) run("ip", "netns", "delete", name);
  }
}

function namesIn(folder: string): string[] {
  if (!exists(folder)) return [];
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}

/** Says that a lab is alive, or that this process removes it. */
type Lock = Disposable;

/**
 * Locks a lab; `undefined`: another process has done so. The kernel unlocks it
 * when the process ends. A file, since a namespace that was mounted in another
 * mount namespace is an empty file in this one.
 */
function tryLock(name: string): Lock | undefined {
  const path = `/run/${name}.lock`;
  const file = Deno.openSync(path, { create: true, write: true });
  // Not one that was removed between the two.
  const isThere = () =>
    exists(path) && Deno.lstatSync(path).ino === file.statSync().ino;
  if (!file.tryLockSync(true) || !isThere()) {
    file.close();
    return undefined;
  }
  let isLocked = true;
  return {
    [Symbol.dispose]() {
      if (!isLocked) return;
      isLocked = false;
      Deno.removeSync(path);
      file.close();
    },
  };
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A connection of a {@linkcode Lab}; its ends are sockets of this process. */
export class LabConnection implements Disposable {
  /** The end that connected. */
  readonly client: MptcpSocket;
  /** The end that accepted. */
  readonly server: MptcpSocket;
  readonly #sockets: DisposableStack;

  /**
   * Joins two ends; {@linkcode Lab.connect} makes them.
   *
   * @param client The end that connected.
   * @param server The end that accepted.
   * @param sockets What to dispose of at the end.
   */
  constructor(
    client: MptcpSocket,
    server: MptcpSocket,
    sockets: DisposableStack,
  ) {
    this.client = client;
    this.server = server;
    this.#sockets = sockets;
  }

  /**
   * Sends bytes from the client, and takes them at the server. Nothing else
   * happens in this process meanwhile: for a path manager that reacts, take
   * {@linkcode LabConnection.transferAsync}.
   *
   * @param bytes How many.
   * @param timeoutMs How long it may take, in milliseconds. @default {20000}
   * @throws {Error} They do not arrive in time; the message says how many did.
   */
  transfer(bytes: number, timeoutMs?: number): void {
    for (const _ of this.transferring(bytes, timeoutMs));
  }

  /**
   * Does the same as {@linkcode LabConnection.transfer}, step by step.
   *
   * @param bytes How many.
   * @param timeoutMs How long it may take, in milliseconds. @default {20000}
   * @returns Tells after each step how many have arrived.
   * @throws {Error} They do not arrive in time; the message says how many did.
   */
  *transferring(
    bytes: number,
    timeoutMs: number = TIMEOUT_MS,
  ): Generator<number, void> {
    const { client, server } = this;
    const end = performance.now() + timeoutMs;
    for (const { sent, received, idle } of this.#steps(bytes)) {
      if (!idle) {
        yield received;
        continue;
      }
      waitForSockets(
        sent < bytes
          ? [[client, POLLOUT], [server, POLLIN]]
          : [[server, POLLIN]],
        end - performance.now(),
        transferOf(bytes, timeoutMs, received),
      );
    }
  }

  /**
   * Sends bytes from the client, and takes them at the server, while path
   * managers and all else of this process go on.
   *
   * @param bytes How many.
   * @param timeoutMs How long it may take, in milliseconds. @default {20000}
   * @throws {Error} They do not arrive in time; the message says how many did.
   */
  async transferAsync(
    bytes: number,
    timeoutMs: number = TIMEOUT_MS,
  ): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (const { received, idle } of this.#steps(bytes)) {
      if (performance.now() > end) {
        const action = transferOf(bytes, timeoutMs, received);
        throw new Error(`Cannot ${action}: the time is over`);
      }
      await pause(idle ? 1 : 0);
    }
  }

  /** Sends and takes what goes at once, again and again. */
  *#steps(
    bytes: number,
  ): Generator<{ sent: number; received: number; idle: boolean }, void> {
    let sent = 0;
    let received = 0;
    while (received < bytes) {
      const out = sent < bytes ? this.client.send(bytes - sent) : 0;
      const taken = this.server.receive();
      sent += out;
      received += taken;
      yield { sent, received, idle: out + taken === 0 };
    }
  }

  /** Closes both ends and the listening socket. Again, it does nothing. */
  close(): void {
    this.#sockets.dispose();
  }

  /** Does the same at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function transferOf(bytes: number, timeoutMs: number, received: number) {
  return `transfer ${bytes} bytes in ${timeoutMs} ms: ${received} arrived`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until a condition gives something, asking again every few
 * milliseconds, while path managers and all else of this process go on.
 *
 * @param condition What is waited for: anything but `false`, `undefined`.
 * @param what What it is, for the error.
 * @param timeoutMs How long to wait, in milliseconds. @default {20000}
 * @returns What the condition gives.
 * @throws {Error} It gives nothing in time.
 *
 * @example Wait for a subflow
 * ```ts
 * import { Lab, until } from "@mptcp/pm/testing";
 *
 * async function waitForSecond(lab: Lab): Promise<void> {
 *   await until(() => lab.client.subflows().length === 2, "the second subflow");
 * }
 * ```
 */
export async function until<T>(
  condition: () => T | undefined | false,
  what: string,
  timeoutMs: number = TIMEOUT_MS,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const result = condition();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > end) throw inVain(what, timeoutMs);
    await pause(2);
  }
}

/**
 * Does the same as {@linkcode until}, and blocks.
 *
 * @throws {Error} It gives nothing in time.
 */
export function waitFor<T>(
  condition: () => T | undefined | false,
  what: string,
  timeoutMs: number = TIMEOUT_MS,
): T {
  const end = performance.now() + timeoutMs;
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const result = condition();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > end) throw inVain(what, timeoutMs);
    Atomics.wait(never, 0, 0, 1);
  }
}

function inVain(what: string, timeoutMs: number): Error {
  return new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
}
