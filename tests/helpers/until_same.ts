/**
 * Waits for what follows events to know what is there.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { until } from "../../testing/lab.ts";

/**
 * Waits until both give the same lines at one moment: events that come a moment
 * later may change what is known again.
 *
 * @throws {AssertionError} They never do; it shows what differs.
 */
export async function untilSame(
  known: () => readonly string[],
  there: () => readonly string[],
  timeoutMs = 60_000,
): Promise<void> {
  const isSame = () => known().join() === there().join();
  await until(isSame, "both to be the same", timeoutMs)
    .catch(() => assertEquals(known(), there()));
}
