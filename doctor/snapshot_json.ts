/**
 * A snapshot as a file: JSON with the names in snake case.
 *
 * @module
 */

import { ProtocolError } from "../netlink/errors.ts";
import type { Snapshot } from "./snapshot.ts";

/** What has names that are not ours: those of counters, sysctls and parts. */
const FOREIGN = ["counters", "unknown"];

/**
 * Writes a snapshot, indented and with a newline at its end.
 *
 * @param snapshot What was read.
 */
export function snapshotJson(snapshot: Snapshot): string {
  return `${JSON.stringify(renamed(snapshot, snake), undefined, 2)}\n`;
}

/**
 * Reads what {@linkcode snapshotJson} wrote. What a later version of this
 * library has added is kept.
 *
 * @param text The JSON.
 * @throws {ProtocolError} It is no JSON, cut off, too large, no snapshot, or one
 * of another version.
 */
export function parseSnapshot(text: string): Snapshot {
  const value = parse(text) as Partial<Record<string, unknown>> | null;
  const { version, duration_ms } = value ?? {};
  if (
    version === undefined || version === 1 && typeof duration_ms !== "number"
  ) {
    throw unreadable("it is JSON, but not what mptcp report wrote");
  }
  if (version !== 1) {
    throw unreadable(`it is of version ${version}, 1 is known`);
  }
  return { unknown: {}, ...renamed(value, camel) as object } as Snapshot;
}

/**
 * How many characters {@linkcode parseSnapshot} takes at most: a thousand
 * connections, four times, are a third of it.
 */
export const SNAPSHOT_LIMIT: number = 2 ** 26;

function parse(text: string): unknown {
  if (text.length > SNAPSHOT_LIMIT) {
    throw unreadable(`it has more than ${SNAPSHOT_LIMIT / 2 ** 20} MiB`);
  }
  if (text.trim() === "") throw unreadable("it is empty");
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw unreadable(
      isCut(text, message)
        ? "it is cut off"
        : `it is no JSON: ${message.replaceAll(/\s+/g, " ")}`,
    );
  }
}

/** Whether an object lacks its end, by what V8 says of it. */
function isCut(text: string, message: string): boolean {
  const [, position] = message.match(/ at position (\d+)/) ?? [];
  return text.trimStart().startsWith("{") &&
    (/^Un(expected end|terminated)/.test(message) ||
      Number(position) >= text.trimEnd().length);
}

function unreadable(why: string): ProtocolError {
  return new ProtocolError(`Cannot read the report: ${why}`);
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/** A value with other names of its fields, all the way down. */
function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      rename(name),
      FOREIGN.includes(name) ? field : renamed(field, rename),
    ]),
  );
}
