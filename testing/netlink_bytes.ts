/**
 * Bytes as the kernel writes them, made without the codec: it is to read them.
 *
 * @module
 */

/** What a transport carries. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Message type: the verdict on a request. */
export const NLMSG_ERROR = 2;
/** Message type: the end of a dump. */
export const NLMSG_DONE = 3;
/** Message type: to and from `nlctrl`. */
export const GENL_ID_CTRL = 16;
/** Flag: this is a request. */
export const NLM_F_REQUEST = 0x1;
/** Flag: more of the answer follows. */
export const NLM_F_MULTI = 0x2;
/** Flag: a verdict is wanted in any case. */
export const NLM_F_ACK = 0x4;
/** Flag: the table changed meanwhile. */
export const NLM_F_DUMP_INTR = 0x10;
/** Flags: all entries are wanted. */
export const NLM_F_DUMP = 0x300;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

const PORT_ID = 0x5120;

/** One byte. */
export function u8(value: number): Bytes {
  return Uint8Array.of(value);
}

/** Two bytes in the host's order. */
export function u16(value: number): Bytes {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

/** Four bytes in the host's order. */
export function u32(value: number): Bytes {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Text as C has it. */
export function text(value: string): Bytes {
  return new TextEncoder().encode(`${value}\0`);
}

/** Puts bytes behind each other. */
export function join(parts: readonly Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An attribute with its padding. */
export function attr(type: number, ...payload: Uint8Array[]): Bytes {
  const body = join([u16(0), u16(type), ...payload]);
  const bytes = new Uint8Array((body.length + 3) & ~3);
  bytes.set(body);
  bytes.set(u16(body.length));
  return bytes;
}

/** A netlink message of the kernel. */
export function message(
  type: number,
  flags: number,
  seq: number,
  ...payload: Uint8Array[]
): Bytes {
  const header = [u16(type), u16(flags), u32(seq), u32(PORT_ID)];
  const rest = join([...header, ...payload]);
  return join([u32(4 + rest.length), rest]);
}

/** The messages of a datagram, each on its own. */
export function split(datagram: Uint8Array): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at < datagram.length;) {
    const length = viewOf(datagram).getUint32(at, true);
    messages.push(datagram.slice(at, at + length) as Bytes);
    at += Math.max(16, (length + 3) & ~3);
  }
  return messages;
}

/** The same bytes to read numbers from. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The type in a message's header. */
export function typeOf(message: Uint8Array): number {
  return viewOf(message).getUint16(4, true);
}

/** The flags in a message's header. */
export function flagsOf(message: Uint8Array): number {
  return viewOf(message).getUint16(6, true);
}

/** The sequence number in a message's header. */
export function seqOf(message: Uint8Array): number {
  return viewOf(message).getUint32(8, true);
}

/** The datagram as the answer to the request with another number. */
export function withSeq(datagram: Uint8Array, seq: number): Bytes {
  return join(
    split(datagram).map((message) => {
      message.set(u32(seq), 8);
      // The header of the request.
      if (typeOf(message) === NLMSG_ERROR) message.set(u32(seq), 16 + 4 + 8);
      return message;
    }),
  );
}

/** What the kernel says besides the number of an error. */
export interface ExtAck {
  /** Text; absent: none. */
  readonly message?: string;
  /** Where in the request; absent: nowhere. */
  readonly offset?: number | undefined;
  /** Number of the attribute that is missing; absent: none is. */
  readonly missType?: number;
}

/** `NLMSGERR_ATTR_*` in the kernel's order. */
function extackAttrs({ message, offset, missType }: ExtAck): Bytes[] {
  return [
    ...message !== undefined ? [attr(1, text(message))] : [],
    ...offset !== undefined ? [attr(2, u32(offset))] : [],
    ...missType !== undefined ? [attr(5, u32(missType))] : [],
  ];
}

/** The end of a dump. */
export function done(seq: number, errno = 0, extack: ExtAck = {}): Bytes {
  const attrs = extackAttrs(extack);
  const flags = NLM_F_MULTI | (attrs.length > 0 ? NLM_F_ACK_TLVS : 0);
  return message(NLMSG_DONE, flags, seq, u32(-errno), ...attrs);
}

/** `NETLINK_EXT_ACK` and `NETLINK_CAP_ACK` of the socket. */
export interface SocketOptions {
  /** Whether errors come with text and place. */
  extAck: boolean;
  /** Whether errors come without the request's payload. */
  capAck: boolean;
}

/** The verdict on a request: 0 is success. */
export function verdict(
  request: Bytes,
  errno: number,
  extack: ExtAck = {},
  { extAck, capAck }: SocketOptions = { extAck: true, capAck: true },
): Bytes {
  const attrs = extAck ? extackAttrs(extack) : [];
  const isCapped = capAck || errno === 0;
  const flags = (isCapped ? NLM_F_CAPPED : 0) |
    (attrs.length > 0 ? NLM_F_ACK_TLVS : 0);
  const echo = isCapped ? request.subarray(0, 16) : request;
  const padding = new Uint8Array(-echo.length & 3);
  return message(
    NLMSG_ERROR,
    flags,
    seqOf(request),
    u32(-errno),
    echo,
    ...attrs.length > 0 ? [padding, ...attrs] : [],
  );
}
