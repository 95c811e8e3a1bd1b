/**
 * The connections that the process under test makes in a {@linkcode FakeKernel}.
 *
 * @module
 */

import { SyscallError } from "../ffi/syscall_error.ts";
import type {
  SocketAddress,
  Stream,
  StreamSource,
} from "../netlink/transport.ts";

/** A connection that the process under test makes. */
export interface FakeDial extends StreamSource {
  /** Where to. */
  readonly to: SocketAddress;
  /** Whether it asks for MPTCP. */
  readonly isMptcp: boolean;
}

/**
 * What becomes of it: the number of an error such as 111; `"tcp"`: the peer
 * accepts it, and does not speak MPTCP; `"silent"`: there is no answer.
 */
export type FakeAnswer = number | "tcp" | "silent";

/** A connection that the peer has accepted. */
interface Accepted extends Disposable {
  /** Data went out, and was acknowledged. */
  establish?(): void;
}

/** What a stream needs of its host. */
export interface StreamHost {
  /** The end on this host; throws what binding to it leads to. */
  bind(dial: FakeDial): SocketAddress;
  /** What the network does. */
  answer(dial: FakeDial): FakeAnswer | undefined;
  /** The peer accepts it. */
  accept(dial: FakeDial, local: SocketAddress, isTcp: boolean): Accepted;
}

/** A socket of a {@linkcode FakeKernel}. */
export class FakeStream implements Stream {
  readonly #host: StreamHost;
  readonly #isMptcp: boolean;
  readonly #change = Promise.withResolvers<void>();
  #local: SocketAddress = { address: "0.0.0.0", port: 0 };
  #accepted: Accepted | undefined;

  constructor(host: StreamHost, isMptcp: boolean) {
    this.#host = host;
    this.#isMptcp = isMptcp;
    // It may be waited for later, or never.
    this.#change.promise.catch(() => {});
  }

  get local(): SocketAddress {
    return this.#local;
  }

  connect(to: SocketAddress, from: StreamSource = {}): void {
    const dial = { to, ...from, isMptcp: this.#isMptcp };
    const local = this.#local = this.#host.bind(dial);
    const answer = this.#host.answer(dial);
    if (answer === "silent") return;
    if (typeof answer === "number") {
      const goal = `connect to ${to.address} port ${to.port}`;
      this.#change.reject(new SyscallError("connect", answer, goal));
      return;
    }
    this.#accepted = this.#host.accept(dial, local, answer === "tcp");
    this.#change.resolve();
  }

  connected(): Promise<void> {
    return this.#change.promise;
  }

  send(bytes: Uint8Array): number {
    this.#accepted?.establish?.();
    return bytes.length;
  }

  close(): void {
    this.#accepted?.[Symbol.dispose]();
    this.#accepted = undefined;
    this.#change.resolve();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
