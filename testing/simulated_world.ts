/**
 * A host with connections, and what is between it and its peer.
 *
 * @module
 */

import { NetlinkError } from "../netlink/errors.ts";
import { PathManager } from "../ops/path_manager.ts";
import type { SubflowAddress } from "../ops/subflow.ts";
import { FakeClock } from "./fake_clock.ts";
import type {
  FakeConnection,
  FakeRoute,
  FakeSubflow,
} from "./fake_connection.ts";
import { FakeInterfaces } from "./fake_route.ts";
import type { FakeSubflowFigures } from "./fake_socket.ts";
import { LateKernel } from "./late_kernel.ts";

const ECONNRESET = 104;
const ENOTCONN = 107;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;

/** Where the peer listens. */
export const PORT = 443;
/** The first retransmission timeout, in milliseconds; each is twice as long. */
const RTO_MS = 200;
/** The longest one, in milliseconds. */
const MOST_RTO_MS = 120_000;
/** When a SYN is sent again, in milliseconds after the first one. */
const SYN_MS = [1000, 3000, 7000, 15_000, 31_000, 63_000, 127_000];
/** When the kernel gives it up. */
const SYN_END_MS = 135_000;
/** When it says that a neighbour has not answered. */
const NEIGHBOUR_MS = 3000;
/** How long a connection without subflows lives, in milliseconds. */
const CLOSE_TIMEOUT_MS = 60_000;
/** What a path carries, in bytes in a millisecond. */
const SPEED = 100;

/** How packets fare behind a device. */
export type Way = "works" | "silent" | "resets" | "unreachable";

/** What programs do with a connection. */
export type Traffic = "idle" | "sending" | "receiving" | "paused";

/** A device of the host. */
export interface Device {
  /** Its name when nothing has happened. */
  readonly name: string;
  readonly index: number;
  readonly addresses: readonly string[];
  way: Way;
}

/** An address of the peer. */
interface PeerAddress {
  readonly address: string;
  readonly id: number;
  answers: boolean;
}

/** What there is to know of a connection. */
export interface Slot {
  readonly connection: FakeConnection;
  /** How many subflows the peer takes. */
  limit: number;
  traffic: Traffic;
  /** Since when there is such traffic. */
  since: number;
  /** Since when it has had no subflow. */
  emptySince?: number | undefined;
  /** Whether that was for too long. */
  isOver: boolean;
}

/** What there is to know of a subflow. */
interface Flow {
  /** Since when its data has not been acknowledged, and until when it is so. */
  stuck?: { readonly since: number; until?: number } | undefined;
  bytes: number;
  /** Retransmission timeouts before that. */
  timeouts: number;
  /** When this was brought up to date. */
  at: number;
}

/** The world. */
export class World {
  readonly kernel: LateKernel = new LateKernel();
  readonly clock: FakeClock = new FakeClock();
  readonly #pm: PathManager;
  readonly #devices: readonly Device[];
  readonly #peers: readonly PeerAddress[];
  readonly #slots = new Map<number, Slot>();
  readonly #flows = new Map<string, Flow>();
  /** Since when packets get through between two addresses. */
  readonly #works = new Map<string, number>();
  /** What commands that open subflows meet. */
  #errno = 0;
  #token = 0x1000;
  #port = 40_000;
  /** What restarts the manager. */
  readonly #restart: () => void;

  constructor(devices: readonly string[], restart: () => void) {
    const { kernel } = this;
    this.#restart = restart;
    kernel.clock = this.clock;
    kernel.sysctls.set("path_manager", "userspace");
    kernel.sysctls.set("pm_type", "1");
    kernel.devices.clear();
    kernel.devices.set("lo", 1);
    const { addresses } = kernel.interfaces = new FakeInterfaces();
    this.#devices = devices.map((name, at) => {
      const index = 2 + at;
      kernel.devices.set(name, index);
      const own = [`10.0.${at + 1}.1`, `fd00:${at + 1}::1`];
      for (const address of own) addresses.push({ address, dev: name });
      return { name, index, addresses: own, way: "works" };
    });
    this.#peers = [1, 2].flatMap((at) =>
      [`10.1.${at}.2`, `fd01:${at}::2`].map((address, family) => ({
        ...{ address, answers: true },
        id: at === 1 ? 0 : 10 * at + family,
      }))
    );
    kernel.network = {
      connect: (token, subflow) => this.#connect(token, subflow),
      figures: (token, subflow) => this.#figures(token, subflow),
    };
    this.#pm = PathManager.open({ namespace: kernel });
    this.update();
  }

  /** See {@linkcode SimulatedWorld.workingMs}. */
  workingMs(
    { local, remote }: Pick<FakeSubflow, "local" | "remote">,
  ): number {
    const since = this.#works.get(pairOf(local.address, remote.address));
    return since === undefined ? 0 : this.clock.now() - since;
  }

  /** Brings up to date what follows from what there is. */
  update(): void {
    const now = this.clock.now();
    for (const { addresses } of this.#devices) {
      for (const { address } of this.#peers) {
        for (const local of addresses) {
          const key = pairOf(local, address);
          if (!this.#isWorking(local, address)) this.#works.delete(key);
          else if (!this.#works.has(key)) this.#works.set(key, now);
        }
      }
    }
    for (const [number, slot] of this.#slots) {
      const { connection } = slot;
      if (this.kernel.connections.get(connection.token) !== connection) {
        this.#slots.delete(number);
        continue;
      }
      const subflows = connection.subflows();
      for (const subflow of subflows) this.#flow(slot, subflow);
      if (subflows.length > 0) slot.emptySince = undefined;
      else if (slot.emptySince === undefined) {
        slot.emptySince = now;
        this.clock.after(CLOSE_TIMEOUT_MS, () => {
          if (slot.emptySince !== now) return;
          slot.isOver = true;
          connection.set({ state: "closed" });
          // Its program takes note.
          this.clock.after(1000, () => connection.close());
        });
      }
    }
  }

  /** Mends all that can be mended. */
  calm(): void {
    const { kernel } = this;
    this.#errno = 0;
    for (const device of this.#devices) {
      device.way = "works";
      this.raise(device);
    }
    for (const peer of this.#peers) peer.answers = true;
    for (const slot of this.#slots.values()) {
      slot.limit = Infinity;
      if (slot.traffic === "paused") this.setTraffic(slot, "sending");
      slot.connection.establish();
    }
    kernel.isLate = false;
    kernel.lose();
    this.update();
  }

  // What steps do.

  /** A device by its first name. */
  device(name: string): Device {
    return this.#devices.find((one) => one.name === name)!;
  }

  peer(number: string): PeerAddress {
    return this.#peers[Number(number)]!;
  }

  slot(number: string): Slot | undefined {
    return this.#slots.get(Number(number));
  }

  connect(number: string, name: string, family: string, kind: string): void {
    if (this.slot(number) !== undefined) return;
    const isIPv6 = family === "ipv6";
    const map = (address: string) =>
      family === "mapped" ? `::ffff:${address}` : address;
    const at = Number(isIPv6);
    const address = map(this.device(name).addresses[at]!);
    const peer = map(this.#peers[at]!.address);
    // Of those that are accepted, some are not established at once either.
    const serverSide = kind === "server" || kind === "accepted";
    const [port, peerPort] = [this.#port++, PORT];
    const connection = this.kernel.connect(this.#token++, {
      local: { address, port: serverSide ? peerPort : port },
      remote: { address: peer, port: serverSide ? port : peerPort },
      ...{ serverSide, denyJoinId0: kind === "deny" },
      established: kind !== "early" && kind !== "accepted",
    });
    this.#slots.set(Number(number), {
      ...{ connection, limit: Infinity, traffic: "idle", isOver: false },
      since: this.clock.now(),
    });
  }

  setTraffic(slot: Slot, traffic: Traffic): void {
    if (slot.traffic === traffic) return;
    slot.traffic = traffic;
    slot.since = this.clock.now();
  }

  setWay(device: Device, way: Way): void {
    device.way = way;
    if (way !== "resets") return;
    for (const { connection } of this.#slots.values()) {
      closeAll(
        connection,
        ({ local }) => device.addresses.includes(plain(local.address)),
        ECONNRESET,
      );
    }
  }

  /** A device gets its name, link and addresses back. */
  raise(device: Device): void {
    const { name, index, addresses: own } = device;
    this.rename(device, name);
    this.kernel.changeNetwork(({ links, addresses }) => {
      links.delete(this.kernel.ifIndexToName(index)!);
      for (const address of own) {
        if (addresses.some((one) => one.address === address)) continue;
        addresses.push({ address, dev: name });
      }
    });
  }

  setLink({ index }: Device, flags: ("up")[]): void {
    const dev = this.kernel.ifIndexToName(index)!;
    this.kernel.changeNetwork(({ links }) => links.set(dev, { flags }));
  }

  dropAddresses({ addresses: own }: Device): void {
    this.kernel.changeNetwork(({ addresses }) => {
      const left = addresses.filter(({ address }) => !own.includes(address));
      addresses.splice(0, addresses.length, ...left);
    });
  }

  rename({ index }: Device, name: string): void {
    const { kernel } = this;
    const before = kernel.ifIndexToName(index)!;
    if (before === name || kernel.devices.has(name)) return;
    kernel.changeNetwork(({ links, addresses }) => {
      kernel.devices.delete(before);
      kernel.devices.set(name, index);
      const link = links.get(before);
      links.delete(before);
      if (link !== undefined) links.set(name, link);
      addresses.forEach((one, at) => {
        if (one.dev === before) addresses[at] = { ...one, dev: name };
      });
    });
  }

  /** The peer opens a subflow. */
  join({ connection }: Slot, { addresses }: Device): void {
    const isIPv6 = connection.local.address.includes(":") &&
      !connection.local.address.includes(".");
    const address = addresses[Number(isIPv6)]!;
    const peer = this.#peers[2 + Number(isIPv6)]!;
    if (!connection.established) return;
    if (!this.#isWorking(address, peer.address)) return;
    connection.openSubflow({
      local: { address, port: connection.local.port },
      remote: { address: peer.address, port: this.#port++ },
      ...{ openedHere: false, remId: peer.id, locId: 0 },
    });
  }

  /** The peer takes an address back: its subflows go. */
  remove({ connection }: Slot, { id }: PeerAddress): void {
    const { token } = connection;
    this.kernel.emitEvent("removed", { token, remId: id });
    closeAll(
      connection,
      ({ remId, state }) => remId === id && state === "established",
    );
  }

  setErrno(errno: number): void {
    this.#errno = errno;
  }

  restart(): void {
    this.#restart();
  }

  /** Another program does something, if it can. */
  other(command: (pm: PathManager) => void): void {
    try {
      command(this.#pm);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
    }
  }

  // What the network does.

  /** Whether packets get through from an address of this host to the peer's. */
  #isWorking(address: string, remote: string): boolean {
    return this.#isLinked(address) && this.#way(address) === "works" &&
      this.#peers.some((one) => one.address === plain(remote) && one.answers);
  }

  #way(address: string): Way {
    const own = plain(address);
    return this.#devices.find(({ addresses }) => addresses.includes(own))
      ?.way ?? "silent";
  }

  /** Whether this host has an address on a link that carries packets. */
  #isLinked(address: string): boolean {
    const { addresses, links } = this.kernel.interfaces!;
    const dev = addresses.find((one) => one.address === plain(address))?.dev;
    return dev !== undefined && !links.has(dev);
  }

  #slotOf(token: number): Slot | undefined {
    return this.#slots.values()
      .find(({ connection }) => connection.token === token);
  }

  #connect(
    token: number,
    { local, remote }: FakeSubflow,
  ): FakeRoute | undefined {
    const slot = this.#slotOf(token);
    if (slot === undefined) return undefined;
    if (slot.isOver) return { error: ENOTCONN };
    if (this.#errno !== 0) return { error: this.#errno };
    const port = local.port || this.#port++;
    const peer = this.#peers.find((one) =>
      one.address === plain(remote.address)
    );
    const route = { port, remId: peer?.id ?? 0 };
    const way = this.#way(local.address);
    if (way === "resets") return { port, refusal: ECONNRESET };
    if (way !== "works" || !this.#isLinked(local.address)) {
      const isTold = way === "unreachable";
      this.#wait(slot, remote, port, isTold);
      return { ...route, silent: true };
    }
    const refusal = this.#refusal(slot, remote);
    return refusal === 0 ? route : { port, refusal };
  }

  /** Why the peer refuses a subflow; 0: it accepts it. */
  #refusal(slot: Slot, remote: SubflowAddress): number {
    const { connection, limit } = slot;
    const peer = this.#peers.find((one) =>
      one.address === plain(remote.address)
    );
    if (!peer?.answers || remote.port !== PORT) return ECONNREFUSED;
    if (connection.denyJoinId0 && peer.id === 0) return ECONNRESET;
    const others = connection.subflows()
      .filter(({ state }) => state === "established");
    return others.length < limit ? 0 : ECONNRESET;
  }

  /** A SYN is sent again until somebody answers. */
  #wait(slot: Slot, remote: SubflowAddress, port: number, isTold: boolean) {
    const { connection } = slot;
    const check = (errno?: number) => () => {
      const subflows = connection.subflows();
      const at = subflows.findIndex((one) =>
        one.local.port === port && one.state === "syn-sent"
      );
      const subflow = subflows[at];
      if (subflow === undefined) return;
      const { address } = subflow.local;
      const way = this.#way(address);
      if (this.#isLinked(address) && (way === "works" || way === "resets")) {
        const refusal = way === "resets"
          ? ECONNRESET
          : this.#refusal(slot, remote);
        if (refusal !== 0) connection.closeSubflow(at, refusal);
        else connection.setSubflow(at, { state: "established" });
      } else if (errno !== undefined) connection.closeSubflow(at, errno);
    };
    for (const ms of SYN_MS) this.clock.after(ms, check());
    const [ms, errno] = isTold
      ? [NEIGHBOUR_MS, EHOSTUNREACH]
      : [SYN_END_MS, ETIMEDOUT];
    this.clock.after(ms, check(errno));
  }

  #figures(
    token: number,
    subflow: FakeSubflow,
  ): FakeSubflowFigures | undefined {
    const slot = this.#slotOf(token);
    if (slot === undefined || subflow.state !== "established") return undefined;
    const flow = this.#flow(slot, subflow);
    const now = this.clock.now();
    const stuck = flow.stuck && repeated(now - flow.stuck.since);
    const counted = {
      ...{ bytesAcked: flow.bytes, bytesSent: flow.bytes },
      timeouts: flow.timeouts + (stuck?.backoff ?? 0),
    };
    if (slot.traffic === "paused") {
      const { backoff, expires } = repeated(now - slot.since);
      return {
        ...{ ...counted, backoff, timer: "probe", timerExpiresMs: expires },
        ...{ sendQueue: 1000, sendWindow: 0, timerRetransmits: backoff },
      };
    }
    if (stuck === undefined) return counted;
    const { backoff, expires } = stuck;
    return {
      ...{ ...counted, backoff, timerExpiresMs: expires, unacked: 1 },
      ...{ sendQueue: 1000, timerRetransmits: backoff },
      timer: "retransmission",
    };
  }

  /** What is known of a subflow, up to now. */
  #flow(slot: Slot, subflow: FakeSubflow): Flow {
    const now = this.clock.now();
    const { local, remote } = subflow;
    const key = `${slot.connection.token} ${local.address} ${local.port} ` +
      `${remote.address} ${remote.port}`;
    const flow = this.#flows.get(key) ??
      { bytes: 0, timeouts: 0, at: now };
    this.#flows.set(key, flow);
    const works = this.workingMs(subflow) > 0 ||
      this.#works.get(pairOf(local.address, remote.address)) === now;
    const isSending = slot.traffic === "sending" &&
      subflow.state === "established" && this.#isUsed(slot, subflow);
    if (!works) {
      if (isSending) flow.stuck ??= { since: now };
      if (flow.stuck !== undefined) delete flow.stuck.until;
    } else if (flow.stuck !== undefined) {
      const { since } = flow.stuck;
      flow.stuck.until ??= now + repeated(now - since).expires;
      if (now >= flow.stuck.until) {
        flow.timeouts += repeated(flow.stuck.until - since).backoff;
        flow.stuck = undefined;
      }
    }
    if (works && isSending && flow.stuck === undefined) {
      // Some are slower than others.
      const speed = SPEED * (1 + local.port % 7);
      flow.bytes += Math.floor((now - flow.at) * speed);
    }
    flow.at = now;
    return flow;
  }

  /** Whether data is sent over it: over a spare if there is no other. */
  #isUsed({ connection }: Slot, subflow: FakeSubflow): boolean {
    return !subflow.backup ||
      connection.subflows().every(({ backup, state, ...one }) =>
        backup || state !== "established" || this.workingMs(one) === 0
      );
  }
}

/** How often something was repeated after a time, and when it is again. */
function repeated(ms: number): { backoff: number; expires: number } {
  let [backoff, end] = [0, RTO_MS];
  while (end <= ms) {
    backoff++;
    end += Math.min(MOST_RTO_MS, RTO_MS * 2 ** backoff);
  }
  return { backoff: Math.min(backoff, 15), expires: end - ms };
}

/** A key for two addresses. */
export function pairOf(local: string, remote: string): string {
  return `${plain(local)} ${plain(remote)}`;
}

/** An address, which is written in two ways if it is an IPv4 address. */
export function plain(address: string): string {
  return address.includes(".") ? address.replace("::ffff:", "") : address;
}

/** Closes some subflows. */
function closeAll(
  connection: FakeConnection,
  isMeant: (subflow: FakeSubflow) => boolean,
  errno?: number,
): void {
  const all = [...connection.subflows().entries()];
  for (const [at, subflow] of all.toReversed()) {
    if (isMeant(subflow)) connection.closeSubflow(at, errno);
  }
}
