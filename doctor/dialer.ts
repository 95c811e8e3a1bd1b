/**
 * Makes single connections, and says what became of each.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import type { Connection, Subflow } from "../diag/connection.ts";
import { counterDoc } from "../diag/counter_docs.ts";
import { counterChanges, type Counters } from "../diag/counters.ts";
import type { Diag } from "../diag/diag.ts";
import { SyscallError } from "../netlink/errors.ts";
import type { Namespace, SocketAddress, Stream } from "../netlink/transport.ts";
import { plain } from "./facts.ts";
import type { Attempt } from "./snapshot.ts";
import { inTime } from "./time.ts";
import type { Way } from "./ways.ts";

/** How long an answer to SYNs with MPTCP is waited for: there are two or three. */
const MPTCP_MS = 2500;
/** How long one to SYNs without it is, where there was none. */
const TCP_MS = 1500;

/** The network says so, and may say something else without MPTCP. */
const OF_NETWORK: ReadonlySet<string | undefined> = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH"],
]);

/** What connections are made with. */
interface World {
  readonly namespace: Namespace;
  readonly diag: Diag;
  /** How many SYNs with MPTCP are sent again before one without it. */
  readonly synRetransBeforeTcpFallback?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that was tried. */
export interface Dialled {
  readonly attempt: Attempt;
  /** Absent: it did not get through with an MPTCP socket. */
  readonly stream?: Stream;
}

/** What connecting came to. */
interface Tried {
  /** Milliseconds that it took. */
  readonly ms: number;
  readonly local?: string;
  readonly stream?: Stream;
  readonly code?: string;
}

/** Makes connections, and closes all of them in the end. */
export class Dialer implements Disposable {
  readonly #world: World;
  readonly #opened = new DisposableStack();

  constructor(world: World) {
    this.#world = world;
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#opened.dispose();
  }

  /**
   * Connects on several ways at the same time.
   *
   * @param to Where.
   * @param ways What the connections are bound to.
   * @param leftMs How long it may take, in milliseconds.
   */
  async dial(
    to: SocketAddress,
    ways: readonly Way[],
    leftMs: number,
  ): Promise<Dialled[]> {
    const before = this.#counters();
    const mptcpMs = Math.min(this.#mptcpMs, leftMs);
    const tried = await this.#connect(to, ways, true, mptcpMs);
    // One that is alone has caused them.
    const counters = ways.length === 1 && moved(before, this.#counters());
    const silent = ways.filter((_, at) => OF_NETWORK.has(tried[at]!.code));
    const tcpMs = Math.min(TCP_MS, leftMs - mptcpMs);
    const others = await this.#connect(to, silent, false, tcpMs);
    return ways.map((way, at) => {
      const { stream, ms, ...rest } = tried[at]!;
      const found = stream && this.find(stream, to);
      const other = others[silent.indexOf(way)]?.stream;
      const outcome = stream !== undefined
        ? found?.fallback === false ? "mptcp" : "tcp"
        : other !== undefined
        ? "blackhole"
        : "failed";
      const { rttUs = 1000 * ms } = found?.subflows[0] ??
        (stream && this.#withoutMptcp(stream, to)) ?? {};
      const attempt = {
        ...{ address: to.address, ...way, ...rest, outcome } as const,
        ms: Math.round(rttUs / 10) / 100,
        ...counters && { counters },
      };
      return { attempt, ...stream !== undefined && { stream } };
    });
  }

  /** The connection of a socket; absent: the kernel has no more than TCP. */
  find(stream: Stream, to: SocketAddress): Connection | undefined {
    return this.#world.diag.connections().find(isOf(stream, to));
  }

  /** The TCP socket of one for which the kernel did not even try MPTCP. */
  #withoutMptcp(stream: Stream, to: SocketAddress): Subflow | undefined {
    return this.#world.diag.withoutMptcp().find(isOf(stream, to));
  }

  /**
   * Until shortly before the kernel would send a SYN without MPTCP. If that is
   * answered, no program of this host gets MPTCP for an hour
   * (`mptcp_active_disable()` in `net/mptcp/ctrl.c`).
   */
  get #mptcpMs(): number {
    const { synRetransBeforeTcpFallback = 2 } = this.#world;
    return Math.min(MPTCP_MS, 1000 * synRetransBeforeTcpFallback + 700);
  }

  #connect(
    to: SocketAddress,
    ways: readonly Way[],
    isMptcp: boolean,
    ms: number,
  ): Promise<Tried[]> {
    return Promise.all(ways.map((way) => this.#tryWay(to, way, isMptcp, ms)));
  }

  async #tryWay(
    to: SocketAddress,
    { source, dev }: Way,
    isMptcp: boolean,
    timeoutMs: number,
  ): Promise<Tried> {
    const { namespace, signal } = this.#world;
    let local: string | undefined;
    let start = performance.now();
    const tried = (end: Pick<Tried, "stream" | "code">): Tried => ({
      ms: performance.now() - start,
      ...local !== undefined && { local },
      ...end,
    });
    let stream: Stream | undefined;
    try {
      stream = this.#opened.use(namespace.stream(to.address, isMptcp));
      start = performance.now();
      stream.connect(to, {
        ...source !== undefined && { source },
        ...dev !== undefined && { dev },
      });
      local = stream.local.address;
      const wait = stream.connected().then(() => true);
      if (await inTime(wait, timeoutMs, signal)) return tried({ stream });
      stream.close();
      return tried({ code: "ETIMEDOUT" });
    } catch (error) {
      stream?.close();
      if (!(error instanceof SyscallError)) throw error;
      return tried({ code: error.code });
    }
  }

  #counters(): Counters {
    try {
      return this.#world.diag.counters();
    } catch (error) {
      if (error instanceof MptcpError) return {};
      throw error;
    }
  }
}

/** Whether something has the ends of a socket. */
function isOf({ local: own }: Stream, to: SocketAddress) {
  const isSame = (one: SocketAddress, other: SocketAddress) =>
    one.port === other.port && plain(one.address) === plain(other.address);
  return ({ local, remote }: Pick<Connection, "local" | "remote">) =>
    isSame(local, own) && isSame(remote, to);
}

function moved(before: Counters, after: Counters): Counters {
  const changes = Object.entries(counterChanges(before, after));
  return Object.fromEntries(
    changes.filter(([name, value]) => value !== 0 && !counterDoc(name).isGauge),
  );
}
