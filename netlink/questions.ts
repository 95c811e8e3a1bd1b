/**
 * Protocols that are not generic netlink: `NETLINK_SOCK_DIAG` and
 * `NETLINK_ROUTE`, whose questions each have a fixed header.
 *
 * @module
 */

import type { ExtAck } from "../codec/extack.ts";
import { encodeMessage } from "../codec/message.ts";
import { NLM_F_REQUEST, type NlMessage } from "../codec/nlmsghdr.ts";
import type { MessagePolicy } from "../codec/policy.ts";
import { encodeStruct } from "../codec/struct.ts";
import { NetlinkError } from "./errors.ts";
import { NetlinkClient } from "./exchange.ts";

/** One kind of question, and what is made of each answer. */
export interface Question<
  Header extends object = object,
  Attrs extends object = object,
  Answer extends object = object,
> {
  /** Name in the specification: `"getaddr"`. */
  readonly name: string;
  /** What it does, as errors say it: `"list the addresses of this host"`. */
  readonly action: string;
  /** The message that asks. */
  readonly request: MessagePolicy<Header, Attrs>;
  /** Type of the messages that answer. */
  readonly answer: number;
  /**
   * Decodes an answer, which what comes next overwrites: nothing of it may be
   * kept. `undefined`: it is no answer to this question.
   */
  readonly decode: (payload: Uint8Array) => Answer | undefined;
  /** What a refusal means, where the kernel leaves that open. */
  readonly hint?: (errno: number) => string | undefined;
}

/** What a question is about. */
interface About {
  readonly header?: object | Uint8Array;
  readonly attrs?: object;
}

/** The conversation with one protocol of one namespace. */
export class QuestionClient extends NetlinkClient<Question> {
  readonly #buffer = new Uint8Array(256);

  /**
   * Asks for one thing.
   *
   * @param header What stands in the header, or the header itself: to encode it
   * takes a third of the time of a question.
   * @throws {NetlinkError} There is none, or the caller may not know.
   */
  get<Header extends object, Attrs extends object, Answer extends object>(
    question: Question<Header, Attrs, Answer>,
    header: NoInfer<Partial<Header>> | Uint8Array,
    attrs: NoInfer<Partial<Attrs>> = {},
  ): Answer {
    return this.getOp(question, { header, attrs }) as Answer;
  }

  /**
   * Asks for all things, and yields one after the other.
   *
   * @returns Whether the table changed meanwhile.
   */
  dump<Header extends object, Attrs extends object, Answer extends object>(
    question: Question<Header, Attrs, Answer>,
    header: NoInfer<Partial<Header>>,
    attrs: NoInfer<Partial<Attrs>> = {},
  ): Generator<Answer, boolean> {
    return this.dumpOp(question, { header, attrs }) as Generator<
      Answer,
      boolean
    >;
  }

  /** Asks for all things; again if the table changed meanwhile. */
  collect<Header extends object, Attrs extends object, Answer extends object>(
    question: Question<Header, Attrs, Answer>,
    header: NoInfer<Partial<Header>>,
    attrs: NoInfer<Partial<Attrs>> = {},
  ): Answer[] {
    return this.collectOp(question, { header, attrs }, 1_000_000) as Answer[];
  }

  protected override encode(
    { request: { type, header: layout, set } }: Question,
    { header = {}, attrs = {} }: About,
    flags: number,
    seq: number,
  ): Uint8Array<ArrayBuffer> {
    return encodeMessage(
      { type, flags: NLM_F_REQUEST | flags, seq, pid: 0 },
      header instanceof Uint8Array ? header : encodeStruct(layout, header),
      set,
      attrs,
      this.#buffer,
    );
  }

  protected override decode(
    { answer, decode }: Question,
    { type, payload }: NlMessage,
  ): object | undefined {
    return type === answer ? decode(payload) : undefined;
  }

  protected override action({ action }: Question): string {
    return action;
  }

  protected override refusal(
    { name, action, hint }: Question,
    _request: Uint8Array,
    errno: number,
    extack: ExtAck | undefined,
  ): Error {
    return new NetlinkError({
      ...{ op: name, action, errno, extack },
      hint: hint?.(errno),
    });
  }

  protected override warning(): void {}
}
