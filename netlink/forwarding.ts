import { type Clock, systemClock } from "./clock.ts";
import type {
  Namespace,
  Stream,
  Subscription,
  Transport,
} from "./transport.ts";

/** A namespace that does what another one does: to be extended. */
export class ForwardingNamespace implements Namespace {
  readonly #to: Namespace;

  constructor(to: Namespace) {
    this.#to = to;
  }

  get clock(): Clock {
    return this.#to.clock ?? systemClock;
  }

  open(protocol: number): Transport {
    return this.#to.open(protocol);
  }

  subscribe(protocol: number, groups: readonly number[]): Subscription {
    return this.#to.subscribe(protocol, groups);
  }

  stream(address: string, isMptcp: boolean): Stream {
    return this.#to.stream(address, isMptcp);
  }

  resolve(name: string): Promise<string[]> {
    return this.#to.resolve(name);
  }

  readFile(path: string): string | undefined {
    return this.#to.readFile(path);
  }

  listDirectory(path: string): string[] | undefined {
    return this.#to.listDirectory(path);
  }

  readLink(path: string): string | undefined {
    return this.#to.readLink(path);
  }

  writeFile(path: string, text: string): void {
    this.#to.writeFile(path, text);
  }

  ifNameToIndex(name: string): number | undefined {
    return this.#to.ifNameToIndex(name);
  }

  ifIndexToName(index: number): string | undefined {
    return this.#to.ifIndexToName(index);
  }

  claim(name: string): Disposable | undefined {
    return this.#to.claim(name);
  }

  close(): void {
    this.#to.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A transport that does what another one does: to be extended. */
export class ForwardingTransport implements Transport {
  readonly #to: Transport;

  constructor(to: Transport) {
    this.#to = to;
  }

  send(datagram: Uint8Array<ArrayBuffer>): void {
    this.#to.send(datagram);
  }

  receive(): Uint8Array | undefined {
    return this.#to.receive();
  }

  wait(timeoutMs: number): boolean {
    return this.#to.wait(timeoutMs);
  }

  close(): void {
    this.#to.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
