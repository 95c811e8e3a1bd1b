/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a key, which tells
 * nothing of the message to those who do not have the key. That of Web Crypto
 * is asynchronous.
 *
 * @module
 */

const U64 = 0xffff_ffff_ffff_ffffn;
const INITIAL = [
  ...[0x736f_6d65_7073_6575n, 0x646f_7261_6e64_6f6dn],
  ...[0x6c79_6765_6e65_7261n, 0x7465_6462_7974_6573n],
];

/**
 * Hashes a message.
 *
 * @param key 16 bytes.
 * @param message Up to 255 bytes: its length is part of what is hashed.
 * @returns 64 bits.
 */
export function siphash(key: Uint8Array, message: Uint8Array): bigint {
  const keys = [word(key, 0), word(key, 8)];
  const v = INITIAL.map((initial, at) => initial ^ keys[at % 2]!);
  const blocks = (message.length >> 3) + 1;
  const padded = new Uint8Array(8 * blocks);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  for (let block = 0; block < blocks; block++) {
    const m = word(padded, 8 * block);
    v[3]! ^= m;
    rounds(v, 2);
    v[0]! ^= m;
  }
  v[2]! ^= 0xffn;
  rounds(v, 4);
  return v.reduce((all, one) => all ^ one);
}

/** 8 bytes in little-endian order. */
function word(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
}

function rounds(v: bigint[], count: number): void {
  let [v0, v1, v2, v3] = v as [bigint, bigint, bigint, bigint];
  for (let round = 0; round < count; round++) {
    v0 = v0 + v1 & U64;
    v1 = rotated(v1, 13n) ^ v0;
    v0 = rotated(v0, 32n);
    v2 = v2 + v3 & U64;
    v3 = rotated(v3, 16n) ^ v2;
    v0 = v0 + v3 & U64;
    v3 = rotated(v3, 21n) ^ v0;
    v2 = v2 + v1 & U64;
    v1 = rotated(v1, 17n) ^ v2;
    v2 = rotated(v2, 32n);
  }
  v.splice(0, 4, v0, v1, v2, v3);
}

function rotated(value: bigint, bits: bigint): bigint {
  return (value << bits | value >> 64n - bits) & U64;
}
