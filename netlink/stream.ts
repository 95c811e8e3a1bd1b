import { readU16 } from "../codec/bytes.ts";
import {
  align4,
  type NlMessage,
  nlMessageAt,
  nlMessageEnd,
  NLMSG_DONE,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import { SyscallError } from "../ffi/syscall_error.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Subscription } from "./transport.ts";

/** A wait that ends so soon, in milliseconds, is a sign of load. */
const RAPID_MS = 1;
/** After so many of them the stream reads in batches. */
const MAX_RAPID = 8;
/** As long as so many datagrams make a batch. */
const MIN_BATCH = 8;
/** How long it then waits for a batch, in milliseconds. */
const BATCH_MS = 4;

/** Where the events of a stream come from. */
export interface StreamSource<Event> {
  /** The socket, which the stream closes at its end. */
  readonly subscription: Subscription;
  /** By what it waits. @default {the time of this process} */
  readonly clock?: Clock | undefined;
  /**
   * Whether a message is worth decoding, by its bytes.
   *
   * @param payload Where its payload starts in the datagram.
   */
  readonly isWanted: (datagram: Uint8Array, payload: number) => boolean;
  /** The event in a message; `undefined`: it is not wanted. */
  readonly decode: (message: NlMessage) => Event | undefined;
  /** The event that says that some were lost; absent: it is not wanted. */
  readonly overrun?: Event | undefined;
  /**
   * Loads what tells the state, before the first message and after some were
   * lost; what comes back makes events of it.
   */
  readonly resync?: (() => Promise<() => Iterable<Event>>) | undefined;
  /** Ends the stream when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The open streams: this one is among them until it has ended. */
  readonly streams?: Set<Disposable> | undefined;
}

/** The messages of multicast groups, from the moment that it was opened. */
export class NetlinkStream<Event>
  implements AsyncIterableIterator<Event, undefined>, Disposable {
  readonly #source: StreamSource<Event>;
  readonly #clock: Clock;
  readonly #queue: Event[] = [];
  /** The rest of a resync, whose events come behind those in the queue. */
  #resynced: Iterator<Event> = [].values();
  #needsResync: boolean;
  /** Whether the kernel has lost events since its queue was empty. */
  #overrun = false;
  /** How many calls of `next()` are under way, and what the last one gives. */
  #waiting = 0;
  #last: Promise<IteratorResult<Event, undefined>> | undefined;
  #closed = false;
  /** How many waits in a row were as short as under load. */
  #rapid = 0;
  #inBatches = false;
  /** How many datagrams were taken since the last wait. */
  #taken = 0;
  /** Ends a pause. */
  #wake = () => {};

  /**
   * Reads from a source; {@linkcode PathManager.events} makes one.
   *
   * @param source What to read.
   */
  constructor(source: StreamSource<Event>) {
    this.#source = source;
    const { signal, streams, resync, clock = systemClock } = source;
    this.#clock = clock;
    this.#needsResync = resync !== undefined;
    streams?.add(this);
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", this.#abort);
  }

  readonly #abort = () => this.close();

  /** The next event; `done` once the stream has ended. */
  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#waiting === 0 && this.#queue.length > 0) {
      return Promise.resolve({ value: this.#queue.shift()!, done: false });
    }
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
        const told = this.#resynced.next();
        if (!told.done) return { value: told.value, done: false };
        if (this.#needsResync) await this.#resync();
        else if (!this.#take()) await this.#ready();
      }
    } catch (error) {
      // A `for await` does not end the iterator that throws.
      this.close();
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  async #resync(): Promise<void> {
    const look = await this.#source.resync!();
    if (this.#closed) return;
    this.#needsResync = false;
    this.#resynced = look()[Symbol.iterator]();
  }

  /** Takes one datagram; `false` if none is there. */
  #take(): boolean {
    const { subscription, isWanted, decode, overrun, resync } = this.#source;
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
      this.#needsResync = resync !== undefined;
      if (overrun !== undefined) this.#queue.push(overrun);
      return true;
    }
    this.#taken++;
    for (let offset = 0; offset < datagram.length;) {
      const end = nlMessageEnd(datagram, offset);
      // What is below is about the socket, such as NLMSG_ERROR.
      const isMessage = readU16(datagram, offset + 4) > NLMSG_DONE;
      if (isMessage && isWanted(datagram, offset + NLMSG_HDRLEN)) {
        const event = decode(nlMessageAt(datagram, offset, end));
        if (event !== undefined) this.#queue.push(event);
      }
      offset = align4(end);
    }
    return true;
  }

  /**
   * Waits for a datagram. A reader that is woken for each event of a storm
   * spends its time on that: so under load a batch is waited for.
   */
  async #ready(): Promise<void> {
    const { subscription } = this.#source;
    const taken = this.#taken;
    this.#taken = 0;
    if (this.#inBatches ? taken >= MIN_BATCH : this.#rapid >= MAX_RAPID) {
      this.#inBatches = true;
      this.#rapid = 0;
      return await this.#pause();
    }
    this.#inBatches = false;
    const start = this.#clock.now();
    await subscription.readable();
    const isRapid = this.#clock.now() - start < RAPID_MS;
    this.#rapid = isRapid ? this.#rapid + 1 : 0;
  }

  /** Waits for a fixed time, or until the stream is closed. */
  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(BATCH_MS, resolve);
    this.#wake = () => {
      timer[Symbol.dispose]();
      resolve();
    };
    return promise;
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
    const { subscription, signal, streams } = this.#source;
    signal?.removeEventListener("abort", this.#abort);
    streams?.delete(this);
    subscription.close();
    this.#wake();
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
