/**
 * Other addresses in the place of those of a host. What two addresses have in
 * common at their beginning, their replacements have too, to the bit: so a
 * prefix has those that it had. And each stays what it is: private, link-local,
 * documentation, public.
 *
 * @module
 */

import {
  AF_INET,
  formatIPv4,
  formatIPv6,
  isIPv4Mapped,
  parseAddress,
} from "../codec/inet.ts";
import { siphash } from "./siphash.ts";

/** A network that addresses of the host are in. */
export interface Network {
  readonly address: string;
  readonly prefixLength: number;
}

/**
 * The blocks with a meaning of their own (RFC 6890 and its registries), and how
 * many bits of an address in one stay: as many as tell what it is, or all of
 * those that say nothing of a host.
 */
const BLOCKS: readonly (readonly [block: string, keep: number])[] = [
  // Unspecified, loopback, documentation, broadcast.
  ...["0.0.0.0/8", "127.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24"],
  ...["198.51.100.0/24", "203.0.113.0/24", "255.255.255.255/32", "::/128"],
  ...["::1/128", "2001:db8::/32", "3fff::/20"],
].map((block) => [block, 128] as const);

const PARTLY: typeof BLOCKS = [
  // Private, shared by customers of a provider, link-local, for benchmarks.
  ["10.0.0.0/8", 8],
  ["172.16.0.0/12", 12],
  ["192.168.0.0/16", 16],
  ["100.64.0.0/10", 10],
  ["169.254.0.0/16", 16],
  ["198.18.0.0/15", 15],
  // Multicast, with its scope, and reserved.
  ["224.0.0.0/4", 8],
  ["240.0.0.0/4", 4],
  ["ff00::/8", 16],
  // NAT64, 6to4, unique local, link-local.
  ["64:ff9b::/96", 96],
  ["2002::/16", 16],
  ["fc00::/8", 8],
  ["fd00::/8", 8],
  ["fe80::/10", 64],
];

/** Bits that stay on the way to an address. */
interface Way {
  readonly bytes: Uint8Array;
  /** The first bit that stays, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Up to which bit addresses stay that have all of the way. */
  readonly keep: number;
}

const BLOCK_WAYS: readonly Way[] = [...BLOCKS, ...PARTLY].map(
  ([block, keep]) => {
    const [address, to] = block.split("/") as [string, string];
    return { bytes: parseAddress(address).bytes, from: 0, to: +to, keep };
  },
);

/**
 * Replaces addresses. A bit is turned over or not as the key and the bits before
 * it say: for an address next to a reserved block those stay that both have, so
 * that 192.169.0.1 stays in 192.169.0.0/16.
 */
export class OtherAddresses {
  readonly #key: Uint8Array;
  readonly #ways: readonly Way[];
  readonly #known = new Map<string, string>();

  /**
   * @param key 16 bytes.
   * @param networks Where no host may become the address of the network itself,
   * or its broadcast address; so the host .1 stays .1.
   */
  constructor(key: Uint8Array, networks: readonly Network[]) {
    this.#key = key;
    this.#ways = networks.flatMap(waysOf);
  }

  /** All that were replaced, and by what. */
  get known(): ReadonlyMap<string, string> {
    return this.#known;
  }

  /** The address that stands for another. */
  of(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const { bytes } = parseAddress(text);
    const other = isIPv4Mapped(bytes)
      ? `::ffff:${this.of(formatIPv4(bytes, 12))}`
      : format(this.#turned(bytes));
    this.#known.set(text, other);
    return other;
  }

  /** The prefix that stands for another, such as `10.0.2.0/24`. */
  ofPrefix(text: string): string {
    const [address, length] = text.split("/") as [string, string];
    const { bytes } = parseAddress(this.of(address));
    return `${format(masked(bytes, Number(length)))}/${length}`;
  }

  #turned(bytes: Uint8Array): Uint8Array {
    const other = bytes.slice();
    const ways = BLOCK_WAYS.filter((way) => way.bytes.length === bytes.length);
    const isReserved = staying(bytes, ways);
    const first = isReserved.indexOf(false);
    // Below a network that stays as it is, hosts have to change.
    const isKept = staying(bytes, [
      ...ways,
      ...this.#ways.filter((way) =>
        way.bytes.length === bytes.length && way.from > first
      ),
    ]);
    for (let bit = 0, random = 0; bit < isKept.length; bit++) {
      // Four bits, and so the 15 ways to them, have a hash in common.
      const group = bit & ~3;
      if (bit === group) random = this.#random(bytes, group);
      if (isKept[bit]) continue;
      const way = 1 << bit - group | valueOf(bytes, group, bit);
      // The first one in any case, so that no address stands for itself.
      const isTurned = bit === first || (random >> way & 1) === 1;
      if (isTurned) other[bit >> 3]! ^= 0x80 >> (bit & 7);
    }
    return other;
  }

  #random(bytes: Uint8Array, bits: number): number {
    const prefix = masked(bytes, bits);
    const message = new Uint8Array([bytes.length, bits, ...prefix]);
    return Number(siphash(this.#key, message) & 0xffffn);
  }
}

/** To the network's own address and, with IPv4, the broadcast address. */
function waysOf({ address, prefixLength: from }: Network): Way[] {
  const { family, bytes } = parseAddress(address);
  const to = 8 * bytes.length;
  if (from > to - 2) return [];
  const lowest = masked(bytes, from);
  const hosts = masked(new Uint8Array(bytes.length).fill(0xff), from);
  const highest = lowest.map((byte, at) => byte | ~hosts[at]! & 0xff);
  return [lowest, ...family === AF_INET ? [highest] : []].map((bytes) => ({
    ...{ bytes, from, to, keep: to },
  }));
}

/** Of each bit of an address, whether it stays. */
function staying(bytes: Uint8Array, ways: readonly Way[]): boolean[] {
  const bits = 8 * bytes.length;
  const isKept = Array<boolean>(bits).fill(false);
  for (const way of ways) {
    const { from, to, keep } = way;
    const common = sharedBits(bytes, way.bytes);
    const end = common >= to ? Math.min(keep, bits) : common + 1;
    if (common >= from) isKept.fill(true, from, end);
  }
  return isKept;
}

/** How many bits two addresses of a family have in common, from the first on. */
function sharedBits(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < one.length; at++) {
    const difference = one[at]! ^ other[at]!;
    if (difference !== 0) return 8 * at + Math.clz32(difference) - 24;
  }
  return 8 * one.length;
}

/** The bits from one to another, as a number. */
function valueOf(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let bit = from; bit < to; bit++) {
    value = value << 1 | bytes[bit >> 3]! >> 7 - (bit & 7) & 1;
  }
  return value;
}

/** An address with zeros behind a prefix. */
function masked(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (byte, at) => {
    const bits = Math.max(0, Math.min(8, length - 8 * at));
    return byte & 0xff00 >> bits;
  });
}

function format(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIPv4(bytes) : formatIPv6(bytes);
}
