/**
 * YAML documents: what they say, and where each fault in them is.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import { findPositions, locator } from "./positions.ts";
import {
  type Fault,
  type Path,
  quote,
  type Report,
  type Tree,
} from "./types.ts";

/** The longest document, in characters. */
const MAX_LENGTH = 1 << 20;
/** How deep lists and mappings may be nested. */
const MAX_DEPTH = 32;
/** How many faults a message lists. */
const MAX_LISTED = 50;

/** Something that is wrong in a document. */
export interface DocumentFault {
  /** Line, from 1; absent: it is not known, or it is the whole document. */
  readonly line?: number;
  /** Character of the line, from 1; absent: it is somewhere in what begins on
   * the line. */
  readonly column?: number;
  /** The way to it, such as `endpoints[1].flags`; empty: the document. */
  readonly path: string;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/**
 * A document that makes no sense. The message has a line for each fault, such as
 * `mptcp.yaml:12:9: endpoints[1].id: must be a whole number from 1 to 255, not 0`.
 *
 * @example Show what is wrong in a file, and where
 * ```ts
 * import { DocumentError, parseConfig } from "@mptcp/pm/config";
 *
 * try {
 *   await parseConfig("endpoints: [{ adress: 10.0.2.1 }]");
 * } catch (error) {
 *   if (!(error instanceof DocumentError)) throw error;
 *   for (const { line, column, message } of error.faults) {
 *     console.log(line, column, message);
 *   }
 * }
 * ```
 */
export class DocumentError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "DocumentError";
  /** The document's name. */
  readonly file: string;
  /** All that is wrong, in the order of the document. */
  readonly faults: readonly DocumentFault[];

  /**
   * Lists faults.
   *
   * @param file The document's name.
   * @param faults All that is wrong, in the order of the document.
   */
  constructor(file: string, faults: readonly DocumentFault[]) {
    const lines = faults.slice(0, MAX_LISTED).map((fault) => {
      const { line, column, path, message } = fault;
      const place = [file, line, column].filter((part) => part !== undefined);
      return [place.join(":"), path, message].filter((part) => part !== "")
        .join(": ");
    });
    const more = faults.length - lines.length;
    if (more > 0) lines.push(`${file}: and ${more} more`);
    super(lines.join("\n"));
    this.file = file;
    this.faults = faults;
  }
}

/**
 * Reads a document.
 *
 * @param text The document.
 * @param file Its name in errors.
 * @param read Makes the result of what it says, or reports what is wrong.
 * @throws {DocumentError} It is not YAML, or something was reported.
 */
export async function readDocument<T>(
  text: string,
  file: string,
  read: (tree: Tree, report: Report) => T | undefined,
): Promise<T> {
  const own = text.replace(/^\uFEFF/, "");
  const refuse = (message: string, at?: number): never => {
    const place = at === undefined
      ? {}
      : new Lines(own).positionOf(Math.min(at, own.length));
    throw new DocumentError(file, [{ ...place, path: "", message }]);
  };
  const tree = await parse(own, refuse);
  const faults: Fault[] = [];
  const result = read(tree, (path, message, isKey = false) => {
    faults.push({ path, message, isKey });
  });
  if (faults.length > 0) throw errorOf(file, own, tree, faults);
  return result!;
}

/** Refuses the whole document. */
type Refuse = (message: string, at?: number) => never;

async function parse(text: string, refuse: Refuse): Promise<Tree> {
  if (text.length > MAX_LENGTH) {
    refuse(`it is longer than ${MAX_LENGTH} characters`);
  }
  const control = text.search(CONTROL);
  if (control >= 0) {
    const code = text.charCodeAt(control).toString(16).toUpperCase();
    refuse(
      `the character U+${code.padStart(4, "0")} is not allowed`,
      control,
    );
  }
  const tab = tabIndentation(text);
  if (tab >= 0) refuse("a tab cannot be indentation: use spaces", tab);
  const yaml = await import("@std/yaml");
  let tree: Tree;
  try {
    tree = yaml.parse(text, { schema: "failsafe" }) as Tree;
  } catch (error) {
    if (error instanceof RangeError) return refuse(TOO_DEEP);
    if (!(error instanceof SyntaxError)) throw error;
    return refuse(...syntaxFault(text, error));
  }
  checkNesting(tree, text, refuse);
  return tree;
}

/** All that YAML does not allow. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;
const TOO_DEEP = "lists and mappings are nested too deeply";

/**
 * Where a tab is indentation, which some parsers take for nothing. In brackets
 * it means no harm, as in JSON.
 */
function tabIndentation(text: string): number {
  if (/^(?:[ \t\r\n]|#.*)*[[{]/.test(text)) return -1;
  const found = /(?<=^ *)\t[ \t]*[^ \t\r\n#]/m.exec(text);
  return found?.index ?? -1;
}

/** What the parser says, with what helps. */
function syntaxFault(
  text: string,
  { message, offset }: SyntaxError & { readonly offset?: number },
): [message: string, at: number | undefined] {
  const reason = message.replace(/ at line \d+, column -?\d+[^]*$/, "");
  if (/1 document|single document/.test(reason)) {
    const marks = [...text.matchAll(/^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm)];
    const isFirst = /^(?:\s|#.*|%.*)*---/.test(text);
    const second = marks[isFirst ? 1 : 0];
    return ["there are several documents: one is needed", second?.index];
  }
  if (/duplicated? (mapping )?key/i.test(reason)) {
    const [key] = findPositions(text)?.duplicates ?? [];
    if (key !== undefined) return [`duplicate key ${quote(key.name)}`, key.at];
  }
  if (/maxDepth/.test(reason)) return [TOO_DEEP, offset];
  return [/\balias/i.test(reason) ? ALIASES : reason, offset];
}

const ALIASES = 'aliases are not supported: quote what begins with "*"';

/** Refuses aliases and what is nested too deeply, before anything walks there. */
function checkNesting(tree: Tree, text: string, refuse: Refuse): void {
  const seen = new Set<Tree>();
  const visit = (value: Tree, depth: number) => {
    if (typeof value !== "object" || value === null) return;
    if (depth > MAX_DEPTH) refuse(TOO_DEEP);
    if (seen.has(value)) refuse(ALIASES, findPositions(text)?.aliases[0]);
    seen.add(value);
    for (const one of Object.values(value)) visit(one, depth + 1);
  };
  visit(tree, 1);
  if (!text.includes("&") || !text.includes("*")) return;
  const [alias] = findPositions(text)?.aliases ?? [];
  if (alias !== undefined) refuse(ALIASES, alias);
}

/** The error with the positions of faults, in the order of the document. */
function errorOf(
  file: string,
  text: string,
  tree: Tree,
  faults: readonly Fault[],
): DocumentError {
  const lines = new Lines(text);
  const root = findPositions(text)?.root ?? { at: 0 };
  const locate = locator(root, tree);
  const places = faults.map(({ path, message, isKey = false }) => ({
    ...locate(path, isKey),
    ...{ path: pathText(path), message },
  })).toSorted((one, other) => one.at - other.at);
  return new DocumentError(
    file,
    places.map(({ at, isExact, path, message }) => {
      const { line, column } = lines.positionOf(at);
      const isKnown = tree !== null && (isExact || at > root.at);
      const place = !isKnown ? {} : isExact ? { line, column } : { line };
      return { ...place, path, message };
    }),
  );
}

/** The lines of a text. */
class Lines {
  /** Where they begin. */
  readonly #starts: readonly number[];
  /** Where characters of two UTF-16 units are. */
  readonly #pairs: readonly number[];

  constructor(text: string) {
    const ends = text.matchAll(/\r\n|\r|\n/g);
    this.#starts = [0, ...ends.map(({ 0: end, index }) => index + end.length)];
    const pairs = text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g);
    this.#pairs = [...pairs.map(({ index }) => index)];
  }

  /** The line and the character of an offset, both from 1. */
  positionOf(at: number): { readonly line: number; readonly column: number } {
    const line = countUpTo(this.#starts, at);
    const start = this.#starts[line - 1]!;
    const pairs = countUpTo(this.#pairs, at - 1) -
      countUpTo(this.#pairs, start - 1);
    return { line, column: at - start - pairs + 1 };
  }
}

/** How many of some offsets, which are in order, are not behind another. */
function countUpTo(offsets: readonly number[], at: number): number {
  let [count, end] = [0, offsets.length];
  while (count < end) {
    const middle = (count + end) >> 1;
    if (offsets[middle]! <= at) count = middle + 1;
    else end = middle;
  }
  return count;
}

/** The way to a value, as it is written in TypeScript. */
export function pathText(path: Path): string {
  return path.map((part, index) =>
    typeof part === "number"
      ? `[${part}]`
      : !/^[\w$-]+$/.test(part) || part.length > 60
      ? `[${quote(part)}]`
      : index === 0
      ? part
      : `.${part}`
  ).join("");
}
