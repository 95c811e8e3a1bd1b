/**
 * Integers in bytes. A `DataView` would have to be made for each message, which
 * takes longer than decoding one.
 *
 * Nothing here checks lengths: the callers do.
 *
 * @module
 */

/** Netlink speaks the byte order of the host. */
export const HOST_LITTLE_ENDIAN: boolean =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Reads 16 bits without sign. */
export function readU16(
  bytes: Uint8Array,
  at: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): number {
  return little
    ? bytes[at]! | bytes[at + 1]! << 8
    : bytes[at]! << 8 | bytes[at + 1]!;
}

/** Reads 32 bits with sign. */
export function readS32(
  bytes: Uint8Array,
  at: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): number {
  const first = readU16(bytes, at, little);
  const second = readU16(bytes, at + 2, little);
  return little ? first | second << 16 : first << 16 | second;
}

/** Reads 32 bits without sign. */
export function readU32(
  bytes: Uint8Array,
  at: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): number {
  return readS32(bytes, at, little) >>> 0;
}

/** Reads 64 bits without sign. */
export function readU64(
  bytes: Uint8Array,
  at: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): bigint {
  const first = BigInt(readU32(bytes, at, little));
  const second = BigInt(readU32(bytes, at + 4, little));
  return little ? first | second << 32n : first << 32n | second;
}

/** Writes the lower 16 bits of a number. */
export function writeU16(
  bytes: Uint8Array,
  at: number,
  value: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): void {
  bytes[little ? at : at + 1] = value;
  bytes[little ? at + 1 : at] = value >>> 8;
}

/** Writes the lower 32 bits of a number. */
export function writeU32(
  bytes: Uint8Array,
  at: number,
  value: number,
  little: boolean = HOST_LITTLE_ENDIAN,
): void {
  writeU16(bytes, little ? at : at + 2, value, little);
  writeU16(bytes, little ? at + 2 : at, value >>> 16, little);
}

/** Writes the lower 64 bits of a number. */
export function writeU64(
  bytes: Uint8Array,
  at: number,
  value: bigint,
  little: boolean = HOST_LITTLE_ENDIAN,
): void {
  const low = Number(BigInt.asUintN(32, value));
  const high = Number(BigInt.asUintN(32, value >> 32n));
  writeU32(bytes, little ? at : at + 4, low, little);
  writeU32(bytes, little ? at + 4 : at, high, little);
}
