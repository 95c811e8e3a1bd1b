/**
 * Which parts a check asked for that could not be read: what it says without
 * them would be a guess.
 *
 * @module
 */

import type { Snapshot } from "./snapshot.ts";

/** What may be absent, and says something by that, or nothing to checks. */
const OPTIONAL: readonly (keyof Snapshot)[] = [
  ...["uptimeSeconds", "kernel", "distribution", "most", "more"] as const,
  ...["token", "target", "socket", "before", "events"] as const,
];

/** A part that a check cannot do without is not there; the message says why. */
export class UnreadError extends Error {}

/** Why a part is not there. */
export function reasonOf(
  { unknown }: Pick<Snapshot, "unknown">,
  part: string,
): string {
  const reason: unknown = unknown?.[part];
  return typeof reason === "string"
    ? reason
    : `the snapshot has no "${snakeCase(part)}"`;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A snapshot that notes the parts that are asked for and not there. What is null
 * is not there.
 *
 * @param unread Takes their names.
 * @param path What stands in front of each.
 */
export function watched(
  snapshot: Snapshot,
  unread: Set<string>,
  path = "",
): Snapshot {
  // A copy, since the original may be frozen: then it cannot be told otherwise.
  return new Proxy({ ...snapshot }, {
    get(target, name) {
      const part = name as keyof Snapshot;
      const value = target[part] ?? undefined;
      if (value === undefined && !OPTIONAL.includes(part)) {
        unread.add(path + part);
      }
      const isReading = part === "earlier" || part === "before";
      return isReading && typeof value === "object"
        ? watched(value as Snapshot, unread, `${path}${part}.`)
        : value;
    },
  });
}
