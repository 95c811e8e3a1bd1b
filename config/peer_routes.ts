/**
 * Whether the peers of live connections are reached from an address.
 *
 * @module
 */

import { isIPv4Mapped, parseAddress } from "../codec/inet.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Diag } from "../diag/diag.ts";

/** How a peer is reached, from wherever it is: on a link, or behind a router. */
type Way = "link" | "router" | "here";

/** The routes to peers, as they are during a look. */
export class PeerRoutes {
  readonly #diag: Diag;
  /** What was known of peers last, as their routes may be gone. */
  readonly #ways = new Map<string, Way>();
  #peers: readonly string[] = [];
  #reached = new Map<string, boolean | undefined>();
  #isLacking = false;

  /** Knows no peers yet. */
  constructor(diag: Diag) {
    this.#diag = diag;
  }

  /** Begins a look. */
  begin(peers: readonly string[]): void {
    for (const peer of this.#ways.keys()) {
      if (!peers.includes(peer)) this.#ways.delete(peer);
    }
    for (const peer of peers) {
      const way = this.#wayTo(peer);
      if (way !== undefined) this.#ways.set(peer, way);
    }
    this.#peers = peers.filter((peer) => this.#ways.get(peer) !== "here");
    this.#reached.clear();
    this.#isLacking = false;
  }

  /** Whether there was an address during this look that reaches no peer. */
  get isLacking(): boolean {
    return this.#isLacking;
  }

  /** Whether an address reaches a peer; `undefined`: there is none for it. */
  reach(address: InterfaceAddress): boolean | undefined {
    const key = `${address.ifIndex} ${address.address}`;
    if (!this.#reached.has(key)) this.#reached.set(key, this.#ask(address));
    const reached = this.#reached.get(key);
    if (reached === false) this.#isLacking = true;
    return reached;
  }

  #ask({ address, ifIndex }: InterfaceAddress): boolean | undefined {
    const family = isIPv4(address);
    const peers = this.#peers.filter((peer) => isIPv4(peer) === family);
    if (peers.length === 0) return undefined;
    return peers.some((peer) => {
      const route = this.#diag.route(peer, { source: address, dev: ifIndex });
      // A peer that is on a link may be on this one, too: the kernel asks there.
      return route.found &&
        (!route.assumed || this.#ways.get(peer) === "link");
    });
  }

  #wayTo(peer: string): Way | undefined {
    const route = this.#diag.route(peer);
    if (!route.found) return undefined;
    if (route.type === "local") return "here";
    return route.gateway === undefined ? "link" : "router";
  }
}

/** Whether it is an IPv4 address, or an IPv4-mapped one. */
function isIPv4(address: string): boolean {
  const { bytes } = parseAddress(address);
  return bytes.length === 4 || isIPv4Mapped(bytes);
}
