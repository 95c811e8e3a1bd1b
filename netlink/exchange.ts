/**
 * Requests to the kernel and its answers, in any protocol. An exchange has one
 * of three forms:
 *
 * ```text
 *  execute  request, NLM_F_ACK   ->  NLMSG_ERROR 0
 *  get      request              ->  one reply
 *  dump     request, NLM_F_DUMP  ->  replies in any number, NLMSG_DONE
 * ```
 *
 * A refusal is an NLMSG_ERROR; one that comes up in the midst of a dump is in
 * its NLMSG_DONE. Until one of these has come the exchange is unfinished, and
 * the next one has to take the rest of it first.
 *
 * @module
 */

import { decodeAck, type ExtAck } from "../codec/extack.ts";
import {
  decodeNlMessages,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../codec/nlmsghdr.ts";
import { ProtocolError } from "./errors.ts";
import type { Transport } from "./transport.ts";

/**
 * The kernel answers inside `send`. What is not there by then will hardly come:
 * it does not answer a request that it cannot parse.
 */
const TIMEOUT_MS = 1000;

/** Datagrams in a row that belong to no request: more than any sender means. */
const MAX_STRAY_DATAGRAMS = 1000;

/** Datagrams that an exchange may leave behind: more than any dump has. */
const MAX_LEFT_DATAGRAMS = 65536;

/** How often a dump is asked for while the table changes under it. */
const DUMP_ATTEMPTS = 5;

/** One socket's conversation with the kernel. */
export abstract class NetlinkClient<Op> implements Disposable {
  readonly #transport: Transport;
  #seq = 0;
  /** Whether answers to the last request may still come. */
  #unfinished = false;
  #request: Uint8Array = new Uint8Array(0);
  /** The messages of the last datagram, and how many of them were taken. */
  #messages: readonly NlMessage[] = [];
  #taken = 0;
  /** Whether the table changed while it was dumped. */
  #interrupted = false;
  /** Whether the last exchange ended as a dump that had begun. */
  #endedInDump = false;

  /** Talks over a transport, which it closes at the end. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Encodes a request.
   *
   * @returns The message: valid until the next call.
   */
  protected abstract encode(
    op: Op,
    attrs: object,
    flags: number,
    seq: number,
  ): Uint8Array<ArrayBuffer>;

  /** Decodes a reply; `undefined`: the message is no reply to this request. */
  protected abstract decode(op: Op, message: NlMessage): object | undefined;

  /** What a request does, as errors say it: `"set limits"`. */
  protected abstract action(op: Op): string;

  /** The error for a refusal. */
  protected abstract refusal(
    op: Op,
    request: Uint8Array,
    errno: number,
    extack: ExtAck | undefined,
  ): Error;

  /** Takes what the kernel says of a request that succeeded. */
  protected abstract warning(op: Op, message: string): void;

  /** Has something done, and waits for the kernel's ack. */
  protected executeOp(op: Op, attrs: object): void {
    this.#send(op, attrs, NLM_F_ACK);
    // There may be replies too, but not many.
    for (let replies = 0; this.#next(op) !== undefined; replies++) {
      if (replies === MAX_STRAY_DATAGRAMS) {
        throw this.#broken(op, "the kernel answers without an end");
      }
    }
  }

  /** Asks for one thing. */
  protected getOp(op: Op, attrs: object): object {
    this.#send(op, attrs, 0);
    const reply = this.#next(op);
    if (reply === undefined) {
      throw this.#broken(op, "the kernel acknowledged but sent nothing");
    }
    this.#unfinished = false;
    return reply;
  }

  /**
   * Asks for all things, and yields one after the other: nothing is collected.
   * A caller that stops early leaves the rest to the next request.
   *
   * @returns Whether the table changed meanwhile, so that things may be missing
   * or come twice.
   * @throws {ProtocolError} Another request was sent before the end.
   */
  protected *dumpOp(op: Op, attrs: object): Generator<object, boolean> {
    this.#send(op, attrs, NLM_F_DUMP);
    const seq = this.#seq;
    for (;;) {
      const reply = this.#next(op);
      if (reply === undefined) return this.#interrupted;
      yield reply;
      if (seq !== this.#seq) {
        throw this.#broken(op, "another request was sent before its end");
      }
    }
  }

  /**
   * Asks for all things, again if the table changed meanwhile.
   *
   * @param most How many there can be at the most.
   */
  protected collectOp(op: Op, attrs: object, most: number): object[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      this.#send(op, attrs, NLM_F_DUMP);
      const replies: object[] = [];
      for (let reply; (reply = this.#next(op)) !== undefined;) {
        if (replies.push(reply) > most) {
          throw this.#broken(op, "the kernel answers without an end");
        }
      }
      if (!this.#interrupted) return replies;
    }
    throw this.#broken(
      op,
      `the table changed during each of ${DUMP_ATTEMPTS} dumps`,
    );
  }

  /** Whether the last exchange ended as a dump that the kernel had begun. */
  protected get endedInDump(): boolean {
    return this.#endedInDump;
  }

  #send(op: Op, attrs: object, flags: number): void {
    // 0 is the number of events.
    const seq = this.#seq % 0xffffffff + 1;
    this.#request = this.encode(op, attrs, flags, seq);
    this.#seq = seq;
    this.#messages = [];
    this.#taken = 0;
    this.#interrupted = false;
    // An unfinished dump goes on while it is read, and no other can start.
    for (let left = 0; this.#unfinished; left++) {
      if (left === MAX_LEFT_DATAGRAMS) {
        throw this.#broken(op, "the kernel answers without an end");
      }
      this.#unfinished = this.#transport.receive() !== undefined;
    }
    this.#unfinished = true;
    this.#transport.send(this.#request as Uint8Array<ArrayBuffer>);
  }

  /** The next reply; `undefined` once the exchange has ended. */
  #next(op: Op): object | undefined {
    for (let strays = 0; strays <= MAX_STRAY_DATAGRAMS; strays++) {
      while (this.#taken < this.#messages.length) {
        const message = this.#messages[this.#taken++]!;
        if (message.seq !== this.#seq) continue;
        const { type } = message;
        if (message.flags & NLM_F_DUMP_INTR) this.#interrupted = true;
        if (type === NLMSG_ERROR || type === NLMSG_DONE) {
          this.#unfinished = false;
          this.#endedInDump = type === NLMSG_DONE;
          this.#check(op, message);
          return undefined;
        }
        const reply = this.decode(op, message);
        if (reply !== undefined) return reply;
      }
      this.#messages = decodeNlMessages(this.#receive(op));
      this.#taken = 0;
    }
    throw this.#broken(op, "the kernel answers without an end");
  }

  /** Throws if the message that ends an exchange is a refusal. */
  #check(op: Op, message: NlMessage): void {
    const { errno, extack } = decodeAck(message);
    if (errno !== 0) throw this.refusal(op, this.#request, errno, extack);
    if (extack?.message !== undefined) this.warning(op, extack.message);
  }

  /** The next datagram, for which it waits if need be. */
  #receive(op: Op): Uint8Array {
    let datagram = this.#transport.receive();
    const end = datagram === undefined ? performance.now() + TIMEOUT_MS : 0;
    while (datagram === undefined) {
      const left = end - performance.now();
      if (left <= 0 || !this.#transport.wait(left)) {
        throw this.#broken(
          op,
          `the kernel did not answer within ${TIMEOUT_MS} ms`,
        );
      }
      datagram = this.#transport.receive();
    }
    return datagram;
  }

  #broken(op: Op, reason: string): ProtocolError {
    return new ProtocolError(`Cannot ${this.action(op)}: ${reason}`);
  }

  /** Closes the socket. Doing it again does nothing. */
  close(): void {
    this.#transport.close();
  }

  /** Closes the socket at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
