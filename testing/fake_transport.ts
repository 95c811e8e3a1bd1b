/**
 * Transports that need neither Linux nor root, wait for nothing and do the same
 * every time.
 *
 * @module
 */

import type { Subscription, Transport } from "../ops/transport.ts";

/**
 * What `receive()` finds next: a datagram; nothing yet, until `wait()` was
 * called; an error, which it throws.
 */
export type Delivery = Uint8Array<ArrayBuffer> | undefined | Error;

/** What comes back for one request. */
export type Answer = (request: Uint8Array<ArrayBuffer>) => Delivery[];

/** Another way to deliver the answer to a request. */
export type Distortion = (
  answer: Delivery[],
  request: Uint8Array<ArrayBuffer>,
) => Delivery[];

/**
 * A transport to whatever answers: what {@linkcode FakeKernel} is built on, and
 * what a test uses that wants to choose each byte itself.
 *
 * @example A kernel that never answers
 * ```ts
 * import { PathManager, ProtocolError } from "@mptcp/pm";
 * import { FakeTransport } from "@mptcp/pm/testing";
 *
 * try {
 *   PathManager.open({ transport: new FakeTransport(() => []) });
 * } catch (error) {
 *   console.log(error instanceof ProtocolError); // true
 * }
 * ```
 */
export class FakeTransport implements Transport {
  /** All requests, as they were sent. */
  readonly sent: Uint8Array<ArrayBuffer>[] = [];
  /** The timeouts of all calls of `wait()`, in milliseconds. */
  readonly waits: number[] = [];
  /** Whether it was closed. */
  closed = false;
  /** The network devices: indices by name. */
  readonly devices: Map<string, number> = new Map([["lo", 1]]);
  /** The sysctls below `net.mptcp`: values by name. */
  readonly sysctls: Map<string, string> = new Map([
    ["enabled", "1"],
    ["available_path_managers", "kernel userspace"],
    ["path_manager", "kernel"],
    ["pm_type", "0"],
  ]);
  /** Everything that listened to events, closed or not. */
  readonly subscriptions: FakeSubscription[] = [];
  /** How answers are delivered; unless it is set: as they are. */
  distort: Distortion = (answer) => answer;
  readonly #answer: Answer;
  readonly #queue: Delivery[] = [];
  readonly #buffer = new Uint8Array(65536);
  #view = this.#buffer.subarray(0, 0);

  /**
   * Makes a transport.
   *
   * @param answer Answers each request.
   */
  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** What can still be received. */
  get unread(): readonly Delivery[] {
    return this.#queue;
  }

  /** Takes a request, and answers it at once. */
  send(datagram: Uint8Array<ArrayBuffer>): void {
    this.#demandOpen();
    const request = datagram.slice();
    this.sent.push(request);
    this.#queue.push(...this.distort(this.#answer(request), request));
  }

  /** The next datagram, which the next call overwrites; absent: none is there. */
  receive(): Uint8Array | undefined {
    this.#demandOpen();
    if (this.#queue[0] === undefined) return undefined;
    const delivery = this.#queue.shift()!;
    if (delivery instanceof Error) throw delivery;
    // Views of earlier datagrams show this instead of them.
    this.#view.fill(0xee);
    this.#buffer.set(delivery);
    return this.#view = this.#buffer.subarray(0, delivery.length);
  }

  /** Tells whether a datagram is there, without waiting for it. */
  wait(timeoutMs: number): boolean {
    this.#demandOpen();
    this.waits.push(timeoutMs);
    if (this.#queue[0] === undefined) this.#queue.shift();
    return this.#queue.length > 0;
  }

  /** The index of a device; absent: there is none of this name. */
  ifNameToIndex(name: string): number | undefined {
    this.#demandOpen();
    return this.devices.get(name);
  }

  /** The name of a device; absent: there is none of this index. */
  ifIndexToName(index: number): string | undefined {
    this.#demandOpen();
    return this.#deviceName(index);
  }

  #deviceName(index: number): string | undefined {
    return [...this.devices].find(([, other]) => other === index)?.[0];
  }

  /**
   * Listens to a group; it goes on when the transport is closed.
   *
   * @param group The group's number.
   */
  subscribe(group: number): FakeSubscription {
    this.#demandOpen();
    const subscription = new FakeSubscription(
      group,
      (index) => this.#deviceName(index),
    );
    this.subscriptions.push(subscription);
    return subscription;
  }

  /**
   * Delivers a datagram, or an error for them to throw, to all who listen.
   *
   * @param delivery What they find.
   */
  emit(delivery: Uint8Array<ArrayBuffer> | Error): void {
    for (const subscription of this.subscriptions) {
      subscription.deliver(delivery);
    }
  }

  /** A sysctl's value; absent: there is none of this name. */
  readSysctl(name: string): string | undefined {
    this.#demandOpen();
    return this.sysctls.get(name);
  }

  /** Sets a sysctl. */
  writeSysctl(name: string, value: string): void {
    this.#demandOpen();
    this.sysctls.set(name, value);
  }

  /** Ends the transport: using it is an error from now on. */
  close(): void {
    this.closed = true;
  }

  /** Ends the transport. */
  [Symbol.dispose](): void {
    this.close();
  }

  #demandOpen(): void {
    if (this.closed) throw new Error("The fake transport was used after close");
  }
}

/** A group of a {@linkcode FakeTransport} that something listens to. */
export class FakeSubscription implements Subscription {
  /** The group's number. */
  readonly group: number;
  /** Names a device; absent: there is none of this index. */
  readonly ifIndexToName: (index: number) => string | undefined;
  /** Whether it was closed. */
  closed = false;
  readonly #queue: (Uint8Array<ArrayBuffer> | Error)[] = [];
  #view: Uint8Array | undefined;
  #change: PromiseWithResolvers<void> | undefined;

  /**
   * Listens to a group.
   *
   * @param group The group's number.
   * @param ifIndexToName Names a device.
   */
  constructor(
    group: number,
    ifIndexToName: (index: number) => string | undefined,
  ) {
    this.group = group;
    this.ifIndexToName = ifIndexToName;
  }

  /**
   * Puts a datagram, or an error, where `receive()` finds it. Nobody hears it
   * once it is closed.
   *
   * @param delivery What it finds.
   */
  deliver(delivery: Uint8Array<ArrayBuffer> | Error): void {
    if (this.closed) return;
    this.#queue.push(delivery);
    this.#wake();
  }

  /** The next datagram, which the next call overwrites; absent: none is there. */
  receive(): Uint8Array | undefined {
    if (this.closed) {
      throw new Error("The fake subscription was used after close");
    }
    const delivery = this.#queue.shift();
    if (delivery instanceof Error) throw delivery;
    this.#view?.fill(0xee);
    return this.#view = delivery?.slice();
  }

  /** Settles when something is there, or it is closed. */
  readable(): Promise<void> {
    if (this.closed || this.#queue.length > 0) return Promise.resolve();
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** Ends it. Doing it again does nothing. */
  close(): void {
    this.closed = true;
    this.#wake();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.close();
  }
}
