/**
 * Which changes somebody undoes again and again: not to fight about them.
 *
 * @module
 */

import { keyOf } from "./match.ts";
import type { Step } from "./step.ts";

/** So often a change is made again that somebody undid. */
const MOST = 1;
/** After so many milliseconds it may be made again all the same. */
const WINDOW_MS = 600_000;

/** What a step makes of what, as a text. */
export function purposeOf(step: Step): string {
  switch (step.op) {
    case "write-setting":
      return `${step.name} = ${step.after}`;
    case "set-limits":
      return `limits ${JSON.stringify(step.after)}`;
    case "set-flags":
      return `${keyOf(step.endpoint)} = ${step.flags.join()}`;
    case "del-addr":
      return `no ${keyOf(step.endpoint)}`;
    case "add-addr":
      return keyOf(step.endpoint);
  }
}

/** Counts the changes that were made again since somebody had undone them. */
export class Undone {
  readonly #times = new Map<string, number[]>();

  /** Notes that a step was done again for no reason but that. */
  note(step: Step, now: number): void {
    const purpose = purposeOf(step);
    this.#times.set(purpose, [...this.#recent(purpose, now), now]);
  }

  /** Whether it was done again so often that it is left alone for a while. */
  isHopeless(step: Step, now: number): boolean {
    return this.#recent(purposeOf(step), now).length >= MOST;
  }

  #recent(purpose: string, now: number): number[] {
    return (this.#times.get(purpose) ?? []).filter((at) =>
      now - at < WINDOW_MS
    );
  }

  /** Begins anew. */
  clear(): void {
    this.#times.clear();
  }
}
