/**
 * A wrong argument. Programs can catch it as the `TypeError` that it is; its
 * name tells it from a fault inside of the library.
 *
 * @example Show what was typed wrong
 * ```ts
 * import { ArgumentTypeError, parseAddress } from "@mptcp/pm/codec";
 *
 * try {
 *   parseAddress(prompt("Address?") ?? "");
 * } catch (error) {
 *   if (!(error instanceof ArgumentTypeError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class ArgumentTypeError extends TypeError {
  /** Name of the class, kept through minification. */
  override readonly name = "ArgumentTypeError";
}

/** An argument that is out of range, or names what is not there. */
export class ArgumentRangeError extends RangeError {
  /** Name of the class, kept through minification. */
  override readonly name = "ArgumentRangeError";
}
