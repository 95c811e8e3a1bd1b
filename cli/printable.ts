/**
 * Text that a terminal shows and does not obey: the name of a device may hold
 * what moves the cursor or sets the title of a window.
 *
 * @module
 */

/** What a terminal may obey, except tabs and ends of lines. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Text with control characters as `\x1b`. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, (control) => `\\x${hex(control, 2)}`);
}

/** A line of JSON with control characters as `\u001b`. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replaceAll(CONTROL, (control) => `\\u${hex(control, 4)}`) + "\n";
}

function hex(control: string, digits: number): string {
  return control.charCodeAt(0).toString(16).padStart(digits, "0");
}
