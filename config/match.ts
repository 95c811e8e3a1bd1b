/**
 * From what a file wants to endpoints: an address for each that it names, and
 * for each of this host that fits.
 *
 * @module
 */

import {
  type Address,
  AF_INET,
  formatIPv4,
  isIPv4Mapped,
  parseAddress,
} from "../codec/inet.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import { deviceGlob } from "../diag/device_glob.ts";
import { contains } from "../diag/rtnetlink.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { flagBits, flagWords } from "../ops/flags.ts";
import type {
  AddressState,
  ExactEndpoint,
  Match,
  MatchedEndpoints,
  WantedEndpoint,
} from "./config.ts";
import type { PresentState } from "./state.ts";

/** An endpoint that may not be there yet: without id the kernel chooses it. */
export interface NewEndpoint extends Omit<Endpoint, "id"> {
  /** Address id, 1 to 255. */
  readonly id?: number;
}

/** An endpoint that a file wants. */
export interface WantedAddress extends NewEndpoint {
  /** Where it is in the file: its place in the list, from 0. */
  readonly place: number;
  /** Whether its address was found on this host, not named. */
  readonly matched: boolean;
}

/** What a file wants of this host. */
export interface Matched {
  /** The endpoints, those that are named first, then in the order of the file. */
  readonly endpoints: readonly WantedAddress[];
  /** Those that fit, but that the kernel has no room for. */
  readonly leftOut: readonly WantedAddress[];
  /** Places of those that fit no address of this host. */
  readonly unmatched: readonly number[];
  /** What is named and is not there, such as a device. */
  readonly faults: readonly string[];
}

/** What makes two endpoints the same to the kernel: it holds one of each. */
export function keyOf(
  { address, port }: { readonly address: string; readonly port: number },
): string {
  const { bytes, text } = parseAddress(address);
  return `${isIPv4Mapped(bytes) ? formatIPv4(bytes, 12) : text} ${port}`;
}

/**
 * Finds the endpoints that a file wants. An address that is named wins over one
 * that fits, and what is earlier in the file over what is later. Where more fit
 * than there is room for, the first of each device come before any second.
 *
 * @param wanted What the file says.
 * @param state What there is.
 * @param staying Endpoints that take room whatever the file wants.
 */
export function matchEndpoints(
  wanted: readonly WantedEndpoint[],
  state: PresentState,
  staying: readonly Endpoint[],
): Matched {
  const faults: string[] = [];
  const named = wanted.flatMap((one) =>
    "match" in one ? [] : exact(one, state, faults)
  );
  const taken = new Set(named.map(keyOf));
  const unmatched: number[] = [];
  const fitting: WantedAddress[] = [];
  for (const one of wanted) {
    if (!("match" in one)) continue;
    const found = fits(one, state);
    if (found.length === 0) unmatched.push(one.place);
    for (const endpoint of found) {
      if (taken.has(keyOf(endpoint))) continue;
      taken.add(keyOf(endpoint));
      fitting.push(endpoint);
    }
  }
  const rooms = new Set([...named, ...staying].map(keyOf));
  const kept = new Set<WantedAddress>();
  for (const endpoint of ranked(fitting, named, state)) {
    if (!rooms.has(keyOf(endpoint)) && rooms.size >= state.capacity) continue;
    rooms.add(keyOf(endpoint));
    kept.add(endpoint);
  }
  return {
    endpoints: [...named, ...fitting.filter((one) => kept.has(one))],
    leftOut: fitting.filter((one) => !kept.has(one)),
    unmatched,
    faults,
  };
}

/**
 * The first address of each device, then the second of each, and so on; those
 * that are named count, too.
 */
function ranked(
  fitting: readonly WantedAddress[],
  named: readonly WantedAddress[],
  { addresses }: PresentState,
): WantedAddress[] {
  const counts = new Map<number, number>();
  const count = (ifIndex = 0) => {
    const rank = counts.get(ifIndex) ?? 0;
    counts.set(ifIndex, rank + 1);
    return rank;
  };
  for (const { address, ifIndex } of named) {
    count(ifIndex || addresses.find((one) => one.address === address)?.ifIndex);
  }
  return fitting.map((endpoint) => ({
    endpoint,
    rank: count(endpoint.ifIndex),
  })).toSorted((one, other) => one.rank - other.rank)
    .map(({ endpoint }) => endpoint);
}

function exact(
  { address, port = 0, id, dev, flags, place }: ExactEndpoint,
  { links }: PresentState,
  faults: string[],
): WantedAddress[] {
  const device = dev === undefined ? { ifIndex: 0 } : deviceOf(dev, links);
  if (device === undefined) {
    faults.push(`endpoints[${place}]: there is no device "${dev}" here`);
    return [];
  }
  return [{
    address: parseAddress(address).text,
    port,
    ...id !== undefined && { id },
    flags: canonical(flags),
    ...device,
    place,
    matched: false,
  }];
}

/** A device that is gone is named as `ip` shows it: `if12`. */
function deviceOf(
  dev: string,
  links: PresentState["links"],
): { ifIndex: number; dev?: string } | undefined {
  const link = links.find((link) => link.dev === dev);
  if (link !== undefined) return { ifIndex: link.ifIndex, dev };
  const index = Number(/^if([1-9]\d{0,9})$/.exec(dev)?.[1]);
  const isGone = index <= 0x7fffffff &&
    links.every(({ ifIndex }) => ifIndex !== index);
  return isGone ? { ifIndex: index } : undefined;
}

/** The addresses of this host that fit, in the kernel's order. */
function fits(
  { match, each, flags, place }: MatchedEndpoints,
  { addresses }: PresentState,
): WantedAddress[] {
  const seen = new Set<string>();
  return addresses.filter((one) => isWanted(one, match)).filter((one) => {
    const { family } = parseAddress(one.address);
    const group = `${one.ifIndex} ${family}`;
    if (each === "device" && seen.has(group)) return false;
    seen.add(group);
    return true;
  }).map(({ address, ifIndex, dev }) => ({
    ...{ address, port: 0, flags: canonical(flags), ifIndex },
    ...dev !== undefined && { dev },
    ...{ place, matched: true },
  }));
}

function canonical(flags: WantedEndpoint["flags"]): WantedEndpoint["flags"] {
  return flagWords(flagBits(flags));
}

/** What an address has to be, where the file does not say. */
const USUAL: Match = { scope: "global" };

function isWanted(address: InterfaceAddress, match: Match): boolean {
  const { states = [], not = [], ...rest } = match;
  return statesOf(address).every((state) => states.includes(state)) &&
    agrees(address, { ...USUAL, ...rest }) &&
    !not.some((one) => isExcluded(address, one));
}

function isExcluded(address: InterfaceAddress, match: Match): boolean {
  const { states, not = [], ...rest } = match;
  return agrees(address, rest) &&
    (states === undefined ||
      statesOf(address).some((state) => states.includes(state))) &&
    !not.some((one) => isExcluded(address, one));
}

/** Whether all that is given holds. */
function agrees(
  { address, dev = "", scope }: InterfaceAddress,
  match: Match,
): boolean {
  const own = parseAddress(address);
  return (match.dev === undefined ||
    match.dev.some((glob) => deviceGlob(glob).test(dev))) &&
    (match.family === undefined || match.family === versionOf(own)) &&
    (match.scope === undefined || match.scope === scope) &&
    (match.address === undefined ||
      match.address.some((prefix) => contains(prefix, own)));
}

function versionOf({ family }: Address): 4 | 6 {
  return family === AF_INET ? 4 : 6;
}

/** The states in which an address is not taken unless asked for. */
function statesOf(
  { tentative, failed, deprecated, temporary }: InterfaceAddress,
): AddressState[] {
  const states = { tentative, failed, deprecated, temporary };
  return (Object.keys(states) as AddressState[]).filter((state) =>
    states[state]
  );
}
