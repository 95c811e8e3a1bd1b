import { integer } from "../codec/arguments.ts";
import { listConnections } from "../diag/connections.ts";
import { Diag } from "../diag/diag.ts";
import type { NetworkChanges } from "../diag/network_changes.ts";
import { type Clock, systemClock } from "../netlink/clock.ts";
import type { Namespace } from "../netlink/transport.ts";
import type { EventStream } from "../ops/events.ts";
import type { PathManager } from "../ops/path_manager.ts";
import { Callbacks } from "./callbacks.ts";
import { Commands, type Decision } from "./commands.ts";
import { Interfaces, type LocalAddress } from "./interfaces.ts";
import { ManagedConnection, MAX_TIMEOUT } from "./managed_connection.ts";
import { AGAINST, joinManagers } from "./mode.ts";
import type { Policy } from "./policy.ts";
import { Retries, type RetryOptions } from "./retries.ts";
import { repeat, Timers } from "./timers.ts";
import { type TrackedSubflow, Tracker } from "./tracker.ts";

/** How often `tick` is called, in milliseconds. */
const TICK_MS = 1000;

/** How often it looks for connections that have ended without an event. */
const SWEEP_MS = 1000;
/** After how many of these each connection was looked at. */
const SWEEPS = 30;

/** How to run a {@linkcode Policy}. */
export interface ManageOptions {
  /** Ends it when it aborts. @default {none} */
  readonly signal?: AbortSignal;
  /**
   * Whether to set the path manager of new connections to `userspace`, and to
   * the former one at the end, unless another manager is there then. Where it is
   * `userspace` already, as after a manager that was killed, it is set to
   * `kernel` at the end, unless a file of sysctl.d(5) sets it. Ctrl-C ends a
   * program without that, unless it listens to the signal, and aborts `signal`.
   * @default {false}
   */
  readonly setMode?: boolean;
  /** Which connections to manage. @default {all} */
  readonly match?: (connection: ManagedConnection) => boolean;
  /**
   * Which addresses of this host {@linkcode ManagedConnection.addresses} has, of
   * those that can be used. @default {all}
   */
  readonly interfaces?: (address: LocalAddress) => boolean;
  /**
   * Whether to open subflows again that were opened here and failed, and when.
   * @default {false}
   */
  readonly retry?: boolean | RetryOptions;
  /**
   * How often {@linkcode Policy.tick} is called, in milliseconds: 1 to
   * 2147483647. @default {1000}
   */
  readonly tickMs?: number;
  /**
   * Whether to close the subflows that it has opened when it ends, and to take
   * back what it has announced. @default {false}
   */
  readonly clean?: boolean;
  /** Takes what the policy decides. @default {nothing does} */
  readonly onDecision?: (decision: Decision) => void;
  /**
   * Takes what hinders it, such as that new connections are the in-kernel path
   * manager's. @default {`console.warn`}
   */
  readonly onWarning?: (message: string) => void;
  /** Takes what callbacks throw. @default {`console.error`} */
  readonly onError?: (error: unknown) => void;
}

/** A policy that runs. {@linkcode manage} starts one. */
export interface Manager extends Disposable {
  /** The connections by their tokens, those that `match` leaves out too. */
  readonly connections: ReadonlyMap<number, ManagedConnection>;
  /** Settles when it has ended; rejects if it cannot go on. */
  readonly finished: Promise<void>;
  /**
   * Ends it; callbacks that wait for something go on. Doing it again does
   * nothing.
   */
  stop(): void;
  /** Ends it at the end of a `using` block. */
  [Symbol.dispose](): void;
}

/**
 * Runs a path manager for the connections of a namespace, until it is stopped.
 * It takes over those that are there, with their subflows.
 *
 * Needs `CAP_NET_ADMIN`; Linux 5.19. Only connections that are made while the
 * path manager is `userspace` can be managed: see `setMode`. While it runs, they
 * accept subflows and announcements of the peer.
 *
 * @param pm The namespace, and what does the commands.
 * @param policy What to do.
 * @param options How.
 * @throws {RangeError} A time is out of its range.
 * @throws {SyscallError} `EPERM`; with `setMode` also `EACCES`.
 * @throws {NetlinkError} `ENOENT`: the kernel cannot list MPTCP sockets.
 * @throws {UnsupportedError} The kernel is too old.
 *
 * @example A subflow over each interface, in ten lines
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using manager = manage(pm, {
 *   established(connection) {
 *     for (const { address } of connection.addresses) {
 *       connection.open({ from: address });
 *     }
 *   },
 * }, { setMode: true });
 * await manager.finished;
 * ```
 */
export function manage(
  pm: PathManager,
  policy: Policy,
  options: ManageOptions = {},
): Manager {
  return new RunningManager(pm, policy, options);
}

class RunningManager implements Manager {
  readonly #options: ManageOptions;
  readonly #clock: Clock;
  readonly #callbacks: Callbacks;
  readonly #tracker: Tracker<ManagedConnection>;
  readonly #commands: Commands;
  readonly #namespace: Namespace;
  readonly #diag: Diag;
  readonly #interfaces: Interfaces;
  readonly #events: EventStream;
  readonly #changes: NetworkChanges;
  readonly #warned = new Set<string>();
  /** What is to be undone at the end. */
  readonly #stack: DisposableStack;
  /** The connections that are still to be looked at in this round. */
  #unswept: Iterator<number> = [].values();
  /** Rejects with what a timer throws. */
  readonly #failure = Promise.withResolvers<never>();
  #isStarted = false;
  /** The subflows that were being opened when it started. */
  readonly #early = new WeakSet<TrackedSubflow>();
  readonly finished: Promise<void>;

  constructor(pm: PathManager, policy: Policy, options: ManageOptions) {
    const { signal, setMode = false, interfaces = () => true } = options;
    const { retry = false, tickMs = TICK_MS, match = () => true } = options;
    integer("tickMs", tickMs, 1, MAX_TIMEOUT);
    this.#options = options;
    using stack = new DisposableStack();
    this.#namespace = pm.namespace;
    this.#diag = stack.use(Diag.open({ namespace: pm.namespace }));
    this.#interfaces = new Interfaces(this.#diag, interfaces);
    const { onError = console.error } = options;
    const report = (error: unknown) => {
      try {
        onError(error);
      } catch (thrown) {
        this.#failure.reject(thrown);
      }
    };
    const callbacks = this.#callbacks = new Callbacks(policy, match, report);
    const clock = this.#clock = pm.namespace.clock ?? systemClock;
    const timers = stack.use(
      new Timers(clock, (one, action) => callbacks.call(one, action)),
    );
    const retries = retry === false ? undefined : new Retries(
      retry === true ? {} : retry,
      (one, subflow) => this.#commands.isOffered(one, subflow),
    );
    this.#tracker = new Tracker<ManagedConnection>(
      {
        established: (one) => callbacks.due(one, "established"),
        announced: (one, address) => {
          this.#commands.toAnswer(one);
          callbacks.due(one, "announced", address);
        },
        removed: (one, address) => callbacks.due(one, "removed", address),
        subflowOpened: (one, subflow) => {
          this.#opened(subflow);
          callbacks.due(one, "subflowOpened", subflow);
        },
        subflowClosed: (one, subflow) => {
          retries?.closed(one, subflow, this.#commands.mostOf(one));
          callbacks.due(one, "subflowClosed", subflow);
        },
        priority: (one, subflow) => callbacks.due(one, "priority", subflow),
        closed(one) {
          timers.closed(one);
          if (one.established) callbacks.due(one, "closed");
        },
      },
      (event) => new ManagedConnection(event, this.#commands),
      () => clock.now(),
    );
    this.#commands = new Commands({
      ...{ pm, diag: this.#diag, interfaces: this.#interfaces },
      ...{ tracker: this.#tracker, timers },
      later: (ms, action) => clock.after(ms, () => this.#guard(action)),
      lookAtNetwork: () => this.#look(),
      log: (decision) => options.onDecision?.(decision),
      warn: (message) => this.#warn(message),
    });
    stack.use(this.#commands);
    stack.use(callbacks);
    const warn = (message: string) => this.#warn(message);
    // Before the events, so that the mode goes back once nobody here listens.
    stack.use(joinManagers(pm, this.#diag, setMode, warn));
    // Joined before the look: nothing is lost between the two.
    this.#events = stack.use(pm.events({ signal }));
    this.#changes = stack.use(this.#diag.networkChanges({ signal }));
    this.#interfaces.update();
    this.#resync();
    for (const { subflows } of this.connections.values()) {
      for (const subflow of subflows) {
        if (subflow.state === "opening") this.#early.add(subflow);
      }
    }
    const every = (ms: number, action: () => void) =>
      stack.use(repeat(clock, ms, () => this.#guard(action)));
    every(SWEEP_MS, () => this.#sweep());
    if (policy.tick !== undefined) every(tickMs, () => this.#tick());
    stack.defer(() => this.#commands.tellAll());
    if (options.clean) stack.defer(() => this.#clean());
    this.#isStarted = true;
    this.#stack = stack.move();
    this.finished = this.#run();
  }

  get connections(): ReadonlyMap<number, ManagedConnection> {
    return this.#tracker.connections;
  }

  async #run(): Promise<void> {
    try {
      await Promise.race([
        Promise.all([this.#follow(), this.#followNetwork()]),
        this.#failure.promise,
      ]);
    } finally {
      this.stop();
    }
  }

  /** Does something outside of what is waited for. */
  #guard(action: () => void): void {
    if (this.#stack.disposed) return;
    try {
      action();
    } catch (error) {
      this.#failure.reject(error);
    }
  }

  async #follow(): Promise<void> {
    for await (const event of this.#events) {
      this.#tracker.take(event);
      if (event.type === "overrun") this.#resync();
      // Sooner than the next wait is set up.
      this.#callbacks.run();
    }
    this.stop();
  }

  /** Looks at all connections: in one go, since all of them are kept. */
  #resync(): void {
    this.#tracker.resync(listConnections(this.#namespace, Infinity));
  }

  async #followNetwork(): Promise<void> {
    let timer: Disposable | undefined;
    for await (const change of this.#changes) {
      if (change === "route" || change === "rule" || timer) continue;
      // What changes together is looked at once.
      timer = this.#clock.after(0, () => {
        timer = undefined;
        this.#guard(() => this.#look());
      });
    }
    timer?.[Symbol.dispose]();
    this.stop();
  }

  /** Looks at links and addresses. */
  #look(): void {
    const { up, down } = this.#interfaces.update();
    const due = (
      name: keyof Policy & string,
      addresses: readonly LocalAddress[],
    ) => {
      for (const address of addresses) {
        for (const connection of this.connections.values()) {
          if (!connection.established) continue;
          this.#callbacks.due(connection, name, address);
        }
      }
    };
    due("interfaceDown", down);
    due("interfaceUp", up);
  }

  #tick(): void {
    for (const connection of this.connections.values()) {
      // The last one may not be done yet.
      if (this.#callbacks.isBusy(connection)) continue;
      if (connection.established) this.#callbacks.due(connection, "tick");
    }
  }

  /** Finds connections that have ended without an event. */
  #sweep(): void {
    const { connections } = this;
    for (let count = Math.ceil(connections.size / SWEEPS); count > 0; count--) {
      const { value: token, done } = this.#unswept.next();
      if (done) {
        this.#unswept = connections.keys();
        break;
      }
      if (this.#commands.find(token) === undefined) this.#tracker.forget(token);
    }
  }

  #opened(subflow: TrackedSubflow): void {
    this.#commands.learn(subflow);
    if (!this.#isStarted || !subflow.openedHere) return;
    if (this.#early.has(subflow)) return;
    if (!this.#commands.hasOpened(subflow)) this.#warn(OTHER_MANAGER);
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    const { onWarning = console.warn } = this.#options;
    onWarning(message);
  }

  /** Closes and takes back what was opened and announced. */
  #clean(): void {
    const reason = "the manager ends";
    for (const connection of this.connections.values()) {
      for (const subflow of connection.subflows) {
        if (!this.#commands.hasOpened(subflow)) continue;
        // The connection would end with its last one.
        const isLast = connection.subflows.every((other) =>
          other === subflow || other.state !== "established"
        );
        if (!isLast) connection.close(subflow, { reason });
      }
      for (const { address } of connection.announcements) {
        connection.withdraw(address, { reason });
      }
    }
  }

  stop(): void {
    this.#callbacks.stop();
    this.#stack.dispose();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

const OTHER_MANAGER =
  `Another program opens subflows of the same connections: ${AGAINST}`;
