/**
 * Which addresses of this host subflows can start from, once what comes and goes
 * has settled.
 *
 * @module
 */

import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Link } from "../diag/links.ts";

/** What comes back without rest counts after so many times `settleMs`. */
const RESTLESS = 10;
/** How long an address waits for a route, in milliseconds. */
const ROUTE_WAIT_MS = 10_000;

/** What there is at one moment. */
export interface Sight {
  /** The network devices. */
  readonly links: readonly Link[];
  /** The addresses of the host, in the kernel's order. */
  readonly addresses: readonly InterfaceAddress[];
}

/** An address, whether it counts, and why: `"eth1 has no carrier"`. */
export interface Standing {
  /** The address; it may be gone. */
  readonly address: InterfaceAddress;
  /** Whether subflows can start from it. */
  readonly isThere: boolean;
  /** Whether it does not since its device was down or had no carrier. */
  readonly isLinkLost: boolean;
  /** Why that is so. */
  readonly why: string;
}

/** What has settled. */
export interface Settled {
  /** All addresses that there are: those that came to count first are first. */
  readonly standings: readonly Standing[];
  /** Those that count since the last look and did not before, or the reverse. */
  readonly turned: readonly Standing[];
  /** When to look again even if nothing happens. @default {never} */
  readonly nextMs?: number;
}

/** What keeps an address from counting. */
type Obstacle = "new" | "down" | "no carrier" | "tentative" | "no route";

/** What is said when an obstacle is gone. */
const GONE: Readonly<Record<Obstacle, (dev: string, time: string) => string>> =
  {
    new: (dev, time) => `${dev} has had it for ${time}`,
    down: (dev, time) => `${dev} has been up for ${time}`,
    "no carrier": (dev, time) => `${dev} has had its carrier back for ${time}`,
    tentative: () => "no other host has it",
    "no route": (dev) => `there is a route by ${dev}`,
  };

/** What is known of one address of a device. */
interface Known extends Standing {
  /** What it waits for, or waited for last. */
  readonly obstacle: Obstacle;
  /** Since when its device passes packets. */
  readonly passesSince?: number;
  /** Since when its device has no carrier. */
  readonly lostSince?: number;
  /** Since when its device comes back again and again. */
  readonly restlessSince?: number;
  /** When it can be something else without anything happening. */
  readonly nextMs?: number;
  /** How many came to count before it did last; absent: it never did. */
  readonly age?: number;
}

/**
 * Holds what comes and goes by its direction. An address that is gone counts no
 * more at once, and so do those of a device that is gone or was set down; when a
 * carrier is lost after `settleMs`, since subflows outlive a short break. What
 * comes back counts when it had no break for as long; what never rests, when that
 * is ten times as long ago. Duplicate address detection has to be over, and a
 * route to be there, for which an address waits ten seconds.
 */
export class Settler {
  readonly #settleMs: number;
  #known: Map<string, Known> | undefined;
  /** How many came to count. */
  #count = 0;

  /**
   * Begins: what there is at the first look counts at once.
   *
   * @param settleMs How long a device has to be as it is, in milliseconds.
   */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /**
   * Looks at what there is.
   *
   * @param sight What there is.
   * @param now The time in milliseconds, which never goes back.
   * @param hasRoute Whether peers can be reached from an address; asked of those
   * that lack nothing else.
   */
  look(
    { links, addresses }: Sight,
    now: number,
    hasRoute: (address: InterfaceAddress) => boolean,
  ): Settled {
    const before = this.#known;
    const byIndex = new Map(links.map((link) => [link.ifIndex, link]));
    const known = new Map<string, Known>();
    for (const address of addresses) {
      const key = keyOf(address);
      const one = { ...before?.get(key) ?? unknown(before), address };
      const link = byIndex.get(address.ifIndex);
      const next = one.isThere
        ? this.#stay(one, link, now)
        : this.#come(one, link, now, hasRoute);
      const age = next.isThere && !one.isThere ? this.#count++ : one.age;
      known.set(key, { ...next, ...age !== undefined && { age } });
    }
    this.#known = known;
    const left = [...before ?? []].flatMap(([key, { address }]) =>
      known.has(key) ? [] : [{
        ...{ address, isThere: false, isLinkLost: false },
        why: whyGone(address, byIndex.get(address.ifIndex)),
      }]
    );
    const standings = [...known.values()].toSorted((one, other) =>
      (one.age ?? this.#count) - (other.age ?? this.#count)
    );
    const next = Math.min(...standings.map(({ nextMs }) => nextMs ?? Infinity));
    return {
      standings,
      turned: [...left, ...standings].filter(({ address, isThere }) =>
        isThere !== (before?.get(keyOf(address))?.isThere ?? false)
      ),
      ...next < Infinity && { nextMs: next },
    };
  }

  /** An address that counts. */
  #stay(known: Known, link: Link | undefined, now: number): Known {
    const { address } = known;
    const dev = nameOf(address, link);
    const { lostSince = now, nextMs: _, ...rest } = known;
    const state = stateOf(link);
    const lost = (obstacle: Obstacle, why: string): Known => ({
      ...{ address, isThere: false, isLinkLost: state !== "passing" },
      ...{ obstacle, why },
      ...state === "passing" && { passesSince: now },
      ...state === "no carrier" && { lostSince },
    });
    if (state === "down") return lost("down", `${dev} is down`);
    if (address.failed) return lost("tentative", "another host has it, too");
    if (state === "passing") return rest;
    const nextMs = lostSince + this.#settleMs;
    return now < nextMs
      ? { ...rest, lostSince, nextMs }
      : lost("no carrier", `${dev} has had no carrier for ${this.#time}`);
  }

  /** An address that does not count, or not yet. */
  #come(
    { address, ...known }: Known,
    link: Link | undefined,
    now: number,
    hasRoute: (address: InterfaceAddress) => boolean,
  ): Known {
    const dev = nameOf(address, link);
    const state = stateOf(link);
    if (state === "down") {
      return {
        ...{ address, isThere: false, isLinkLost: true, obstacle: state },
        why: `${dev} is down`,
      };
    }
    const { lostSince, restlessSince: restless, isLinkLost } = known;
    if (state === "no carrier") {
      return {
        ...{ address, isThere: false, isLinkLost: true, obstacle: state },
        lostSince: lostSince ?? now,
        ...restless !== undefined && { restlessSince: restless },
        why: `${dev} has no carrier`,
      };
    }
    const { passesSince = now } = known;
    const isRested = lostSince !== undefined &&
      now >= lostSince + this.#settleMs;
    const restlessSince = isRested ? now : restless ?? now;
    const wait = (obstacle: Obstacle, why: string, nextMs?: number): Known => ({
      ...{ address, isThere: false, isLinkLost, obstacle, why },
      ...{ passesSince, restlessSince },
      ...nextMs !== undefined && { nextMs },
    });
    const calmMs = Math.min(
      passesSince + this.#settleMs,
      restlessSince + RESTLESS * this.#settleMs,
    );
    const { obstacle } = known;
    if (now < calmMs) {
      return wait(obstacle, `${dev} has just come back`, calmMs);
    }
    if (address.failed) return wait("tentative", "another host has it, too");
    if (address.tentative && !address.flags.includes("optimistic")) {
      return wait("tentative", "another host may have it, too");
    }
    const routeMs = passesSince + ROUTE_WAIT_MS;
    if (now < routeMs && !hasRoute(address)) {
      return wait("no route", `there is no route by ${dev}`, routeMs);
    }
    const why = GONE[obstacle](dev, this.#time);
    return { address, isThere: true, isLinkLost: false, obstacle, why };
  }

  get #time(): string {
    return `${this.#settleMs / 1000} s`;
  }
}

/** An address that was not there; at the first look it may have been for long. */
function unknown(before: unknown): Omit<Known, "address"> {
  return {
    ...{ isThere: false, isLinkLost: false, obstacle: "new", why: "" },
    ...before === undefined && { passesSince: -Infinity },
  };
}

function keyOf({ ifIndex, address }: InterfaceAddress): string {
  return `${ifIndex} ${address}`;
}

/** Whether a device passes packets, to this host itself at least. */
function stateOf(link: Link | undefined): "down" | "no carrier" | "passing" {
  if (link === undefined || !link.flags.includes("up")) return "down";
  return link.flags.includes("running") ? "passing" : "no carrier";
}

function nameOf({ dev, ifIndex }: InterfaceAddress, link?: Link): string {
  return link?.dev ?? dev ?? `if${ifIndex}`;
}

function whyGone(address: InterfaceAddress, link: Link | undefined): string {
  const dev = nameOf(address, link);
  if (link === undefined) return `${dev} is gone`;
  return stateOf(link) === "down" ? `${dev} is down` : `${dev} has it no more`;
}
