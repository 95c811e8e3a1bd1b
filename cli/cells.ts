/**
 * How much of a line a text takes on a terminal, and how it is made to fit.
 *
 * @module
 */

/** What is drawn over the character in front of it, or not at all. */
const NARROW = /^[\p{M}\p{Cf}]$/u;
/** What takes two cells. */
const WIDE =
  /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

/** How many cells a text takes. */
export function cellsOf(text: string): number {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text.length;
  return Array.from(text).reduce((sum, one) => sum + cells(one), 0);
}

/** How many cells the widest of some texts takes, however many they are. */
export function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, cellsOf(text)), 0);
}

function cells(character: string): number {
  return NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}

/** A text with `…` for what is too much at its end. */
export function cutEnd(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  return width < 1 ? "" : `${start(text, width - 1)}…`;
}

/** A text with `…` for what is too much in its middle: both ends tell most. */
export function cutMiddle(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  if (width < 1) return "";
  const left = start(text, Math.floor((width - 1) / 2));
  const right = start(reversed(text), width - 1 - cellsOf(left));
  return `${left}…${reversed(right)}`;
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join("");
}

/** As much of its beginning as fits. */
function start(text: string, width: number): string {
  let fitting = "";
  let used = 0;
  for (const character of text) {
    used += cells(character);
    if (used > width) break;
    fitting += character;
  }
  return fitting;
}

/** The words of a text in lines that fit, the others a little further in. */
export function folded(text: string, columns: number): string[] {
  const [, indent, words] = text.match(/^( *)(.*)$/s)!;
  const lines: string[] = [];
  let line = "";
  for (const word of words!.split(" ")) {
    if (line !== "" && cellsOf(line) + 1 + cellsOf(word) > columns) {
      lines.push(line);
      line = "";
    }
    line = line !== ""
      ? `${line} ${word}`
      : indent + (lines.length > 0 ? "  " : "") + word;
  }
  return [...lines, line];
}
