import { MptcpError } from "./mptcp_error.ts";

/**
 * Bytes that do not follow the format: a length past the end, a scalar of the
 * wrong width, a message cut short.
 *
 * @example Catch malformed bytes
 * ```ts
 * import { decodeNlMessages, DecodeError } from "@mptcp/pm/codec";
 *
 * try {
 *   decodeNlMessages(new Uint8Array(3));
 * } catch (error) {
 *   if (error instanceof DecodeError) console.log(error.offset);
 * }
 * ```
 */
export class DecodeError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "DecodeError";
  /** Where the trouble starts, in bytes from the start of the decoded bytes. */
  readonly offset: number;
  /** The attribute, from the outside in (`".addr.port"`), or `""`. */
  readonly path: string;

  /**
   * Describes one place that cannot be decoded.
   *
   * @param problem What is wrong there, without place.
   * @param offset Bytes from the start of the decoded bytes.
   * @param path The attribute, from the outside in.
   */
  constructor(problem: string, offset: number, path = "") {
    super(
      `Cannot decode ${
        path === "" ? "message" : `attribute "${path}"`
      }: ${problem} at byte ${offset}`,
    );
    this.offset = offset;
    this.path = path;
  }
}
