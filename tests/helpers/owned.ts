/**
 * The connections of a host, without what a program has closed.
 *
 * @module
 */
import { type Connection, Diag } from "../../diag/mod.ts";
import type { Host } from "../../testing/host.ts";

/** Those that a program has. */
export function ownedConnections({ netns }: Host): Connection[] {
  using diag = Diag.open({ netns });
  return [...diag.connections()].filter(({ inode }) => inode !== 0);
}
