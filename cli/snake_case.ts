/**
 * What the library has, as JSON with names in snake case.
 *
 * @module
 */

import { visible } from "./printable.ts";

const names = new Map<string, string>();

/** `rtt_us` for `rttUs`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A value as JSON, as `JSON.stringify()` would write it if the names in it were
 * in snake case: to make objects with such names takes four times as long.
 */
export function snakeJson(value: unknown): string {
  if (typeof value === "number" && Number.isFinite(value)) return `${value}`;
  if (typeof value === "string") return visible(JSON.stringify(value));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(snakeJson).join(",")}]`;
  let text = "";
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined) continue;
    let prefix = names.get(name);
    if (prefix === undefined) {
      prefix = `,${JSON.stringify(snakeCase(name))}:`;
      names.set(name, prefix);
    }
    text += prefix + snakeJson(field);
  }
  return `{${text.slice(1)}}`;
}

/** A value with all names in it in snake case. */
export function snakeKeys(value: unknown): unknown {
  return JSON.parse(snakeJson(value));
}
