import {
  decodeNlMessages,
  type NlMessage,
  NLMSG_DONE,
} from "../codec/nlmsghdr.ts";
import { MPTCP_PM_EV_GRP_NAME } from "../codec/mptcp_pm.gen.ts";
import { connectionToken } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { SyscallError } from "./errors.ts";
import { decodeEvent, EVENT_TYPES, type PathManagerEvent } from "./event.ts";
import type { Subscription } from "./transport.ts";

/** Which events to hear; `Type` are the types of them. */
export interface EventsOptions<
  Type extends PathManagerEvent["type"] = PathManagerEvent["type"],
> {
  /** Ends the stream when it aborts. @default {none} */
  readonly signal?: AbortSignal | undefined;
  /**
   * The types to hear, and no other: `overrun` too, to hear of lost events.
   * @default {all}
   */
  readonly types?: readonly Type[];
  /**
   * The connection to hear of. Events that belong to none are left out, but
   * for `overrun`. @default {all}
   */
  readonly token?: number;
}

/**
 * What happens in the namespace, from the moment that the stream was opened.
 * It ends by `break`, by {@linkcode EventStream.close}, at the end of a `using`
 * block, or when its signal aborts.
 *
 * In a worker, close it before the worker is terminated: `worker.terminate()`
 * while `next()` waits leaves its thread and its sockets until the process ends.
 */
export class EventStream<Event extends PathManagerEvent = PathManagerEvent>
  implements AsyncIterableIterator<Event, undefined>, Disposable {
  readonly #subscription: Subscription;
  readonly #isWanted: (event: PathManagerEvent) => event is Event;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Event[] = [];
  /** Whether the kernel has lost events since its queue was empty. */
  #overrun = false;
  /** How many calls of `next()` are under way, and what the last one gives. */
  #waiting = 0;
  #last: Promise<IteratorResult<Event, undefined>> | undefined;
  #closed = false;

  /** Joins the group; see {@linkcode PathManager.events}. */
  constructor(connection: Connection, options: EventsOptions) {
    const { signal, types, token } = options;
    for (const type of types ?? []) {
      if (EVENT_TYPES.includes(type)) continue;
      throw new TypeError(
        `Unknown event "${type}": known are ${EVENT_TYPES.join(", ")}`,
      );
    }
    if (token !== undefined) connectionToken(token);
    this.#isWanted = (event): event is Event =>
      (types === undefined || types.includes(event.type)) &&
      (token === undefined || event.type === "overrun" ||
        "token" in event && event.token === token);
    this.#signal = signal;
    this.#subscription = connection.subscribe(MPTCP_PM_EV_GRP_NAME);
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", this.#abort);
  }

  readonly #abort = () => this.close();

  /** The next event; `done` once the stream has ended. */
  next(): Promise<IteratorResult<Event, undefined>> {
    const next = () => this.#next();
    // As of a generator: whoever came first is served first.
    return this.#last = this.#waiting++ === 0
      ? next()
      : this.#last!.then(next, next);
  }

  async #next(): Promise<IteratorResult<Event, undefined>> {
    try {
      for (;;) {
        const event = this.#queue.shift();
        if (event !== undefined) return { value: event, done: false };
        if (this.#closed) return { value: undefined, done: true };
        if (!this.#take()) await this.#subscription.readable();
      }
    } catch (error) {
      // A `for await` does not end the iterator that throws.
      this.close();
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  /** Takes one datagram; `false` if none is there. */
  #take(): boolean {
    let datagram;
    try {
      datagram = this.#subscription.receive();
    } catch (error) {
      if (!(error instanceof SyscallError && error.code === "ENOBUFS")) {
        throw error;
      }
      // The kernel drops all that comes until its queue is empty, and does not
      // say so again: what is lost comes behind what is in the queue.
      this.#overrun = true;
      return true;
    }
    if (datagram === undefined) {
      if (!this.#overrun) return false;
      this.#overrun = false;
      this.#offer({ type: "overrun" });
      return true;
    }
    for (const message of decodeNlMessages(datagram)) this.#decode(message);
    return true;
  }

  #decode(message: NlMessage): void {
    // What is below is about the socket, such as NLMSG_ERROR.
    if (message.type <= NLMSG_DONE) return;
    this.#offer(
      decodeEvent(
        message,
        (index) => this.#subscription.ifIndexToName(index),
      ),
    );
  }

  #offer(event: PathManagerEvent): void {
    if (this.#isWanted(event)) this.#queue.push(event);
  }

  /** Ends the stream: what `break` does. */
  return(): Promise<IteratorResult<Event, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Ends the stream. Events that were not taken are gone. */
  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#subscription.close();
  }

  /** The stream itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
