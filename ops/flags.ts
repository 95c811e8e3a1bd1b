import { ArgumentTypeError } from "../codec/argument_error.ts";
import { ADDR_FLAGS, type AddrFlag } from "../codec/mptcp_pm.gen.ts";

/**
 * A flag of an endpoint: a word of `ip mptcp`, or, for bits that this version
 * has no word for, their number in hexadecimal (`"0x40"`).
 */
export type EndpointFlag = AddrFlag | `0x${string}`;

/** Turns flag bits into words; no bit is lost. */
export function flagWords(bits: number): EndpointFlag[] {
  const words: EndpointFlag[] = [];
  let unknown = bits;
  for (const [word, bit] of ADDR_FLAGS) {
    if (bits & bit) words.push(word);
    unknown &= ~bit;
  }
  if (unknown !== 0) words.push(`0x${(unknown >>> 0).toString(16)}`);
  return words;
}

/**
 * Turns flag words into bits.
 *
 * @throws {TypeError} A word is not known.
 */
export function flagBits(words: readonly EndpointFlag[]): number {
  let bits = 0;
  for (const word of words) {
    const bit = ADDR_FLAGS.find(([known]) => known === word)?.[1] ??
      rawBits(word);
    if (bit === undefined) {
      const known = ADDR_FLAGS.map(([word]) => word).join(", ");
      throw new ArgumentTypeError(`Unknown flag "${word}": known are ${known}`);
    }
    bits |= bit;
  }
  return bits >>> 0;
}

function rawBits(word: string): number | undefined {
  return /^0x[0-9a-f]{1,8}$/i.test(word) ? Number(word) : undefined;
}
