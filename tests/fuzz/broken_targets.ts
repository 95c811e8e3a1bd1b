/**
 * Targets that are wrong on purpose, each in one way that the fuzzer must find.
 *
 * @module
 */

import { decodeAttrs, DecodeError } from "../../codec/mod.ts";
import { ATTR } from "../../codec/mptcp_pm.gen.ts";
import { TARGETS as RIGHT } from "./targets.ts";
import { demandBounded, type Target, type Targets } from "./target.ts";

const { make } = RIGHT["decodeAttrs attr"]!;

/** Does something else for a few inputs. */
function sometimes(instead: (input: Uint8Array) => string): Target {
  return {
    make,
    run: (input) => input.length % 97 === 60 ? instead(input) : "decoded",
  };
}

const kept: Uint8Array[] = [];

export const TARGETS: Targets = {
  "throws another error": sometimes((input) => {
    throw new RangeError(`Offset ${input.length} is outside`);
  }),
  "trusts a length": {
    make,
    run(input) {
      const view = new DataView(input.buffer);
      for (let at = 0; at + 4 <= input.length;) {
        const length = view.getUint16(at, true);
        // As if it were certain to be there.
        view.getUint8(at + length - 1);
        at += Math.max(4, length + 3 & ~3);
      }
      return "decoded";
    },
  },
  "does not end": sometimes((input) => {
    for (let at = 0; at < 1;) at += input.length - input.length;
    return "never";
  }),
  "takes long": sometimes(() => {
    const end = performance.now() + 150;
    while (performance.now() < end);
    return "late";
  }),
  "keeps its input": {
    make,
    run(input) {
      kept.push(new Uint8Array(1000 + input.length));
      return "decoded";
    },
  },
  "multiplies its input": {
    make,
    run(input) {
      try {
        const values = decodeAttrs(ATTR, input);
        demandBounded(input, Array(100).fill(values));
        return "decoded";
      } catch (error) {
        if (error instanceof DecodeError) return "refused";
        throw error;
      }
    },
  },
};
