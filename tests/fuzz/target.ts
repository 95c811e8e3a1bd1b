import type { Bytes } from "../helpers/netlink_bytes.ts";
import type { Random } from "../helpers/random.ts";

/** Something that takes input which it did not choose. */
export interface Target {
  /** Makes an input. It depends on nothing but the random numbers. */
  readonly make: (random: Random) => Bytes;
  /**
   * Tries an input, and says in a few words what came of it. What it throws is
   * a finding.
   */
  readonly run: (input: Bytes) => string | Promise<string>;
}

/** Targets by their names. */
export type Targets = Readonly<Record<string, Target>>;

/** What should never be. */
export class Finding extends Error {
  override readonly name = "Finding";
}

/** Demands what should always be. */
export function demand(
  condition: boolean,
  problem: string | (() => string),
): asserts condition {
  if (condition) return;
  throw new Finding(typeof problem === "string" ? problem : problem());
}

/** What an error says, without what differs from input to input. */
export function kindOf({ name, message }: Error): string {
  return `${name}: ${
    message.replaceAll(/"[^"]*"/g, "…").replaceAll(/-?\d+/g, "N")
  }`;
}

/** How many values and characters there are in something that was decoded. */
function weightOf(value: unknown): number {
  if (typeof value === "string") return 1 + value.length;
  if (typeof value !== "object" || value === null) return 1;
  if (value instanceof Uint8Array) return 1 + value.length;
  let weight = 1;
  for (const key in value) {
    weight += weightOf((value as Record<string, unknown>)[key]);
  }
  return weight;
}

/** Demands that what came of an input is not much larger than it. */
export function demandBounded(input: Uint8Array, result: unknown): void {
  const weight = weightOf(result);
  demand(
    weight <= 512 + 4 * input.length,
    () => `${input.length} bytes became ${weight} values and characters`,
  );
}
