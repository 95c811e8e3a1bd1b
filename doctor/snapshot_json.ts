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
 * @throws {ProtocolError} It is no JSON, no snapshot, or one of another version.
 */
export function parseSnapshot(text: string): Snapshot {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError(
      `Cannot read the report: it is no JSON: ${(error as Error).message}`,
    );
  }
  const { version } = (value ?? {}) as { readonly version?: unknown };
  if (version === 1) {
    return { unknown: {}, ...renamed(value, camel) as object } as Snapshot;
  }
  throw new ProtocolError(
    version === undefined
      ? "Cannot read the report: it has no version, so it is none of mptcp"
      : `Cannot read the report: it is of version ${version}, 1 is known`,
  );
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
