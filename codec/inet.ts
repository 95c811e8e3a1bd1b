/**
 * IPv4 and IPv6 addresses as text, strict in both directions: no octal or
 * hexadecimal IPv4, no short forms, no zone, no prefix length. A text that two
 * programs could read differently is refused.
 *
 * @module
 */

import { ArgumentTypeError } from "./argument_error.ts";
import { readU16 } from "./bytes.ts";

/** Address family of IPv4 (`AF_INET`). */
export const AF_INET = 2 as const;
/** Address family of IPv6 (`AF_INET6`). */
export const AF_INET6 = 10 as const;

const SCRATCH = new Uint8Array(16);

const [DOT, ZERO, NINE] = [0x2e, 0x30, 0x39];

/**
 * Reads an IPv4 address: four decimal numbers from 0 to 255, no leading zeros.
 *
 * @param text Such as `"10.0.1.1"`.
 * @param bytes Where to write the 4 bytes in network order. To make an array
 * takes longer than all the rest. @default {a new one}
 * @param start Where they begin there. @default {0}
 * @returns `bytes`.
 * @throws {TypeError} The text is not such an address; the message says why.
 *
 * @example Read an address
 * ```ts
 * import { parseIPv4 } from "@mptcp/pm/codec";
 *
 * console.log(parseIPv4("10.0.1.1")); // Uint8Array(4) [ 10, 0, 1, 1 ]
 * ```
 */
export function parseIPv4(
  text: string,
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4),
  start = 0,
): Uint8Array<ArrayBuffer> {
  let [index, first, number] = [0, 0, 0];
  // By characters: to split the text takes ten times as long.
  for (let at = 0; at <= text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      number = number * 10 + code - ZERO;
      continue;
    }
    const isEnd = index < 3 ? code === DOT : at === text.length;
    const isShortest = at - first === (number < 10 ? 1 : number < 100 ? 2 : 3);
    if (!isEnd || !isShortest || number > 255) throw notIPv4(text);
    bytes[start + index++] = number;
    first = at + 1;
    number = 0;
  }
  return bytes;
}

const ZONE = "a zone is not part of it, name the device";

/** Why a text is no IPv4 address. */
function notIPv4(text: string): TypeError {
  if (text.includes("%")) return invalid("IPv4", text, ZONE);
  const parts = text.split(".");
  if (parts.length !== 4) {
    return invalid("IPv4", text, `4 numbers are needed, not ${parts.length}`);
  }
  const part = parts.find((part) =>
    !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255
  )!;
  return invalid(
    "IPv4",
    text,
    !/^\d+$/.test(part)
      ? `"${part}" is not a decimal number`
      : /^0./.test(part)
      ? `"${part}" may be read as octal`
      : `${part} is above 255`,
  );
}

/**
 * Reads an IPv6 address (RFC 4291, section 2.2), the last 32 bits in dotted
 * form if so written. IPv4-mapped addresses (`::ffff:10.0.1.1`) are addresses
 * like any other here; a zone (`%eth0`) is refused, since the kernel takes the
 * interface in a field of its own.
 *
 * @param text Such as `"2001:db8::1"`.
 * @param bytes Where to write the 16 bytes in network order. @default {a new
 * array}
 * @param start Where they begin there. @default {0}
 * @returns `bytes`.
 * @throws {TypeError} The text is not such an address; the message says why.
 *
 * @example Read an address
 * ```ts
 * import { parseIPv6 } from "@mptcp/pm/codec";
 *
 * console.log(parseIPv6("::1").at(-1)); // 1
 * ```
 */
export function parseIPv6(
  text: string,
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(16),
  start = 0,
): Uint8Array<ArrayBuffer> {
  if (text.includes("%")) {
    throw invalid("IPv6", text, ZONE);
  }
  const halves = text.split("::");
  if (halves.length > 2) throw invalid("IPv6", text, '"::" occurs twice');
  const head = groups(text, halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groups(text, halves[1]!, true) : [];
  const length = head.length + tail.length;
  if (halves.length === 1 ? length !== 16 : length > 14) {
    throw invalid(
      "IPv6",
      text,
      halves.length === 1
        ? `8 groups are needed, not ${length / 2}`
        : `"::" stands for one group at least`,
    );
  }
  for (let index = 0; index < 16; index++) {
    bytes[start + index] = head[index] ?? tail[tail.length - 16 + index] ?? 0;
  }
  return bytes;
}

/** The bytes of the groups on one side of the `::`. */
function groups(text: string, half: string, last: boolean): number[] {
  if (half === "") return [];
  if (/[[\]]/.test(half)) {
    throw invalid("IPv6", text, "brackets are no part of it");
  }
  const words = half.split(":");
  return words.flatMap((word, index) => {
    if (word.includes(".") && last && index === words.length - 1) {
      return [...parseIPv4(word)];
    }
    if (!/^[0-9a-f]{1,4}$/i.test(word)) {
      throw invalid("IPv6", text, `"${word}" is not 1 to 4 hex digits`);
    }
    const value = parseInt(word, 16);
    return [value >> 8, value & 0xff];
  });
}

function invalid(family: string, text: string, why: string): TypeError {
  return new ArgumentTypeError(`Invalid ${family} address "${text}": ${why}`);
}

/**
 * Writes the 4 bytes of an IPv4 address as text.
 *
 * @param bytes The address, and what is around it.
 * @param at Where it is.
 */
export function formatIPv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/**
 * Writes the 16 bytes of an IPv6 address as RFC 5952 wants it: lower case, no
 * leading zeros, the first longest run of two zero groups or more as `::`.
 * The last 32 bits of IPv4-mapped (`::ffff:a.b.c.d`) and IPv4-compatible
 * (`::a.b.c.d`) addresses are dotted, as `ip` and the C library write them.
 *
 * @param bytes The address, and what is around it.
 * @param at Where it is.
 */
export function formatIPv6(bytes: Uint8Array, at = 0): string {
  const group = (index: number) => readU16(bytes, at + 2 * index, false);
  let [start, length] = [0, 1];
  for (let index = 0, zeros = 0; index < 8; index++) {
    zeros = group(index) === 0 ? zeros + 1 : 0;
    if (zeros > length) [start, length] = [index + 1 - zeros, zeros];
  }
  const embedded = start === 0 &&
    (length === 6 || length === 5 && group(5) === 0xffff);
  const end = embedded ? 6 : 8;
  let text = "";
  for (let index = 0; index < end; index++) {
    if (length > 1 && index === start) {
      text += "::";
      index += length - 1;
      continue;
    }
    if (text !== "" && !text.endsWith("::")) text += ":";
    text += group(index).toString(16);
  }
  if (!embedded) return text;
  return `${text}${length === 6 ? "" : ":"}${formatIPv4(bytes, at + 12)}`;
}

/**
 * The family of an address text: IPv6 if it has a colon.
 *
 * @throws {TypeError} The text is neither an IPv4 nor an IPv6 address.
 */
export function familyOf(text: string): typeof AF_INET | typeof AF_INET6 {
  if (text.includes(":")) {
    parseIPv6(text, SCRATCH);
    return AF_INET6;
  }
  parseIPv4(text, SCRATCH);
  return AF_INET;
}

/** What no notation of IPv4 has: the text is a name. */
const LETTERS = /[g-wyz]/i;

/** An address that was read from a text. */
export interface Address {
  /** `AF_INET` or `AF_INET6`. */
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** The 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The text of the bytes, IPv6 in the form of RFC 5952. */
  readonly text: string;
}

/**
 * Reads an IPv4 or IPv6 address.
 *
 * @param text Such as `"10.0.1.1"` or `"2001:db8::1"`; neither zone nor prefix
 * length.
 * @throws {TypeError} The text is no such address; the message says why.
 *
 * @example Write an address as RFC 5952 does
 * ```ts
 * import { parseAddress } from "@mptcp/pm/codec";
 *
 * console.log(parseAddress("2001:DB8:0::1").text); // 2001:db8::1
 * ```
 */
export function parseAddress(text: string): Address {
  if (typeof text !== "string") {
    throw new ArgumentTypeError(`Invalid address ${text}: a text is needed`);
  }
  if (text.includes("/")) {
    throw new ArgumentTypeError(
      `Invalid address "${text}": it is given without prefix length`,
    );
  }
  if (text.includes(":")) {
    const bytes = parseIPv6(text);
    return { family: AF_INET6, bytes, text: formatIPv6(bytes) };
  }
  if (!text.includes(".") || LETTERS.test(text)) {
    throw new ArgumentTypeError(
      `Invalid address "${text}": ` +
        (text.includes("%") ? ZONE : "an IPv4 or IPv6 address is needed"),
    );
  }
  return { family: AF_INET, bytes: parseIPv4(text), text };
}

/**
 * Whether two addresses are one to MPTCP, which takes `a.b.c.d` and
 * `::ffff:a.b.c.d` for the same (`mptcp_addresses_equal()` in
 * `net/mptcp/pm.c`).
 *
 * @example Compare an address with how a dual-stack socket shows it
 * ```ts
 * import { isSameAddress, parseAddress } from "@mptcp/pm/codec";
 *
 * const [one, other] = ["10.0.1.1", "::ffff:10.0.1.1"].map(parseAddress);
 * console.log(isSameAddress(one!, other!)); // true
 * ```
 */
export function isSameAddress(
  one: { readonly bytes: Uint8Array },
  other: { readonly bytes: Uint8Array },
): boolean {
  const [bytes, others] = [embedded(one.bytes), embedded(other.bytes)];
  return bytes.length === others.length &&
    bytes.every((byte, index) => byte === others[index]);
}

/** The IPv4 address in an IPv4-mapped one, or what was given. */
function embedded(bytes: Uint8Array): Uint8Array {
  return isIPv4Mapped(bytes) ? bytes.subarray(12) : bytes;
}

/** Whether an address, in the form of RFC 5952, is one of `fe80::/10`: each link has those. */
export function isLinkLocal(text: string): boolean {
  return /^fe[89ab].:/.test(text);
}

/** Whether an IPv6 address holds an IPv4 one (`::ffff:0:0/96`). */
export function isIPv4Mapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
}
