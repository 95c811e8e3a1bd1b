import type { Answer, Delivery } from "../../testing/fake_transport.ts";
import { type Bytes, seqOf, withSeq } from "../../testing/netlink_bytes.ts";

/** One request that is expected, and what comes back for it. */
export interface Exchange {
  /** The request but for its sequence number, or a test of it. */
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
