import { Diag } from "../diag/diag.ts";
import type { EventStream } from "../ops/events.ts";
import type { PathManager } from "../ops/path_manager.ts";
import { Commands, type Decision } from "./commands.ts";
import { Interfaces, type LocalAddress } from "./interfaces.ts";
import { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";
import { Retries, type RetryOptions } from "./retries.ts";
import { Tracker } from "./tracker.ts";

/** How often `tick` is called, in milliseconds. */
const TICK_MS = 1000;

/** How to run a {@linkcode Policy}. */
export interface ManageOptions {
  /** Ends it when it aborts. @default {none} */
  readonly signal?: AbortSignal;
  /**
   * Whether to set the path manager of new connections to `userspace`, and to
   * the former one at the end. @default {false}
   */
  readonly setMode?: boolean;
  /**
   * Which connections to manage. @default {all}
   */
  readonly match?: (connection: ManagedConnection) => boolean;
  /**
   * Which addresses of this host to use. @default {those of links that carry
   * packets}
   */
  readonly interfaces?: (address: LocalAddress) => boolean;
  /**
   * Whether to open subflows again that were opened here and failed, and when.
   * @default {false}
   */
  readonly retry?: boolean | RetryOptions;
  /** How often {@linkcode Policy.tick} is called, in milliseconds. @default {1000} */
  readonly tickMs?: number;
  /** Takes what the policy decides. @default {nothing does} */
  readonly onDecision?: (decision: Decision) => void;
  /**
   * Takes what goes wrong, such as what a callback throws.
   * @default {`console.error`}
   */
  readonly onError?: (error: unknown) => void;
}

/** A policy that runs. {@linkcode manage} starts one. */
export interface Manager extends Disposable {
  /** The connections by their tokens, those that `match` leaves out too. */
  readonly connections: ReadonlyMap<number, ManagedConnection>;
  /** Settles when it has ended; rejects if it cannot go on. */
  readonly finished: Promise<void>;
  /** Ends it. Subflows and announcements stay. Doing it again does nothing. */
  stop(): void;
}

/**
 * Runs a path manager for the connections of a namespace, those from before
 * included, until it is stopped.
 *
 * Needs `CAP_NET_ADMIN`; Linux 5.19. Only connections that are made while the
 * path manager is `userspace` can be managed: see `setMode`.
 *
 * @param pm The namespace, and what does the commands.
 * @param policy What to do.
 * @param options How.
 * @throws {SyscallError} `EPERM`.
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

/** A call of a callback that is due. */
interface Call {
  readonly connection: ManagedConnection;
  readonly name: keyof Policy;
  readonly run: () => unknown;
}

class RunningManager implements Manager {
  readonly #pm: PathManager;
  readonly #policy: Policy;
  readonly #options: ManageOptions;
  readonly #tracker: Tracker<ManagedConnection>;
  readonly #diag: Diag;
  readonly #interfaces: Interfaces;
  readonly #events: EventStream;
  readonly #stack = new DisposableStack();
  readonly finished: Promise<void>;
  /** What is due; and what waits for a callback of the same connection. */
  #calls: Call[] = [];
  readonly #busy = new Map<ManagedConnection, Call[]>();
  #isCalling = false;

  constructor(pm: PathManager, policy: Policy, options: ManageOptions) {
    const { signal, setMode = false, interfaces = () => true } = options;
    const { retry = false, tickMs = TICK_MS } = options;
    this.#pm = pm;
    this.#policy = policy;
    this.#options = options;
    using stack = new DisposableStack();
    this.#diag = stack.use(Diag.open({ namespace: pm.namespace }));
    this.#interfaces = new Interfaces(this.#diag, interfaces);
    const retries = stack.use(
      new Retries(retry === true ? {} : retry || undefined),
    );
    const post = this.#post.bind(this);
    this.#tracker = new Tracker<ManagedConnection>({
      established: (one) => post(one, "established"),
      announced: (one, address) => post(one, "announced", address),
      removed: (one, address) => post(one, "removed", address),
      subflowOpened(one, subflow) {
        commands.learn(subflow);
        post(one, "subflowOpened", subflow);
      },
      subflowClosed(one, subflow) {
        post(one, "subflowClosed", subflow);
        retries.closed(one, subflow);
      },
      priority: (one, subflow) => post(one, "priority", subflow),
      closed: (one) => post(one, "closed"),
    }, (event) => new ManagedConnection(event, commands));
    const commands = new Commands({
      ...{ pm, diag: this.#diag, interfaces: this.#interfaces },
      tracker: this.#tracker,
      log: (decision) => options.onDecision?.(decision),
    });
    // Joined before the look: nothing is lost between the two.
    this.#events = stack.use(pm.events({ signal }));
    if (setMode) stack.use(pm.setMode("userspace"));
    this.#interfaces.update();
    this.#tracker.resync(this.#diag.connections());
    if (policy.tick !== undefined) {
      const timer = setInterval(() => this.#tick(), tickMs);
      stack.defer(() => clearInterval(timer));
    }
    this.#stack = stack.move();
    this.finished = this.#run();
  }

  get connections(): ReadonlyMap<number, ManagedConnection> {
    return this.#tracker.connections;
  }

  async #run(): Promise<void> {
    try {
      // Who started it gets to know it first.
      await undefined;
      this.#call();
      for await (const event of this.#events) {
        this.#tracker.take(event);
        if (event.type === "overrun") {
          this.#tracker.resync(this.#diag.connections());
        }
        this.#call();
      }
    } finally {
      this.stop();
    }
  }

  #tick(): void {
    for (const connection of this.connections.values()) {
      // The last one may not be done yet.
      if (this.#busy.has(connection) || !connection.established) continue;
      this.#post(connection, "tick");
    }
    this.#call();
  }

  /** A callback is due, unless there is none. */
  #post(
    connection: ManagedConnection,
    name: keyof Policy,
    ...rest: unknown[]
  ): void {
    const { match = () => true } = this.#options;
    const callback = this.#policy[name] as
      | ((connection: ManagedConnection, ...rest: unknown[]) => unknown)
      | undefined;
    if (callback === undefined || !match(connection)) return;
    const run = () => callback.call(this.#policy, connection, ...rest);
    this.#calls.push({ connection, name, run });
  }

  /** Calls what is due, and what that makes due. */
  #call(): void {
    if (this.#isCalling) return;
    this.#isCalling = true;
    for (let index = 0; index < this.#calls.length; index++) {
      const call = this.#calls[index]!;
      const waiting = this.#busy.get(call.connection);
      if (waiting !== undefined) waiting.push(call);
      else this.#do(call);
    }
    this.#calls = [];
    this.#isCalling = false;
  }

  #do({ connection, name, run }: Call): void {
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      return this.#report(error, name);
    }
    if (!(result instanceof Promise)) return;
    this.#busy.set(connection, []);
    result.catch((error) => this.#report(error, name)).then(() => {
      this.#calls.unshift(...this.#busy.get(connection)!);
      this.#busy.delete(connection);
      this.#call();
    });
  }

  #report(cause: unknown, name: string): void {
    const { onError = console.error } = this.#options;
    onError(new Error(`The policy's ${name}() failed`, { cause }));
  }

  stop(): void {
    this.#stack.dispose();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
