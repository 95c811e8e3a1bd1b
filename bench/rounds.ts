/**
 * Rounds in which everything that is compared takes its turn, so that all see
 * the same weather of the machine.
 *
 * @module
 */

/**
 * Measures each contender once a round.
 *
 * @param contenders What measures itself once, in whatever unit.
 * @param rounds How often.
 * @param withinMs After how many milliseconds no more round begins, as long as
 * there were three.
 * @returns The median of each.
 */
export async function rounds<Name extends string>(
  contenders: Readonly<Record<Name, () => number | Promise<number>>>,
  rounds: number,
  withinMs: number = Infinity,
): Promise<Record<Name, number>> {
  const entries = Object.entries(contenders) as [
    Name,
    () => number | Promise<number>,
  ][];
  const values = entries.map((): number[] => []);
  const end = performance.now() + withinMs;
  for (let round = 0; round < rounds; round++) {
    if (round >= 3 && performance.now() > end) break;
    for (const [index, [, measure]] of entries.entries()) {
      values[index]!.push(await measure());
    }
  }
  return Object.fromEntries(
    entries.map(([name], index) => [name, median(values[index]!)]),
  ) as Record<Name, number>;
}

/** The middle one; of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}
