/**
 * Captured conversations for scripts.
 *
 * @module
 */
import type { Exchange } from "../helpers/script.ts";
import { golden, goldenNames } from "../helpers/golden.ts";

/** A captured request and the datagrams that answered it. */
export function captured(name: string): Exchange {
  return {
    request: golden(`${name}/request`).bytes,
    answer: goldenNames(`${name}/`).map(golden)
      .filter(({ direction }) => direction === "response")
      .map(({ bytes }) => bytes),
  };
}

/** Captured conversations one after the other, the look-up of the family first. */
export function conversation(...names: string[]): Exchange[] {
  return ["ctrl/getfamily", ...names].map(captured);
}
