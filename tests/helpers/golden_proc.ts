/**
 * The captured files of /proc, and a namespace that has them.
 *
 * @module
 */

import { FakeKernel } from "../../testing/fake_kernel.ts";
import proc from "../golden/proc.jsonl" with { type: "text" };

const [, ...ROWS] = proc.trimEnd().split("\n").map((line) => JSON.parse(line));

/** The texts, by path. */
export const FILES: Readonly<Record<string, string>> = Object.fromEntries(
  ROWS.map(({ path, text }) => [path, text]),
);

/** The counters in them, as an independent program read them. */
export const COUNTERS: Readonly<Record<string, number>> = Object.assign(
  {},
  ...ROWS.map(({ decoded }) => decoded),
);

/** A kernel whose files say what was captured. */
export function kernelWithFiles(): FakeKernel {
  const kernel = new FakeKernel();
  for (const [path, text] of Object.entries(FILES)) {
    kernel.files.set(path, text);
  }
  return kernel;
}
