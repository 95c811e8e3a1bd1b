/**
 * Stands in for `@std/assert` where JSR cannot be reached: what the tests of
 * this project use of it, over `node:assert`.
 *
 * Equality is that of `node:assert`, which is stricter than that of std in
 * four things: `0` is not `-0`, an object without prototype is not a plain
 * one, errors are compared by message, buffers by content.
 *
 * @module
 */
import nodeAssert from "node:assert";
import { isDeepStrictEqual } from "node:util";

/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class of errors, as `instanceof` takes it. */
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = new (...args: any[]) => E;

const withMessage = (fact: string, msg?: string) =>
  msg ? `${fact}: ${msg}` : `${fact}.`;

const show = (value: unknown) => Deno.inspect(value, { depth: 10 });

function check(holds: boolean, fact: () => string, msg?: string): void {
  if (!holds) throw new AssertionError(withMessage(fact(), msg));
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that `expr` is falsy. */
export function assertFalse(
  expr: unknown,
  msg = "",
): asserts expr is false | 0 | 0n | "" | null | undefined {
  if (expr) throw new AssertionError(msg);
}

/** Asserts deep equality. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    if (!(error instanceof nodeAssert.AssertionError)) throw error;
    const fact = withMessage("Values are not equal", msg);
    throw new AssertionError(`${fact}\n${error.message}`);
  }
}

/** Asserts that there is no deep equality. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  check(
    !isDeepStrictEqual(actual, expected),
    () => `Expected ${show(actual)} not to equal ${show(expected)}`,
    msg,
  );
}

/** Asserts that both are the same value, as `Object.is` sees it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  check(
    Object.is(actual, expected),
    () => `Expected ${show(actual)} to be strictly ${show(expected)}`,
    msg,
  );
}

/** Asserts that two numbers differ by at most `tolerance`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected)
    ? Math.abs(expected * 1e-7)
    : 1e-7,
  msg?: string,
): void {
  check(
    Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance,
    () => `Expected ${actual} to be ${expected} within ${tolerance}`,
    msg,
  );
}

/** Asserts that a value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  check(
    actual !== null && actual !== undefined,
    () => `Expected ${actual} not to be null or undefined`,
    msg,
  );
}

/** Asserts `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  check(
    actual > expected,
    () => `Expected ${show(actual)} > ${show(expected)}`,
    msg,
  );
}

/** Asserts `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  check(
    actual >= expected,
    () => `Expected ${show(actual)} >= ${show(expected)}`,
    msg,
  );
}

/** Asserts `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  check(
    actual < expected,
    () => `Expected ${show(actual)} < ${show(expected)}`,
    msg,
  );
}

/** Asserts `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  check(
    actual <= expected,
    () => `Expected ${show(actual)} <= ${show(expected)}`,
    msg,
  );
}

/** Asserts `actual instanceof expectedType`. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any
  T extends abstract new (...args: any[]) => any,
>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  check(
    actual instanceof expectedType,
    () =>
      `Expected ${show(actual)} to be an instance of "${expectedType.name}"`,
    msg,
  );
}

/** Asserts that a string matches a pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  check(
    expected.test(actual),
    () => `Expected ${show(actual)} to match ${expected}`,
    msg,
  );
}

/** Asserts that a string holds another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  check(
    actual.includes(expected),
    () => `Expected ${show(actual)} to include ${show(expected)}`,
    msg,
  );
}

/** Asserts that `actual` has at least what `expected` has, at any depth. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  check(
    hasAll(actual, expected),
    () => `Expected ${show(actual)} to match ${show(expected)}`,
    msg,
  );
}

/** Values that are compared whole, since their content is not in properties. */
const isWhole = (value: object) =>
  [Date, RegExp, Map, Set, ArrayBuffer].some((type) => value instanceof type) ||
  ArrayBuffer.isView(value);

function hasAll(actual: unknown, expected: unknown): boolean {
  if (
    typeof actual !== "object" || typeof expected !== "object" || !actual ||
    !expected || isWhole(expected) ||
    Array.isArray(actual) !== Array.isArray(expected)
  ) return isDeepStrictEqual(actual, expected);
  // An array's length is left out: std takes a prefix for a match too.
  return Reflect.ownKeys(expected).every((key) =>
    key === "length" && Array.isArray(expected) ||
    key in actual &&
      hasAll(Reflect.get(actual, key), Reflect.get(expected, key))
  );
}

/** Asserts that `fn` throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that `fn` throws such an error, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: ErrorClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const [errorClass, message] = tellApart(classOrMsg, msg);
  try {
    fn();
  } catch (error) {
    return checkError(error, "thrown", errorClass, msgIncludes, message);
  }
  throw new AssertionError(withMessage("Expected function to throw", message));
}

/** Asserts that the promise of `fn` rejects, and returns the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that the promise of `fn` rejects with such an error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const [errorClass, message] = tellApart(classOrMsg, msg);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // To throw is not to reject: said below.
  }
  if (typeof promise?.then !== "function") {
    throw new AssertionError(
      withMessage("Function throws when expected to reject", message),
    );
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, "rejected", errorClass, msgIncludes, message);
  }
  throw new AssertionError(withMessage("Expected function to reject", message));
}

/** The second argument of the two above is a class, or already the message. */
const tellApart = (
  classOrMsg: ErrorClass<Error> | string | undefined,
  msg: string | undefined,
) =>
  typeof classOrMsg === "string"
    ? [undefined, classOrMsg] as const
    : [classOrMsg, msg] as const;

function checkError(
  error: unknown,
  how: string,
  errorClass: ErrorClass<Error> | undefined,
  msgIncludes = "",
  msg?: string,
): unknown {
  if (!errorClass) return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(withMessage(`A non-Error object was ${how}`, msg));
  }
  check(
    error instanceof errorClass,
    () =>
      `Expected error to be instance of "${errorClass.name}", ` +
      `but was "${error.constructor.name}"`,
    msg,
  );
  check(
    error.message.includes(msgIncludes),
    () =>
      `Expected error message to include ${show(msgIncludes)}, ` +
      `but got ${show(error.message)}`,
    msg,
  );
  return error;
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(withMessage("Failed assertion", msg));
}

/** Fails where the flow of control must never come. */
export function unreachable(reason?: string): never {
  throw new AssertionError(reason ?? "Unreachable");
}
