import {
  decodeNlMessages,
  type NlMessage,
  NLMSG_DONE,
} from "../codec/nlmsghdr.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import type { Subscription } from "./transport.ts";

/** Where the events of a stream come from. */
export interface EventSource<Event> {
  /** The socket, which the stream closes at its end. */
  readonly subscription: Subscription;
  /** The event in a message; `undefined`: it is not wanted. */
  readonly decode: (message: NlMessage) => Event | undefined;
  /** The event that says that some were lost; absent: it is not wanted. */
  readonly overrun?: Event | undefined;
  /** Ends the stream when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the stream has ended. */
  readonly onClose?: (() => void) | undefined;
}

/**
 * What happens in a namespace, from the moment that the stream was opened. It
 * ends by `break`, by {@linkcode EventStream.close}, at the end of a `using`
 * block, when its signal aborts, or when the `PathManager` that opened it is
 * closed.
 *
 * In a worker, close it before the worker is terminated: `worker.terminate()`
 * while `next()` waits leaves its thread and its sockets until the process ends.
 */
export class EventStream<Event>
  implements AsyncIterableIterator<Event, undefined>, Disposable {
  readonly #source: EventSource<Event>;
  readonly #queue: Event[] = [];
  /** Whether the kernel has lost events since its queue was empty. */
  #overrun = false;
  /** How many calls of `next()` are under way, and what the last one gives. */
  #waiting = 0;
  #last: Promise<IteratorResult<Event, undefined>> | undefined;
  #closed = false;

  /**
   * Reads from a source; {@linkcode PathManager.events} makes one.
   *
   * @param source What to read.
   */
  constructor(source: EventSource<Event>) {
    this.#source = source;
    const { signal } = source;
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", this.#abort);
  }

  readonly #abort = () => this.close();

  /** The next event; `done` once the stream has ended. */
  next(): Promise<IteratorResult<Event, undefined>> {
    const next = () => this.#next();
    // Like an async generator: overlapping calls resolve in order.
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
        if (!this.#take()) await this.#source.subscription.readable();
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
    const { subscription, decode, overrun } = this.#source;
    let datagram;
    try {
      datagram = subscription.receive();
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
      if (overrun !== undefined) this.#queue.push(overrun);
      return true;
    }
    for (const message of decodeNlMessages(datagram)) {
      // What is below is about the socket, such as NLMSG_ERROR.
      if (message.type <= NLMSG_DONE) continue;
      const event = decode(message);
      if (event !== undefined) this.#queue.push(event);
    }
    return true;
  }

  /** Ends the stream: what `break` does. */
  return(): Promise<IteratorResult<Event, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Ends the stream. Events that were not taken are gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    const { subscription, signal, onClose } = this.#source;
    signal?.removeEventListener("abort", this.#abort);
    subscription.close();
    onClose?.();
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
