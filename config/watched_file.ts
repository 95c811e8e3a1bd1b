/**
 * A file that is looked at again and again, since no event tells of all that can
 * happen to it: it is edited, replaced, a link above it leads elsewhere.
 *
 * @module
 */

/** What became of the file. */
export type FileNews =
  /** It says something else. */
  | { readonly state: "changed"; readonly text: string }
  /** It is not there, or cannot be read. */
  | { readonly state: "unreadable"; readonly error: Error }
  /** It is there again, or still, and says what it said. */
  | { readonly state: "same" };

/** A file, by what is in it. */
export class WatchedFile {
  readonly #read: () => string;
  /** What it said when it was last taken. */
  #taken: string | undefined;
  /** What it said at the last look. */
  #seen: string | undefined;
  /** Why it could not be read at the last look. */
  #why: string | undefined;

  /**
   * Looks at nothing yet.
   *
   * @param read Reads it.
   */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** Whether it may be in the middle of a change: look again soon. */
  get isChanging(): boolean {
    return this.#seen !== undefined && this.#seen !== this.#taken;
  }

  /**
   * Looks at it. What it says counts when it is the same twice in a row, for it
   * may be half written; what is wrong is told once.
   *
   * @param isWhole Whether somebody says that it is whole: it counts at once, and
   * there is news of it in any case.
   */
  look(isWhole = false): FileNews | undefined {
    const before = { seen: this.#seen, why: this.#why };
    this.#seen = undefined;
    this.#why = undefined;
    let text: string;
    try {
      text = this.#seen = this.#read();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#why = error.message;
      const isKnown = error.message === before.why && !isWhole;
      return isKnown ? undefined : { state: "unreadable", error };
    }
    if (text === this.#taken) {
      const isKnown = before.why === undefined && !isWhole;
      return isKnown ? undefined : { state: "same" };
    }
    if (!isWhole && text !== before.seen) return undefined;
    this.#taken = text;
    return { state: "changed", text };
  }
}
