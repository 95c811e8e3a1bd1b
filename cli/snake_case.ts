/**
 * What the library has, as JSON with names in snake case.
 *
 * @module
 */

import { visible } from "./printable.ts";

const [LINE_END, SPACE, QUOTE, COMMA] = [0x0a, 0x20, 0x22, 0x2c];
const [ZERO, BACKSLASH, TILDE] = [0x30, 0x5c, 0x7e];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `rtt_us` for `rttUs`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A name that was met in an object. */
class Name {
  readonly name: string;
  /** What is written in front of its value. */
  readonly prefix: Uint8Array;
  /** The one that came behind it, as it does as a rule. */
  next: Name | undefined;

  constructor(name: string) {
    this.name = name;
    this.prefix = encoder.encode(`,${JSON.stringify(snakeCase(name))}:`);
  }
}

const names = new Map<string, Name>();

function find(name: string, last: Name | undefined): Name {
  let found = names.get(name);
  if (found === undefined) names.set(name, found = new Name(name));
  if (last !== undefined) last.next = found;
  return found;
}

/**
 * Writes a value as `JSON.stringify()` would if the names in it were in snake
 * case. To make objects with such names, or texts to put together, takes longer.
 *
 * @param bytes Where to write; what does not fit is lost.
 * @returns The offset behind it: past the end of `bytes` if it does not fit.
 */
function writeJson(bytes: Uint8Array, start: number, value: unknown): number {
  if (typeof value === "number") return writeNumber(bytes, start, value);
  if (typeof value === "string") return writeText(bytes, start, value);
  if (typeof value !== "object" || value === null) {
    const word = value === true ? "true" : value === false ? "false" : "null";
    return writeAscii(bytes, start, word);
  }
  let at = start;
  if (Array.isArray(value)) {
    bytes[at++] = OPEN_LIST;
    for (let index = 0; index < value.length; index++) {
      if (index > 0) bytes[at++] = COMMA;
      at = writeJson(bytes, at, value[index]);
    }
    bytes[at++] = CLOSE_LIST;
    return at;
  }
  let last: Name | undefined;
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined) continue;
    const next: Name | undefined = last?.next;
    last = next?.name === name ? next! : find(name, last);
    at = writeBytes(bytes, at, last.prefix);
    at = writeJson(bytes, at, field);
  }
  // In place of the first comma.
  bytes[start] = OPEN;
  if (last === undefined) at++;
  bytes[at++] = CLOSE;
  return at;
}

function writeNumber(bytes: Uint8Array, start: number, value: number): number {
  if (value !== (value | 0) || value < 0) {
    return writeAscii(bytes, start, JSON.stringify(value));
  }
  let end = start + 1;
  for (let left = value; left >= 10; left = left / 10 | 0) end++;
  for (let at = end, left = value; at > start;) {
    const rest = left / 10 | 0;
    bytes[--at] = ZERO + left - 10 * rest;
    left = rest;
  }
  return end;
}

function writeText(bytes: Uint8Array, start: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) {
      const json = visible(JSON.stringify(text));
      return writeBytes(bytes, start, encoder.encode(json));
    }
    bytes[start + 1 + index] = code;
  }
  bytes[start] = QUOTE;
  bytes[start + 1 + length] = QUOTE;
  return start + 2 + length;
}

function writeAscii(bytes: Uint8Array, start: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    bytes[start + index] = text.charCodeAt(index);
  }
  return start + length;
}

function writeBytes(to: Uint8Array, start: number, from: Uint8Array): number {
  const { length } = from;
  for (let index = 0; index < length; index++) to[start + index] = from[index]!;
  return start + length;
}

/** How long a piece of output is at least: each takes a system call. */
const PIECE = 2 ** 16;

let buffer = new Uint8Array(2 * PIECE);

/** Writes a value into the buffer, which grows if it does not fit. */
function write(start: number, value: unknown): number {
  for (;;) {
    const end = writeJson(buffer, start, value);
    // There is always room for what comes behind it.
    if (end + 8 <= buffer.length) return end;
    const larger = new Uint8Array(2 * end + 8);
    larger.set(buffer.subarray(0, start));
    buffer = larger;
  }
}

/** A value as JSON. */
export function snakeJson(value: unknown): string {
  return decoder.decode(buffer.subarray(0, write(0, value)));
}

/**
 * A line of the array of values, before all are in memory. Its pieces are valid
 * until the next one.
 */
export function* snakeJsonLine(
  values: Iterable<unknown>,
): Generator<Uint8Array> {
  buffer[0] = OPEN_LIST;
  let at = 1;
  let isFirst = true;
  for (const value of values) {
    if (!isFirst) buffer[at++] = COMMA;
    isFirst = false;
    at = write(at, value);
    if (at < PIECE) continue;
    yield buffer.subarray(0, at);
    at = 0;
  }
  buffer[at++] = CLOSE_LIST;
  buffer[at++] = LINE_END;
  yield buffer.subarray(0, at);
}

/** A value with all names in it in snake case. */
export function snakeKeys(value: unknown): unknown {
  return JSON.parse(snakeJson(value));
}
