/**
 * What the methods of a connection do.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import { errnoName, errnoText } from "../codec/errno.ts";
import { parseAddress } from "../codec/inet.ts";
import type { Diag } from "../diag/diag.ts";
import { NetlinkError, SyscallError } from "../netlink/errors.ts";
import { isConnectionGone } from "../ops/connection_gone.ts";
import type { PathManager } from "../ops/path_manager.ts";
import { AddressIds } from "./address_ids.ts";
import { fits, type Interfaces, plainAddress } from "./interfaces.ts";
import type { LocalAddress } from "./interfaces.ts";
import type {
  AnnounceAddressOptions,
  CloseOptions,
  ManagedConnection,
  OpenOptions,
} from "./managed_connection.ts";
import { type SubflowError, TrackedSubflow, type Tracker } from "./tracker.ts";

const ESRCH = 3;
const EINVAL = 22;
const EADDRNOTAVAIL = 99;
const ENETDOWN = 100;
const ENOSPC = 28;

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
  /** Takes what was done. */
  log(decision: Decision): void;
}

/** The commands of one manager. */
export class Commands {
  readonly #tools: Tools;
  readonly #ids = new AddressIds();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Takes the id of a subflow that something else has opened. */
  learn({ openedHere, local, locId }: TrackedSubflow): void {
    if (openedHere) this.#ids.learn(local.address, locId);
  }

  addressesOf({ local }: ManagedConnection): LocalAddress[] {
    return [...this.#tools.interfaces.usable]
      .filter(({ address }) => fits(local.address, address));
  }

  open(connection: ManagedConnection, options: OpenOptions): TrackedSubflow {
    const { to = connection.remote, backup = false, most = 1 } = options;
    const from = plainAddress(parseAddress(options.from).text);
    const remote = {
      address: plainAddress(parseAddress(to.address).text),
      port: to.port || connection.remote.port,
    };
    if (from.includes(":") !== remote.address.includes(":")) {
      throw new ArgumentTypeError(
        `Cannot open a subflow from ${from} to ${remote.address}: ` +
          "the addresses are of different families",
      );
    }
    const find = () =>
      connection.subflows.filter((one) =>
        one.isOpen && plainAddress(one.local.address) === from &&
        plainAddress(one.remote.address) === remote.address &&
        one.remote.port === remote.port
      );
    const there = find();
    if (there.length >= most) return there.at(-1)!;
    const subflow = new TrackedSubflow({
      ...{ local: { address: from, port: 0 }, remote, locId: 0, remId: 0 },
    }, { initial: false, openedHere: true, state: "opening" });
    subflow.backup = backup;
    if (connection.closed) {
      subflow.state = "closed";
      return subflow;
    }
    const refuse = (error: SubflowError) => {
      this.#log({ action: "open", connection, subflow, error }, options);
      this.#tools.tracker.begin(connection, subflow);
      this.#tools.tracker.end(connection, subflow, error);
      return subflow;
    };
    const place = this.#place(from, options);
    if ("errno" in place) return refuse(place);
    subflow.dev = place.dev;
    this.#lookForOthers(connection);
    const found = find();
    if (found.length >= most) return found.at(-1)!;
    if (connection.closed) {
      subflow.state = "closed";
      return subflow;
    }
    const error = this.#withId(connection, from, 0, (id) => {
      subflow.locId = id;
      this.#tools.pm.subflowCreate({
        ...{ token: connection.token, local: { address: from, id }, remote },
        ...{ ...place, backup },
      });
    });
    if (error !== undefined) return refuse(error);
    if (connection.closed) {
      subflow.state = "closed";
      return subflow;
    }
    this.#tools.tracker.begin(connection, subflow);
    this.#log({ action: "open", connection, subflow }, options);
    return subflow;
  }

  /** The device to bind a subflow to, or why it cannot be opened there. */
  #place(
    from: string,
    { dev }: OpenOptions,
  ): { readonly dev?: string } | SubflowError {
    const { interfaces, pm } = this.#tools;
    if (dev !== undefined) {
      const name = typeof dev === "number"
        ? pm.namespace.ifIndexToName(dev)
        : dev;
      return name === undefined ? failure(19) : { dev: name };
    }
    let link = interfaces.linkOf(from);
    if (link === undefined) {
      interfaces.update();
      link = interfaces.linkOf(from);
    }
    if (link === undefined) {
      return failure(EADDRNOTAVAIL, `${from} is not on this host`);
    }
    // A connection cannot leave by loopback.
    if (link.flags.includes("loopback")) return {};
    return link.usable
      ? { dev: link.dev }
      : failure(ENETDOWN, `the link ${link.dev} is down`);
  }

  /** Sees the subflows of other managers. */
  #lookForOthers(connection: ManagedConnection): void {
    const { diag, tracker } = this.#tools;
    const present = diag.connection(connection.token);
    if (present === undefined || !tracker.see(present)) {
      tracker.forget(connection.token);
    }
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
      if (id === undefined) return failure(ENOSPC, "all address ids are taken");
      const error = this.#attempt(connection, () => execute(id));
      if (error?.errno !== EINVAL || tries > 0) return error;
      const { pm } = this.#tools;
      const again = this.#attempt(connection, () => {
        const { token } = connection;
        this.#ids.rebuild(connection, pm.dumpAddrs({ token }));
      });
      if (again !== undefined || connection.closed) return error;
    }
  }

  /** Does something; returns why it cannot be done. */
  #attempt(
    connection: ManagedConnection,
    execute: () => void,
  ): SubflowError | undefined {
    try {
      execute();
      return undefined;
    } catch (error) {
      if (isConnectionGone(error)) {
        this.#tools.tracker.forget(connection.token);
        return undefined;
      }
      if (error instanceof NetlinkError || error instanceof SyscallError) {
        return failure(error.errno, error.message);
      }
      throw error;
    }
  }

  close(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    options: CloseOptions,
  ): void {
    if (!subflow.isOpen || connection.closed) return;
    const { token } = connection;
    const { pm } = this.#tools;
    // The kernel chose its port.
    if (subflow.local.port === 0) this.#lookForOthers(connection);
    if (!subflow.isOpen || subflow.local.port === 0) return;
    const { local, remote, locId } = subflow;
    const others = connection.subflows.filter((one) => one !== subflow);
    const tell = options.tell === true && subflow.state === "established" &&
      others.some(({ state }) => state === "established") &&
      !others.some((one) => one.isOpen && one.locId === locId);
    let error = tell
      ? this.#attempt(connection, () => pm.remove({ token, id: locId }))
      : undefined;
    const refused = this.#attempt(
      connection,
      () => pm.subflowDestroy({ token, local, remote }),
    );
    // The peer may have closed it already.
    if (refused?.errno !== ESRCH) error ??= refused;
    if (refused === undefined) subflow.state = "closing";
    this.#log({
      ...{ action: "close", connection, subflow, tell },
      ...error && { error },
    }, options);
  }

  announce(
    connection: ManagedConnection,
    address: string,
    options: AnnounceAddressOptions,
  ): void {
    if (connection.closed) return;
    const own = plainAddress(parseAddress(address).text);
    const { port = 0, dev } = options;
    let given = 0;
    const error = this.#withId(connection, own, port, (id) => {
      given = id;
      this.#tools.pm.announce({
        ...{ token: connection.token, address: own, id, port },
        ...dev !== undefined && { dev },
      });
    });
    if (error === undefined && !connection.closed) {
      const others = connection.announcements.filter(({ id }) => id !== given);
      const announcement = { address: own, port, id: given };
      connection.announcements = [...others, announcement];
    }
    this.#log({
      ...{ action: "announce", connection, address: own },
      ...error && { error },
    }, options);
  }

  withdraw(
    connection: ManagedConnection,
    address: string,
    options: { readonly reason?: string },
  ): void {
    const own = plainAddress(parseAddress(address).text);
    const { token, announcements } = connection;
    for (const one of announcements) {
      if (one.address !== own || connection.closed) continue;
      const error = this.#attempt(
        connection,
        () => this.#tools.pm.remove({ token, id: one.id }),
      );
      if (error === undefined) {
        connection.announcements = connection.announcements
          .filter((other) => other !== one);
      }
      this.#log({
        ...{ action: "withdraw", connection, address: own },
        ...error && { error },
      }, options);
    }
  }

  setBackup(
    connection: ManagedConnection,
    subflow: TrackedSubflow,
    backup: boolean,
    options: { readonly reason?: string },
  ): void {
    if (subflow.state !== "established" || connection.closed) return;
    const { local, remote } = subflow;
    const error = this.#attempt(
      connection,
      () =>
        this.#tools.pm.setSubflowBackup({
          ...{ token: connection.token, local, remote, backup },
        }),
    );
    if (error === undefined) subflow.backup = backup;
    this.#log({
      ...{ action: "set-backup", connection, subflow },
      ...error && { error },
    }, options);
  }

  #log(decision: Decision, { reason }: { readonly reason?: string }): void {
    this.#tools.log(reason === undefined ? decision : { ...decision, reason });
  }
}

function failure(errno: number, message = errnoText(errno)): SubflowError {
  return { errno, code: errnoName(errno), message };
}
