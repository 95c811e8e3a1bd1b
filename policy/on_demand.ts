import { ArgumentRangeError } from "../codec/argument_error.ts";
import type { SubflowReading } from "../diag/connection.ts";
import { isAt, type LocalAddress, plainAddress } from "./interfaces.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";
import { isSpareAddress, type SpareOptions, sparePath } from "./spare.ts";
import type { TrackedSubflow } from "./tracker.ts";
import { checkTrouble, type TroubleOptions } from "./trouble.ts";
import { type OnLook, SubflowWatch } from "./watch.ts";
import { WaysBack } from "./way_back.ts";

/** What is the spare, and when it is used. */
export interface OnDemandOptions extends TroubleOptions, SpareOptions {
  /**
   * Milliseconds that the path has to work again before the spare is closed, 1
   * to 300000: without a retransmission timeout, as far as Linux tells, since
   * 6.7, and with acks of what was sent. Twice as long for each switch in the
   * last five minutes.
   * @default {10000}
   */
  readonly healthMs?: number;
}

/** A switch that long ago counts no more, and no wait is longer. */
const MOST_MS = 300_000;
/** A spare that could not be opened is tried again after that. */
const AGAIN_MS = 1000;
/** It takes twice as long after each failure, up to this. */
const MOST_AGAIN_MS = 60_000;

/** What is known of a connection. */
interface State {
  /** The addresses of this host that the spare has had. */
  readonly spares: Set<string>;
  /** The subflows that are to be closed when the spare is there. */
  readonly bad: Set<TrackedSubflow>;
  /** When it was switched to the spare. */
  switches: number[];
  /** When the spare was asked for last. */
  asked: number;
  /** Waits until the path has worked for long enough. */
  timer?: Disposable;
}

/**
 * A spare subflow that is not there until it is needed, for a link that costs
 * money. If the path in use is in trouble (no ack although the peer would take
 * data, its link or address gone, closed), the spare is opened, and when it is
 * established, the bad subflow is closed, so that the spare carries all at once.
 * The path is tried after 5 s, then less and less often. It carries all then, and
 * the spare is a backup; when it has worked for `healthMs`, the spare is closed.
 * Only connections that this host opened are
 * managed.
 *
 * @param options What is the spare.
 * @throws {RangeError} A number is out of its range.
 *
 * @example A mobile link only when it is needed
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage, onDemand } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * const policy = onDemand({ spare: ({ dev }) => dev === "wwan0" });
 * using manager = manage(pm, policy, { setMode: true });
 * await manager.finished;
 * ```
 */
export function onDemand(options: OnDemandOptions = {}): Policy {
  const { healthMs = 10_000 } = options;
  if (!(healthMs >= 1 && healthMs <= MOST_MS)) {
    throw new ArgumentRangeError(
      `Invalid healthMs ${healthMs}: a number from 1 to ${MOST_MS} is needed`,
    );
  }
  checkTrouble(options);
  return new OnDemand(options, healthMs);
}

class OnDemand implements Policy, Disposable {
  readonly #options: OnDemandOptions;
  readonly #healthMs: number;
  readonly #states = new WeakMap<ManagedConnection, State>();
  readonly #ways = new WaysBack((connection, address) =>
    !this.#isSpareAt(connection, address)
  );
  readonly #watch: SubflowWatch;

  constructor(options: OnDemandOptions, healthMs: number) {
    this.#options = options;
    this.#healthMs = healthMs;
    const { cautious = false, rtoMs } = options;
    const isStrict = !cautious && rtoMs === undefined;
    const look: OnLook = (connection, subflow, reason, timedOut) => {
      if (reason !== undefined) this.#trouble(connection, subflow, reason);
      else if (timedOut && isStrict && this.#spareOf(connection)) {
        // It was over before anyone looked: the path does not work yet.
        this.#trouble(connection, subflow, "no ack in time");
      } else this.#state(connection).bad.delete(subflow);
    };
    this.#watch = new SubflowWatch(options, look);
  }

  established(connection: ManagedConnection): void {
    if (connection.serverSide) return;
    for (const subflow of connection.subflows) {
      this.#watchPath(connection, subflow);
    }
    // As a former manager has left it.
    this.#ways.began(connection);
    if (this.#hasPath(connection)) return this.#startHealth(connection);
    this.#openSpare(connection, "no other path works");
  }

  subflowOpened(connection: ManagedConnection, subflow: TrackedSubflow): void {
    if (connection.serverSide) return;
    if (this.#isSpare(connection, subflow)) {
      return this.#spareOpened(connection);
    }
    this.#ways.opened(connection, subflow);
    this.#watchPath(connection, subflow);
    this.#startHealth(connection);
  }

  subflowClosed(connection: ManagedConnection, subflow: TrackedSubflow): void {
    if (connection.serverSide) return;
    const state = this.#state(connection);
    if (this.#isSpare(connection, subflow)) {
      if (subflow.error === undefined || this.#hasPath(connection)) return;
      // It was not there yet, or is needed still.
      state.timer?.[Symbol.dispose]();
      const ms = Math.min(
        MOST_AGAIN_MS,
        AGAIN_MS * 2 ** Math.max(0, subflow.failures - 1),
      );
      state.timer = connection.after(ms, () => {
        if (this.#hasPath(connection)) return;
        this.#openSpare(connection, `${subflow.error?.code}, once more`);
      });
      return;
    }
    state.bad.delete(subflow);
    this.#ways.lost(connection, subflow);
    const { error } = subflow;
    const reason = error === undefined ? "closed" : `closed, ${error.code}`;
    if (!this.#hasPath(connection)) this.#openSpare(connection, reason);
  }

  interfaceUp(connection: ManagedConnection, address: LocalAddress): void {
    this.#ways.up(connection, address);
    this.#need(connection, `${address.dev} is up`);
  }

  announced(connection: ManagedConnection): void {
    this.#need(connection, "announced");
  }

  /** Opens the spare if it is needed. */
  #need(connection: ManagedConnection, reason: string): void {
    if (connection.serverSide || this.#hasPath(connection)) return;
    this.#openSpare(connection, reason);
  }

  interfaceDown(connection: ManagedConnection, address: LocalAddress): void {
    for (const subflow of connection.subflows) {
      if (connection.serverSide || !isAt(subflow.local, address.address)) {
        continue;
      }
      this.#trouble(connection, subflow, `${address.dev} is down`);
    }
  }

  /** Looks at a path, unless it is the spare. */
  #watchPath(connection: ManagedConnection, subflow: TrackedSubflow): void {
    if (this.#isSpare(connection, subflow)) return;
    this.#watch.add(connection, subflow);
  }

  #state(connection: ManagedConnection): State {
    const state = this.#states.get(connection) ??
      { spares: new Set(), bad: new Set(), switches: [], asked: -Infinity };
    this.#states.set(connection, state);
    return state;
  }

  /** The initial subflow is never the spare: it was there before. */
  #isSpare(
    connection: ManagedConnection,
    { local: { address }, dev, ifIndex, initial }: TrackedSubflow,
  ): boolean {
    return !initial && this.#isSpareAt(connection, address, dev, ifIndex);
  }

  #isSpareAt(
    connection: ManagedConnection,
    address: string,
    dev = "",
    ifIndex = 0,
  ): boolean {
    if (isAt(connection.local, address)) return false;
    // Its device may have another name by now, or none.
    if (this.#state(connection).spares.has(plainAddress(address))) return true;
    const known = connection.addresses.find((one) =>
      isAt({ address, port: 0 }, one.address)
    );
    return isSpareAddress(
      connection,
      known ?? { address, dev, ifIndex },
      this.#options,
    );
  }

  /** The peer may have opened one, too. */
  #spares(connection: ManagedConnection): TrackedSubflow[] {
    return connection.subflows.filter((subflow) =>
      subflow.isOpen && this.#isSpare(connection, subflow)
    );
  }

  #spareOf(connection: ManagedConnection): TrackedSubflow | undefined {
    return this.#spares(connection)[0];
  }

  /** The paths that work besides the spare, as far as is known. */
  #paths(connection: ManagedConnection): TrackedSubflow[] {
    const { bad } = this.#state(connection);
    return connection.subflows.filter((subflow) =>
      subflow.state === "established" && !bad.has(subflow) &&
      !this.#isSpare(connection, subflow)
    );
  }

  #hasPath(connection: ManagedConnection): boolean {
    return this.#paths(connection).length > 0;
  }

  #trouble(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    reason: string,
  ): void {
    if (subflow.state !== "established") return;
    // What was a path may be the spare by now: its device got another name.
    if (this.#isSpare(connection, subflow)) return;
    const state = this.#state(connection);
    state.bad.add(subflow);
    state.timer?.[Symbol.dispose]();
    if (this.#hasPath(connection)) return this.#leave(connection, reason);
    const spare = this.#spareOf(connection);
    if (spare?.state === "established") this.#leave(connection, reason);
    else if (spare === undefined) this.#openSpare(connection, reason);
  }

  #openSpare(connection: ManagedConnection, reason: string): void {
    const state = this.#state(connection);
    const now = connection.clock.now();
    if (this.#spareOf(connection) || now - state.asked < AGAIN_MS) return;
    const path = sparePath(connection, this.#options);
    if (path === undefined) return;
    state.asked = now;
    state.spares.add(path.from);
    connection.open({ ...path, reason });
  }

  #spareOpened(connection: ManagedConnection): void {
    const state = this.#state(connection);
    const now = connection.clock.now();
    state.switches = [
      ...state.switches.filter((time) => now - time < MOST_MS),
      now,
    ];
    state.asked = -Infinity;
    this.#leave(connection, "the spare is there");
    if (this.#hasPath(connection)) this.#startHealth(connection);
  }

  /** Leaves the paths in trouble. */
  #leave(connection: ManagedConnection, reason: string): void {
    const { bad } = this.#state(connection);
    for (const subflow of bad) {
      if (this.#isSpare(connection, subflow)) continue;
      connection.close(subflow, { tell: true, reason });
      this.#ways.lost(connection, subflow);
    }
    bad.clear();
  }

  /** Closes the spare when a path has worked for long enough. */
  #startHealth(connection: ManagedConnection): void {
    const state = this.#state(connection);
    state.timer?.[Symbol.dispose]();
    if (!this.#spareOf(connection) || !this.#hasPath(connection)) return;
    // A path that carries nothing shows nothing.
    for (const spare of this.#spares(connection)) {
      if (spare.backup) continue;
      connection.setBackup(spare, true, { reason: "the path is there again" });
    }
    const doublings = Math.max(0, state.switches.length - 1);
    const ms = Math.min(MOST_MS, this.#healthMs * 2 ** doublings);
    const before = new Map(
      this.#paths(connection).map((path) => [path, connection.read(path)]),
    );
    state.timer = connection.after(ms, () => {
      const paths = this.#paths(connection);
      if (paths.length === 0) return;
      const isWell = (path: TrackedSubflow) =>
        hasWorked(before.get(path), connection.read(path));
      if (!paths.some(isWell)) return this.#startHealth(connection);
      const reason = `the path has worked for ${ms / 1000} s`;
      for (const spare of this.#spares(connection)) {
        connection.close(spare, { tell: true, reason });
      }
    });
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

/** Whether nothing has been wrong with a subflow between two readings. */
function hasWorked(
  before: SubflowReading | undefined,
  now: SubflowReading | undefined,
): boolean {
  // Of many subflows not each timeout is seen, and some may pass.
  if ((now?.timeouts ?? 0) !== (before?.timeouts ?? 0)) return false;
  // The first timeout may take a second, until which nothing comes back.
  return !now?.sendQueue || now.bytesAcked !== before?.bytesAcked;
}
