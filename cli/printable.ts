/**
 * Text that a terminal shows and does not obey: the name of a device may hold
 * what moves the cursor or sets the title of a window.
 *
 * @module
 */

/**
 * What a terminal may obey, except tabs and ends of lines, and what changes the
 * direction in which a line is read.
 */
const CONTROL =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text with control characters as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replaceAll(
    CONTROL,
    (control) =>
      control > "\xff" ? `\\u${hex(control, 4)}` : `\\x${hex(control, 2)}`,
  );
}

/** A line of JSON with control characters as `\u001b`. */
export function jsonLine(value: unknown): string {
  return visible(JSON.stringify(value)) + "\n";
}

/** JSON with the line breaks and spaces of `ip -p -j`. */
export function prettyJson(value: unknown): string {
  return visible(indented(value)) + "\n";
}

function indented(value: unknown, depth = 0): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => indented(item, depth + 1));
    return `[ ${items.join(",")}${items.length > 0 ? " " : ""}]`;
  }
  const line = `\n${"    ".repeat(depth)}`;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) =>
      `${line}    ${JSON.stringify(name)}: ${indented(field, depth + 1)}`
    );
  return `{${fields.join(",")}${fields.length > 0 ? line : ""}}`;
}

/** JSON with control characters as `\u001b`. */
export function visible(json: string): string {
  return json.replaceAll(CONTROL, (control) => `\\u${hex(control, 4)}`);
}

function hex(control: string, digits: number): string {
  return control.charCodeAt(0).toString(16).padStart(digits, "0");
}
