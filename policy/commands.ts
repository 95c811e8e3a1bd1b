/**
 * What the methods of a connection do.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { integer } from "../codec/arguments.ts";
import { errnoName, errnoText } from "../codec/errno.ts";
import { AF_INET, AF_INET6, isLinkLocal, parseAddress } from "../codec/inet.ts";
import type {
  ConnectionBrief,
  RunningTimer,
  SubflowReading,
} from "../diag/connection.ts";
import { findBrief, findTimers, openSockDiag } from "../diag/connections.ts";
import type { Diag } from "../diag/diag.ts";
import type { Link } from "../diag/links.ts";
import { type Clock, systemClock } from "../netlink/clock.ts";
import { NetlinkError, UnsupportedError } from "../netlink/errors.ts";
import type { QuestionClient } from "../netlink/questions.ts";
import { type Device, deviceIndex } from "../ops/arguments.ts";
import { isConnectionGone } from "../ops/connection_gone.ts";
import type { PathManager } from "../ops/path_manager.ts";
import { isSamePath } from "../ops/resync.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { AddressIds } from "./address_ids.ts";
import { AddressMessages, type Message } from "./address_messages.ts";
import {
  fits,
  type Interfaces,
  isSameFamily,
  type LocalAddress,
  plainAddress,
} from "./interfaces.ts";
import {
  type AnnounceAddressOptions,
  type Announcement,
  type CloseOptions,
  commandsOf,
  type ManagedConnection,
  type OpenOptions,
  type Reason,
} from "./managed_connection.ts";
import { kernelMode } from "./mode.ts";
import { peerFor } from "./spare.ts";
import type { Timers } from "./timers.ts";
import { isOffered, peersOf } from "./peers.ts";
import {
  isOver,
  type SubflowError,
  TrackedSubflow,
  type Tracker,
  writable,
} from "./tracker.ts";

const ESRCH = 3;
const ENODEV = 19;
const EINVAL = 22;
const ENOSPC = 28;
const EAFNOSUPPORT = 97;
const EADDRNOTAVAIL = 99;
const ENETDOWN = 100;
const EHOSTUNREACH = 113;

/** The kernel counts them in a byte, and sees no overflow. */
const MOST_SUBFLOWS = 255;

/** Something that a policy did, or could not do. */
export interface Decision {
  /** Which method was called. */
  readonly action: "open" | "close" | "announce" | "withdraw" | "set-backup";
  /** The connection. */
  readonly connection: ManagedConnection;
  /** The subflow that it is about; absent: it is about an address. */
  readonly subflow?: TrackedSubflow;
  /** The address that it is about. */
  readonly address?: string;
  /** Whether the peer was told before a subflow was closed. */
  readonly tell?: boolean;
  /** What the policy gave as its reason; absent: nothing. */
  readonly reason?: string;
  /** Why it was not done; absent: it was. */
  readonly error?: SubflowError;
}

/** What is needed to do it. */
export interface Tools {
  readonly pm: PathManager;
  readonly diag: Diag;
  readonly tracker: Tracker<ManagedConnection>;
  readonly interfaces: Interfaces;
  readonly timers: Timers;
  /** Does something of its own later; what that throws ends the manager. */
  readonly later: Clock["after"];
  /** Reads links and addresses again, and tells what has changed. */
  readonly lookAtNetwork: () => void;
  /** Takes what was done. */
  readonly log: (decision: Decision) => void;
  /** Takes what whoever runs it should know. */
  readonly warn: (message: string) => void;
}

/** The commands of one manager. */
export class Commands implements Disposable {
  readonly #tools: Tools;
  readonly #ids = new AddressIds();
  readonly #messages: AddressMessages;
  /** The connections that the in-kernel path manager has. */
  readonly #inKernel = new WeakSet<ManagedConnection>();
  /** What was announced. */
  readonly #announced = new WeakMap<
    ManagedConnection,
    readonly Announcement[]
  >();
  /** The subflows that lead where the peer could be reached, as it had said. */
  readonly #offered = new WeakSet<TrackedSubflow>();
  /** How many subflows at most between two ends were asked for. */
  readonly #most = new WeakMap<ManagedConnection, number>();
  /** To look at sockets, after there was need for it. */
  #sockets: QuestionClient | undefined;
  #hasEnded = false;
  /** The subflows that were opened by it. */
  readonly #own = new WeakSet<TrackedSubflow>();

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#messages = new AddressMessages(tools.later);
  }

  get clock(): Clock {
    return this.#tools.pm.namespace.clock ?? systemClock;
  }

  after(
    connection: ManagedConnection,
    ms: number,
    action: () => unknown,
  ): Disposable {
    return this.#tools.timers.after(connection, ms, action);
  }

  /** Takes the id of a subflow that was opened, by whomever. */
  learn({ openedHere, local, locId }: TrackedSubflow): void {
    if (openedHere) this.#ids.learn(local.address, locId);
  }

  /** Whether it opened a subflow itself. */
  hasOpened(subflow: TrackedSubflow): boolean {
    return this.#own.has(subflow);
  }

  /** How many subflows between two ends its policy wants at most. */
  mostOf(connection: ManagedConnection): number {
    return this.#most.get(connection) ?? 1;
  }

  /** Whether the peer has not taken back where a subflow led to. */
  isOffered(connection: ManagedConnection, subflow: TrackedSubflow): boolean {
    return !this.#offered.has(subflow) ||
      isOffered(connection, subflow.remote);
  }

  isInKernel(connection: ManagedConnection): boolean {
    return this.#inKernel.has(connection);
  }

  announcementsOf(connection: ManagedConnection): readonly Announcement[] {
    return this.#announced.get(connection) ?? [];
  }

  addressesOf({ local }: ManagedConnection): LocalAddress[] {
    return [...this.#tools.interfaces.usable]
      .filter(({ address }) => fits(local.address, address));
  }

  peersOf(connection: ManagedConnection): SubflowAddress[] {
    const { interfaces } = this.#tools;
    return peersOf(
      connection,
      (address) => interfaces.linkOf(address) !== undefined,
    );
  }

  /** Whether subflows from an address can lead to one of the peer. */
  reaches({ local }: ManagedConnection, from: string, to: string): boolean {
    if (!isSameFamily(from, to)) return false;
    const { interfaces } = this.#tools;
    // It is the peer on the link that the connection began on alone.
    return !isLinkLocal(to) ||
      interfaces.linkOf(from) === interfaces.linkOf(local.address);
  }

  read(subflow: TrackedSubflow): SubflowReading | undefined {
    checkSubflow(subflow);
    const { local, remote, locId, remId, ifIndex } = subflow;
    if (local.port === 0) return undefined;
    this.#demandRunning();
    return this.#tools.diag.subflow({
      local: { ...local, id: locId },
      remote: { ...remote, id: remId },
      ifIndex,
    });
  }

  #demandRunning(): void {
    if (!this.#hasEnded) return;
    throw new Deno.errors.BadResource("The manager has ended");
  }

  get #client(): QuestionClient {
    this.#demandRunning();
    return this.#sockets ??= openSockDiag(this.#tools.pm.namespace);
  }

  /** Looks whether there is a connection from which something can come. */
  find(token: number): ConnectionBrief | undefined {
    const brief = findBrief(this.#client, token);
    return brief === undefined || isOver(brief) ? undefined : brief;
  }

  /**
   * The timers of many subflows.
   *
   * @param watched With the numbers of their sockets, as far as they are known.
   * @returns By these numbers; absent: it was not found.
   */
  timersOf(
    watched: Iterable<
      { readonly subflow: TrackedSubflow; readonly cookie?: number }
    >,
  ): Map<number, RunningTimer> {
    const wanted = new Map<number, Set<number>>();
    for (const { subflow: { local }, cookie } of watched) {
      if (cookie === undefined) continue;
      const family = local.address.includes(":") ? AF_INET6 : AF_INET;
      wanted.set(family, (wanted.get(family) ?? new Set()).add(cookie));
    }
    return new Map(
      wanted.entries().flatMap(([family, cookies]) =>
        findTimers(this.#client, family, cookies)
      ),
    );
  }

  open(connection: ManagedConnection, options: OpenOptions): TrackedSubflow {
    const { backup = false, most = 1 } = options;
    integer("most", most, 1, MOST_SUBFLOWS);
    const subflow = describe(connection, options);
    const live = writable(subflow);
    if (live.state === "closed") {
      const { error } = live;
      this.#log({ action: "open", connection, subflow, error }, options);
      return subflow;
    }
    const { local: { address: from }, remote } = subflow;
    if (most > this.mostOf(connection)) this.#most.set(connection, most);
    const there = () => between(connection, subflow, most);
    const found = there();
    if (found !== undefined) return found;
    this.#demandRunning();
    const isFull = connection.subflows
      .filter(({ isOpen }) => isOpen).length >= MOST_SUBFLOWS;
    const place = isFull
      ? failure(ENOSPC, `it has ${MOST_SUBFLOWS} subflows`)
      : this.#place(from, options.dev);
    if (!("errno" in place)) {
      live.dev = place.link?.dev;
      this.#lookForOthers(connection);
      const found = there();
      if (found !== undefined) return found;
    }
    const { pm, tracker } = this.#tools;
    const error = "errno" in place
      ? place
      : this.#withId(connection, from, 0, (id) => {
        live.locId = id;
        const { token } = connection;
        const local = { address: from, id };
        // By its index, since it may have another name by now.
        const bound = place.link && { dev: place.link.ifIndex };
        pm.subflowCreate({ token, local, remote, ...bound, backup });
      });
    if (connection.closed || connection.isInKernel) {
      live.state = "closed";
      return subflow;
    }
    this.#own.add(subflow);
    if (isOffered(connection, remote)) this.#offered.add(subflow);
    tracker.begin(connection, subflow);
    this.#log({ action: "open", connection, subflow, error }, options);
    if (error !== undefined) tracker.end(connection, subflow, error);
    // The kernel has said so, which an event that was lost would have.
    else tracker.establish(connection);
    return subflow;
  }

  /** The device to bind a subflow to, or why it cannot be opened there. */
  #place(
    from: string,
    dev: Device | undefined,
  ): { readonly link?: Link } | SubflowError {
    const { interfaces, pm } = this.#tools;
    const find = () => {
      if (dev === undefined) return interfaces.linkOf(from);
      const known = interfaces.link(dev);
      if (known !== undefined || typeof dev === "number") return known;
      // It may be one of several names.
      const index = pm.namespace.ifNameToIndex(dev);
      return index === undefined ? undefined : interfaces.link(index);
    };
    let link = find();
    if (link === undefined) {
      // It may be younger than the last look.
      this.#tools.lookAtNetwork();
      link = find();
    }
    if (link === undefined) {
      return dev === undefined
        ? failure(EADDRNOTAVAIL, `${from} is not on this host`)
        : failure(ENODEV, `there is no device ${dev}`);
    }
    // What is bound to loopback cannot leave.
    if (link.flags.includes("loopback")) return {};
    return link.usable
      ? { link }
      : failure(ENETDOWN, `the link ${link.dev} is down`);
  }

  /**
   * Sees the subflows that others have opened. The kernel counts them: only
   * where it counts more or fewer than are known, a list of all sockets is
   * needed, which takes a thousand times as long.
   */
  #lookForOthers(connection: ManagedConnection): void {
    // Another one may have its token by now.
    if (connection.closed) return;
    const { token, subflows } = connection;
    const brief = this.find(token);
    const isThere = brief !== undefined && isSamePath(connection, brief);
    if (!isThere) return this.#tools.tracker.forget(token);
    const extra = subflows.filter(({ initial, isOpen }) => !initial && isOpen);
    if (brief.extraSubflows !== extra.length) this.#see(token);
  }

  #see(token: number): void {
    const { diag, tracker } = this.#tools;
    const present = diag.connection(token);
    if (present === undefined || !tracker.see(present)) tracker.forget(token);
  }

  /** Does something with the id of an address; once more with another id. */
  #withId(
    connection: ManagedConnection,
    address: string,
    port: number,
    execute: (id: number) => void,
  ): SubflowError | undefined {
    for (let tries = 0;; tries++) {
      const id = this.#ids.of(connection, address, port);
      if (id === undefined) return NO_ID;
      const error = this.#attempt(connection, () => execute(id));
      if (error?.errno !== EINVAL || tries > 0) return error;
      // The kernel knows the address by another id, or another one by this.
      const again = this.#attempt(connection, () => {
        this.#ids.rebuild(connection, this.#known(connection));
      });
      if (again !== undefined) return error;
    }
  }

  /** The addresses of this host that a connection has, with their ids. */
  #known({ token, subflows }: ManagedConnection): readonly Announcement[] {
    try {
      return this.#tools.pm.dumpAddrs({ token });
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      // Linux before 6.9 does not tell what was announced.
      return subflows.filter(({ openedHere }) => openedHere)
        .map(({ local: { address }, locId: id }) => ({ address, id, port: 0 }));
    }
  }

  /** Does something, unless it cannot be done any more; returns why not. */
  #attempt(
    connection: ManagedConnection,
    execute: () => void,
  ): SubflowError | undefined {
    if (connection.closed || connection.isInKernel) return undefined;
    this.#demandRunning();
    try {
      execute();
      return undefined;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (isConnectionGone(error)) {
        this.#tools.tracker.forget(connection.token);
        return undefined;
      }
      if (error.extack?.message?.endsWith(IN_KERNEL)) {
        this.#inKernel.add(connection);
        const { pm, warn } = this.#tools;
        if (pm.getMode() !== "userspace") warn(kernelMode(pm.namespace));
        warn(STAYS_IN_KERNEL);
        return undefined;
      }
      return failure(error.errno, error.message);
    }
  }

  close(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    options: CloseOptions,
  ): void {
    checkSubflow(subflow);
    if (connection.closed || !subflow.isOpen) return;
    this.#demandRunning();
    const { token } = connection;
    // The kernel chose its port.
    if (subflow.local.port === 0) this.#see(token);
    const { local, remote, locId } = subflow;
    if (!subflow.isOpen || local.port === 0) return;
    const { state } = subflow;
    const end = (tell: boolean, untold?: SubflowError) => {
      const error = this.#attempt(connection, () => {
        this.#tools.pm.subflowDestroy({ token, local, remote });
      });
      const { closed, isInKernel } = connection;
      const isGone = !isInKernel &&
        (error === undefined || error.errno === ESRCH);
      if (subflow.isOpen || subflow.state === "closing") {
        writable(subflow).state = isGone ? "closing" : state;
      }
      if (closed || isInKernel) return;
      this.#log({
        ...{ action: "close", connection, subflow, tell },
        // The peer may have closed it already.
        error: isGone ? untold : error,
      }, options);
    };
    const canTell = () =>
      options.tell === true && state === "established" &&
      isLeftWithout(connection, subflow);
    if (!canTell()) return end(false);
    writable(subflow).state = "closing";
    this.#messages.send(connection, () => {
      // The peer may have closed it, and others may have come or gone.
      if (subflow.state !== "closing") return;
      if (!canTell()) return end(false);
      const { address } = local;
      return this.#remove(
        connection,
        { address, port: 0, id: locId },
        (untold) => end(true, untold),
      );
    });
  }

  announce(
    connection: ManagedConnection,
    address: string,
    options: AnnounceAddressOptions,
  ): void {
    const own = addressOf("address", address);
    const { port = 0, dev } = options;
    const { pm } = this.#tools;
    integer("port", port, 0, 65535);
    const ifIndex = deviceIndex(pm.namespace, dev);
    if (connection.closed || connection.isInKernel) return;
    const { token, announcements } = connection;
    const before = announcements.find((one) =>
      one.address === own && one.port === port
    );
    const id = this.#ids.of(connection, own, port);
    const log = (error: SubflowError | undefined) =>
      this.#log(
        { action: "announce", connection, address: own, error },
        options,
      );
    if (id === undefined) return log(NO_ID);
    // The peer knows that of the initial subflow.
    if (id === 0) return;
    const announcement = before ?? { address: own, port, id };
    if (before === undefined) {
      this.#announced.set(connection, [...announcements, announcement]);
    }
    this.#messages.send(connection, () => {
      const device = ifIndex === undefined ? {} : { dev: ifIndex };
      const error = this.#withId(connection, own, port, (id) => {
        writable(announcement).id = id;
        pm.announce({ token, address: own, id, port, ...device });
      });
      if (error !== undefined || connection.isInKernel) {
        this.#forget(connection, announcement);
      }
      if (!connection.closed && !connection.isInKernel) log(error);
    });
  }

  #forget(connection: ManagedConnection, announcement: Announcement): void {
    const others = connection.announcements.filter((one) =>
      one !== announcement
    );
    this.#announced.set(connection, others);
  }

  withdraw(
    connection: ManagedConnection,
    address: string,
    options: Reason,
  ): void {
    const own = addressOf("address", address);
    for (const one of connection.announcements) {
      if (one.address !== own) continue;
      this.#forget(connection, one);
      const done = (error: SubflowError | undefined) => {
        if (connection.closed) return;
        this.#log(
          { action: "withdraw", connection, address: own, error },
          options,
        );
      };
      this.#messages.send(
        connection,
        () => this.#remove(connection, one, done),
      );
    }
  }

  /**
   * Takes an address back from the peer.
   *
   * @param done Takes why that was not done.
   */
  #remove(
    connection: ManagedConnection,
    { address, port, id }: Announcement,
    done: (error: SubflowError | undefined) => void,
  ): Message | void {
    const { token } = connection;
    const { pm } = this.#tools;
    const remove = () =>
      this.#attempt(connection, () => pm.remove({ token, id }));
    const error = remove();
    if (error?.errno !== EINVAL || id === 0) return done(error);
    // The kernel forgets an address when a subflow from it is destroyed.
    const announce = () => pm.announce({ token, address, port, id });
    const unknown = this.#attempt(connection, announce);
    return unknown === undefined ? () => done(remove()) : done(unknown);
  }

  setBackup(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    backup: boolean,
    options: Reason,
  ): void {
    checkSubflow(subflow);
    if (subflow.state !== "established") return;
    const { local, remote } = subflow;
    const { token } = connection;
    const error = this.#attempt(connection, () => {
      this.#tools.pm.setSubflowBackup({ token, local, remote, backup });
    });
    if (connection.closed || connection.isInKernel) return;
    if (error === undefined) writable(subflow).backup = backup;
    this.#log({ action: "set-backup", connection, subflow, error }, options);
  }

  /** The peer has announced something, which the kernel answers first. */
  toAnswer(connection: ManagedConnection): void {
    this.#messages.hold(connection);
  }

  /** Tells peers all that waits for its turn, before it returns. */
  tellAll(): void {
    this.#messages[Symbol.dispose]();
  }

  /** Closes what it has opened. */
  [Symbol.dispose](): void {
    this.#hasEnded = true;
    this.#sockets?.[Symbol.dispose]();
  }

  #log(
    { error, ...decision }: Omit<Decision, "error"> & {
      readonly error: SubflowError | undefined;
    },
    { reason }: Reason,
  ): void {
    this.#tools.log({
      ...decision,
      ...reason !== undefined && { reason },
      ...error !== undefined && { error },
    });
  }
}

/** The subflow that is meant; closed: it would not lead to the peer. */
function describe(
  connection: ManagedConnection,
  options: OpenOptions,
): TrackedSubflow {
  const from = addressOf("from", options.from);
  const to = options.to ?? peerFor(connection, from) ?? connection.remote;
  const address = addressOf("to.address", to.address);
  const remote = { address, port: to.port || connection.remote.port };
  const subflow = new TrackedSubflow(
    { local: { address: from, port: 0 }, remote, locId: 0 },
    { initial: false, openedHere: true },
  );
  const live = writable(subflow);
  live.backup = options.backup ?? false;
  if (options.to !== undefined) {
    if (isSameFamily(from, address)) return subflow;
    throw new ArgumentTypeError(
      `Cannot open a subflow from ${from} to ${address}: ` +
        "the addresses are of different families",
    );
  }
  if (commandsOf(connection).reaches(connection, from, address)) return subflow;
  live.state = "closed";
  live.error = isSameFamily(from, address)
    ? failure(EHOSTUNREACH, `${address} is on another link than ${from}`)
    : failure(
      EAFNOSUPPORT,
      `the peer has no address of the family of ${from}`,
    );
  return subflow;
}

/** The address that an option is, which messages name. */
function addressOf(name: string, text: string): string {
  if (typeof text !== "string") {
    throw new ArgumentTypeError(
      `Invalid ${name} ${text}: an IPv4 or IPv6 address is needed`,
    );
  }
  return plainAddress(parseAddress(text).text);
}

/**
 * Whether a connection has another subflow, and none that needs the address of
 * this one.
 */
function isLeftWithout(
  { subflows }: ManagedConnection,
  subflow: TrackedSubflow,
): boolean {
  const others = subflows.filter((one) => one !== subflow);
  return others.some(({ state }) => state === "established") &&
    others.every((one) => !one.isOpen || one.locId !== subflow.locId);
}

function checkSubflow(subflow: TrackedSubflow): void {
  if (subflow instanceof TrackedSubflow) return;
  throw new ArgumentTypeError(
    `Invalid subflow ${subflow}: one of connection.subflows is needed`,
  );
}

/** What the kernel says of a connection that it manages itself. */
const IN_KERNEL = "userspace PM not selected";
const STAYS_IN_KERNEL =
  "Connections that were made while the path manager was the kernel's stay " +
  "with it: only new ones can be managed";

/** The subflow between two ends, if there are as many as there may be. */
function between(
  { subflows }: ManagedConnection,
  { local, remote }: TrackedSubflow,
  most: number,
): TrackedSubflow | undefined {
  const there = subflows.filter((one) =>
    one.isOpen && one.remote.port === remote.port &&
    plainAddress(one.local.address) === local.address &&
    plainAddress(one.remote.address) === remote.address
  );
  return there.length < most ? undefined : there.at(-1);
}

const NO_ID: SubflowError = failure(ENOSPC, "all address ids are taken");

function failure(errno: number, message = errnoText(errno)): SubflowError {
  return { errno, code: errnoName(errno), message };
}
