/**
 * Checks of the values of a document, one at a time.
 *
 * @module
 */

/** The way to a value in a document: keys and list indexes. */
export type Path = readonly (string | number)[];

/** Something that is wrong in a document. */
export interface Fault {
  /** Where. */
  readonly path: Path;
  /** What. */
  readonly message: string;
}

/** Collects a fault. */
export type Report = (path: Path, message: string) => void;

/** Looks at a value and reports what is wrong with it. */
export type Check = (value: unknown, path: Path, report: Report) => void;

/** A value that passes a test; `what` describes such values. */
export function is(what: string, test: (value: unknown) => boolean): Check {
  return (value, path, report) => {
    if (test(value)) return;
    const label = path.findLast((part) => typeof part === "string") ??
      "document";
    report(path, `"${label}" must be ${what}, not ${JSON.stringify(value)}`);
  };
}

/** A string. */
export const text: Check = is("a string", (value) => typeof value === "string");
/** A boolean. */
export const bool: Check = is(
  "true or false",
  (value) => typeof value === "boolean",
);
/** An integer, negative ones too. */
export const integer: Check = is("a whole number", Number.isSafeInteger);
/** An integer of 0 or more. */
export const uint: Check = is(
  "a whole number of 0 or more",
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);

/** One of some words. */
export function oneOf(...words: string[]): Check {
  return is(
    `one of ${words.join(", ")}`,
    (value) => words.includes(value as string),
  );
}

/** A list whose elements all pass a check. */
export function listOf(item: Check): Check {
  return (value, path, report) => {
    if (!Array.isArray(value)) {
      return is("a list", () => false)(value, path, report);
    }
    value.forEach((element, index) => item(element, [...path, index], report));
  };
}

/** A mapping with these keys; those that end in `!` are required. */
export function mapOf(shape: Readonly<Record<string, Check>>): Check {
  const keys = new Map(
    Object.entries(shape).map(([key, check]) => [key.replace("!", ""), check]),
  );
  return (value, path, report) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      return is("a mapping", () => false)(value, path, report);
    }
    for (const [key, element] of Object.entries(value)) {
      const check = keys.get(key);
      if (check !== undefined) check(element, [...path, key], report);
      else {
        const allowed = [...keys.keys()].join(", ");
        report([...path, key], `unknown key "${key}"; allowed: ${allowed}`);
      }
    }
    for (const key of Object.keys(shape)) {
      if (key.endsWith("!") && !(key.slice(0, -1) in value)) {
        report(path, `missing key "${key.slice(0, -1)}"`);
      }
    }
  };
}
