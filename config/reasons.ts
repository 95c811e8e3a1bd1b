/**
 * Why an agent does what it does, and when it is no use: another program undoes
 * it again and again.
 *
 * @module
 */

import { keyOf } from "./match.ts";
import type { Standing } from "./settle.ts";
import type { Step } from "./step.ts";

/** So often a change is made again that somebody undid. */
const MOST = 1;
/** After so many milliseconds it may be made again all the same. */
const WINDOW_MS = 600_000;

const WANTED = "the file wants it";
const NOT_WANTED = "the file does not want it";

/** Why a step is done. */
export interface Reason {
  /** Why. */
  readonly why: string;
  /** Whether only since another program undid it. */
  readonly isRedone: boolean;
}

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

/** The address of something, in the form that tells addresses apart. */
export function addressKey(
  { address }: { readonly address: string },
): string {
  return keyOf({ address, port: 0 });
}

/** The reasons of one look after the other. */
export class Reasons {
  /** Addresses that came since the last change was done, or are not there. */
  readonly #standings = new Map<string, Standing>();
  /** When steps were done again that another program had undone. */
  readonly #redone = new Map<string, readonly number[]>();
  /** Whether the file was taken since the last change was done. */
  #isNew = true;
  /** The endpoints that there were after the last look; absent: there was none. */
  #left: ReadonlySet<string> | undefined;

  /** Whether there was no look yet after which all was as it is wanted. */
  get isFirst(): boolean {
    return this.#left === undefined;
  }

  /** Whether what the file wants is new. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** From now on something else is wanted. */
  renew(): void {
    this.#isNew = true;
  }

  /** Begins anew with what another program undid. */
  forgive(): void {
    this.#redone.clear();
  }

  /** Notes what came and went, and what is not there. */
  look(turned: readonly Standing[], standings: readonly Standing[]): void {
    for (const one of [...turned, ...standings]) {
      // What is there for long is no reason.
      if (one.isThere && !turned.includes(one)) continue;
      this.#standings.set(addressKey(one.address), one);
    }
  }

  /** Notes that all was done, and which endpoints there are to be. */
  settle(endpoints: readonly string[]): void {
    this.#left = new Set(endpoints);
    this.#isNew = false;
    this.#standings.clear();
  }

  /** Why a step is done. */
  of(step: Step): Reason {
    const known = (why: string) => ({ why, isRedone: false });
    const another = (did: string) => ({
      why: `another program ${did} it`,
      isRedone: true,
    });
    const isDelete = step.op === "del-addr" && !step.isReplaced;
    // At the start nothing has just come.
    if (!this.isFirst && (isDelete || step.op === "add-addr")) {
      const standing = this.#standings.get(addressKey(step.endpoint));
      if (standing?.isThere === !isDelete) return known(standing.why);
    }
    const wants = known(isDelete ? NOT_WANTED : WANTED);
    if (this.#isNew) return wants;
    const isLeft = "endpoint" in step &&
      this.#left!.has(keyOf(step.endpoint));
    switch (step.op) {
      case "add-addr":
        if (step.replaces !== undefined) return another("changed");
        return isLeft ? another("removed") : wants;
      case "del-addr":
        return isLeft || step.isReplaced ? wants : another("added");
      default:
        return another("changed");
    }
  }

  /** Notes that a step was done. */
  done(step: Step, now: number): Reason {
    const reason = this.of(step);
    if (reason.isRedone) {
      const purpose = purposeOf(step);
      this.#redone.set(purpose, [...this.#recent(purpose, now), now]);
    }
    return reason;
  }

  /** Whether another program undoes a step each time: it is left alone. */
  isHopeless(step: Step, now: number): boolean {
    return this.of(step).isRedone &&
      this.#recent(purposeOf(step), now).length >= MOST;
  }

  #recent(purpose: string, now: number): number[] {
    return (this.#redone.get(purpose) ?? []).filter((at) =>
      now - at < WINDOW_MS
    );
  }
}
