/**
 * A snapshot without the names and addresses of a host, of which the checks say
 * the same.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import type { EventAttrs } from "../codec/mptcp_pm.gen.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type {
  Connection,
  Listener,
  SocketEnd,
  Subflow,
  TcpConnection,
} from "../diag/connection.ts";
import type { EventListener } from "../diag/event_listeners.ts";
import type { FirewallTable } from "../diag/firewall.ts";
import type { Link } from "../diag/links.ts";
import type { Manager, Managers } from "../diag/managers.ts";
import type { Neighbour } from "../diag/neighbours.ts";
import type { ReversePath } from "../diag/reverse_path.ts";
import type { NoRoute, Route } from "../diag/routes.ts";
import type { Rule as RoutingRule } from "../diag/rules.ts";
import type { Settings } from "../diag/settings.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { PathManagerEvent } from "../ops/event.ts";
import type { Limits } from "../ops/limits.ts";
import { isAddress } from "./facts.ts";
import { type Network, OtherAddresses } from "./other_addresses.ts";
import { OtherNames } from "./other_names.ts";
import {
  type AskedRoute,
  type Attempt,
  demandVersion,
  type Reading,
  type Snapshot,
  type SocketTrial,
  type Target,
  type TimedEvent,
} from "./snapshot.ts";

/** What stands for what, in one report. */
export class Replacements {
  readonly addresses: OtherAddresses;
  readonly names: OtherNames = new OtherNames();
  readonly #users = new Map<number, number>();

  /** For a snapshot; its key are 16 bytes. */
  constructor(snapshot: Snapshot, key: Uint8Array) {
    this.addresses = new OtherAddresses(key, networksOf(snapshot));
  }

  /** A user of this host; accounts of the system are alike on all hosts. */
  user(uid: number): number {
    if (uid < FIRST_USER) return uid;
    const other = this.#users.get(uid) ?? FIRST_USER + this.#users.size;
    this.#users.set(uid, other);
    return other;
  }

  /**
   * A text in which an error says why something could not be read: here names
   * can only be found, those that the rest of the snapshot has.
   */
  text(text: string): string {
    const names = [...this.names.known.keys()]
      .toSorted((one, other) => other.length - one.length)
      .map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    const known = names.length === 0 ? text : text.replaceAll(
      new RegExp(`(?<![\\w.-])(?:${names.join("|")})(?![\\w-]|\\.\\w)`, "g"),
      (name) => this.names.known.get(name)!,
    );
    return known
      // A device that no list had.
      .replaceAll(/(?<=\/conf\/)[^/\s]+/g, (name) => this.#ifNew(name))
      .replaceAll(/[\da-f.:]*[.:][\da-f.:]*[\da-f]/gi, (word) => {
        const [, address, port = ""] = word.match(/^([^:]+)(:\d+)$/) ??
          [word, word];
        return isAddress(address!) ? this.addresses.of(address!) + port : word;
      });
  }

  #ifNew(name: string): string {
    const isKnown = [...this.names.known.values()].includes(name);
    return isKnown ? name : this.names.device(name);
  }
}

const FIRST_USER = 1000;

function networksOf({ before, earlier, addresses = [] }: Snapshot): Network[] {
  return [
    ...addresses,
    ...earlier?.addresses ?? [],
    ...before === undefined ? [] : networksOf(before),
  ];
}

/** What becomes of a field that is neither a number nor yes or no. */
type Rule<T> = (value: T, to: Replacements) => unknown;

/** Each of the types of a field that one of several types may have. */
type FieldOf<T, Name> = T extends unknown
  ? Name extends keyof T ? NonNullable<T[Name]> : never
  : never;
type NameOf<T> = T extends unknown ? keyof T : never;

/**
 * What becomes of each field: to forget one is an error of the types. Numbers
 * may have a rule, too; without one they stay as they are.
 */
type Rules<T> =
  & {
    readonly [
      Name in NameOf<T> as FieldOf<T, Name> extends number | boolean ? never
        : Name
    ]: Rule<FieldOf<T, Name>>;
  }
  & { readonly [Name in NameOf<T>]?: Rule<FieldOf<T, Name>> };

/** Words of the kernel or of this library. */
const stays: Rule<unknown> = (value) => value;
const address: Rule<string> = (text, to) => to.addresses.of(text);
const prefix: Rule<string> = (text, to) => to.addresses.ofPrefix(text);
/** An index stays: it is another one after each start. */
const device: Rule<string | number> = (name, to) =>
  typeof name === "number" ? name : to.names.device(name);
const process: Rule<string> = (name, to) => to.names.process(name);
const user: Rule<number> = (uid, to) => to.user(uid);
const text: Rule<string> = (text, to) => to.text(text);
const table: Rule<string> = (name, to) => to.names.table(name);
const host: Rule<string> = (name, to) =>
  isAddress(name) ? to.addresses.of(name) : to.names.host(name);

function list<T>(rule: Rule<T>): Rule<readonly T[]> {
  return (values, to) => values.map((value) => rule(value, to));
}

function record<T>(rule: Rule<T>): Rule<{ readonly [name: string]: T }> {
  return (values, to) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, rule(value, to)]),
    );
}

/** A field that has no rule, as one of a later version, is left out. */
function object<T extends object>(rules: Rules<T>): Rule<T> {
  const ruleOf = new Map(Object.entries(rules as object));
  return (value, to) =>
    Object.fromEntries(
      Object.entries(value).flatMap(([name, field]) => {
        const rule: Rule<unknown> | undefined = ruleOf.get(name);
        const isFigure = ["number", "boolean"].includes(typeof field);
        if (rule === undefined) return isFigure ? [[name, field]] : [];
        return field == null ? [] : [[name, rule(field, to)]];
      }),
    );
}

/*
 * Tokens, cookies and inodes stay, since what belongs together has to be found
 * together, also by other tools on the same host: they are made by chance, or
 * counted from the start of the host, and mean nothing elsewhere. So do ports,
 * which tell services, and process ids. A user id may be that of a person in a
 * directory: it does not stay.
 */

const end = object<SocketEnd>({ address });

const SUBFLOW = object<Subflow>({
  local: end,
  remote: end,
  flags: stays,
  state: stays,
  dev: device,
  uid: user,
});

const CONNECTION = object<Connection>({
  local: end,
  remote: end,
  subflows: list(SUBFLOW),
  state: stays,
  dev: device,
  uid: user,
});

const READING: Rules<Reading> = {
  counters: stays,
  connections: list(CONNECTION),
  links: list(object<Link>({ dev: device, flags: stays, state: stays })),
  addresses: list(object<InterfaceAddress>({
    address,
    peer: address,
    dev: device,
    scope: stays,
    flags: stays,
  })),
};

const ROUTE = object<Route | NoRoute>({
  type: stays,
  dev: device,
  gateway: address,
  source: address,
  reason: stays,
});

const EVENT = object<PathManagerEvent>({
  type: stays,
  local: end,
  remote: end,
  address,
  dev: device,
  error: stays,
  reset: stays,
  attrs: object<EventAttrs>({
    saddr4: address,
    saddr6: address,
    daddr4: address,
    daddr6: address,
  }),
});

const SNAPSHOT: Rule<Snapshot> = object<Snapshot>({
  takenAt: stays,
  ...READING,
  earlier: object<Reading>(READING),
  kernel: stays,
  distribution: stays,
  protocols: stays,
  socket: object<SocketTrial>({ code: stays }),
  settings: object<Settings>({
    pathManager: stays,
    availablePathManagers: stays,
    scheduler: stays,
    availableSchedulers: stays,
    unknown: record(text),
  }),
  limits: object<Limits>({}),
  endpoints: list(object<Endpoint>({ address, flags: stays, dev: device })),
  eventListeners: list(object<EventListener>({ process })),
  managers: object<Managers>({
    found: list(
      object<Manager>({
        ...{ name: process, about: stays, devices: stays, ids: stays },
      }),
    ),
  }),
  listeners: list(
    object<Listener>({ local: end, state: stays, dev: device, uid: user }),
  ),
  withoutMptcp: list(SUBFLOW),
  tcp: list(object<TcpConnection>({ local: end, remote: end, process })),
  rules: list(object<RoutingRule>({
    from: prefix,
    to: prefix,
    iif: device,
    oif: device,
    action: stays,
  })),
  neighbours: list(
    object<Neighbour>({ address, dev: device, state: stays }),
  ),
  routes: list(object<AskedRoute>({
    destination: address,
    source: address,
    dev: device,
    route: ROUTE,
  })),
  reversePath: list(object<ReversePath>({ dev: device })),
  firewall: list(object<FirewallTable>({ kind: stays, name: table })),
  target: object<Target>({
    host,
    error: text,
    attempts: list(object<Attempt>({
      address,
      source: address,
      dev: device,
      local: address,
      outcome: stays,
      code: stays,
      counters: stays,
    })),
  }),
  before: (before, to) => SNAPSHOT(before, to),
  events: list(object<TimedEvent>({ event: EVENT })),
  unknown: record(text),
});

/**
 * Replaces the addresses, and the names of devices, processes, hosts and
 * firewall tables, each by the same one wherever it is, and user ids.
 *
 * Prefixes that addresses have in common stay so, and so do family, scope and
 * class: loopback, link-local, private, documentation, multicast, public. The
 * kind of a device stays (`wlan1`), and so do NetworkManager, mptcpd, `ip` and
 * the processes of `mptcp`. So `diagnose()` finds the same, and names the
 * replacements.
 *
 * @param snapshot What was read.
 * @param key 16 bytes that addresses depend on, to replace those of another
 * snapshot in the same way; who has it can tell the addresses.
 * @default {random bytes}
 * @throws {TypeError} The key has another length, the snapshot another version,
 * or a text in the place of an address is none.
 *
 * @example Ask for help in public
 * ```ts
 * import { anonymize, collect, snapshotJson } from "@mptcp/pm/doctor";
 *
 * console.log(snapshotJson(anonymize(await collect())));
 * ```
 */
export function anonymize(
  snapshot: Snapshot,
  key: Uint8Array = crypto.getRandomValues(new Uint8Array(16)),
): Snapshot {
  demandVersion(snapshot);
  if (key.length !== 16) {
    throw new ArgumentTypeError(
      `Invalid key of ${key.length} bytes: 16 are needed`,
    );
  }
  return replaced(snapshot, new Replacements(snapshot, key));
}

/** The snapshot with what stands for what. */
export function replaced(snapshot: Snapshot, to: Replacements): Snapshot {
  // Twice, since the names in texts can be those of what comes after them.
  SNAPSHOT(snapshot, to);
  return SNAPSHOT(snapshot, to) as Snapshot;
}
