import { NetlinkError } from "../netlink/errors.ts";

/**
 * Whether a command was refused because no connection of the namespace has its
 * token (any more). A connection may end at any time: for a path manager this
 * is no error.
 *
 * A connection that exists but belongs to the in-kernel path manager is another
 * matter: see {@linkcode PathManager.setMode}.
 *
 * @param error What was thrown.
 *
 * @example Announce an address on each new connection
 * ```ts
 * import { isConnectionGone, PathManager } from "@mptcp/pm";
 *
 * using pm = PathManager.open();
 * using _mode = pm.setMode("userspace");
 * for await (const { token } of pm.events({ types: ["established"] })) {
 *   try {
 *     pm.announce({ token, address: "10.0.2.1", id: 1 });
 *   } catch (error) {
 *     if (!isConnectionGone(error)) throw error;
 *   }
 * }
 * ```
 */
export function isConnectionGone(error: unknown): boolean {
  // The number and the place are the same where the connection is not managed
  // from user space: these words are all that differs, on 5.19 as on 6.18.
  return error instanceof NetlinkError && error.code === "EINVAL" &&
    error.extack?.message === "invalid token";
}
