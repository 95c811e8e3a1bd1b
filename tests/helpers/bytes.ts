/**
 * Bytes as the tests write them: hex, in groups, little-endian as the captures.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../../codec/mod.ts";

/** Bytes from hex digits; spaces and `|` only group them. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(digits.replace(/[ |]/g, ""));
}

/** Asserts that `decode` refuses its bytes, and which place it names. */
export function assertDecodeError(
  decode: () => unknown,
  offset: number,
  path: string,
  problem: string,
): void {
  const error = assertThrows(decode, DecodeError, undefined, problem);
  assertEquals({ offset: error.offset, path: error.path }, { offset, path });
}
