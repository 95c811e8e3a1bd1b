/**
 * Names of devices by patterns.
 *
 * @module
 */

/** The names that a glob stands for: `*` is any part of one, `?` a character. */
export function deviceGlob(glob: string): RegExp {
  const literal = glob.replaceAll(/[\\^$.+()[\]{}|]/g, "\\$&");
  const source = literal.replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`, "u");
}
