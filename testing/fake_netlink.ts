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
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
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

/** Why the kernel does not do something; the ext-ack is in the request. */
export class Refusal {
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}

/** An attribute of a request: its header and its payload, as offsets in it. */
export interface Attr {
  readonly at: number;
  readonly end: number;
  readonly policy: AttrPolicy | undefined;
}

/** Attributes by number; of duplicates the last one counts. */
export type Attrs = ReadonlyMap<number, Attr>;

/** What the kernel tells of an attribute that is malformed. */
const HINTS: { readonly [kind in AttrKind]?: PolicyHint } = {
  u8: { minValueU: 0n, maxValueU: 0xffn, type: 2 },
  u16: { minValueU: 0n, maxValueU: 0xffffn, type: 3 },
  u32: { minValueU: 0n, maxValueU: 0xffff_ffffn, type: 4 },
  s32: { minValueS: -0x8000_0000n, maxValueS: 0x7fff_ffffn, type: 8 },
  ipv6: { minLength: 16, maxLength: 16, type: 10 },
  string: { maxLength: 15, type: 12 },
  nest: { type: 13 },
};

/** Widths of what the kernel takes for an integer. */
const WIDTHS: { readonly [kind in AttrKind]?: number } = {
  u8: 1,
  u16: 2,
  u32: 4,
  s32: 4,
  ipv4: 4,
};

/** A message to the kernel, and what the kernel has found wrong with it. */
export class FakeRequest {
  readonly bytes: Bytes;
  /** What an ack says besides the number of an error. */
  extack: { -readonly [key in keyof ExtAck]: ExtAck[key] } = {};
  /** The attributes, once they were parsed. */
  attrs: Attrs = new Map();

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  get type(): number {
    return readU16(this.bytes, 4);
  }

  get flags(): number {
    return readU16(this.bytes, 6);
  }

  get seq(): number {
    return readU32(this.bytes, 8);
  }

  /** Refuses it (`NL_SET_ERR_MSG_ATTR`). */
  refuse(
    errno: number,
    message: string,
    attr?: Attr,
    policy?: AttrPolicy,
  ): never {
    this.extack.message = message;
    if (attr !== undefined) {
      this.extack.offset = attr.at;
      const hint = policy && HINTS[policy.kind];
      if (hint === undefined) delete this.extack.policy;
      else this.extack.policy = hint;
    }
    throw new Refusal(errno);
  }

  /** Refuses it with EINVAL. */
  invalid(message: string, attr?: Attr): never {
    this.refuse(EINVAL, message, attr);
  }

  /** An attribute that must be there (`GENL_REQ_ATTR_CHECK`). */
  need(type: number): Attr {
    const attr = this.attrs.get(type);
    if (attr !== undefined) return attr;
    this.extack.missing = type;
    throw new Refusal(EINVAL);
  }

  /** The value of an attribute that was checked; 0: it is absent. */
  number(attr: Attr | undefined): number {
    if (attr === undefined) return 0;
    const { bytes } = this;
    const at = attr.at + NLA_HDRLEN;
    switch (attr.policy?.kind) {
      case "u8":
        return bytes[at]!;
      case "u16":
        return readU16(bytes, at);
      case "s32":
        return readS32(bytes, at);
      default:
        return readU32(bytes, at);
    }
  }

  /** The address in an attribute that was checked. */
  address(attr: Attr): string {
    const format = attr.policy?.kind === "ipv4" ? formatIPv4 : formatIPv6;
    return format(this.bytes, attr.at + NLA_HDRLEN);
  }

  /** The text in an attribute that was checked. */
  text(attr: Attr): string {
    const { bytes } = this;
    const start = attr.at + NLA_HDRLEN;
    return new TextDecoder().decode(
      bytes.subarray(start, bytes.indexOf(0, start)),
    );
  }

  /**
   * Checks attributes as `__nla_validate_parse()` does.
   *
   * @param known Which of the set the command takes.
   * @param isStrict Whether it is a dump.
   */
  parse(
    start: number,
    end: number,
    { attrs: policies }: AttrSet,
    isStrict: boolean,
    known?: readonly number[],
  ): Attrs {
    const attrs = new Map<number, Attr>();
    const highest = known?.at(-1) ?? policies.length - 1;
    let at = start;
    while (at + NLA_HDRLEN <= end) {
      const length = readU16(this.bytes, at);
      if (length < NLA_HDRLEN || at + length > end) break;
      const bits = readU16(this.bytes, at + 2);
      const type = bits & NLA_TYPE_MASK;
      const policy = known?.includes(type) === false
        ? undefined
        : policies[type];
      const attr = { at, end: at + length, policy };
      if (type === 0 || type > highest) {
        if (isStrict) this.invalid("Unknown attribute type", attr);
      } else {
        this.#validate(attr, (bits & NLA_F_NESTED) !== 0, isStrict);
        attrs.set(type, attr);
      }
      at += align4(length);
    }
    if (at < end) {
      this.extack.message = "bytes leftover after parsing attributes";
      if (isStrict) throw new Refusal(EINVAL);
    }
    return attrs;
  }

  /** `validate_nla()`. */
  #validate(attr: Attr, isNested: boolean, isStrict: boolean): void {
    const { at, end, policy } = attr;
    if (policy === undefined) {
      if (isStrict) this.invalid("Unsupported attribute", attr);
      return;
    }
    const start = at + NLA_HDRLEN;
    const length = end - start;
    const width = WIDTHS[policy.kind];
    const isNest = policy.kind === "nest";
    if (isStrict) {
      const complaint = width !== undefined && length !== width
        ? "invalid attribute length"
        : isNest === isNested
        ? undefined
        : isNest
        ? "NLA_F_NESTED is missing"
        : "NLA_F_NESTED not expected";
      if (complaint) this.refuse(EINVAL, complaint, attr, policy);
    }
    if (isNest && length >= NLA_HDRLEN) {
      this.parse(start, end, policy.nested!, isStrict);
    } else if (policy.kind === "ipv6") {
      const message = "binary attribute size out of range";
      if (length !== 16) this.refuse(ERANGE, message, attr, policy);
    } else if (policy.kind === "string") {
      // It must end, and be no longer than the name of a family.
      const isEnded = this.bytes.subarray(start, Math.min(end, start + 16))
        .includes(0);
      if (!isEnded) this.#malformed(EINVAL, attr);
    } else if (isNest ? length > 0 : length < width!) {
      this.#malformed(ERANGE, attr);
    }
  }

  #malformed(errno: number, attr: Attr): never {
    const message = "Attribute failed policy validation";
    this.refuse(errno, message, attr, attr.policy);
  }
}

/** Puts bytes behind each other. */
export function concat(parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** `NETLINK_EXT_ACK` and `NETLINK_CAP_ACK` of the socket. */
export interface SocketOptions {
  /** Whether errors come with text and place. */
  extAck: boolean;
  /** Whether errors come without the request's payload. */
  capAck: boolean;
}

/** The ack of a request (`netlink_ack()`); errno 0 is success. */
export function encodeAck(
  { bytes, seq, extack }: FakeRequest,
  errno: number,
  { extAck, capAck }: SocketOptions,
): Bytes {
  // A success may carry a warning, and no more.
  const { message } = extack;
  const warning = message === undefined ? {} : { message };
  const isCapped = capAck || errno === 0;
  return encodeEnd(
    ...[NLMSG_ERROR, isCapped ? NLM_F_CAPPED : 0, seq, errno] as const,
    isCapped ? bytes.subarray(0, NLMSG_HDRLEN) : bytes,
    extAck ? errno === 0 ? warning : extack : {},
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
  const header = {
    ...{ type, seq, pid: PORT_ID },
    flags: flags | (hasAttrs ? NLM_F_ACK_TLVS : 0),
  };
  const message = encodeMessage(header, fixed, NLMSGERR_ATTR, extack);
  if (hasAttrs) return message.slice();
  // There is padding only in front of attributes.
  const length = NLMSG_HDRLEN + fixed.length;
  encodeNlHeader(message, length, header);
  return message.slice(0, length);
}
