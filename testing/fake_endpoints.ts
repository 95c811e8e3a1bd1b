/**
 * The endpoints and limits of the in-kernel path manager, and the commands for
 * them, after `net/mptcp/pm_kernel.c`.
 *
 * @module
 */

import {
  MPTCP_PM_ADDR_FLAG_BACKUP as BACKUP,
  MPTCP_PM_ADDR_FLAG_FULLMESH as FULLMESH,
  MPTCP_PM_ADDR_FLAG_IMPLICIT as IMPLICIT,
  MPTCP_PM_ADDR_FLAG_SIGNAL as SIGNAL,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import { type Address, isSame, parseEntry } from "./fake_address.ts";
import type { FakeRequest } from "./fake_netlink.ts";

const EBUSY = 16;
const EEXIST = 17;
const EINVAL = 22;
const ERANGE = 34;
const EOPNOTSUPP = 95;
const EADDRINUSE = 98;

/** What the table needs of its host. */
export interface EndpointHost {
  /** Highest number of endpoints, and value of a limit. */
  room(): number;
  /** Whether the kernel can listen there; returns an errno. */
  listen(local: Address): number;
  /** The kernel listens for an endpoint with a port, or no longer. */
  emit(type: "listener-created" | "listener-closed", local: Address): void;
}

/** The table of endpoints of a namespace, and its limits. */
export class EndpointTable {
  /** In the order in which the kernel looks through them. */
  #entries: Address[] = [];
  readonly limits: { subflows: number; addAddrAccepted: number } = {
    subflows: 2,
    addAddrAccepted: 0,
  };
  /** From where the kernel looks for a free id. */
  #cursor = 1;
  readonly #host: EndpointHost;

  constructor(host: EndpointHost) {
    this.#host = host;
  }

  /** Them by id, as a dump has them. */
  dump(): Address[] {
    return this.#entries.toSorted((one, other) => one.id - other.id);
  }

  addAddr(request: FakeRequest): void {
    const nest = request.need("addr");
    const given = parseEntry(request, nest, true);
    const { flags, port } = given;
    if (port !== 0 && !usesPort(given)) {
      request.invalid(
        "flags must have signal and not subflow when using port",
        nest,
      );
    }
    if (flags & SIGNAL && flags & FULLMESH) {
      request.invalid("flags mustn't have both signal and fullmesh", nest);
    }
    if (flags & IMPLICIT) {
      request.invalid("can't create IMPLICIT endpoint", nest);
    }
    if (port !== 0) this.#listen(request, given);
    const errno = this.#add(given);
    if (errno === 0) return;
    if (port !== 0) this.#host.emit("listener-closed", given);
    request.refuse(errno, `too many addresses or duplicate one: -${errno}`);
  }

  #listen(request: FakeRequest, given: Address): void {
    const isTaken = this.#entries.some((one) => isSame(one, given, true));
    const errno = this.#host.listen(given) || (isTaken ? EADDRINUSE : 0);
    if (errno !== 0) {
      request.refuse(errno, `create listen socket error: -${errno}`);
    }
    this.#host.emit("listener-created", given);
  }

  /** `mptcp_pm_nl_get_local_id()` */
  addImplicit(given: Address): void {
    const isKnown = this.#entries.some((one) =>
      isSame(one, given, one.port !== 0)
    );
    if (!isKnown) this.#add({ ...given, flags: IMPLICIT });
  }

  /** `mptcp_pm_nl_append_new_local_addr()`; returns an errno. */
  #add(given: Address): number {
    // It starts again before it looks whether there is room.
    if (this.#cursor === 255) this.#cursor = 1;
    if (this.#entries.length >= this.#host.room()) return ERANGE;
    if (this.#entries.some(({ id }) => id === given.id)) return EBUSY;
    const same = this.#entries.find((one) =>
      isSame(one, given, one.port !== 0 || given.port !== 0)
    );
    if (same !== undefined) {
      if (!(same.flags & IMPLICIT)) return EEXIST;
      if (given.id !== 0) return EINVAL;
      this.#entries.splice(this.#entries.indexOf(same), 1);
    }
    const id = same?.id ?? (given.id || this.#freeId());
    this.#cursor = Math.max(this.#cursor, id);
    const entry = { ...given, id };
    if (given.port === 0) this.#entries.push(entry);
    else this.#entries.unshift(entry);
    return 0;
  }

  #freeId(): number {
    const isFree = (id: number) => !this.#entries.some((one) => one.id === id);
    for (let id = this.#cursor; id <= 255; id++) if (isFree(id)) return id;
    this.#cursor = 1;
    return this.#freeId();
  }

  /** Deletes an endpoint; with id 0 it is about connections, and well. */
  delAddr(request: FakeRequest): void {
    const nest = request.need("addr");
    const { id } = parseEntry(request, nest, false);
    if (id === 0) return;
    const entry = this.#entries.find((entry) => entry.id === id) ??
      request.invalid("address not found", nest);
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    if (entry.port !== 0) this.#host.emit("listener-closed", entry);
  }

  flushAddrs(): void {
    for (const entry of this.#entries.splice(0)) {
      if (entry.port !== 0) this.#host.emit("listener-closed", entry);
    }
    this.#cursor = 1;
  }

  setLimits(request: FakeRequest): void {
    const { rcvAddAddrs, subflows } = request.attrs;
    const max = this.#host.room();
    for (const attr of [rcvAddAddrs, subflows]) {
      if (request.number(attr) > max) {
        request.invalid(`limit greater than maximum (${max})`, attr);
      }
    }
    const { limits } = this;
    if (rcvAddAddrs) limits.addAddrAccepted = request.number(rcvAddAddrs);
    if (subflows) limits.subflows = request.number(subflows);
  }

  /** Replaces two bits, whatever the caller meant to say of the other one. */
  setFlags(request: FakeRequest): void {
    const nest = request.need("addr");
    const given = parseEntry(request, nest, false);
    if (given.family === 0 && given.id === 0) {
      request.refuse(EOPNOTSUPP, "missing address ID", nest);
    }
    const index = this.#entries.findIndex((entry) =>
      given.family === 0
        ? entry.id === given.id
        : isSame(entry, given, entry.port !== 0)
    );
    const entry = this.#entries[index] ??
      request.invalid("address not found", nest);
    if (given.flags & FULLMESH && entry.flags & (SIGNAL | IMPLICIT)) {
      request.invalid("invalid addr flags", nest);
    }
    const mask = BACKUP | FULLMESH;
    const flags = entry.flags & ~mask | given.flags & mask;
    this.#entries[index] = { ...entry, flags };
  }
}

/** Only announced addresses have a port (`address_use_port()`). */
function usesPort({ flags }: Address): boolean {
  return (flags & (SIGNAL | SUBFLOW)) === SIGNAL;
}
