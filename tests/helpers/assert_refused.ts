import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { NetlinkError } from "../../netlink/errors.ts";

/**
 * The reasons are those of this release. Older and younger kernels give the
 * same errors with other words, so there only the errors count.
 */
const reasonsAreKnown = Deno.osRelease().startsWith("6.18.");

/** A refusal that a test expects; what is left out must be absent. */
export interface Refusal {
  /** The kernel's words. */
  readonly message?: string;
  /** The attribute at fault. */
  readonly attribute?: string;
  /** The number of the missing attribute. */
  readonly missing?: number;
  /** A part of the hint. */
  readonly hint?: string;
}

/**
 * Asserts that the kernel refuses something.
 *
 * @param expected The operation and the name of the error: `"set-flags EINVAL"`.
 */
export function assertRefused(
  action: () => unknown,
  expected: string,
  refusal: Refusal = {},
): void {
  const error = assertThrows(action, NetlinkError);
  assertEquals(`${error.op} ${error.code}`, expected);
  if (!reasonsAreKnown) return;
  const { message, attribute, missing } = error.extack ?? {};
  const { hint, ...reason } = refusal;
  assertEquals({
    ...message !== undefined && { message },
    ...attribute !== undefined && { attribute },
    ...missing !== undefined && { missing },
  }, reason);
  if (hint === undefined) assertEquals(error.hint, undefined);
  else assertStringIncludes(error.hint ?? "", hint);
}
