/**
 * Random configurations that a host can have.
 *
 * @module
 */

import type {
  Config,
  ExactEndpoint,
  Governs,
  Match,
  MatchedEndpoints,
} from "../../config/config.ts";
import type { EndpointFlag } from "../../mod.ts";
import { pick, type Random } from "./random.ts";

/** What configurations name. */
export interface HostNames {
  readonly addresses: readonly string[];
  /** Those of the addresses that the kernel can listen on. */
  readonly own: readonly string[];
  readonly devices: readonly string[];
  readonly settings: Readonly<Record<string, readonly string[]>>;
  readonly capacity: number;
}

const FLAGS: readonly (readonly EndpointFlag[])[] = [
  ["subflow"],
  ["subflow", "backup"],
  ["subflow", "fullmesh"],
  ["subflow", "backup", "fullmesh"],
  ["signal"],
  ["signal", "backup"],
  ["signal", "subflow"],
  ["laminar"],
  ["subflow", "laminar"],
  [],
];

const MATCHES: readonly Match[] = [
  {},
  { family: 4 },
  { family: 6, scope: "global" },
  { states: ["deprecated"] },
  { not: [{ family: 6 }] },
];

/** Makes configurations. */
export class ConfigGenerator {
  readonly #random: Random;
  readonly #host: HostNames;

  constructor(random: Random, host: HostNames) {
    this.#random = random;
    this.#host = host;
  }

  #maybe<T>(n: number, make: () => T): T | undefined {
    return this.#random(n) === 0 ? make() : undefined;
  }

  #pick<T>(from: readonly T[]): T {
    return pick(this.#random, from);
  }

  config(governs: Governs = "all"): Config {
    const limit = () => this.#random(this.#host.capacity + 1);
    const limits = this.#maybe(2, () => ({
      ...this.#random(3) > 0 && { subflows: limit() },
      ...this.#random(3) > 0 && { addAddrAccepted: limit() },
    }));
    const settings = this.#maybe(2, () =>
      Object.fromEntries(
        Object.entries(this.#host.settings)
          .filter(() => this.#random(2) === 0)
          .map(([name, values]) => [name, this.#pick(values)]),
      ));
    return {
      ...limits && { limits },
      ...settings && { settings },
      endpoints: this.#endpoints(governs),
      governs,
    };
  }

  #endpoints(governs: Governs): NonNullable<Config["endpoints"]> {
    const { addresses, capacity } = this.#host;
    let free = [...addresses];
    const ids = new Set<number>();
    const count = this.#random(Math.min(capacity, 6) + 1);
    return Array.from({ length: count }, (_, place) => {
      if (free.length === 0 || this.#random(4) === 0) {
        return this.#matched(place);
      }
      const address = this.#pick(free);
      // IPv4-mapped or not, it is one to the kernel.
      const v4 = (text: string) => text.replace("::ffff:", "");
      free = free.filter((one) => v4(one) !== v4(address));
      return this.#exact(address, place, ids, governs);
    });
  }

  #matched(place: number): MatchedEndpoints {
    const dev = this.#maybe(2, () => [this.#pick(this.#host.devices)]);
    return {
      match: { ...this.#pick(MATCHES), ...dev && { dev } },
      each: this.#pick(["device", "address"]),
      flags: this.#pick(FLAGS),
      place,
    };
  }

  #exact(
    address: string,
    place: number,
    ids: Set<number>,
    governs: Governs,
  ): ExactEndpoint {
    const hasPort = this.#random(6) === 0 && this.#host.own.includes(address);
    const [from, to] = governs === "all" ? [1, 12] : governs[0]!;
    const id = this.#maybe(2, () => from + this.#random(to - from + 1));
    const isFree = id !== undefined && !ids.has(id);
    if (isFree) ids.add(id);
    const dev = this.#maybe(2, () => this.#pick(this.#host.devices));
    return {
      ...{ address, place },
      flags: hasPort ? ["signal"] : this.#pick(FLAGS),
      ...hasPort && { port: 10100 + this.#random(3) },
      ...isFree && { id },
      ...dev !== undefined && { dev },
    };
  }
}
