/**
 * The names of the library as JSON has them.
 *
 * @module
 */

const names = new Map<string, string>();

/** `rtt_us` for `rttUs`. */
export function snakeCase(name: string): string {
  let snake = names.get(name);
  if (snake === undefined) {
    snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    names.set(name, snake);
  }
  return snake;
}

/** A value with all names in it in snake case. */
export function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (typeof value !== "object" || value === null) return value;
  const snake: Record<string, unknown> = {};
  // Without Object.entries(), which takes half of the time.
  for (const name in value) {
    snake[snakeCase(name)] = snakeKeys(
      (value as Record<string, unknown>)[name],
    );
  }
  return snake;
}
