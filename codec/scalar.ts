/**
 * Integers as attributes and structs have them.
 *
 * @module
 */

import { ArgumentRangeError, ArgumentTypeError } from "./argument_error.ts";
import {
  HOST_LITTLE_ENDIAN,
  readS32,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from "./bytes.ts";
import type { IntegerKind } from "./policy.ts";

/** Width in bytes of the integers. */
export const INTEGER_WIDTH: Readonly<Record<IntegerKind, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  s8: 1,
  s16: 2,
  s32: 4,
  s64: 8,
};

/** The values that the integers can have, from the least to the greatest. */
const RANGE: {
  readonly [kind in IntegerKind]:
    | readonly [number, number]
    | readonly [bigint, bigint];
} = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
  s8: [-0x80, 0x7f],
  s16: [-0x8000, 0x7fff],
  s32: [-0x8000_0000, 0x7fff_ffff],
  s64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
};

/** Reads an integer, whose width was checked. */
export function readInteger(
  bytes: Uint8Array,
  at: number,
  kind: IntegerKind,
  little: boolean,
): number | bigint {
  switch (kind) {
    case "u8":
      return bytes[at]!;
    case "u16":
      return readU16(bytes, at, little);
    case "u32":
      return readU32(bytes, at, little);
    case "u64":
      return readU64(bytes, at, little);
    case "s8":
      return bytes[at]! << 24 >> 24;
    case "s16":
      return readU16(bytes, at, little) << 16 >> 16;
    case "s32":
      return readS32(bytes, at, little);
    case "s64":
      return BigInt.asIntN(64, readU64(bytes, at, little));
  }
}

/**
 * Writes an integer.
 *
 * @returns The offset behind it.
 * @throws {TypeError | RangeError} The value does not fit.
 */
export function writeInteger(
  bytes: Uint8Array,
  at: number,
  name: string,
  kind: IntegerKind,
  value: unknown,
  little: boolean = HOST_LITTLE_ENDIAN,
): number {
  const [min, max] = RANGE[kind];
  if (typeof value !== typeof min) {
    throw wrongType(name, `a ${typeof min}`, value);
  }
  const integer = value as number;
  if (
    integer < min || integer > max ||
    typeof min === "number" && !Number.isInteger(integer)
  ) {
    throw new ArgumentRangeError(
      `${name} is not an integer from ${min} to ${max}: ${value}`,
    );
  }
  // The lower bits are the same for both signs.
  switch (INTEGER_WIDTH[kind]) {
    case 1:
      bytes[at] = integer;
      return at + 1;
    case 2:
      writeU16(bytes, at, integer, little);
      return at + 2;
    case 4:
      writeU32(bytes, at, integer, little);
      return at + 4;
    default:
      writeU64(bytes, at, value as bigint, little);
      return at + 8;
  }
}

/** The error for a value of another type. */
export function wrongType(
  name: string,
  kind: string,
  value: unknown,
): TypeError {
  return new ArgumentTypeError(`${name} is not ${kind}: ${value}`);
}
