/**
 * From an error to what is printed and the exit code.
 *
 * @module
 */

import { EXIT } from "./exit.ts";
import { ownLoadError } from "./load_error.ts";
import { UsageError } from "./words/grammar.ts";
import { usage } from "./words/help.ts";
import { nearest } from "../codec/nearest.ts";
import type { Found } from "./words/parse.ts";

/** The exit code of each class of errors, by its name. */
export const EXIT_CODES: { readonly [error: string]: number } = {
  UsageError: EXIT.usage,
  ArgumentTypeError: EXIT.usage,
  ArgumentRangeError: EXIT.usage,
  DocumentError: EXIT.usage,
  NetlinkError: EXIT.refused,
  UnsupportedError: EXIT.refused,
  NotFoundError: EXIT.refused,
  PlanError: EXIT.refused,
  ApplyError: EXIT.refused,
  SyscallError: EXIT.unreachable,
  ProtocolError: EXIT.unreachable,
  DecodeError: EXIT.unreachable,
  NotCapable: EXIT.unreachable,
  NotFound: EXIT.unreachable,
  LoadError: EXIT.unreachable,
  NotSupported: EXIT.unreachable,
  OutputError: EXIT.unreachable,
  TimeoutError: EXIT.timedOut,
  AbortError: EXIT.timedOut,
};

/** What to print, and how to end. */
export interface Failure {
  readonly code: number;
  readonly text: string;
  readonly json: { readonly error: string };
}

/** The fields of the library's errors that programs want. */
interface Known {
  readonly name: string;
  readonly message: string;
  readonly hint?: string;
  readonly op?: string;
  readonly errno?: number;
  readonly code?: string;
  readonly what?: string;
  readonly extack?: { readonly attribute?: string };
  readonly faults?: readonly unknown[];
}

/**
 * Describes an error.
 *
 * @param thrown What was thrown.
 * @param rerun The command line that has the permission.
 * @param found The command, as far as it was found.
 * @returns Nothing, if the error is a bug of this program.
 */
export function describe(
  thrown: unknown,
  rerun: () => string,
  found?: Found,
): Failure | undefined {
  const error = ownLoadError(thrown) ?? thrown;
  const { name, message, op, errno, code, extack, what, faults } =
    error as Known;
  const exit = what === "family" ? EXIT.unreachable : EXIT_CODES[name];
  if (exit === undefined) return undefined;
  const hint = name === "NotCapable"
    ? `run: ${rerun()}`
    : error instanceof UsageError
    ? error.advice.hint ?? meant(error)
    : (error as Known).hint;
  // The hint has a place of its own.
  const reason = message.replace(`\nhint: ${hint}`, "");
  return {
    code: exit,
    // The lines of a document's faults begin with its name.
    text: (faults === undefined ? "mptcp: " : "") + `${reason}\n` +
      (hint === undefined ? "" : `hint: ${hint}\n`) +
      (exit === EXIT.usage && faults === undefined && found?.command
        ? usage(found.path, found.command)
        : ""),
    json: {
      error: reason,
      ...hint !== undefined && { hint },
      ...op !== undefined && { op },
      ...errno !== undefined && { errno, code },
      ...extack?.attribute !== undefined && { attribute: extack.attribute },
      ...faults !== undefined && { faults },
    },
  };
}

/** What values look like, by the names that usage lines give them. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  A: /^\d+(\.\d+){3}$|:.*:/,
  ADDR: /^\d+(\.\d+){3}$|:.*:/,
  B: /^\d+(\.\d+){3}$|:.*:/,
  GLOB: /^[a-z][\w.-]*[\d*]$/,
  "HOST:PORT": /^[\w.-]+\.[\w.-]+(:\d+)?$|^\[.*\]:\d+$/,
  IF: /^[a-z][\w.-]*\d$/,
  N: /^\d+$/,
  SECONDS: /^\d+(\.\d+)?(ms|s|m)?$/,
  T: /^0x[0-9a-f]+$|^[0-9a-f]{8}$/,
  TIME: /^\d+(\.\d+)?(ms|s|m)$/,
};

/** The value with the keywords that could stand before it. */
function withKeyword(given: string, usages: readonly string[]): string[] {
  return usages.flatMap((usage) =>
    [...usage.matchAll(/([\w|]+) ([A-Z:]+)\b/g)].flatMap(
      ([, keywords, value]) =>
        SHAPES[value!]?.test(given)
          ? keywords!.split("|").map((keyword) => `${keyword} ${given}`)
          : [],
    )
  );
}

/** What was written as one word: `subflows=2`, or `subflow,backup`. */
function apart(given: string, known: readonly string[]): string[] {
  const parts = given.split(/[\s,;=]+/).filter((part) => part !== "");
  return parts.length > 1 && known.includes(parts[0]!) ? [parts.join(" ")] : [];
}

/** Shorter words are in front of others by chance. */
const SHORTEST = 3;

/** More than so many are no help. */
const MOST_OTHERS = 3;

function meant({ advice }: UsageError): string | undefined {
  const { given = "", known = [], usages = [], others = [] } = advice;
  const parts = apart(given, known);
  const near = parts.length > 0 ? parts : nearest(given, known);
  const far = [...new Set([...others, ...withKeyword(given, usages)])];
  const likely = near.length > 0 || far.length > MOST_OTHERS ? near : far;
  const words = likely.length > 0
    ? likely
    : known.filter((word) => word.length >= SHORTEST && given.startsWith(word));
  return words.length === 0
    ? undefined
    : `did you mean ${words.map((word) => `"${word}"`).join(" or ")}?`;
}
