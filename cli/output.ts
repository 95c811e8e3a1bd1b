/**
 * What a command prints, and what the objects' own rendering has in common.
 *
 * @module
 */

/** What a command has to say. */
export interface Output {
  /** For people, as `ip mptcp` writes it. */
  readonly text: string;
  /** Whether a terminal may obey all that is in the text: it has colours. */
  readonly isPainted?: true;
  /** For programs. */
  readonly json: unknown;
  /** The exit code. @default {0} */
  readonly code?: number;
}

/**
 * Things that are printed one by one, before all of them are in memory: the ones
 * or the others are asked for.
 */
export interface OutputList {
  /** For people. */
  readonly texts: Iterable<string>;
  /** Whether a terminal may obey all that is in the texts: they have colours. */
  readonly isPainted?: true;
  /** For programs: the elements of an array, which get names in snake case. */
  readonly jsons: Iterable<unknown>;
}

/** A device that is gone is shown by its number, as `ip` does. */
export function deviceName(
  { ifIndex, dev }: { readonly ifIndex: number; readonly dev?: string },
): string | undefined {
  return ifIndex === 0 ? undefined : dev ?? `if${ifIndex >>> 0}`;
}

/** What a change led to: programs may want it, `ip` says nothing to people. */
export function jsonOnly({ json }: Output): Output {
  return { text: "", json };
}

/** How many of something there are, in words. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** What an agent says of lines that were lost. */
export function lostText(lines: number): string {
  return `${count(lines, "line")} lost: nobody read them in time\n`;
}

/** What was asked for, the token as `ip` writes it. */
export function echo(values: { readonly token: number }): Output {
  return {
    text: "",
    json: { ...values, token: `0x${values.token.toString(16)}` },
  };
}
