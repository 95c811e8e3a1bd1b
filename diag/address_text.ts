import { readS32 } from "../codec/bytes.ts";
import { AF_INET, formatIPv4, formatIPv6 } from "../codec/inet.ts";

/** A power of 2. */
const SLOTS = 1024;

/** Texts, each at a hash of its address. */
const texts = new Array<string>(SLOTS).fill("");
/** Whose texts these are: family and four words; no family is 0. */
const keys = new Int32Array(SLOTS * 5);

/**
 * Writes the address of a socket as text. Many sockets have the same ones, and
 * it takes less time to find a text than to write it.
 *
 * @param bytes The address, and what is around it.
 * @param family `AF_INET`; any other is IPv6.
 */
export function addressText(
  bytes: Uint8Array,
  at: number,
  family: number,
): string {
  const isIPv4 = family === AF_INET;
  const first = readS32(bytes, at);
  const second = isIPv4 ? 0 : readS32(bytes, at + 4);
  const third = isIPv4 ? 0 : readS32(bytes, at + 8);
  const fourth = isIPv4 ? 0 : readS32(bytes, at + 12);
  // The bytes in which addresses differ are the last ones as a rule.
  const mixed = Math.imul(first ^ second ^ third ^ fourth, 0x9e37_79b1);
  const slot = mixed >>> 22;
  const key = slot * 5;
  if (
    keys[key] !== family || keys[key + 1] !== first ||
    keys[key + 2] !== second || keys[key + 3] !== third ||
    keys[key + 4] !== fourth
  ) {
    texts[slot] = isIPv4 ? formatIPv4(bytes, at) : formatIPv6(bytes, at);
    keys[key] = family;
    keys[key + 1] = first;
    keys[key + 2] = second;
    keys[key + 3] = third;
    keys[key + 4] = fourth;
  }
  return texts[slot]!;
}
