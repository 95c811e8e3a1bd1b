/**
 * Base class of the errors of this library. What is wrong with an argument is
 * a `TypeError` or a `RangeError` instead.
 *
 * @example Tell bytes that cannot be decoded from a fault of the program
 * ```ts
 * import { decodeNlMessages, MptcpError } from "@mptcp/pm/codec";
 *
 * try {
 *   decodeNlMessages(new Uint8Array(3));
 * } catch (error) {
 *   if (!(error instanceof MptcpError)) throw error;
 *   console.log(`${error.name}: ${error.message}`);
 * }
 * ```
 */
export class MptcpError extends Error {
  /** Name of the class, kept through minification. */
  override readonly name: string = "MptcpError";
}
