/**
 * The addresses of this host that connections can use, as they come and go.
 *
 * @module
 */

import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Diag } from "../diag/diag.ts";
import type { Link } from "../diag/links.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import type { Device } from "../ops/arguments.ts";

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
  /** The addresses that can be used, and could not before, or not by this name. */
  readonly up: readonly LocalAddress[];
  /** Those that could be, and cannot any more. */
  readonly down: readonly LocalAddress[];
}

/** Reads links and addresses, and tells what has changed. */
export class Interfaces {
  readonly #diag: Diag;
  readonly #isWanted: (address: LocalAddress) => boolean;
  #usable = new Map<string, LocalAddress>();
  /** The links, by the addresses that they have. */
  #byAddress = new Map<string, Link>();
  /** The links, by their indexes and by their names. */
  #byDevice = new Map<Device, Link>();

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
    return this.#byAddress.get(address);
  }

  /** The link of an index or of a name; `undefined`: there is none. */
  link(dev: Device): Link | undefined {
    return this.#byDevice.get(dev);
  }

  /** Reads what is there. */
  update(): InterfaceChanges {
    const links = this.#diag.links();
    this.#byDevice = new Map<Device, Link>(
      links.flatMap((one) => [[one.ifIndex, one], [one.dev, one]]),
    );
    this.#byAddress = new Map();
    const usable = new Map<string, LocalAddress>();
    for (const one of this.#diag.addresses()) {
      const { address, ifIndex } = one;
      const link = this.#byDevice.get(ifIndex);
      if (link === undefined) continue;
      // Of several that have it, one that carries packets counts.
      if (!this.linkOf(address)?.usable) this.#byAddress.set(address, link);
      const local = { address, dev: link.dev, ifIndex };
      if (!isUsable(one, link) || !this.#isWanted(local)) continue;
      const key = `${address} ${ifIndex}`;
      const known = this.#usable.get(key);
      usable.set(key, known?.dev === link.dev ? known : local);
    }
    const before = this.#usable;
    this.#usable = usable;
    return {
      // Of a device with a new name they are other ones.
      up: [...usable].filter(([key, one]) => before.get(key) !== one)
        .map(([, one]) => one),
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

/** Whether a connection whose socket has an address can use another one. */
export function fits(socket: string, address: string): boolean {
  // A socket of IPv6 takes both.
  return socket.includes(":") || !address.includes(":");
}

/** Whether both are IPv4, as one of a dual-stack socket is, or both IPv6. */
export function isSameFamily(one: string, other: string): boolean {
  return plainAddress(one).includes(":") === plainAddress(other).includes(":");
}

/** Whether an end of a subflow has an address. */
export function isAt(end: SubflowAddress, address: string): boolean {
  return plainAddress(end.address) === plainAddress(address);
}

/** An IPv4 address that a dual-stack socket shows, as itself. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".")
    ? address.slice("::ffff:".length)
    : address;
}
