/**
 * The known words that somebody may have meant who typed another one: the one
 * that differs in capitals or dashes only, else those that begin like it, else
 * those that the fewest slips lead to.
 *
 * @param given What was typed.
 * @param known What could have been.
 */
export function nearest(given: string, known: readonly string[]): string[] {
  if (given === "") return [];
  const [typed, ...words] = [given, ...known].map((word) =>
    word.toLowerCase().replaceAll(/(?<=[a-z])_(?=[a-z])/g, "-")
  ) as [string, ...string[]];
  const where = (is: (word: string) => boolean) =>
    known.filter((_, at) => is(words[at]!));
  const same = where((word) => word === typed);
  if (same.length > 0) return same;
  const longer = where((word) => word.startsWith(typed));
  if (longer.length > 0) return longer;
  // One slip in a short word makes another word of it.
  let fewest = Math.min(Math.floor(given.length / 3), 2);
  let found: string[] = [];
  for (const word of known) {
    // Each letter more or less is a slip.
    if (Math.abs(given.length - word.length) > fewest) continue;
    const slips = slipsBetween(given, word);
    if (slips > fewest || slips === 0) continue;
    if (slips < fewest) found = [];
    fewest = slips;
    found.push(word);
  }
  return found;
}

/**
 * How many slips make one word of the other: a letter too much, missing or
 * wrong, or two letters that have changed places (optimal string alignment).
 */
function slipsBetween(one: string, other: string): number {
  const table = [Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    table.push(row);
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      row[j] = Math.min(
        table[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        table[i - 1]![j - 1]! + (isSame ? 0 : 1),
      );
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] &&
        one[i - 2] === other[j - 1];
      if (isSwapped) row[j] = Math.min(row[j]!, table[i - 2]![j - 2]! + 1);
    }
  }
  return table[one.length]![other.length]!;
}
