import { thrownText } from "../codec/thrown.ts";
import type { ManagedConnection } from "./managed_connection.ts";
import type { Policy } from "./policy.ts";
import type { PeerAddress } from "./tracker.ts";

/** A call that is due: of a callback, or of what was to be called later. */
interface Call {
  readonly connection: ManagedConnection;
  readonly name: string;
  readonly run: () => unknown;
  /** What it is about, where a later call says all that this one does. */
  readonly about?: unknown;
}

/** What a peer can repeat as often as it wants. */
const LATEST: { readonly [name: string]: (subject: unknown) => unknown } = {
  announced: (address) => (address as PeerAddress).id,
  removed: (address) => (address as PeerAddress).id,
  priority: (subflow) => subflow,
};

/** Adds a call, in the place of an earlier one of which it says all. */
function queue(calls: Call[], call: Call): void {
  const { name, about } = call;
  const before = about === undefined
    ? -1
    : calls.findIndex((one) => one.name === name && one.about === about);
  if (before >= 0) calls.splice(before, 1);
  calls.push(call);
}

/** Calls the callbacks of a policy: those of one connection one by one. */
export class Callbacks {
  readonly #policy: Policy;
  readonly #isManaged: (connection: ManagedConnection) => boolean;
  readonly #onError: (error: unknown) => void;
  #due: Call[] = [];
  /** What waits for a callback of the same connection. */
  readonly #waiting = new Map<ManagedConnection, Call[]>();
  /** Whether what is due is being called, or will be. */
  #isRunning = false;
  #isStopped = false;

  /**
   * Calls them as they become due.
   *
   * @param policy The callbacks.
   * @param isManaged For which connections.
   * @param onError Takes what they throw.
   */
  constructor(
    policy: Policy,
    isManaged: (connection: ManagedConnection) => boolean,
    onError: (error: unknown) => void,
  ) {
    this.#policy = policy;
    this.#isManaged = isManaged;
    this.#onError = onError;
  }

  /** Something has happened: it is called once the caller is done. */
  due(
    connection: ManagedConnection,
    name: keyof Policy & string,
    ...rest: readonly unknown[]
  ): void {
    if (!(name in this.#policy)) return;
    const run = () => {
      const callback: unknown = this.#policy[name];
      if (callback === undefined) return;
      if (typeof callback !== "function") {
        throw new TypeError("it is no function");
      }
      return callback.call(this.#policy, connection, ...rest);
    };
    const about = LATEST[name]?.(rest[0]);
    this.#due.push({ connection, name, run, about });
    this.#schedule();
  }

  /** Calls something in turn with the callbacks of a connection. */
  call(connection: ManagedConnection, run: () => unknown): void {
    this.#due.push({ connection, name: "after", run });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => this.run());
  }

  /** Whether a callback of a connection waits for something. */
  isBusy(connection: ManagedConnection): boolean {
    return this.#waiting.has(connection);
  }

  /**
   * Calls what is due, and what that makes due: at once, for a caller that is
   * done before its next wait.
   */
  run(): void {
    for (let index = 0; index < this.#due.length; index++) {
      const call = this.#due[index]!;
      const waiting = this.#waiting.get(call.connection);
      if (waiting === undefined) this.#call(call);
      else queue(waiting, call);
    }
    this.#due = [];
    this.#isRunning = false;
  }

  #call(call: Call): void {
    const { connection, run } = call;
    if (this.#isStopped || connection.isInKernel) return;
    try {
      if (!this.#isManaged(connection)) return;
      const result = run();
      if (isThenable(result)) this.#wait(call, result);
    } catch (error) {
      this.#report(call, error);
    }
  }

  async #wait(call: Call, result: PromiseLike<unknown>): Promise<void> {
    const { connection } = call;
    const waiting: Call[] = [];
    this.#waiting.set(connection, waiting);
    try {
      await result;
    } catch (error) {
      this.#report(call, error);
    }
    this.#waiting.delete(connection);
    // They have waited for longer than what is due now.
    this.#due = [...waiting, ...this.#due];
    this.#schedule();
  }

  #report({ connection, name }: Call, cause: unknown): void {
    const token = connection.token.toString(16).padStart(8, "0");
    this.#say(`${name}() failed for connection 0x${token}`, cause);
  }

  #say(what: string, cause: unknown): void {
    const message = `The policy's ${what}: ${thrownText(cause)}`;
    this.#onError(new Error(message, { cause }));
  }

  /** Calls nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Ends the policy itself. */
  [Symbol.dispose](): void {
    try {
      this.#policy[Symbol.dispose]?.();
    } catch (error) {
      this.#say("[Symbol.dispose]() failed", error);
    }
  }
}

/** Whether something is waited for: a promise of whatever make. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
