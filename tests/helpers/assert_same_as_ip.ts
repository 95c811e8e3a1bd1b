import { assertEquals } from "@std/assert";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Host } from "../../testing/host.ts";

/** Flags that every `ip mptcp` has a word for. */
const WORDS = ["signal", "subflow", "backup", "fullmesh"];

/** Asserts that `ip mptcp endpoint` lists these endpoints and no others. */
export function assertSameAsIp(endpoints: Endpoint[], host: Host): void {
  const ours = endpoints.map(({ address, port, id, flags, dev }) => ({
    address,
    ...port !== 0 && { port },
    id,
    ...Object.fromEntries(
      WORDS.filter((word) => flags.some((flag) => flag === word))
        .map((word) => [word, true]),
    ),
    ...dev !== undefined && { dev },
  }));
  // What `ip` calls the other flags depends on its version.
  const known = ["address", "port", "id", "dev", ...WORDS];
  const theirs = host.endpoints().map((endpoint) =>
    Object.fromEntries(
      Object.entries(endpoint).filter(([key]) => known.includes(key)),
    )
  );
  assertEquals<unknown>(ours, theirs);
}
