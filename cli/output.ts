/**
 * What the objects' own rendering has in common.
 *
 * @module
 */

import type { Output } from "./words/grammar.ts";

/** A device that is gone is shown by its number, as `ip` does. */
export function deviceName(
  { ifIndex, dev }: { readonly ifIndex: number; readonly dev?: string },
): string | undefined {
  return ifIndex === 0 ? undefined : dev ?? `if${ifIndex >>> 0}`;
}

/** What a change led to: programs may want it, `ip` says nothing to people. */
export function silent({ json }: Output): Output {
  return { text: "", json };
}

/** What was asked for, the token as `ip` writes it. */
export function request(values: { readonly token: number }): Output {
  return {
    text: "",
    json: { ...values, token: `0x${values.token.toString(16)}` },
  };
}
