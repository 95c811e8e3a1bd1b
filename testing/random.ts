/** An integer from 0 to n - 1. */
export type Random = (n: number) => number;

/** Numbers that are the same on every run and every machine (xorshift32). */
export function generator(seed: number): Random {
  let state = seed || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** A generator of its own for each place in a series of a name. */
export function generatorAt(seed: number, name: string, index: number): Random {
  let hash = seed;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ index, 0x9e3779b1);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return generator(hash ^ hash >>> 16);
}

/** One of these. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)]!;
}
