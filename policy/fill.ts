import type { ManagedConnection, OpenOptions } from "./managed_connection.ts";

/** Opens subflows between two ends until there are so many as there may be. */
export function fill(
  connection: ManagedConnection,
  options: OpenOptions & { readonly most: number },
): void {
  for (let count = 0; count < options.most; count++) {
    const before = connection.subflows;
    if (before.includes(connection.open(options))) return;
  }
}
