/**
 * Colour, on a terminal that wants it. The 16 base colours only, so that the
 * user's theme decides; and never the only thing that says something.
 *
 * @module
 */

import { openNamespace } from "../mod.ts";
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
  /** How many lines it has; absent: it is no terminal. */
  readonly rows?: number;
  /** Whether it shows colours. */
  readonly color: boolean;
}

/** Not a terminal. */
export const PLAIN: Screen = { columns: 80, color: false };

/** How large a terminal is that was not told its size. */
const USUAL = { columns: 80, rows: 24 };

let isDumb: boolean | undefined;

/** What standard output goes to, as it is now. */
export function screen(): Screen {
  if (!Deno.stdout.isTerminal() || (isDumb ??= hasDumbTerm())) return PLAIN;
  try {
    const { columns, rows } = Deno.consoleSize();
    return {
      columns: columns || USUAL.columns,
      rows: rows || USUAL.rows,
      color: !Deno.noColor,
    };
  } catch {
    return PLAIN;
  }
}

/** Whether TERM says that it obeys nothing; Deno tells it with permission only. */
function hasDumbTerm(): boolean {
  try {
    using namespace = openNamespace();
    return namespace.readFile("/proc/self/environ")?.split("\0")
      .includes("TERM=dumb") ?? false;
  } catch {
    return false;
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

/** A text without what {@linkcode paint} put around it. */
export function unpainted(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\x1b\[\d+m/g, "");
}
