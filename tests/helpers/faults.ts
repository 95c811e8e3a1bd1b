/**
 * Faults of the C library: each call fails with each error that it can give,
 * and after each way to fail, each call that follows.
 *
 * @module
 */

import { assert } from "@std/assert";
import { errnoText } from "../../codec/errno.ts";
import { errnoOf, ERRORS, HARMLESS } from "./errnos.ts";
import { libc } from "./fake_libc.ts";

/** More calls than anything here makes. */
const ENOUGH = 300;

/** What a thread of the pool says where it cannot even call a function. */
const NO_THREAD = "no thread";

/** One call that fails, by its number, and the error. */
export interface Fault {
  readonly nth: number;
  readonly code: string;
}

/** What became of something while calls failed. */
export interface Result {
  /** The uses of the C library, in the order of the calls. */
  readonly uses: readonly string[];
}

/** Has calls fail from now on, and returns the uses that it sees. */
export function arm(faults: readonly Fault[]): string[] {
  const uses: string[] = [];
  libc.fails = ({ use }) => {
    uses.push(use);
    if (uses.length > ENOUGH) throw new Error("there is no end of calls");
    const fault = faults.find(({ nth }) => nth === uses.length);
    return fault === undefined
      ? undefined
      : fault.code === NO_THREAD
      ? new Error(NO_THREAD)
      : errnoOf(fault.code);
  };
  return uses;
}

/** Lets all calls succeed again. */
export function disarm(): void {
  libc.fails = () => undefined;
}

const codesOf = (use: string) => [
  ...ERRORS[use]?.split(" ") ?? [],
  ...use.endsWith("Aside") ? [NO_THREAD] : [],
];

/** Whether the caller gets no error. */
export function isHarmless(use: string, code: string): boolean {
  return HARMLESS[use]?.split(" ").includes(code) ?? false;
}

/** What the caller gets for an error. */
export function thrownBy(use: string, code: string): RegExp {
  if (code === NO_THREAD) return /^Error: no thread$/;
  const [symbol] = use.split(" ");
  const text = errnoText(errnoOf(code));
  return RegExp(
    `^SyscallError: Cannot .+: ${text} \\(${symbol}: ${code}\\)`,
  );
}

/** One fault, and the use of the C library that it hits. */
export type Hit = readonly [use: string, code: string];

/**
 * Does something without faults, then with each single one, then with a second
 * one in what follows: in all that follows an error, and in two calls where there
 * is none, which are the repeated call or what is done instead.
 *
 * @param run Starts anew, does it while calls fail, and checks what is left.
 * @param check Compares the result with the one without faults.
 * @param options Whether to leave out the second faults.
 */
export async function sweep<Some extends Result>(
  run: (faults: readonly Fault[], what: string) => Some | Promise<Some>,
  check: (result: Some, clean: Some, hits: Hit[], what: string) => void,
  { single = false }: { readonly single?: boolean } = {},
): Promise<void> {
  const clean = await run([], "no fault");
  const fail = async (uses: readonly string[], ...faults: Fault[]) => {
    const hits = faults.map(({ nth, code }) => [uses[nth - 1]!, code] as const);
    const what = faults.map(({ nth, code }) =>
      `${code} at call ${nth}, ${uses[nth - 1]}`
    ).join(" and ");
    const result = await run(faults, what);
    check(result, clean, hits, what);
    return result;
  };
  assert(clean.uses.length > 0);
  for (const [index, use] of clean.uses.entries()) {
    const nth = index + 1;
    const codes = codesOf(use);
    assert(codes.length > 0, `no errors of ${use}`);
    // What follows is the same for all others.
    const reported = codes.find((code) => !isHarmless(use, code));
    const ignored = codes.find((code) => isHarmless(use, code));
    for (const code of codes) {
      const fault = { nth, code };
      const { uses } = await fail(clean.uses, fault);
      if (single) continue;
      const end = code === reported
        ? uses.length
        : code === ignored
        ? nth + 2
        : nth;
      for (const [index, use] of uses.slice(nth, end).entries()) {
        const [code] = codesOf(use);
        await fail(uses, fault, { nth: nth + 1 + index, code: code! });
      }
    }
  }
}

/** Lets everything go on that waits for nothing outside. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await undefined;
}

/** What only connections of this process use. */
export const CONNECTING: readonly string[] = [
  ...["socket of a stream", "setsockopt SO_BINDTODEVICE", "bind"],
  ...["connect of a stream", "getsockopt SO_ERROR", "getsockname"],
  ...["send of a stream", "getaddrinfo", "getaddrinfoAside"],
];

/** What only streams of events use. */
export const STREAMING: readonly string[] = [
  "recvfrom",
  "eventfd",
  "pollAside",
  "read eventfd",
  "write eventfd",
];
