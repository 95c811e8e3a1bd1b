/**
 * Where the values of a YAML document are, which its parser does not tell. The
 * scanner reads what a parser has taken, and checks nothing; what it finds is
 * compared with what the parser has found.
 *
 * @module
 */

import { isMap, type Path, type Tree } from "./types.ts";

/** Where a value is, and what is in it. */
export interface Spot {
  /** Offset of its first character; where nothing is written, of its key. */
  readonly at: number;
  readonly keys?: ReadonlyMap<string, Entry>;
  readonly items?: readonly Spot[];
}

/** A key of a mapping, and what it stands for. */
interface Entry {
  readonly at: number;
  readonly value: Spot;
}

/** What was found in a document. */
export interface Positions {
  readonly root: Spot;
  /** The offsets of aliases (`*name`). */
  readonly aliases: readonly number[];
  /** Keys that their mapping has already. */
  readonly duplicates: readonly Key[];
}

/** A key, and its offset. */
interface Key {
  readonly at: number;
  readonly name: string;
}

/**
 * Finds the positions of a document.
 *
 * @param text One document, without byte order mark.
 * @returns Nothing, where it has what is not known here, such as `? ` keys.
 */
export function findPositions(text: string): Positions | undefined {
  try {
    return new Scanner(text).document();
  } catch (error) {
    // What a parser has refused may be nested too deeply for this one, too.
    const isKnown = error instanceof Unknown || error instanceof RangeError;
    if (!isKnown) throw error;
    return undefined;
  }
}

/** Where something is. */
export interface Place {
  readonly at: number;
  /** Whether it is this itself, not what is around it. */
  readonly isExact: boolean;
}

/**
 * Makes what finds a value, or a key. Where the scanner and the parser differ,
 * what is around it stands for it, as far as they agree.
 *
 * @param root What the scanner has found.
 * @param tree What the parser has found.
 */
export function locator(
  root: Spot,
  tree: Tree,
): (path: Path, isKey: boolean) => Place {
  const known = new Map<Spot, boolean>();
  const agree = (spot: Spot, value: Tree): boolean => {
    const before = known.get(spot);
    if (before !== undefined) return before;
    known.set(spot, isAgreed(spot, value));
    return known.get(spot)!;
  };
  return (path, isKey) => {
    let [spot, value, at] = [root, tree, root.at];
    for (const [index, part] of path.entries()) {
      if (!agree(spot, value)) return { at, isExact: false };
      const entry = typeof part === "number"
        ? undefined
        : spot.keys!.get(part)!;
      spot = entry?.value ?? spot.items![part as number]!;
      value = (value as Record<string | number, Tree>)[part]!;
      const isItsKey = isKey && index === path.length - 1;
      at = isItsKey && entry !== undefined ? entry.at : spot.at;
    }
    return { at, isExact: agree(spot, value) };
  };
}

/** Whether both have found the same keys, or as many elements. */
function isAgreed({ keys, items }: Spot, tree: Tree): boolean {
  if (Array.isArray(tree)) return items?.length === tree.length;
  if (!isMap(tree)) return keys === undefined && items === undefined;
  const names = Object.keys(tree);
  return keys?.size === names.length && names.every((name) => keys.has(name));
}

const GAP = /(?:[ \t\r\n]|(?<![^ \t\r\n])#[^\r\n]*)+/y;
const REST_OF_LINE = /[^\r\n]*/y;
const MARKER = /(?:---|\.\.\.)(?![^ \t\r\n])/y;
const DASH = /-(?![^ \t\r\n])[ \t]*/y;
const QUESTION = /\?(?![^ \t\r\n])/y;
const COLON = /[ \t]*:(?![^ \t\r\n])/y;
/** Anchor or tag. */
const PROPERTY = /[&!][^ \t\r\n,[\]{}]*[ \t]*/y;
const ALIAS = /\*[^ \t\r\n,[\]{}]+/y;
const QUOTED = /"[^"\\]*(?:\\[^][^"\\]*)*"|'[^']*(?:''[^']*)*'/y;
/** Up to ": ", " #" and the end of the line. */
const PLAIN =
  /(?:[^ \t\r\n:#]|:(?=[^ \t\r\n])|(?<=[^ \t\r\n])#|[ \t]+(?=[^ \t\r\n:#]|:[^ \t\r\n]))+/y;
/** The same, of a key: what begins otherwise does not stand for itself. */
const KEY = new RegExp(`(?![[\\]{},#&*!|>'"%@\`])${PLAIN.source}`, "y");
/** The same in brackets: up to the next mark of these, and over lines. */
const FLOW_PLAIN =
  /(?:[^ \t\r\n:#,[\]{}]|:(?=[^ \t\r\n,[\]{}])|(?<=[^ \t\r\n])#|[ \t\r\n]+(?=[^ \t\r\n:#,[\]{}]|:[^ \t\r\n,[\]{}]))+/y;
const FLOW_COLON = /[ \t\r\n]*:(?![^ \t\r\n,[\]{}])/y;
/** What is quoted needs no space behind the colon. */
const QUOTED_COLON = /[ \t\r\n]*:/y;

/** The document has what the scanner does not know. */
class Unknown extends Error {}

class Scanner {
  readonly #text: string;
  readonly #aliases: number[] = [];
  readonly #duplicates: Key[] = [];
  #at = 0;
  /** Where the line begins. */
  #line = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Positions {
    this.#take(GAP);
    while (this.#text[this.#at] === "%") {
      this.#take(REST_OF_LINE);
      this.#take(GAP);
    }
    if (this.#column === 0) this.#take(MARKER);
    const root = this.#block(-1, this.#at);
    this.#take(GAP);
    if (!this.#isEnd(-1)) throw new Unknown();
    return { root, aliases: this.#aliases, duplicates: this.#duplicates };
  }

  #peek(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  /** Takes what comes next, if it is that. */
  #take(pattern: RegExp): string | undefined {
    const found = this.#peek(pattern);
    if (found === undefined) return undefined;
    const line = Math.max(found.lastIndexOf("\n"), found.lastIndexOf("\r"));
    if (line >= 0) this.#line = this.#at + line + 1;
    this.#at += found.length;
    return found;
  }

  get #column(): number {
    return this.#at - this.#line;
  }

  /** Whether nothing comes that is further in than a column. */
  #isEnd(column: number): boolean {
    return this.#at === this.#text.length || this.#column <= column ||
      this.#column === 0 && this.#peek(MARKER) !== undefined;
  }

  /**
   * A value that is further in than a column.
   *
   * @param nothing Where it is if it is not written.
   * @param isValue Whether a mapping has it: its list may be in that column.
   */
  #block(column: number, nothing: number, isValue = false): Spot {
    const line = this.#line;
    this.#take(GAP);
    if (this.#isEnd(column)) {
      const isList = isValue && !this.#isEnd(column - 1) &&
        this.#peek(DASH) !== undefined;
      return isList ? this.#list() : { at: nothing };
    }
    const mayBeMap = line !== this.#line || !isValue;
    if (this.#peek(QUESTION) !== undefined) throw new Unknown();
    if (this.#peek(DASH) !== undefined) return this.#list();
    if (mayBeMap && this.#isKey()) return this.#map();
    if (this.#take(PROPERTY) !== undefined) {
      return this.#block(column, nothing, isValue);
    }
    const at = this.#at;
    const flow = this.#flow();
    if (flow !== undefined) return flow;
    const isBlockScalar = /[|>]/.test(this.#text[at]!);
    let part = isBlockScalar ? REST_OF_LINE : PLAIN;
    for (;;) {
      if (this.#take(part) === undefined) throw new Unknown();
      if (isBlockScalar) part = REST_OF_LINE;
      const end = [this.#at, this.#line] as const;
      this.#take(/[ \t\r\n]+/y);
      const isComment = !isBlockScalar && this.#text[this.#at] === "#";
      if (this.#line === end[1] || isComment || this.#isEnd(column)) {
        [this.#at, this.#line] = end;
        return { at };
      }
    }
  }

  #isKey(): boolean {
    const start = this.#at;
    const isKey = this.#key() !== undefined;
    this.#at = start;
    return isKey;
  }

  /** A key of one line, and its colon. */
  #key(): Key | undefined {
    while (this.#take(PROPERTY) !== undefined);
    const at = this.#at;
    const name = this.#peek(QUOTED) ?? this.#peek(KEY);
    if (name === undefined || /[\r\n]/.test(name)) return undefined;
    this.#at += name.length;
    const hasColon = this.#take(COLON) !== undefined;
    return hasColon ? { at, name: nameOf(name) } : undefined;
  }

  #map(): Spot {
    const column = this.#column;
    const keys = new Map<string, Entry>();
    do {
      const key = this.#key();
      if (key === undefined) throw new Unknown();
      this.#put(keys, key, this.#block(column, key.at, true));
      this.#take(GAP);
    } while (!this.#isEnd(column - 1) && this.#column === column);
    return { at: keys.values().next().value!.at, keys };
  }

  #put(keys: Map<string, Entry>, key: Key, value: Spot): void {
    if (keys.has(key.name)) this.#duplicates.push(key);
    keys.set(key.name, { at: key.at, value });
  }

  #list(): Spot {
    const [column, at] = [this.#column, this.#at];
    const items: Spot[] = [];
    do {
      const dash = this.#at;
      this.#take(DASH);
      items.push(this.#block(column, dash));
      this.#take(GAP);
    } while (
      !this.#isEnd(column - 1) && this.#column === column &&
      this.#peek(DASH) !== undefined
    );
    return { at, items };
  }

  /** Brackets, quotes, or an alias. */
  #flow(): Spot | undefined {
    const at = this.#at;
    if (this.#take(ALIAS) !== undefined) {
      this.#aliases.push(at);
      return { at };
    }
    if (this.#take(QUOTED) !== undefined) return { at };
    const bracket = this.#take(/[[{]/y);
    if (bracket === undefined) return undefined;
    const items: Spot[] = [];
    const keys = new Map<string, Entry>();
    for (this.#take(GAP); this.#take(/[\]}]/y) === undefined;) {
      const at = this.#at;
      const value = this.#flowValue();
      const written = this.#text.slice(value.at, this.#at);
      const isQuoted = /^["']/.test(written);
      const hasColon = this.#take(isQuoted ? QUOTED_COLON : FLOW_COLON);
      if (bracket === "[") {
        if (hasColon !== undefined) throw new Unknown();
        items.push(value);
      } else {
        if (value.keys ?? value.items) throw new Unknown();
        this.#take(GAP);
        const { at } = value;
        const isWritten = hasColon !== undefined &&
          !/[,}]/.test(this.#text[this.#at]!);
        this.#put(
          keys,
          { at, name: nameOf(written) },
          isWritten ? this.#flowValue() : { at },
        );
      }
      this.#take(GAP);
      this.#take(/,/y);
      this.#take(GAP);
      if (this.#at === at) throw new Unknown();
    }
    return bracket === "[" ? { at, items } : { at, keys };
  }

  #flowValue(): Spot {
    if (this.#peek(QUESTION) !== undefined) throw new Unknown();
    while (this.#take(PROPERTY) !== undefined) this.#take(GAP);
    const flow = this.#flow();
    if (flow !== undefined) return flow;
    const at = this.#at;
    this.#take(FLOW_PLAIN);
    return { at };
  }
}

/** The name that a key is written for; JSON has the usual escapes. */
function nameOf(written: string): string {
  if (written.startsWith("'")) {
    return written.slice(1, -1).replaceAll("''", "'");
  }
  if (!written.startsWith('"')) return written.replaceAll(/[ \t\r\n]+/g, " ");
  try {
    return JSON.parse(written);
  } catch {
    return written;
  }
}
