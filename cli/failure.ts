/**
 * From an error to what is printed and the exit code.
 *
 * @module
 */

/** The kernel, or what stands between, could not be talked to. */
export const EXIT_UNREACHABLE = 1 as const;
/** The kernel refused. */
export const EXIT_REFUSED = 2 as const;
/** The command line makes no sense. */
export const EXIT_USAGE = 255 as const;

const EXIT_CODES: { readonly [error: string]: number } = {
  UsageError: EXIT_USAGE,
  TypeError: EXIT_USAGE,
  RangeError: EXIT_USAGE,
  NetlinkError: EXIT_REFUSED,
  UnsupportedError: EXIT_REFUSED,
  NotFoundError: EXIT_REFUSED,
  SyscallError: EXIT_UNREACHABLE,
  ProtocolError: EXIT_UNREACHABLE,
  DecodeError: EXIT_UNREACHABLE,
  NotCapable: EXIT_UNREACHABLE,
  NotFound: EXIT_UNREACHABLE,
  NotSupported: EXIT_UNREACHABLE,
  OutputError: EXIT_UNREACHABLE,
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
}

/**
 * Describes an error.
 *
 * @param error What was thrown.
 * @param rerun The command line that has the permission.
 * @param usage The usage line to show with a usage error.
 */
export function describe(
  error: unknown,
  rerun: () => string,
  usage = "",
): Failure {
  const { name, message, hint, op, errno, code, extack, what } = error as Known;
  const exit = what === "family" ? EXIT_UNREACHABLE : EXIT_CODES[name];
  // Anything else is a bug of this program: show all of it.
  if (exit === undefined) throw error;
  const advice = name === "NotCapable" ? `run: ${rerun()}` : hint;
  return {
    code: exit,
    text: `mptcp: ${message}\n` +
      (advice === undefined ? "" : `hint: ${advice}\n`) +
      (exit === EXIT_USAGE ? usage : ""),
    json: {
      error: message,
      ...advice !== undefined && { hint: advice },
      ...op !== undefined && { op },
      ...errno !== undefined && { errno, code },
      ...extack?.attribute !== undefined && { attribute: extack.attribute },
    },
  };
}
