/**
 * From an error to what is printed and the exit code.
 *
 * @module
 */

import { EXIT } from "./exit.ts";
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
 * @param error What was thrown.
 * @param rerun The command line that has the permission.
 * @param found The command, as far as it was found.
 * @returns Nothing, if the error is a bug of this program.
 */
export function describe(
  error: unknown,
  rerun: () => string,
  found?: Found,
): Failure | undefined {
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

function meant({ advice }: UsageError): string | undefined {
  const { given = "", known = [] } = advice;
  const words = nearest(given, known);
  return words.length === 0
    ? undefined
    : `did you mean ${words.map((word) => `"${word}"`).join(" or ")}?`;
}
