/**
 * Where the actions take place: the two hosts of a lab, and for each what
 * there must be on it, as far as this program has done everything right.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type EventStream,
  type Limits,
  NetlinkError,
  openNamespace,
  PathManager,
  type PathManagerEvent,
} from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import type { Host } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { within } from "../helpers/within.ts";
import type { Managed } from "./managed.ts";
import type { Random } from "./random.ts";

/** How many paths there are between the hosts. */
export const PATHS = [1, 2, 3] as const;
/** No more path managers, streams and connections than this stay open. */
const MOST = 4;

/** What is done, and how often it is chosen beside the others. */
export type Action = readonly [
  act: (world: World) => void | Promise<void>,
  weight: number,
];

/** Actions by their names. */
export type Actions = Readonly<Record<string, Action>>;

/** A stream that stays open between actions. */
export interface Listening {
  readonly stream: EventStream;
  /** Ends it. */
  readonly controller: AbortController;
}

/** One host, and what must be on it. */
export class Side {
  readonly host: Host;
  /** What must be on it. */
  readonly model: FakeKernel = new FakeKernel();
  readonly #model: PathManager;
  readonly managers: PathManager[] = [];
  readonly streams: Listening[] = [];
  readonly #random: Random;

  constructor(host: Host, random: Random) {
    this.host = host;
    this.#random = random;
    this.managers.push(PathManager.open({ netns: host.netns }));
    this.#model = PathManager.open({ namespace: this.model });
    using namespace = openNamespace(host.netns);
    for (const path of PATHS) {
      const dev = host.dev(path);
      this.model.devices.set(dev, namespace.ifNameToIndex(dev)!);
    }
  }

  /** Does something: the same comes of it in the kernel and in the model. */
  compare(act: (pm: PathManager) => unknown): void {
    assertEquals(outcome(act, this.pm), outcome(act, this.#model));
    this.check();
  }

  /** One of the open path managers. */
  get pm(): PathManager {
    return this.#random.pick(this.managers);
  }

  /** Keeps another one open, perhaps instead of one of the others. */
  keep(pm: PathManager): void {
    this.managers.push(pm);
    if (this.managers.length <= MOST) return;
    this.managers.splice(this.#random.below(MOST), 1)[0]!.close();
  }

  /** Keeps a stream open, perhaps instead of one of the others. */
  listen(listening: Listening): void {
    this.streams.push(listening);
    if (this.streams.length > MOST) this.take().stream.close();
  }

  /** Takes one of the streams that are open, or a new one. */
  take(): Listening {
    const { streams } = this;
    const [taken] = streams.splice(this.#random.below(streams.length || 1), 1);
    if (taken !== undefined) return taken;
    const controller = new AbortController();
    const { signal } = controller;
    return { stream: this.pm.events({ signal }), controller };
  }

  /** Asserts that the kernel has what it must have. */
  check(pm: PathManager = this.pm): void {
    assertEquals(pm.dumpAddrs(), this.model.endpoints());
    assertEquals(pm.getLimits(), this.model.limits);
  }

  /** Asserts that `ip` sees the same. */
  checkByIp(): void {
    assertSameAsIp(this.pm.dumpAddrs(), this.host);
    const { subflows, addAddrAccepted } = this.model.limits;
    assertEquals(
      this.host.ip("mptcp", "limits").trim(),
      `add_addr_accepted ${addAddrAccepted} subflows ${subflows}`,
    );
  }

  /** Deletes all endpoints, and sets the limits. */
  startAfresh(limits: Limits): void {
    for (const pm of [this.pm, this.#model]) {
      pm.flushAddrs();
      pm.setLimits(limits);
    }
    this.check();
  }

  /** Makes two events happen, and returns the port that they show. */
  knock(): number {
    using listener = MptcpSocket.listen(
      this.host.netns,
      { address: "0.0.0.0", port: 0 },
    );
    return listener.local.port;
  }

  /** Closes all path managers and streams. */
  close(): void {
    for (const pm of this.managers.splice(0)) pm.close();
    for (const { stream } of this.streams.splice(0)) stream.close();
  }
}

/** Whether an event is one of the two that a knock makes. */
export function isKnock(
  event: PathManagerEvent | undefined,
  type: "listener-created" | "listener-closed",
  port: number,
): boolean {
  return event?.type === type && event.local.port === port;
}

/** Takes events until there is one of a knock. */
export async function hear(
  stream: EventStream,
  type: "listener-created" | "listener-closed",
  port: number,
): Promise<void> {
  for (;;) {
    const { value, done } = await within(stream.next(), () => "a knock");
    assert(!done, "the stream has ended");
    if (isKnock(value, type, port)) return;
  }
}

/** A lab, and all that is open in it. */
export class World implements AsyncDisposable {
  readonly random: Random;
  readonly lab: Lab;
  readonly client: Side;
  readonly server: Side;
  /** Connections with the userspace path manager. */
  readonly connections: Managed[] = [];
  /** Streams that wait all the time, and their ends. */
  readonly #ears: { stream: EventStream; end: Promise<void> }[];
  /** How many endpoints the kernel's table takes. */
  static #room: number | undefined;

  private constructor(lab: Lab, random: Random) {
    this.random = random;
    this.lab = lab;
    this.client = new Side(lab.client, random);
    this.server = new Side(lab.server, random);
    this.#ears = this.sides.map(({ pm }) => {
      const stream = pm.events();
      return { stream, end: attend(stream) };
    });
  }

  /** Makes a lab, and finds all as it must be. */
  static open(random: Random): World {
    const lab = Lab.open({ paths: PATHS.length });
    try {
      for (const host of [lab.client, lab.server]) {
        // An announcement that gets lost, perhaps on a path that was cut, is
        // repeated after two minutes else.
        host.sysctl("net.mptcp.add_addr_timeout", 1);
      }
      const world = new World(lab, random);
      World.#room ??= findRoom(world.client.pm);
      for (const side of world.sides) {
        side.model.max = World.#room;
        side.check();
      }
      return world;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  get sides(): readonly [Side, Side] {
    return [this.client, this.server];
  }

  /** One of the two. */
  get side(): Side {
    return this.random.pick(this.sides);
  }

  /** Keeps a connection, perhaps instead of one of the others. */
  keep(connection: Managed): void {
    this.connections.push(connection);
    if (this.connections.length <= MOST) return;
    this.connections.splice(this.random.below(MOST), 1)[0]!.close();
  }

  /**
   * Removes the namespaces while everything in them is open: it goes on as
   * long as it is.
   */
  async outlive(): Promise<void> {
    this.lab.close();
    for (const side of this.sides) {
      const { netns } = side.host;
      assertThrows(() => PathManager.open({ netns }), Error, "ENOENT");
      for (const pm of side.managers) side.check(pm);
      const { pm } = side;
      side.compare((pm) => pm.flushAddrs());
      // A stream can still be opened, and ended.
      const stream = pm.events();
      const end = stream.next();
      stream.close();
      assert((await within(end, () => "the end of a stream")).done);
    }
  }

  /** Closes everything, and removes the namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.sides) side.close();
    for (const connection of this.connections.splice(0)) connection.close();
    for (const { stream } of this.#ears) stream.close();
    this.lab.close();
    for (const { end } of this.#ears) {
      await within(end, () => "the end of a stream");
    }
  }
}

/** Takes all events until the stream ends. */
export async function attend(stream: EventStream): Promise<void> {
  for await (const _ of stream);
}

/**
 * What comes of something: a result, or an error without the kernel's words,
 * which differ between releases.
 */
function outcome(act: (pm: PathManager) => unknown, pm: PathManager): unknown {
  try {
    return act(pm);
  } catch (error) {
    const { name, code, message } = error as NetlinkError;
    return `${name}: ${code ?? message}`;
  }
}

/** Adds endpoints until there is no room. */
function findRoom(pm: PathManager): number {
  for (let count = 0;; count++) {
    try {
      pm.addAddr({ address: `fd78::${count.toString(16)}` });
    } catch (error) {
      assert(error instanceof NetlinkError);
      assertEquals(error.code, "ERANGE");
      pm.flushAddrs();
      return count;
    }
  }
}
