/**
 * The connections of a namespace as live objects, by their events, and by
 * looking where events may be missing.
 *
 * @module
 */

import type {
  Connection,
  ConnectionBrief,
  Subflow,
} from "../diag/connection.ts";
import type {
  AnnouncedEvent,
  ConnectionEvent,
  PathManagerEvent,
  SubflowEvent,
} from "../ops/event.ts";
import { isClosedHere, isMade, isOpen, isSamePath } from "../ops/resync.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { plainAddress } from "./interfaces.ts";

/**
 * Whether a subflow carries data: not while it is `opening`, nor once it is
 * `closing` because that was asked for here.
 */
export type SubflowState = "opening" | "established" | "closing" | "closed";

/** Why a subflow failed. */
export interface SubflowError {
  /** Positive error number, such as 111. */
  readonly errno: number;
  /** Its name, such as `"ECONNREFUSED"`. */
  readonly code: string;
  /** What it says, such as `"Connection refused"`. */
  readonly message: string;
}

/** An address that the peer has announced. */
export interface PeerAddress extends SubflowAddress {
  /** Its id on the peer. */
  readonly id: number;
}

/** A subflow that stays up for so long has not failed before, in milliseconds. */
const STABLE_MS = 10_000;

/** A subflow, as it is now. */
export class TrackedSubflow {
  /** The end on this host; port 0 while that is not known. */
  readonly local: SubflowAddress;
  /** The end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  readonly locId: number;
  /** Id of the remote address; 0 until it is established. */
  readonly remId: number = 0;
  /** Index of the device that it is bound to; 0: none. */
  readonly ifIndex: number = 0;
  /** Name of that device; absent: none. */
  readonly dev: string | undefined = undefined;
  /** Whether it can carry data. */
  readonly state: SubflowState = "opening";
  /** Whether it is the one that the connection began with. */
  readonly initial: boolean;
  /** Whether this host opened it. */
  readonly openedHere: boolean;
  /** Whether this host wants to use it only when there is no other. */
  readonly backup: boolean = false;
  /** Whether the peer wants that. */
  readonly backupByPeer: boolean = false;
  /** How often in a row subflows with these addresses have failed. */
  readonly failures: number = 0;
  /** Why it was closed; absent: it is open, or there was no error. */
  readonly error: SubflowError | undefined = undefined;
  /**
   * When it was first seen to be established, by `performance.now()` or the
   * clock that the tracker was given.
   */
  readonly since: number = 0;

  /**
   * Describes one that is being opened.
   *
   * @param ends Both ends, and the id of the local one.
   * @param kind Where it comes from.
   */
  constructor(
    { local, remote, locId }: Pick<SubflowEvent, "local" | "remote" | "locId">,
    { initial, openedHere }: Pick<TrackedSubflow, "initial" | "openedHere">,
  ) {
    this.local = local;
    this.remote = remote;
    this.locId = locId;
    this.initial = initial;
    this.openedHere = openedHere;
  }

  /** Whether it is there, or about to be. */
  get isOpen(): boolean {
    return this.state === "established" || this.state === "opening";
  }
}

/** A connection, as it is now. */
export class TrackedConnection {
  /** Its token on this host. */
  readonly token: number;
  /** The initial subflow's end on this host. */
  readonly local: SubflowAddress;
  /** The initial subflow's end on the peer. */
  readonly remote: SubflowAddress;
  /** Whether this host accepted it. */
  readonly serverSide: boolean;
  /** Whether the peer wants no subflows to its initial address and port. */
  readonly denyJoinId0: boolean;
  /** Whether further subflows are possible. */
  readonly established: boolean = false;
  /** Whether it has ended. */
  readonly closed: boolean = false;
  /** Its subflows, the oldest first. */
  readonly subflows: readonly TrackedSubflow[] = NONE;
  /** The addresses that the peer has announced and not taken back. */
  readonly announced: readonly PeerAddress[] = NONE;

  /**
   * Describes one without subflows.
   *
   * @param event What is known of it.
   */
  constructor(event: ConnectionEvent) {
    const { token, local, remote, serverSide, denyJoinId0 } = event;
    this.token = token;
    this.local = local;
    this.remote = remote;
    this.serverSide = serverSide;
    this.denyJoinId0 = denyJoinId0;
  }
}

/** The paths of a connection whose failures are known: peers name them. */
const MOST_FAILED = 256;

const NONE: readonly never[] = Object.freeze([]);

/** For the path manager itself: what others only read. */
export function writable<Value>(
  value: Value,
): { -readonly [Key in keyof Value]: Value[Key] } {
  return value;
}

/** What is called when something has changed; the objects are as they are now. */
export interface TrackerObserver<Tracked extends TrackedConnection> {
  /** Further subflows are possible. */
  established?(connection: Tracked): void;
  /** The peer announced an address, or repeated that. */
  announced?(connection: Tracked, address: PeerAddress): void;
  /** The peer took an address back. */
  removed?(connection: Tracked, address: PeerAddress): void;
  /** A subflow besides the initial one was established. */
  subflowOpened?(connection: Tracked, subflow: TrackedSubflow): void;
  /** A subflow was closed, or could not be opened. */
  subflowClosed?(connection: Tracked, subflow: TrackedSubflow): void;
  /** The peer changed the priority of a subflow. */
  priority?(connection: Tracked, subflow: TrackedSubflow): void;
  /** A connection has ended. */
  closed?(connection: Tracked): void;
}

/**
 * Keeps what is known of all connections. It does nothing by itself:
 * {@linkcode manage} feeds one with what it needs, or you do.
 *
 * @example Follow the connections of this host
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { Diag } from "@mptcp/pm/diag";
 * import { Tracker } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * using diag = Diag.open();
 * const tracker = new Tracker({
 *   subflowClosed({ token }, { local, error }) {
 *     console.log(token.toString(16), local.address, error?.code);
 *   },
 * });
 * using events = pm.events();
 * tracker.resync(diag.connections());
 * for await (const event of events) {
 *   tracker.take(event);
 *   if (event.type === "overrun") tracker.resync(diag.connections());
 * }
 * ```
 */
export class Tracker<Tracked extends TrackedConnection = TrackedConnection> {
  readonly #byToken = new Map<number, Tracked>();
  readonly #observer: TrackerObserver<Tracked>;
  readonly #create: (event: ConnectionEvent) => Tracked;
  readonly #now: () => number;
  /** The addresses of this host, each text once: many connections have it. */
  readonly #addresses = new Map<string, string>();
  /** Failures in a row by connection and path, where there were any. */
  readonly #failures = new WeakMap<Tracked, Map<string, number>>();

  /**
   * Makes a tracker that knows of nothing.
   *
   * @param observer What to call when something changes. @default {nothing}
   * @param create Makes the object of a connection.
   * @default {a `TrackedConnection`}
   * @param now Milliseconds since some moment. @default {`performance.now()`}
   */
  constructor(
    observer: TrackerObserver<Tracked> = {},
    create: (event: ConnectionEvent) => Tracked = (event) =>
      new TrackedConnection(event) as Tracked,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
    this.#observer = observer;
    this.#create = create;
  }

  /** The connections by their tokens. */
  get connections(): ReadonlyMap<number, Tracked> {
    return this.#byToken;
  }

  /** Takes an event; one that says what is known already changes nothing. */
  take(event: PathManagerEvent): void {
    switch (event.type) {
      case "created":
      case "established": {
        const connection = this.#made(event);
        if (event.type === "established") this.establish(connection);
        return;
      }
      case "closed":
        return this.forget(event.token);
      case "announced":
        return this.#announce(event);
      case "removed": {
        const connection = this.#byToken.get(event.token);
        const gone = connection?.announced.find(({ id }) => id === event.remId);
        if (connection === undefined || gone === undefined) return;
        writable(connection).announced = connection.announced
          .filter((one) => one !== gone);
        this.#observer.removed?.(connection, gone);
        return;
      }
      case "sub-established":
      case "sub-closed":
      case "sub-priority": {
        const connection = this.#byToken.get(event.token);
        if (connection === undefined) return;
        const subflow = findSubflow(connection, event, event.locId);
        if (event.type === "sub-established") {
          return this.#open(connection, subflow, event);
        }
        if (subflow === undefined) return;
        if (event.type === "sub-closed") {
          return this.end(connection, subflow, event.error);
        }
        writable(subflow).backupByPeer = event.backup;
        this.#observer.priority?.(connection, subflow);
      }
    }
  }

  /**
   * Takes what is there: what is known is the same afterwards, as far as a look
   * shows it. Which addresses the peer has announced cannot be seen, but those
   * that subflows lead to.
   *
   * @param present All connections of the namespace, as `Diag` lists them.
   */
  resync(present: Iterable<Connection>): void {
    const gone = new Set(this.#byToken.keys());
    for (const connection of present) {
      if (this.#look(connection, true)) gone.delete(connection.token);
    }
    for (const token of gone) this.forget(token);
  }

  /**
   * Takes what is there of one connection. What is not there any more is left
   * to its events, which tell why.
   *
   * @param present The connection, as `Diag` lists it.
   * @returns Whether it is there.
   */
  see(present: Connection): boolean {
    return this.#look(present, false);
  }

  #look(present: Connection, isAll: boolean): boolean {
    const { token, partial } = present;
    const known = this.#byToken.get(token);
    const isKnown = known !== undefined && isSamePath(known, present);
    if (isOver(present) || !isKnown && !isMade(present)) return false;
    const connection = isKnown ? known : this.#make(eventOf(present));
    const seen: TrackedSubflow[] = [];
    const opened: TrackedSubflow[] = [];
    for (const one of present.subflows) {
      const isThere = isOpen(one);
      if (!isThere && one.state !== "syn-sent") continue;
      const subflow = this.#see(connection, one);
      seen.push(subflow);
      if (!isThere || subflow.state !== "opening") continue;
      this.#wasEstablished(subflow, one.remote.id);
      this.#learn(connection, subflow);
      if (!subflow.initial) opened.push(subflow);
    }
    // One that the look missed would be lost for good.
    for (const subflow of isAll && !partial ? connection.subflows : NONE) {
      if (!seen.includes(subflow)) this.end(connection, subflow);
    }
    if (present.subflows.some(isPossible)) this.establish(connection);
    for (const subflow of opened) {
      this.#observer.subflowOpened?.(connection, subflow);
    }
    return true;
  }

  /** Takes what is there of a subflow. */
  #see(connection: Tracked, present: Subflow): TrackedSubflow {
    const { local, remote, initial, openedHere, ifIndex, dev, flags } = present;
    let subflow = findSubflow(connection, present, local.id);
    if (subflow === undefined) {
      const ends = {
        local: this.#localOf(connection, local),
        remote: initial ? connection.remote : plain(remote),
        locId: local.id,
      };
      subflow = new TrackedSubflow(ends, { initial, openedHere });
      this.begin(connection, subflow);
    }
    const live = writable(subflow);
    if (live.local.port === 0) live.local = this.#localOf(connection, local);
    live.openedHere = openedHere;
    live.ifIndex = ifIndex;
    live.dev = dev;
    live.backup = flags.includes("bkup-loc");
    live.backupByPeer = flags.includes("bkup-rem");
    return subflow;
  }

  /** The peer must have announced where a subflow with such an id leads to. */
  #learn(connection: Tracked, { openedHere, remId, remote }: TrackedSubflow) {
    if (!openedHere || remId === 0) return;
    if (connection.announced.some(({ id }) => id === remId)) return;
    const { address, port } = remote;
    const learned = { id: remId, address, port };
    writable(connection).announced = [...connection.announced, learned];
  }

  /** A connection has ended. */
  forget(token: number): void {
    const connection = this.#byToken.get(token);
    if (connection === undefined) return;
    this.#byToken.delete(token);
    writable(connection).closed = true;
    for (const subflow of connection.subflows) {
      writable(subflow).state = "closed";
    }
    this.#observer.closed?.(connection);
  }

  /** A subflow is being opened. */
  begin(connection: Tracked, subflow: TrackedSubflow): void {
    writable(subflow).failures = this.#failuresOf(connection, subflow);
    // Without the spare room that push() takes.
    writable(connection).subflows = [...connection.subflows, subflow];
  }

  /** A subflow has ended, or could not be opened. */
  end(
    connection: Tracked,
    subflow: TrackedSubflow,
    error?: SubflowError,
  ): void {
    const { state } = subflow;
    if (state === "closed") return;
    const live = writable(subflow);
    live.state = "closed";
    writable(connection).subflows = connection.subflows
      .filter((one) => one !== subflow);
    // Who closes it gets an error, too.
    if (error !== undefined && state !== "closing") {
      live.error = error;
      live.failures = 1 +
        (this.#isStable(subflow) ? 0 : this.#failuresOf(connection, subflow));
      const failures = this.#failures.get(connection) ?? new Map();
      const key = pathKey(subflow);
      // The last one is the latest.
      failures.delete(key);
      failures.set(key, live.failures);
      const [oldest] = failures.keys();
      if (failures.size > MOST_FAILED) failures.delete(oldest);
      this.#failures.set(connection, failures);
    }
    this.#observer.subflowClosed?.(connection, subflow);
  }

  /** It was established just now. */
  #wasEstablished(subflow: TrackedSubflow, remId: number): void {
    const live = writable(subflow);
    live.remId = remId;
    live.state = "established";
    live.since = Math.ceil(this.#now());
  }

  /** Whether it was there for long enough to forget earlier failures. */
  #isStable({ since }: TrackedSubflow): boolean {
    return since > 0 && this.#now() - since >= STABLE_MS;
  }

  #failuresOf(connection: Tracked, subflow: TrackedSubflow): number {
    return this.#failures.get(connection)?.get(pathKey(subflow)) ?? 0;
  }

  /** The connection of an event, its initial subflow included. */
  #made(event: ConnectionEvent): Tracked {
    const known = this.#byToken.get(event.token);
    if (known !== undefined && isSamePath(known, event)) {
      // What a look could only guess.
      const { serverSide, denyJoinId0 } = event;
      Object.assign(known, { serverSide, denyJoinId0 });
      for (const subflow of known.subflows) {
        const isEarly = subflow.initial && subflow.state === "opening";
        if (isEarly) this.#wasEstablished(subflow, 0);
      }
      return known;
    }
    const connection = this.#make(event);
    const openedHere = !event.serverSide;
    const { local, remote } = connection;
    const ends = { local, remote, locId: 0 };
    const subflow = new TrackedSubflow(ends, { initial: true, openedHere });
    this.#wasEstablished(subflow, 0);
    this.begin(connection, subflow);
    return connection;
  }

  #make(event: ConnectionEvent): Tracked {
    // A token that is used again.
    this.forget(event.token);
    const connection = this.#create(event);
    writable(connection).local = this.#shared(event.local);
    this.#byToken.set(event.token, connection);
    return connection;
  }

  /** The end of a subflow: many share that of their connection. */
  #localOf(connection: Tracked, local: SubflowAddress): SubflowAddress {
    return isSameEnd(connection.local, local)
      ? connection.local
      : this.#shared(local);
  }

  #shared({ address, port }: SubflowAddress): SubflowAddress {
    let text = this.#addresses.get(address);
    if (text === undefined) this.#addresses.set(address, text = address);
    return { address: text, port };
  }

  /** Further subflows are possible. */
  establish(connection: Tracked): void {
    if (connection.established) return;
    writable(connection).established = true;
    this.#observer.established?.(connection);
  }

  #announce({ token, remId: id, address, port }: AnnouncedEvent): void {
    const connection = this.#byToken.get(token);
    if (connection === undefined) return;
    const others = connection.announced.filter((one) => one.id !== id);
    const announced = { id, address, port };
    writable(connection).announced = [...others, announced];
    this.#observer.announced?.(connection, announced);
  }

  #open(
    connection: Tracked,
    known: TrackedSubflow | undefined,
    event: SubflowEvent,
  ): void {
    if (known !== undefined && known.state !== "opening") return;
    const openedHere = isOpenedHere(connection, event);
    const subflow = known ??
      new TrackedSubflow(event, { initial: false, openedHere });
    if (known === undefined) this.begin(connection, subflow);
    const live = writable(subflow);
    live.local = this.#localOf(connection, event.local);
    live.ifIndex = event.ifIndex;
    live.dev = event.dev;
    live.backupByPeer = event.backup;
    this.#wasEstablished(subflow, event.remId);
    this.#observer.subflowOpened?.(connection, subflow);
  }
}

/** The subflow with these ends, or the one that they must mean. */
function findSubflow(
  { subflows }: TrackedConnection,
  { local, remote }: Pick<SubflowEvent, "local" | "remote">,
  locId: number,
): TrackedSubflow | undefined {
  let similar: TrackedSubflow | undefined;
  for (const one of subflows) {
    if (isSamePath(one, { local, remote })) return one;
    if (one.locId !== locId) continue;
    if (!isLike(one.local, local) || !isLike(one.remote, remote)) continue;
    similar ??= one;
  }
  return similar;
}

/**
 * Whether two ends may be one: the kernel chooses the port of a subflow that is
 * being opened, and forgets what it was of one that is given up.
 */
function isLike(known: SubflowAddress, told: SubflowAddress): boolean {
  return (known.port === told.port || known.port === 0 || told.port === 0) &&
    (known.address === told.address || ANY.includes(told.address));
}

const ANY: readonly string[] = ["0.0.0.0", "::"];

/** Whether nothing can come of a connection any more. */
export function isOver(present: ConnectionBrief): boolean {
  return isClosedHere(present) || present.state === "closed";
}

/** Whoever is connected to has its port from before. */
function isOpenedHere(
  { local, remote, serverSide, announced }: TrackedConnection,
  subflow: SubflowEvent,
): boolean {
  if (serverSide && subflow.local.port === local.port) return false;
  const { port } = subflow.remote;
  return port === remote.port || announced.some((one) => one.port === port);
}

/** Whether further subflows are possible, by one of them. */
function isPossible({ flags, initial }: Subflow): boolean {
  return !initial || flags.includes("fully-established");
}

/** Whether two ends are the same. */
export function isSameEnd(one: SubflowAddress, other: SubflowAddress): boolean {
  return one.port === other.port && one.address === other.address;
}

function plain({ address, port }: SubflowAddress): SubflowAddress {
  return { address, port };
}

/** What `created` would have said. */
function eventOf({ token, local, remote, subflows }: Connection) {
  const first = subflows.find(({ initial }) => initial) ?? subflows[0];
  const serverSide = first !== undefined && !first.openedHere;
  return {
    ...{ token, local: plain(local), remote: plain(remote), serverSide },
    ...{ locId: 0, remId: 0, denyJoinId0: false, flags: 0 },
  };
}

/** What subflows have in common that fail for one reason. */
export function pathKey({ local, remote }: TrackedSubflow): string {
  const ends = [local, remote].map(({ address }) => plainAddress(address));
  return `${ends.join(" ")} ${remote.port}`;
}
