/**
 * The addresses of this host that connections can use, as they come and go.
 *
 * @module
 */

import { AF_INET6, parseAddress } from "../codec/inet.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Diag } from "../diag/diag.ts";
import type { Link } from "../diag/links.ts";

/** An address of this host. */
export interface LocalAddress {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** Name of the device that has it. */
  readonly dev: string;
  /** Index of that device. */
  readonly ifIndex: number;
}

/** What has changed. */
export interface InterfaceChanges {
  /** The addresses that can be used, and could not before. */
  readonly up: readonly LocalAddress[];
  /** Those that could be, and cannot any more. */
  readonly down: readonly LocalAddress[];
}

/** Reads links and addresses, and tells what has changed. */
export class Interfaces {
  readonly #diag: Diag;
  readonly #isWanted: (address: LocalAddress) => boolean;
  #usable = new Map<string, LocalAddress>();
  /** The links that have the addresses of this host. */
  #links = new Map<string, Link>();

  /**
   * Knows of none before {@linkcode Interfaces.update}.
   *
   * @param diag Where to look.
   * @param isWanted Which addresses to use.
   */
  constructor(diag: Diag, isWanted: (address: LocalAddress) => boolean) {
    this.#diag = diag;
    this.#isWanted = isWanted;
  }

  /** The addresses that can be used. */
  get usable(): Iterable<LocalAddress> {
    return this.#usable.values();
  }

  /** The link that has an address; `undefined`: it is not on this host. */
  linkOf(address: string): Link | undefined {
    return this.#links.get(address);
  }

  /** Reads what is there. */
  update(): InterfaceChanges {
    const links = new Map(this.#diag.links().map((one) => [one.ifIndex, one]));
    const usable = new Map<string, LocalAddress>();
    this.#links = new Map();
    for (const one of this.#diag.addresses()) {
      const { address, ifIndex } = one;
      const link = links.get(ifIndex);
      if (link === undefined) continue;
      // Of several that have it, one that carries packets counts.
      if (!this.#links.get(address)?.usable) this.#links.set(address, link);
      const local = { address, dev: link.dev, ifIndex };
      if (!isUsable(one, link) || !this.#isWanted(local)) continue;
      const key = `${address} ${ifIndex}`;
      usable.set(key, this.#usable.get(key) ?? local);
    }
    const before = this.#usable;
    this.#usable = usable;
    return {
      up: [...usable].filter(([key]) => !before.has(key)).map(([, one]) => one),
      down: [...before].filter(([key]) => !usable.has(key))
        .map(([, one]) => one),
    };
  }
}

function isUsable(
  { tentative, failed, deprecated, scope }: InterfaceAddress,
  { usable }: Link,
): boolean {
  return usable && !tentative && !failed && !deprecated &&
    (scope === "global" || scope === "site");
}

/** Whether packets can go from one address to another: both are of a kind. */
export function isReachable(from: string, to: string): boolean {
  return parseAddress(plainAddress(from)).family ===
    parseAddress(plainAddress(to)).family;
}

/** Whether a connection whose socket has this address can use another one. */
export function fits(socket: string, address: string): boolean {
  // A socket of IPv6 takes both.
  return parseAddress(socket).family === AF_INET6 ||
    !address.includes(":");
}

/** An IPv4 address that a dual-stack socket shows, as itself. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".")
    ? address.slice("::ffff:".length)
    : address;
}
