import { generatorAt, pick } from "../helpers/random.ts";

/** Random choices, the same for the same seed. */
export class Random {
  /** An integer from 0 to n - 1. */
  readonly below: (n: number) => number;

  constructor(seed: number) {
    this.below = generatorAt(seed, "soak", 0);
  }

  /** True once in n times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return pick(this.below, list);
  }

  /** Some of a list, perhaps none or all. */
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.oneIn(2));
  }
}
