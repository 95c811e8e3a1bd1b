/** The longest text of a value that is no error. */
const MOST = 200;

/**
 * What somebody has thrown, in one line: errors with their causes, and anything
 * else, since anything can be thrown.
 */
export function thrownText(thrown: unknown): string {
  try {
    const text = thrown instanceof Error
      ? errorText(thrown, [])
      : `${valueText(thrown)} was thrown`;
    return text.trim().replaceAll(/\s*\n\s*/g, " ");
  } catch {
    return "something was thrown that has no text";
  }
}

function errorText(error: Error, before: readonly unknown[]): string {
  const { message, cause } = error;
  const name = error.name === "Error" ? "" : `${error.name}`;
  const text = message
    ? [name, message].filter(Boolean).join(": ")
    : `${name || "an error"} without a message`;
  const seen = [...before, error];
  if (cause === undefined || seen.includes(cause)) return text;
  const reason = cause instanceof Error
    ? errorText(cause, seen)
    : valueText(cause);
  return `${text}: ${reason}`;
}

function valueText(value: unknown): string {
  const isPlain = typeof value === "object" || typeof value === "string";
  const text = (isPlain ? JSON.stringify(value) : undefined) ?? String(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
