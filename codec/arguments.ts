/**
 * Checks of what callers pass, before any byte leaves.
 *
 * @module
 */

import { ArgumentRangeError } from "./argument_error.ts";

/**
 * Checks an integer.
 *
 * @throws {RangeError} It is no integer, or out of range.
 */
export function integer(
  name: string,
  value: number,
  min: number,
  max: number,
): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentRangeError(
      `Invalid ${name} ${value}: it is an integer from ${min} to ${max}`,
    );
  }
  return value;
}

/** Checks a port. */
export function tcpPort(name: string, port: number): number {
  return integer(name, port, 1, 65535);
}

/** Checks a connection's token. */
export function connectionToken(token: number): number {
  return integer("token", token, 1, 0xffffffff);
}
