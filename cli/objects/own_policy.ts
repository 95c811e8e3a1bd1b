/**
 * A policy that somebody has written, without a build and without an install.
 *
 * @module
 */

import { thrownText } from "../../codec/thrown.ts";
import { nearest } from "../../codec/nearest.ts";
import type { Policy } from "../../policy/mod.ts";
import type { Context } from "../context.ts";
import { FETCH_HINT, isNotFetched, LoadError } from "../load_error.ts";
import { unpainted } from "../style.ts";
import { UsageError } from "../words/grammar.ts";

/** The callbacks that there are. */
const CALLBACKS = [
  ...["established", "announced", "removed", "subflowOpened", "subflowClosed"],
  ...["priority", "closed", "interfaceUp", "interfaceDown", "tick"],
];

/**
 * Loads the default export of a file. The file is read through libc and imported
 * as text, since Deno asks for a permission to import a file that the program
 * does not name; so it can import packages, and no files beside it.
 */
export async function ownPolicy(
  context: Context,
  file: string,
): Promise<Policy> {
  const lines: string[] = [];
  for await (const line of context.lines(file)) lines.push(line);
  const type = file.endsWith(".js") ? "javascript" : "typescript";
  const text = encodeURIComponent(lines.join("\n"));
  let loaded: { readonly default?: unknown };
  try {
    // deno-lint-ignore mptcp/import -- it is the user's, not a part of this
    loaded = await import(`data:application/${type};charset=utf-8,${text}`);
  } catch (error) {
    const message = loadError(file, error);
    if (isNotFetched(error)) {
      throw new LoadError(`Cannot load ${file}: ${message}`, FETCH_HINT);
    }
    const isBeside = /^Import "\.{0,2}\//.test(message);
    throw new UsageError(`Cannot load ${file}: ${message}`, {
      ...isBeside && { hint: "it can import packages, and no files beside it" },
    });
  }
  const { default: policy } = loaded;
  const isObject = typeof policy === "object" && policy !== null;
  const isPolicy = isObject && CALLBACKS.some((name) => name in policy);
  // Nothing checks the types of the file.
  for (const name of isObject ? Object.keys(policy) : []) {
    const [meant] = CALLBACKS.includes(name) ? [] : nearest(name, CALLBACKS);
    if (meant === undefined) continue;
    context.hint(`nothing calls "${name}": did you mean "${meant}"?`);
  }
  if (isPolicy) {
    const given = policy as { readonly [name: string]: unknown };
    const wrong = CALLBACKS.find((name) =>
      given[name] !== undefined && typeof given[name] !== "function"
    );
    if (wrong === undefined) return policy as Policy;
    throw new UsageError(`Cannot run ${file}: "${wrong}" is not a function`);
  }
  throw new UsageError(
    `Cannot run ${file}: its default export is no policy: an object with any ` +
      `of ${CALLBACKS.join(", ")}`,
  );
}

/** What Deno says of a file that it cannot load, or what the file throws. */
function loadError(file: string, thrown: unknown): string {
  const { message } = thrown instanceof Error ? thrown : { message: "" };
  if (!PROGRAM.test(message)) return thrownText(thrown) + placeIn(file, thrown);
  // Deno colours a part of it.
  return unpainted(message).replaceAll(PROGRAMS, file);
}

/** How Deno names the file, before the line and the column. */
const PROGRAM = /data:application\/[^\s"]+?(?=(:\d+:\d+)?(["\s]|$))/;
const PROGRAMS = new RegExp(PROGRAM, "g");

/**
 * Where in the file something was thrown, as ` (FILE:LINE:COLUMN)`; empty:
 * nobody knows.
 */
export function placeIn(file: string, thrown: unknown): string {
  const { stack } = thrown instanceof Error ? thrown : {};
  const place = /data:application\/\S*:(\d+:\d+)\)?$/m.exec(stack ?? "")?.[1];
  return place === undefined ? "" : ` (${file}:${place})`;
}
