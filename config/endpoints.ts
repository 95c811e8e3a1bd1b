/**
 * The steps from the endpoints that are there to those that a file wants.
 *
 * @module
 */

import {
  MPTCP_PM_ADDR_FLAG_BACKUP as BACKUP,
  MPTCP_PM_ADDR_FLAG_FULLMESH as FULLMESH,
  MPTCP_PM_ADDR_FLAG_LAMINAR as LAMINAR,
  MPTCP_PM_ADDR_FLAG_SIGNAL as SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import { checkFlags } from "../ops/add_addr.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { type EndpointFlag, flagBits, flagWords } from "../ops/flags.ts";
import type { Config, Governs } from "./config.ts";
import { effectOfAdd, effectOfDelete, effectOfFlags } from "./effect.ts";
import {
  keyOf,
  type Matched,
  matchEndpoints,
  type NewEndpoint,
  type WantedAddress,
} from "./match.ts";
import { isSince, type PresentState } from "./state.ts";
import type { AddAddr, DelAddr, Force, SetFlags } from "./step.ts";

/** What is to become of the endpoints. */
export interface EndpointPlan extends Pick<Matched, "leftOut" | "unmatched"> {
  /** The steps, in an order in which the kernel refuses none. */
  readonly steps: readonly (SetFlags | DelAddr | AddAddr)[];
  /** Those that are as the file wants them. */
  readonly kept: readonly Endpoint[];
  /** Those that the file does not want, and that stay. */
  readonly others: readonly Endpoint[];
  /** Why it cannot be done; empty: it can. */
  readonly refusals: readonly string[];
}

/** What is made of a wanted endpoint. */
interface Pair {
  readonly wanted: WantedAddress;
  /** What there is with its address. */
  readonly present?: Endpoint;
  readonly action: Action;
  /** Why it is replaced. */
  readonly forcedBy: readonly Force[];
}

type Action =
  | "add"
  | "change"
  | "keep"
  | "replace"
  | "take over"
  /** It is somebody else's. */
  | "leave"
  /** It is somebody else's, and not as it is wanted. */
  | "refuse";

/** Plans the endpoints. */
export function planEndpoints(
  { endpoints: list = [], governs = "all" }: Config,
  state: PresentState,
  prune: boolean | ((endpoint: Endpoint) => boolean),
): EndpointPlan {
  const { endpoints } = state;
  const removes = typeof prune === "function" ? prune : () => prune;
  const isRemovable = (one: Endpoint) =>
    removes(one) && isGoverned(one.id, governs) && !isImplicit(one);
  const staying = endpoints.filter((one) => !isRemovable(one));
  const matched = matchEndpoints(list, state, staying);
  const wanted = matched.endpoints;
  const byKey = new Map(endpoints.map((one) => [keyOf(one), one]));
  const isWanted = new Set(wanted.map(keyOf));
  const others = endpoints.filter((one) => !isWanted.has(keyOf(one)));
  const claims = new Map(wanted.map((one) => [one.id, one]));
  const rival = ({ id, ...one }: Endpoint) => {
    const claim = claims.get(id);
    return claim && keyOf(claim) !== keyOf(one) ? claim : undefined;
  };
  const removed = others.filter((one) =>
    isRemovable(one) || removes(one) && isImplicit(one) && rival(one)
  );
  const isFull = endpoints.length - removed.length >= state.capacity;
  const pairs = withIds(
    wanted.map((one) => pairOf(one, byKey.get(keyOf(one)), governs, state))
      .map((pair) => displaced(pair, rival, isFull)),
    governs,
    state,
  );
  const stuck = others.filter((one) => !removed.includes(one));
  return {
    steps: stepsFor(pairs, removed, state),
    kept: pairs.flatMap(({ action, present }) =>
      action === "keep" ? present! : []
    ),
    others: [
      ...stuck,
      ...pairs.flatMap(({ action, present }) =>
        action === "leave" ? present! : []
      ),
    ],
    leftOut: matched.leftOut,
    unmatched: matched.unmatched,
    refusals: [
      ...matched.faults,
      ...faultsOf(wanted, governs),
      ...roomFaults(wanted, staying, state, prune === true),
      ...pairs.flatMap((pair) => pairFaults(pair, governs, state, rival)),
      ...stuck.flatMap((one) => {
        const claim = rival(one);
        return claim === undefined ? [] : [
          `${placeOf(claim)}: id ${one.id} belongs to ${one.address}, which ` +
          (isGoverned(one.id, governs)
            ? "the file does not want: prune removes it"
            : "the file does not govern"),
        ];
      }),
    ],
  };
}

/** Whether a file may change or remove the endpoint with an id. */
export function isGoverned(id: number, governs: Governs): boolean {
  return governs === "all" ||
    governs.some(([from, to]) => id >= from && id <= to);
}

/** The ranges of ids as a file has them. */
export function rangesText(ranges: Exclude<Governs, "all">): string {
  return ranges.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`)
    .join(", ");
}

/** Whether the kernel made an endpoint by itself. */
export function isImplicit(
  { flags }: Pick<Endpoint, "flags">,
): boolean {
  return flags.includes("implicit");
}

/** The flags that a kernel keeps; others it may drop. */
export function flagsKnownTo(kernel: string): number {
  return SIGNAL | SUBFLOW | BACKUP |
    (isSince(kernel, 5, 15) ? FULLMESH : 0) |
    (isSince(kernel, 6, 18) ? LAMINAR : 0);
}

/** The flags that a kernel can change. */
function flagsChangedBy(kernel: string): number {
  return (isSince(kernel, 5, 12) ? BACKUP : 0) |
    (isSince(kernel, 5, 18) ? FULLMESH : 0);
}

function placeOf({ place }: WantedAddress): string {
  return `endpoints[${place}]`;
}

/**
 * Chooses ids where only some are governed. The highest come first: the kernel
 * gives out ids above the highest that there was, and those are not to be ours.
 */
function withIds(
  pairs: readonly Pair[],
  governs: Governs,
  { endpoints }: PresentState,
): Pair[] {
  if (governs === "all") return [...pairs];
  const used = new Set([
    ...pairs.map(({ wanted }) => wanted.id),
    ...endpoints.map(({ id }) => id),
  ]);
  const free = governs.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => from + at)
  ).filter((id) => !used.has(id)).toSorted((one, other) => other - one);
  return pairs.map((pair) => {
    const { wanted, action } = pair;
    const isAdded = action === "add" || action === "replace";
    const id = isAdded && wanted.id === undefined ? free.shift() : undefined;
    return id === undefined ? pair : { ...pair, wanted: { ...wanted, id } };
  });
}

function pairOf(
  wanted: WantedAddress,
  present: Endpoint | undefined,
  governs: Governs,
  { kernel }: PresentState,
): Pair {
  if (present === undefined) return { wanted, action: "add", forcedBy: [] };
  const isOurs = isGoverned(present.id, governs);
  const pair = { wanted, present };
  if (isImplicit(present)) {
    const keepsId = wanted.id === undefined ? isOurs : wanted.id === present.id;
    return keepsId
      ? { ...pair, action: "take over", forcedBy: [] }
      : { ...pair, action: "replace", forcedBy: ["id"] };
  }
  const changes = flagsKnownTo(kernel) &
    (flagBits(present.flags) ^ flagBits(wanted.flags));
  const forcedBy: Force[] = [];
  if (wanted.address !== present.address) forcedBy.push("address");
  if (wanted.ifIndex !== present.ifIndex) forcedBy.push("dev");
  if ((changes & ~flagsChangedBy(kernel)) !== 0) forcedBy.push("flags");
  if (wanted.id !== undefined && wanted.id !== present.id) forcedBy.push("id");
  const isSame = changes === 0 && forcedBy.length === 0;
  const action = isSame
    ? "keep"
    : !isOurs
    ? wanted.matched ? "leave" : "refuse"
    : forcedBy.length > 0
    ? "replace"
    : "change";
  return { ...pair, action, forcedBy };
}

/**
 * Makes way for an endpoint that is to have the id of another one, and for the
 * kernel, which looks whether there is room before it looks what it has.
 */
function displaced(
  pair: Pair,
  rival: (present: Endpoint) => WantedAddress | undefined,
  isFull: boolean,
): Pair {
  const { present, action } = pair;
  const moves = ["change", "keep", "take over"].includes(action) &&
    rival(present!) !== undefined;
  const force = moves
    ? "id"
    : isFull && action === "take over"
    ? "room"
    : undefined;
  return force ? { ...pair, action: "replace", forcedBy: [force] } : pair;
}

/** What is wrong with the endpoints, whatever there is. */
function faultsOf(
  wanted: readonly WantedAddress[],
  governs: Governs,
): string[] {
  const faults: string[] = [];
  const keys = new Map<string, WantedAddress>();
  const ids = new Map<number, WantedAddress>();
  for (const one of wanted) {
    const { address, id, port, flags } = one;
    const fault = (text: string) => faults.push(`${placeOf(one)}: ${text}`);
    try {
      checkFlags(flagBits(flags), port);
    } catch (error) {
      fault((error as Error).message);
    }
    const same = keys.get(keyOf(one));
    if (same !== undefined) {
      fault(`${address} is wanted twice, by ${placeOf(same)}, too`);
    }
    keys.set(keyOf(one), one);
    if (id === undefined) continue;
    const owner = ids.get(id);
    if (owner !== undefined) {
      fault(`id ${id} is wanted twice, by ${placeOf(owner)}, too`);
    }
    ids.set(id, one);
    if (!isGoverned(id, governs) && governs !== "all") {
      fault(`id ${id} is not one of the ids ${rangesText(governs)}`);
    }
  }
  return faults;
}

function roomFaults(
  wanted: readonly WantedAddress[],
  staying: readonly Endpoint[],
  { capacity }: PresentState,
  prune: boolean,
): string[] {
  const named = new Set(wanted.map(keyOf));
  const more = staying.filter((one) => !named.has(keyOf(one)));
  if (named.size + more.length <= capacity) return [];
  return [
    `too many endpoints: this kernel holds ${capacity}, the file wants ` +
    `${named.size}` +
    (more.length === 0 ? "" : `, and ${more.length} others stay` +
      (prune ? "" : ": prune removes what the file does not want")),
  ];
}

/** What is wrong with an endpoint, given what there is. */
function pairFaults(
  { wanted, present, action, forcedBy }: Pair,
  governs: Governs,
  { listeners, carried }: PresentState,
  rival: (present: Endpoint) => WantedAddress | undefined,
): string[] {
  const faults: string[] = [];
  const { address, port, id } = wanted;
  if (action === "refuse") {
    faults.push(
      `${address} is an endpoint of somebody else, with id ${present!.id}, ` +
        `and has other ${forcedBy.join(", ") || "flags"}`,
    );
  }
  const claim = present && rival(present);
  if (claim !== undefined && !isGoverned(present!.id, governs)) {
    faults.push(
      `id ${present!.id} is wanted for ${claim.address}, and not governed`,
    );
  }
  const isAdded = action === "add" || action === "replace";
  if (isAdded && governs !== "all" && id === undefined) {
    faults.push(`none of the ids ${rangesText(governs)} is free`);
  }
  const used = carried.find(({ id }) => id === present?.id);
  if (action === "replace" && port !== 0 && used !== undefined) {
    faults.push(
      `its ${
        forcedBy.join(" and ")
      } cannot change while it carries subflows: ` +
        "the kernel could not listen on its port again for a minute",
    );
  }
  if (
    action === "add" && port !== 0 &&
    listeners.some((one) => one.port === port && includes(one.address, address))
  ) {
    faults.push(`something listens on port ${port} of ${address} already`);
  }
  return faults.map((text) => `${placeOf(wanted)}: ${text}`);
}

/** Whether a listener is in the way of another one on its port. */
function includes(listener: string, address: string): boolean {
  const key = (address: string) => keyOf({ address, port: 0 });
  return key(listener) === key(address) ||
    listener === (address.includes(":") ? "::" : "0.0.0.0");
}

/**
 * Puts the steps in order: what is removed makes room; an id that the file names
 * is given before the kernel chooses others, which could be the same.
 */
function stepsFor(
  pairs: readonly Pair[],
  removed: readonly Endpoint[],
  state: PresentState,
): EndpointPlan["steps"] {
  const steps: (SetFlags | DelAddr | AddAddr)[] = [];
  const gone = new Set<Endpoint>();
  const remove = (endpoint: Endpoint, isReplaced: boolean, reason: string) => {
    if (gone.has(endpoint)) return;
    gone.add(endpoint);
    const effect = effectOfDelete(endpoint, state);
    steps.push({ op: "del-addr", endpoint, isReplaced, reason, effect });
  };
  for (const endpoint of removed) remove(endpoint, false, "not in the file");
  for (const { action, wanted, present } of pairs) {
    if (action !== "change") continue;
    const flags = changedFlags(present!, wanted);
    const effect = effectOfFlags(present!, flags, state);
    const reason = placeOf(wanted);
    steps.push({ op: "set-flags", endpoint: present!, flags, reason, effect });
  }
  const of = (action: Action, isNamed?: boolean) =>
    pairs.filter((pair) =>
      pair.action === action &&
      (isNamed === undefined || (pair.wanted.id !== undefined) === isNamed)
    );
  for (
    const pair of [
      // While there is room.
      ...of("take over"),
      ...[...of("replace", true), ...of("add", true)],
      ...[...of("replace", false), ...of("add", false)],
    ]
  ) {
    const { action, present, forcedBy } = pair;
    const { place: _, matched: __, ...wanted } = pair.wanted;
    const reason = placeOf(pair.wanted);
    if (action === "replace") remove(present!, true, reason);
    const holder = action === "take over"
      ? undefined
      : state.endpoints.find(({ id }) => id === wanted.id);
    if (holder !== undefined) remove(holder, true, reason);
    const { id, ...others } = wanted;
    const takesOver = action === "take over" ? present : undefined;
    steps.push({
      op: "add-addr",
      endpoint: takesOver || id === undefined ? others : { ...others, id },
      ...takesOver && { takesOver },
      ...action === "replace" && { replaces: present!, forcedBy },
      reason,
      effect: effectOfAdd(wanted, state, takesOver),
    });
  }
  return steps;
}

/** Only what the kernel changes; the other flags are as they were. */
function changedFlags(
  present: Endpoint,
  wanted: NewEndpoint,
): readonly EndpointFlag[] {
  const both = BACKUP | FULLMESH;
  return flagWords(
    flagBits(present.flags) & ~both | flagBits(wanted.flags) & both,
  );
}
