import { type Namespace, openNamespace } from "../netlink/transport.ts";
import { PathManager } from "../ops/path_manager.ts";
import { collect, type CollectOptions, reasonOf } from "./collect.ts";
import type { Snapshot, TimedEvent } from "./snapshot.ts";

/** What to read, and what happens meanwhile. */
export interface ReproduceOptions extends CollectOptions {
  /**
   * Called when events are listened to; the rest is read once its promise
   * resolves.
   */
  readonly happen: () => unknown;
}

/** What goes on for days is no report. */
const MOST_EVENTS = 10_000;
/** Until what has been sent has come. */
const QUEUED_MS = 100;

/**
 * Reads what there is before and after a fault is made to happen, and the events
 * from then on until the end. Counters that moved in between are taken for what
 * is wrong now, not for history.
 *
 * While it listens to the events, the kernel leaves connections of the userspace
 * path manager to the listener, also where nobody else is one.
 *
 * @param options Where to look, and what happens.
 * @returns What there is after it, with `before` and `events`. Where events may
 * not be listened to, `unknown` says why.
 * @throws {SyscallError} As {@linkcode collect} does.
 *
 * @example What becomes of the second path when a cable is pulled?
 * ```ts
 * import { reproduce } from "@mptcp/pm/doctor";
 *
 * const { events = [] } = await reproduce({
 *   happen: () => prompt("Pull the cable, and press Enter:"),
 * });
 * for (const { atMs, event } of events) console.log(atMs, event.type);
 * ```
 */
export async function reproduce(
  { happen, netns, namespace: given, ...options }: ReproduceOptions,
): Promise<Snapshot> {
  using opened = given === undefined ? openNamespace(netns) : undefined;
  const namespace = given ?? opened!;
  const before = await collect({ ...options, namespace });
  using listener = new Listener(namespace, options.token);
  await happen();
  const after = await collect({ ...options, namespace });
  await listener.end();
  const { events, reason } = listener;
  return {
    ...after,
    before,
    events,
    unknown: {
      ...after.unknown,
      ...reason !== undefined && { events: reason },
    },
  };
}

/** Takes the events, until it is told to end. */
class Listener implements Disposable {
  readonly events: TimedEvent[] = [];
  /** Why there are no more. */
  reason: string | undefined;
  readonly #opened = new DisposableStack();
  readonly #ended: Promise<void>;

  /** Listens at once: up to the first event, nothing is asynchronous. */
  constructor(namespace: Namespace, token: number | undefined) {
    this.#ended = this.#take(namespace, token);
  }

  async #take(namespace: Namespace, token: number | undefined): Promise<void> {
    try {
      const pm = this.#opened.use(PathManager.open({ namespace }));
      const stream = pm.events(token === undefined ? {} : { token });
      const start = performance.now();
      for await (const event of stream) {
        const atMs = Math.round(performance.now() - start);
        this.events.push({ atMs, event });
        if (this.events.length < MOST_EVENTS) continue;
        this.reason = `these are the first ${MOST_EVENTS}`;
        return;
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.reason = reasonOf(error);
    }
  }

  async end(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, QUEUED_MS));
    this[Symbol.dispose]();
    await this.#ended;
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}
