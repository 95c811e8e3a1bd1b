import { unpainted } from "./style.ts";

/** A module that is loaded when it is used could not be. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Made where something was imported. */
  constructor(message: string, hint: string | undefined) {
    super(message);
    this.hint = hint;
  }
}

/** What the network did not give, as Deno says it. */
const NOT_FETCHED =
  /\bfailed to load\b|^Import '.*' failed|^Failed (?:loading|caching) |\bin cache: /m;

/**
 * Whether an import failed since something could not be fetched, as without a
 * network.
 */
export function isNotFetched(thrown: unknown): thrown is Error {
  return isNotFound(thrown) && NOT_FETCHED.test(unpainted(thrown.message));
}

/** What to do about that. */
export const FETCH_HINT: string =
  "modules are fetched when they are first used, and " +
  "then kept: run this once where there is a network";

/** An error of an import of this program's own; absent: it is another one. */
export function ownLoadError(thrown: unknown): LoadError | undefined {
  if (!isNotFound(thrown)) return undefined;
  const message = unpainted(thrown.message);
  // Deno has one code for what is not there and for what cannot be read.
  if (message.startsWith("SyntaxError")) return undefined;
  const hint = isNotFetched(thrown)
    ? FETCH_HINT
    : message.startsWith('Module not found "file:')
    ? "its files are not complete: install it again"
    : undefined;
  // Its causes have a line each, the last of which says most.
  const [first, ...lines] = message.split("\n");
  const cause = lines.findLast((line) => /^ +\d+: /.test(line));
  const reason = cause === undefined
    ? first!
    : first!.replace(/\.$/, "") + cause.replace(/^ +\d+/, "");
  return new LoadError(`Cannot load a part of this program: ${reason}`, hint);
}

function isNotFound(thrown: unknown): thrown is Error {
  return thrown instanceof TypeError &&
    (thrown as { readonly code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
}
