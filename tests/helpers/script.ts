/**
 * Conversations that are known beforehand, such as those that were captured.
 *
 * @module
 */

import type { Answer, Delivery } from "../../testing/fake_namespace.ts";
import { type Bytes, seqOf, withSeq } from "./netlink_bytes.ts";
import { golden, goldenNames } from "./golden.ts";

/** One request that is expected, and what comes back for it. */
export interface Exchange {
  /** The request without its sequence number, or a test of it. */
  readonly request: Bytes | ((request: Bytes) => boolean);
  /** What comes back; the sequence number is put in. */
  readonly answer: readonly Delivery[];
}

/** Answers as it is written, and refuses to go on after any other request. */
export function script(exchanges: Iterable<Exchange>): Answer {
  const rest = [...exchanges];
  return (request) => {
    const exchange = rest.shift();
    const expected = exchange?.request;
    const fits = typeof expected === "function"
      ? expected(request)
      : expected !== undefined &&
        withSeq(expected, seqOf(request)).toHex() === request.toHex();
    if (exchange === undefined || !fits) {
      const wanted = typeof expected === "object"
        ? expected.toHex()
        : "no such";
      throw new Error(`Unexpected request ${request.toHex()}: ${wanted}`);
    }
    return exchange.answer.map((delivery) =>
      delivery instanceof Uint8Array
        ? withSeq(delivery, seqOf(request))
        : delivery
    );
  };
}

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
