/**
 * One exchange with the kernel after the other: the only place that numbers
 * requests, reads replies and turns verdicts into errors.
 *
 * @module
 */

import { attrPathAt, decodeAttrs } from "../codec/attrs.ts";
import { decodeVerdict, type ExtAck } from "../codec/extack.ts";
import { encodeGenlMessage, GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import {
  type DumpRequests,
  MPTCP_PM_NAME,
  MPTCP_PM_VER,
  type OpName,
  OPS,
  type Replies,
  type Requests,
} from "../codec/mptcp_pm.gen.ts";
import {
  CTRL_ATTR,
  CTRL_CMD_GETFAMILY,
  GENL_ID_CTRL,
  type GenlFamily,
  toFamily,
} from "../codec/nlctrl.ts";
import {
  decodeNlMessages,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import type { AttrSet } from "../codec/policy.ts";
import {
  ACTIONS,
  explain,
  FamilyNotFoundError,
  NetlinkError,
  type Operation,
  ProtocolError,
} from "./errors.ts";
import type { Subscription, Transport } from "./transport.ts";

/**
 * The kernel answers inside `send`. What is not there by then will hardly come:
 * it does not answer a request that it cannot parse.
 */
const TIMEOUT_MS = 1000;

/** More datagrams than any answer has: the ids of addresses have 8 bits. */
const MAX_DATAGRAMS = 1000;

/** How often a dump is asked for while the table changes under it. */
const DUMP_ATTEMPTS = 5;

const ENOENT = 2;
const EINVAL = 22;

/** Something that the kernel or this module wants the caller to know. */
export interface Warning {
  /** The command, in the words of the specification. */
  readonly op: Operation;
  /** What to know. */
  readonly message: string;
}

/** The conversation with `mptcp_pm` over one transport. */
export class Connection {
  readonly transport: Transport;
  /** Takes the warnings. */
  readonly warn: (warning: Warning) => void;
  readonly #family: GenlFamily;
  readonly #buffer = new Uint8Array(256);
  #seq = 0;
  /** Whether answers to an earlier request may still come. */
  #unfinished = false;
  /** How many datagrams the exchange may still take. */
  #left = 0;
  /** Whether the last verdict was the end of a dump. */
  #isDumped = false;

  /**
   * Looks up the family.
   *
   * @throws {FamilyNotFoundError} The kernel has none of this name.
   */
  constructor(
    transport: Transport,
    warn: (warning: Warning) => void,
    family: string = MPTCP_PM_NAME,
  ) {
    this.transport = transport;
    this.warn = warn;
    this.#family = this.#lookUp(family);
  }

  #lookUp(name: string): GenlFamily {
    try {
      const [attrs] = this.#exchange(
        "getfamily",
        GENL_ID_CTRL,
        CTRL_CMD_GETFAMILY,
        CTRL_ATTR,
        0,
        { name },
      );
      return toFamily(attrs!);
    } catch (error) {
      throw error instanceof NetlinkError && error.errno === ENOENT
        ? new FamilyNotFoundError(name)
        : error;
    }
  }

  /** Has a command done, and waits for the kernel's word that it is. */
  execute<Op extends OpName>(op: Op, attrs: Requests[Op]): void {
    this.#request(op, NLM_F_ACK, attrs);
  }

  /** Asks for one thing. */
  get<Op extends OpName>(op: Op, attrs: Requests[Op]): Replies[Op] {
    return this.#request(op, 0, attrs)[0] as Replies[Op];
  }

  /** Asks for all things; again if the table changed meanwhile. */
  dump<Op extends keyof DumpRequests>(
    op: Op,
    attrs: DumpRequests[Op],
  ): Replies[Op][] {
    return this.#request(op, NLM_F_DUMP, attrs) as Replies[Op][];
  }

  /** Whether the kernel has a command. */
  knows(op: OpName): boolean {
    return this.#family.ops.some(({ id }) => id === OPS[op].cmd);
  }

  /**
   * Whether a dump looks at an attribute, told by a value that it must refuse.
   * A kernel that does not know the attribute ignores it, or refuses the
   * request before it dumps.
   */
  heeds<Op extends keyof DumpRequests>(
    op: Op,
    attrs: DumpRequests[Op],
  ): boolean {
    try {
      this.dump(op, attrs);
      return false;
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === EINVAL) {
        return this.#isDumped;
      }
      throw error;
    }
  }

  /**
   * Listens to a multicast group of the family.
   *
   * @throws {ProtocolError} The kernel has no such group.
   */
  subscribe(name: string): Subscription {
    const group = this.#family.mcastGroups.find((group) => group.name === name);
    if (group === undefined) {
      throw new ProtocolError(
        `Cannot hear events: ${this.#family.name} has no group "${name}" ` +
          "here, which Linux has from 5.12 on",
      );
    }
    return this.transport.subscribe(group.id);
  }

  #request(op: OpName, flags: number, attrs: object): object[] {
    const { cmd, set } = OPS[op];
    return this.#exchange(op, this.#family.id, cmd, set, flags, attrs);
  }

  /** Sends a request, again if need be, and takes the replies. */
  #exchange(
    op: Operation,
    type: number,
    cmd: number,
    set: AttrSet,
    flags: number,
    attrs: object,
  ): object[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const seq = this.#nextSeq();
      const header = {
        type,
        flags: NLM_F_REQUEST | flags,
        seq,
        pid: 0,
        cmd,
        version: MPTCP_PM_VER,
      };
      const request = encodeGenlMessage(header, set, attrs, this.#buffer);
      // An unfinished dump goes on while it is read, and no other can start.
      this.#left = MAX_DATAGRAMS;
      while (this.#unfinished) this.#unfinished = this.#take(op) !== undefined;
      this.#unfinished = true;
      this.transport.send(request);
      const replies: object[] = [];
      let interrupted = false;
      while (this.#unfinished) {
        for (const message of decodeNlMessages(this.#receive(op))) {
          if (message.seq !== seq) continue;
          if (flags === NLM_F_DUMP && message.flags & NLM_F_DUMP_INTR) {
            interrupted = true;
          }
          if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
            this.#unfinished = false;
            this.#isDumped = message.type === NLMSG_DONE;
            this.#judge(op, set, request, message);
            break;
          }
          if (message.type !== type) continue;
          // A reply has the number of its command, but for that of nlctrl.
          const isOther = type !== GENL_ID_CTRL && message.payload[0] !== cmd;
          if (isOther) continue;
          replies.push(decodeAttrs(set, message.payload, GENL_HDRLEN));
          if (flags === 0) {
            this.#unfinished = false;
            break;
          }
        }
      }
      if (flags === 0 && replies.length === 0) {
        throw new ProtocolError(
          `Cannot ${ACTIONS[op]}: the kernel acknowledged but sent nothing`,
        );
      }
      if (!interrupted) return replies;
    }
    throw new ProtocolError(
      `Cannot ${ACTIONS[op]}: the table changed during each of ` +
        `${DUMP_ATTEMPTS} dumps`,
    );
  }

  #judge(
    op: Operation,
    set: AttrSet,
    request: Uint8Array,
    message: NlMessage,
  ): void {
    const { errno, extack } = decodeVerdict(message);
    if (errno !== 0) {
      throw new NetlinkError(
        op,
        errno,
        extack === undefined ? undefined : explanation(set, request, extack),
      );
    }
    if (extack?.message !== undefined) {
      this.warn({ op, message: extack.message });
    }
  }

  #nextSeq(): number {
    // 0 is the number of events.
    this.#seq = this.#seq % 0xffffffff + 1;
    return this.#seq;
  }

  /** The next datagram, for which it waits if need be. */
  #receive(op: Operation): Uint8Array {
    let datagram = this.#take(op);
    const end = datagram === undefined ? performance.now() + TIMEOUT_MS : 0;
    while (datagram === undefined) {
      const left = end - performance.now();
      if (left <= 0 || !this.transport.wait(left)) {
        throw new ProtocolError(
          `Cannot ${ACTIONS[op]}: the kernel did not answer within ` +
            `${TIMEOUT_MS} ms`,
        );
      }
      datagram = this.#take(op);
    }
    return datagram;
  }

  #take(op: Operation): Uint8Array | undefined {
    const datagram = this.transport.receive();
    if (datagram !== undefined && --this.#left < 0) {
      throw new ProtocolError(
        `Cannot ${ACTIONS[op]}: the kernel answers without an end`,
      );
    }
    return datagram;
  }
}

function explanation(set: AttrSet, request: Uint8Array, extack: ExtAck) {
  const header = NLMSG_HDRLEN + GENL_HDRLEN;
  return explain(
    extack,
    (offset) => attrPathAt(set, request.subarray(header), offset - header),
    (type) => set.attrs[type] && `.${set.attrs[type].name}`,
  );
}
