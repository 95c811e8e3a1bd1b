import type { Host } from "../../testing/host.ts";
import type { ConnectOptions } from "../../testing/lab.ts";

/** The families that the two sockets of a connection can have. */
export const KINDS: readonly {
  readonly name: string;
  readonly options: ConnectOptions;
  /** The address of a host on a path. */
  readonly at: (host: Host, path: number) => string;
  /** Where the server listens, and what its sockets put before an address. */
  readonly any: string;
  readonly prefix: string;
}[] = [
  {
    name: "IPv4",
    options: { family: 4 },
    at: (host, path) => host.address(path),
    any: "0.0.0.0",
    prefix: "",
  },
  {
    name: "IPv6",
    options: { family: 6 },
    at: (host, path) => host.address6(path),
    any: "::",
    prefix: "",
  },
  {
    name: "IPv4 to a dual-stack server",
    options: { family: 4, dualStack: true },
    at: (host, path) => host.address(path),
    any: "::",
    prefix: "::ffff:",
  },
];
