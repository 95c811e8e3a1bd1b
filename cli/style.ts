/**
 * Colour, on a terminal that wants it. The 16 base colours only, so that the
 * user's theme decides; and never the only thing that says something.
 *
 * @module
 */

import { printable } from "./printable.ts";

/** What a text can look like, and the parameter of SGR for it. */
const CODES = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  magenta: 35,
  cyan: 36,
} as const;

/** What a text can look like. */
export type Style = keyof typeof CODES;

/** Where output goes. */
export interface Screen {
  /** How many columns a line has. */
  readonly columns: number;
  /** Whether it shows colours. */
  readonly color: boolean;
}

/** Not a terminal. */
export const PLAIN: Screen = { columns: 80, color: false };

/** What standard output goes to. */
export function screen(): Screen {
  if (!Deno.stdout.isTerminal()) return PLAIN;
  try {
    const { columns } = Deno.consoleSize();
    // A terminal that was not told its size has none.
    return { columns: columns || PLAIN.columns, color: !Deno.noColor };
  } catch {
    return PLAIN;
  }
}

/** A text with what a terminal may not obey made visible, in a style. */
export function paint(
  { color }: Screen,
  text: string,
  style: Style | undefined,
): string {
  const plain = printable(text);
  return color && style !== undefined && plain !== ""
    ? `\x1b[${CODES[style]}m${plain}\x1b[0m`
    : plain;
}
