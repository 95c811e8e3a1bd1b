/**
 * Tests against the running kernel.
 *
 * @module
 */

import { Lab } from "../../testing/lab.ts";
import { bestOf } from "./in_time.ts";
import { openFiles } from "./proc.ts";

const isRequired = Deno.env.get("REQUIRE_LIVE") === "1";

// Called here, because it opens the C library: within a test the sanitizer
// would take that for a leak.
const labMissing = Lab.missing();
const shown = new Set<string>();

/**
 * A test against the running kernel. Where that is not possible it is
 * skipped, or fails if the environment says `REQUIRE_LIVE=1`.
 *
 * @param missing What it lacks here. @default {what a lab lacks}
 */
export function liveTest(
  name: string,
  fn: () => void | Promise<void>,
  missing: string | undefined = labMissing,
): void {
  if (missing === undefined) return Deno.test(name, fn);
  if (!isRequired) {
    if (!shown.has(missing)) console.error(`Tests are skipped: ${missing}`);
    shown.add(missing);
    return Deno.test.ignore(name, fn);
  }
  Deno.test(name, () => {
    throw new Error(`REQUIRE_LIVE is set, but ${missing}`);
  });
}

/** A {@linkcode liveTest} that is done again where something was too late. */
export function timedTest(
  name: string,
  fn: () => void | Promise<void>,
  missing?: string,
): void {
  liveTest(name, () => bestOf(fn), missing);
}

/** Says that a program is missing here, if it is. */
export function missingProgram(
  name: string,
  versionOption: string,
): string | undefined {
  try {
    const args = [versionOption];
    const { success } = new Deno.Command(name, { args }).outputSync();
    return success ? undefined : `${name} does not work`;
  } catch {
    return `${name} is missing`;
  }
}

/**
 * Runs something and checks that it leaves no file descriptor open. It runs
 * twice, because Deno opens some of its own the first time.
 */
export function assertNoFdLeak(action: () => void): void {
  action();
  const before = openFiles();
  action();
  const after = openFiles();
  if (after.length > before.length) {
    throw new Error(
      `${after.length - before.length} of these file descriptors leaked: ` +
        after.join(", "),
    );
  }
}
