/**
 * What the questions of `NETLINK_ROUTE` have in common.
 *
 * @module
 */

import { DecodeError } from "../codec/decode_error.ts";
import {
  AF_INET,
  AF_INET6,
  formatIPv4,
  formatIPv6,
  parseAddress,
} from "../codec/inet.ts";
import { NETLINK_ROUTE } from "../codec/rtnetlink.gen.ts";
import { QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";

export function openRouteClient(namespace: Namespace): QuestionClient {
  return new QuestionClient(namespace.open(NETLINK_ROUTE));
}

/** Whether a message is about IP: there are rules of multicast routing too. */
export function isIp(family: number): boolean {
  return family === AF_INET || family === AF_INET6;
}

/**
 * The text of an address.
 *
 * @param attribute Where it is, as in the errors of the codec.
 * @throws {DecodeError} It has neither 4 nor 16 bytes.
 */
export function addressText(bytes: Uint8Array, attribute: string): string {
  if (bytes.length === 4) return formatIPv4(bytes);
  if (bytes.length === 16) return formatIPv6(bytes);
  throw new DecodeError(
    `${bytes.length} bytes, but an address has 4 or 16`,
    0,
    attribute,
  );
}

/** The text of a prefix: `"10.0.2.0/24"`. */
export function prefixText(
  bytes: Uint8Array,
  length: number,
  attribute: string,
): string {
  return `${addressText(bytes, attribute)}/${length}`;
}

/** Whether an address is within a prefix. */
export function contains(
  prefix: string,
  { bytes }: { readonly bytes: Uint8Array },
): boolean {
  const [address, length] = prefix.split("/") as [string, string];
  const other = parseAddress(address).bytes;
  const bitAt = (bytes: Uint8Array, at: number) =>
    bytes[at >> 3]! >> (7 - (at & 7)) & 1;
  return other.length === bytes.length &&
    Array.from({ length: Number(length) }).every((_, at) =>
      bitAt(other, at) === bitAt(bytes, at)
    );
}

/** Flags as words, and the bits that this version has no word for. */
export function flagsOf<Word extends string>(
  table: readonly (readonly [word: Word, bit: number])[],
  bits: number,
): { flags: Word[]; unknownFlags?: number } {
  const flags: Word[] = [];
  let unknown = bits;
  for (const [word, bit] of table) {
    if (bits & bit) flags.push(word);
    unknown &= ~bit;
  }
  return unknown === 0 ? { flags } : { flags, unknownFlags: unknown >>> 0 };
}
