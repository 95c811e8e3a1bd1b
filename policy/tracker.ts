/**
 * The connections of a namespace as live objects, by their events, and by
 * looking where events may be missing.
 *
 * @module
 */

import type { Connection, Subflow } from "../diag/connection.ts";
import type {
  AnnouncedEvent,
  ConnectionEvent,
  PathManagerEvent,
  SubflowEvent,
} from "../ops/event.ts";
import { isClosedHere, isMade, isOpen, isSamePath } from "../ops/resync.ts";
import type { SubflowAddress } from "../ops/subflow.ts";

/** Whether a subflow carries data: none is `opening` for longer than TCP tries. */
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
  local: SubflowAddress;
  /** The end on the peer. */
  readonly remote: SubflowAddress;
  /** Id of the local address. */
  locId: number;
  /** Id of the remote address; 0 until it is established. */
  remId: number;
  /** Index of the device that it is bound to; 0: none. */
  ifIndex = 0;
  /** Name of that device; absent: none. */
  dev: string | undefined = undefined;
  /** Whether it can carry data. */
  state: SubflowState;
  /** Whether it is the one that the connection began with. */
  readonly initial: boolean;
  /** Whether this host opened it. */
  openedHere: boolean;
  /** Whether this host wants to use it only when there is no other. */
  backup = false;
  /** Whether the peer wants that. */
  backupByPeer = false;
  /** How often in a row subflows with its addresses have failed. */
  failures = 0;
  /** Why it was closed; absent: it is open, or there was no error. */
  error: SubflowError | undefined = undefined;
  /** When it was established, by `performance.now()`; 0: unknown. */
  #since = 0;

  /** Describes one; {@linkcode Tracker} does. */
  constructor(
    { local, remote, locId, remId }: Pick<
      SubflowEvent,
      "local" | "remote" | "locId" | "remId"
    >,
    { initial, openedHere, state }: {
      readonly initial: boolean;
      readonly openedHere: boolean;
      readonly state: SubflowState;
    },
  ) {
    this.local = local;
    this.remote = remote;
    this.locId = locId;
    this.remId = remId;
    this.initial = initial;
    this.openedHere = openedHere;
    this.state = state;
  }

  /** Whether it is there, or about to be. */
  get isOpen(): boolean {
    return this.state === "established" || this.state === "opening";
  }

  /** It was established just now. */
  establish(): void {
    this.state = "established";
    this.#since = performance.now();
  }

  /** Whether it was established for long enough to forget earlier failures. */
  get isStable(): boolean {
    return this.#since > 0 && performance.now() - this.#since >= STABLE_MS;
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
  established = false;
  /** Whether it has ended. */
  closed = false;
  /** Its subflows, the initial one first while it is there. */
  subflows: readonly TrackedSubflow[];
  /** The addresses that the peer has announced and not taken back. */
  announced: readonly PeerAddress[] = NONE;

  /** Describes one; {@linkcode Tracker} does. */
  constructor(event: ConnectionEvent) {
    const { token, local, remote, serverSide, denyJoinId0 } = event;
    this.token = token;
    this.local = local;
    this.remote = remote;
    this.serverSide = serverSide;
    this.denyJoinId0 = denyJoinId0;
    this.subflows = [
      new TrackedSubflow(event, {
        initial: true,
        openedHere: !serverSide,
        state: "established",
      }),
    ];
  }
}

const NONE: readonly never[] = Object.freeze([]);

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
  /** Failures in a row by connection and path, where there were any. */
  readonly #failures = new WeakMap<Tracked, Map<string, number>>();

  /**
   * Makes a tracker that knows of nothing.
   *
   * @param observer What to call when something changes. @default {nothing}
   * @param create Makes the object of a connection.
   * @default {a `TrackedConnection`}
   */
  constructor(
    observer: TrackerObserver<Tracked> = {},
    create: (event: ConnectionEvent) => Tracked = (event) =>
      new TrackedConnection(event) as Tracked,
  ) {
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
        if (event.type === "established") this.#establish(connection);
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
        connection.announced = connection.announced.filter((one) =>
          one !== gone
        );
        this.#observer.removed?.(connection, gone);
        return;
      }
      case "sub-established":
      case "sub-closed":
      case "sub-priority": {
        const connection = this.#byToken.get(event.token);
        if (connection === undefined) return;
        const subflow = findSubflow(connection, event);
        if (event.type === "sub-established") {
          return this.#open(connection, subflow, event);
        }
        if (subflow === undefined) return;
        if (event.type === "sub-closed") {
          subflow.remId ||= event.remId;
          return this.end(connection, subflow, event.error);
        }
        subflow.backupByPeer = event.backup;
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
      if (this.see(connection)) gone.delete(connection.token);
    }
    for (const token of gone) this.forget(token);
  }

  /**
   * Takes what is there of one connection.
   *
   * @returns Whether it is there.
   */
  see(present: Connection): boolean {
    const { token, partial } = present;
    const known = this.#byToken.get(token);
    const isKnown = known !== undefined && isSamePath(known, present);
    if (isKnown ? isClosedHere(present) : !isMade(present)) return false;
    if (known && !isKnown) this.forget(token);
    const connection = isKnown ? known : this.#made(eventOf(present));
    if (!isKnown) connection.subflows = NONE;
    const seen = present.subflows.filter((one) => isOpen(one) || isSyn(one))
      .map((one) => this.#see(connection, one));
    for (const subflow of connection.subflows) {
      // One that the look missed would be lost for good.
      if (partial || seen.some((one) => one.subflow === subflow)) continue;
      this.end(connection, subflow);
    }
    if (present.subflows.some(isFullyEstablished)) this.#establish(connection);
    for (const { subflow, isNew } of seen) {
      if (isNew) this.#observer.subflowOpened?.(connection, subflow);
    }
    return true;
  }

  /** Takes what is there of a subflow; tells whether it was established. */
  #see(connection: Tracked, present: Subflow) {
    const { local, remote, initial, openedHere, flags } = present;
    let subflow = findSubflow(connection, present);
    if (subflow === undefined) {
      subflow = new TrackedSubflow({
        ...{ local: plain(local), remote: plain(remote) },
        ...{ locId: local.id, remId: remote.id },
      }, { initial, openedHere, state: "opening" });
      this.begin(connection, subflow);
    } else if (subflow.local.port === 0) subflow.local = plain(local);
    subflow.ifIndex = present.ifIndex;
    subflow.dev = present.dev;
    subflow.openedHere = openedHere;
    subflow.backup = flags.includes("bkup-loc");
    subflow.backupByPeer = flags.includes("bkup-rem");
    const isNew = subflow.state === "opening" && isOpen(present);
    if (isNew) {
      subflow.remId = remote.id;
      subflow.establish();
      this.#learn(connection, subflow);
    }
    return { subflow, isNew: isNew && !initial };
  }

  /** The peer must have announced where a subflow with such an id leads to. */
  #learn(connection: Tracked, { openedHere, remId, remote }: TrackedSubflow) {
    if (!openedHere || remId === 0) return;
    if (connection.announced.some(({ id }) => id === remId)) return;
    const { address, port } = remote;
    const learned = { id: remId, address, port };
    connection.announced = [...connection.announced, learned];
  }

  /** A connection has ended. */
  forget(token: number): void {
    const connection = this.#byToken.get(token);
    if (connection === undefined) return;
    this.#byToken.delete(token);
    connection.closed = true;
    for (const subflow of connection.subflows) subflow.state = "closed";
    this.#observer.closed?.(connection);
  }

  /** A subflow is being opened. */
  begin(connection: Tracked, subflow: TrackedSubflow): void {
    subflow.failures = this.#failuresOf(connection, subflow);
    add(connection, subflow);
  }

  /** A subflow has ended, or could not be opened. */
  end(
    connection: Tracked,
    subflow: TrackedSubflow,
    error?: SubflowError,
  ): void {
    if (subflow.state === "closed") return;
    connection.subflows = connection.subflows.filter((one) => one !== subflow);
    const isFailure = error !== undefined && subflow.state !== "closing";
    if (isFailure) {
      const before = subflow.isStable
        ? 0
        : this.#failuresOf(connection, subflow);
      subflow.failures = before + 1;
      const failures = this.#failures.get(connection) ?? new Map();
      failures.set(pathKey(subflow), before + 1);
      this.#failures.set(connection, failures);
    }
    subflow.error = error;
    subflow.state = "closed";
    this.#observer.subflowClosed?.(connection, subflow);
  }

  #failuresOf(connection: Tracked, subflow: TrackedSubflow): number {
    return this.#failures.get(connection)?.get(pathKey(subflow)) ?? 0;
  }

  #made(event: ConnectionEvent): Tracked {
    const known = this.#byToken.get(event.token);
    if (known !== undefined && isSamePath(known, event)) return known;
    this.forget(event.token);
    const connection = this.#create(event);
    this.#byToken.set(event.token, connection);
    return connection;
  }

  #establish(connection: Tracked): void {
    if (connection.established) return;
    connection.established = true;
    this.#observer.established?.(connection);
  }

  #announce({ token, remId: id, address, port }: AnnouncedEvent): void {
    const connection = this.#byToken.get(token);
    if (connection === undefined) return;
    const others = connection.announced.filter((one) => one.id !== id);
    const announced = { id, address, port };
    connection.announced = [...others, announced];
    this.#observer.announced?.(connection, announced);
  }

  #open(
    connection: Tracked,
    known: TrackedSubflow | undefined,
    event: SubflowEvent,
  ): void {
    if (known !== undefined && known.state !== "opening") return;
    const subflow = known ?? new TrackedSubflow(event, {
      initial: false,
      openedHere: isOpenedHere(connection, event),
      state: "opening",
    });
    if (known === undefined) this.begin(connection, subflow);
    const { local, locId, remId, ifIndex, dev, backup } = event;
    subflow.local = local;
    subflow.locId = locId;
    subflow.remId = remId;
    subflow.ifIndex = ifIndex;
    subflow.dev = dev;
    subflow.backupByPeer = backup;
    subflow.establish();
    this.#observer.subflowOpened?.(connection, subflow);
  }
}

function add(connection: TrackedConnection, subflow: TrackedSubflow): void {
  // Without the spare room that push() takes.
  connection.subflows = [...connection.subflows, subflow];
}

/** The subflow with these ends. */
function findSubflow(
  { subflows }: TrackedConnection,
  { local, remote }: Pick<SubflowEvent, "local" | "remote">,
): TrackedSubflow | undefined {
  return subflows.find((one) => isSamePath(one, { local, remote })) ??
    // The kernel chooses the port of one that is being opened.
    subflows.find((one) =>
      one.local.port === 0 && one.local.address === local.address &&
      isSameEnd(one.remote, remote)
    );
}

function isSameEnd(one: SubflowAddress, other: SubflowAddress): boolean {
  return one.port === other.port && one.address === other.address;
}

/** The side that is connected to has its port from before. */
function isOpenedHere(
  { local, serverSide }: TrackedConnection,
  subflow: SubflowEvent,
): boolean {
  return !serverSide || subflow.local.port !== local.port;
}

/** Whether it waits for an answer. */
function isSyn({ state }: Subflow): boolean {
  return state === "syn-sent";
}

function isFullyEstablished({ flags }: Subflow): boolean {
  return flags.includes("fully-established");
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
function pathKey({ local, remote }: TrackedSubflow): string {
  return `${local.address} ${remote.address} ${remote.port}`;
}
