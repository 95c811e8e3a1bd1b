/**
 * Netlink as the kernel does it: it checks the attributes of a request
 * (`lib/nlattr.c`) and answers with acks (`net/netlink/af_netlink.c`).
 *
 * @module
 */

import { NLA_F_NESTED, NLA_HDRLEN, NLA_TYPE_MASK } from "../codec/attrs.ts";
import { readS32, readU16, readU32, writeU32 } from "../codec/bytes.ts";
import {
  type ExtAck,
  NLMSGERR_ATTR,
  type PolicyHint,
} from "../codec/extack.ts";
import { formatIPv4, formatIPv6 } from "../codec/inet.ts";
import { encodeMessage } from "../codec/message.ts";
import {
  align4,
  encodeNlHeader,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import type { AttrKind, AttrPolicy, AttrSet } from "../codec/policy.ts";

/** What a transport carries. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const EINVAL = 22;
const ERANGE = 34;

/** The port id of each fake socket. */
export const PORT_ID = 0x5120;

/** Why the kernel does not do something; the rest is in the request. */
export class Refusal {
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}

/** An attribute of a request: where it starts and ends. */
export interface Attr {
  readonly at: number;
  readonly end: number;
  readonly policy: AttrPolicy | undefined;
}

/** Attributes by the codec's names; of duplicates the last one counts. */
export type Attrs = { readonly [key: string]: Attr };

/** Widths of integers, as which the kernel takes IPv4 addresses, too. */
const WIDTHS: { readonly [kind in AttrKind]?: number } = {
  ...{ u8: 1, u16: 2, u32: 4, s32: 4, ipv4: 4 },
};

/** How the kernel describes what an attribute should have been. */
const HINTS: { readonly [kind in AttrKind]?: PolicyHint } = {
  u8: { minValueU: 0n, maxValueU: 0xffn, type: 2 },
  u16: { minValueU: 0n, maxValueU: 0xffffn, type: 3 },
  u32: { minValueU: 0n, maxValueU: 0xffff_ffffn, type: 4 },
  s32: { minValueS: -0x8000_0000n, maxValueS: 0x7fff_ffffn, type: 8 },
  ipv6: { minLength: 16, maxLength: 16, type: 10 },
  string: { maxLength: 15, type: 12 },
  nest: { type: 13 },
};

/** A request, and what the kernel has found wrong with it. */
export class FakeRequest {
  readonly bytes: Bytes;
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** What an ack says besides the number of an error. */
  extack: ExtAck = {};
  /** The outermost attributes, once they were parsed. */
  attrs: Attrs = {};
  #set: AttrSet = { name: "", attrs: [] };

  constructor(bytes: Bytes) {
    this.bytes = bytes;
    this.type = readU16(bytes, 4);
    this.flags = readU16(bytes, 6);
    this.seq = readU32(bytes, 8);
  }

  /** Refuses it; `policy` is what the attribute should have been. */
  refuse(
    errno: number,
    message: string,
    attr?: Attr,
    policy?: PolicyHint,
  ): never {
    this.extack = {
      message,
      ...attr && { offset: attr.at },
      ...policy && { policy },
    };
    throw new Refusal(errno);
  }

  /** Refuses it with EINVAL. */
  invalid(message: string, attr?: Attr): never {
    this.refuse(EINVAL, message, attr);
  }

  /** An attribute that must be there (`GENL_REQ_ATTR_CHECK`). */
  need(key: string): Attr {
    const attr = this.attrs[key];
    if (attr !== undefined) return attr;
    const { type } = this.#set.attrs.find((policy) => policy?.key === key)!;
    this.extack = { ...this.extack, missing: type };
    throw new Refusal(EINVAL);
  }

  /** The integer in an attribute that was checked; 0: it is absent. */
  number(attr: Attr | undefined): number {
    const at = (attr?.at ?? 0) + NLA_HDRLEN;
    switch (attr?.policy?.kind) {
      case undefined:
        return 0;
      case "u8":
        return this.bytes[at]!;
      case "u16":
        return readU16(this.bytes, at);
      case "s32":
        return readS32(this.bytes, at);
      default:
        return readU32(this.bytes, at);
    }
  }

  /** The address in an attribute that was checked. */
  address({ at, policy }: Attr): string {
    const format = policy?.kind === "ipv4" ? formatIPv4 : formatIPv6;
    return format(this.bytes, at + NLA_HDRLEN);
  }

  /**
   * Parses the outermost attributes.
   *
   * @param takes Those of the set that there is a policy for.
   * @param isStrict Whether it is for a dump.
   */
  parse(
    start: number,
    set: AttrSet,
    takes: readonly string[],
    isStrict: boolean,
  ): void {
    const attrs = set.attrs.map((policy) =>
      policy && takes.includes(policy.key) ? policy : undefined
    );
    const last = attrs.findLastIndex((policy) => policy !== undefined);
    this.#set = { name: set.name, attrs: attrs.slice(0, last + 1) };
    const { length } = this.bytes;
    this.attrs = this.parseAttrs(start, length, this.#set, isStrict);
  }

  /** Parses attributes as `__nla_validate_parse()` does. */
  parseAttrs(
    start: number,
    end: number,
    { attrs: policies }: AttrSet,
    isStrict: boolean,
  ): Attrs {
    const attrs: { [key: string]: Attr } = {};
    let at = start;
    while (at + NLA_HDRLEN <= end) {
      const length = readU16(this.bytes, at);
      if (length < NLA_HDRLEN || at + length > end) break;
      const bits = readU16(this.bytes, at + 2);
      const type = bits & NLA_TYPE_MASK;
      const policy = policies[type];
      const attr = { at, end: at + length, policy };
      if (policy !== undefined) {
        const isNested = (bits & NLA_F_NESTED) !== 0;
        this.#validate(attr, policy, isNested, isStrict);
        attrs[policy.key] = attr;
      } else if (isStrict) {
        const isKnown = type > 0 && type < policies.length;
        const what = isKnown ? "Unsupported attribute" : UNKNOWN;
        this.invalid(what, attr);
      }
      at += align4(length);
    }
    if (at < end) {
      this.extack = { message: "bytes leftover after parsing attributes" };
      if (isStrict) throw new Refusal(EINVAL);
    }
    return attrs;
  }

  /** `validate_nla()` */
  #validate(
    attr: Attr,
    { kind, nested }: AttrPolicy,
    isNested: boolean,
    isStrict: boolean,
  ): void {
    const start = attr.at + NLA_HDRLEN;
    const length = attr.end - start;
    const refuse = (errno: number, message: string) =>
      this.refuse(errno, message, attr, HINTS[kind]);
    if (isStrict && length !== (WIDTHS[kind] ?? length)) {
      refuse(EINVAL, "invalid attribute length");
    }
    if (isStrict && isNested !== (kind === "nest")) {
      const fault = isNested ? "not expected" : "is missing";
      refuse(EINVAL, `NLA_F_NESTED ${fault}`);
    }
    if (kind === "ipv6" && length !== 16) {
      refuse(ERANGE, "binary attribute size out of range");
    }
    if (kind === "string") {
      // The name of a family, which must end.
      const end = Math.min(attr.end, start + 16);
      if (!this.bytes.subarray(start, end).includes(0)) refuse(EINVAL, FAILED);
    } else if (kind === "nest") {
      if (length > 0 && length < NLA_HDRLEN) refuse(ERANGE, FAILED);
      this.parseAttrs(start, attr.end, nested!, isStrict);
    } else if (length < (WIDTHS[kind] ?? 0)) refuse(ERANGE, FAILED);
  }
}

const UNKNOWN = "Unknown attribute type";
const FAILED = "Attribute failed policy validation";

/** `NETLINK_EXT_ACK` and `NETLINK_CAP_ACK` of the socket. */
export interface SocketOptions {
  /** Whether errors come with text and place. */
  extAck: boolean;
  /** Whether errors come without the request's payload. */
  capAck: boolean;
}

/** Messages of lower types are no requests. */
const NLMSG_MIN_TYPE = 16;

/** What answers the requests of one protocol; each throws a refusal. */
export interface Handlers {
  /** Does what is asked for, and returns the replies. */
  execute(request: FakeRequest): Bytes[];
  /** Returns a dump, up to its end. */
  dump(request: FakeRequest): Bytes[];
}

/** Answers a request, in datagrams (`netlink_rcv_skb()`). */
export function answerRequest(
  datagram: Bytes,
  options: SocketOptions,
  { execute, dump }: Handlers,
): Bytes[] {
  const length = datagram.length < NLMSG_HDRLEN ? 0 : readU32(datagram, 0);
  if (length < NLMSG_HDRLEN || length > datagram.length) return [];
  const request = new FakeRequest(datagram.slice(0, length));
  const { type, flags } = request;
  const answers: Bytes[] = [];
  try {
    // The kernel skips what is no request, and acks it.
    if (flags & NLM_F_REQUEST && type >= NLMSG_MIN_TYPE) {
      if ((flags & NLM_F_DUMP) === NLM_F_DUMP) return dump(request);
      answers.push(...execute(request));
    }
    if (flags & NLM_F_ACK) answers.push(encodeAck(request, 0, options));
    return answers;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [encodeAck(request, error.errno, options)];
  }
}

/** The ack of a request (`netlink_ack()`); errno 0 is success. */
export function encodeAck(
  { bytes, seq, extack }: FakeRequest,
  errno: number,
  { extAck, capAck }: SocketOptions,
): Bytes {
  const isCapped = capAck || errno === 0;
  return encodeEnd(
    ...[NLMSG_ERROR, isCapped ? NLM_F_CAPPED : 0, seq, errno] as const,
    isCapped ? bytes.subarray(0, NLMSG_HDRLEN) : bytes,
    extAck ? extack : {},
  );
}

/** The end of a dump (`netlink_dump_done()`). */
export function encodeDone({ seq, extack }: FakeRequest, errno = 0): Bytes {
  const nothing = new Uint8Array();
  return encodeEnd(NLMSG_DONE, NLM_F_MULTI, seq, errno, nothing, extack);
}

function encodeEnd(
  type: number,
  flags: number,
  seq: number,
  errno: number,
  echo: Uint8Array,
  extack: ExtAck,
): Bytes {
  const fixed = new Uint8Array(4 + echo.length);
  writeU32(fixed, 0, -errno);
  fixed.set(echo, 4);
  const hasAttrs = Object.keys(extack).length > 0;
  const header = { type, flags, seq, pid: PORT_ID };
  if (hasAttrs) header.flags |= NLM_F_ACK_TLVS;
  const message = encodeMessage(header, fixed, NLMSGERR_ATTR, extack);
  if (hasAttrs) return message.slice();
  // There is padding only in front of attributes.
  const length = NLMSG_HDRLEN + fixed.length;
  encodeNlHeader(message, length, header);
  return message.slice(0, length);
}
