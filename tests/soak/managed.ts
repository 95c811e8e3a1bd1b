/**
 * A connection whose two ends are managed from user space, subflow by subflow.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { PathManager, SubflowEvent } from "../../mod.ts";
import { type Lab, type LabConnection, until } from "../../testing/lab.ts";
import type { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { Witness } from "../helpers/witness.ts";
import type { Random } from "./random.ts";
import type { Side, World } from "./world.ts";

/** How long data may take after a path was cut, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** The ids that an address has on its host. */
const clientId = (path: number) => 4 + path;
const serverId = (path: number) => 10 + path;

/** A subflow as each end sees it. */
interface Subflow {
  readonly client: Pick<SubflowEvent, "local" | "remote">;
  readonly server: Pick<SubflowEvent, "local" | "remote">;
}

/** What to do something on an end with. */
interface Hand extends Disposable {
  readonly pm: PathManager;
  readonly token: number;
  readonly events: Witness;
}

/** The connection, and what must be known of it. */
export class Managed {
  readonly #world: World;
  readonly #connection: LabConnection;
  readonly #family: 4 | 6;
  readonly #port: number;
  /** By path. */
  readonly #subflows = new Map<number, Subflow>();
  /** The paths whose address the client has heard of. */
  readonly #announced = new Set<number>();
  /** The paths whose address the server has made a spare one. */
  readonly #spares = new Set<number>();

  private constructor(
    world: World,
    connection: LabConnection,
    family: 4 | 6,
  ) {
    this.#world = world;
    this.#connection = connection;
    this.#family = family;
    const { client, server } = connection;
    this.#port = client.remote.port;
    this.#subflows.set(1, { client, server });
  }

  /** Connects, and sees that both ends are told. */
  static async open(world: World): Promise<Managed> {
    const { random, lab, client, server } = world;
    const family = random.pick([4, 6] as const);
    using near = new Witness(client.pm.events());
    using far = new Witness(server.pm.events());
    using mode = new DisposableStack();
    for (const { pm } of world.sides) mode.use(pm.setMode("userspace"));
    const connection = lab.connect({ family, dualStack: random.oneIn(2) });
    mode.dispose();
    for (const { pm } of world.sides) assertEquals(pm.getMode(), "kernel");
    try {
      connection.transfer(1000);
      for (
        const [events, { token }] of [
          [near, connection.client],
          [far, connection.server],
        ] as const
      ) {
        const { remote } = await events.take(
          "established",
          (event) => event.token === token,
        );
        assert(remote.port > 0);
      }
      return new Managed(world, connection, family);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #hand(side: Side, { token }: MptcpSocket): Hand {
    const { pm } = side;
    const events = new Witness(pm.events({ token }));
    return {
      pm,
      token,
      events,
      [Symbol.dispose]: () => events[Symbol.dispose](),
    };
  }

  /** The hand at the client: while it is there, joins are accepted. */
  #client(): Hand {
    return this.#hand(this.#world.client, this.#connection.client);
  }

  #server(): Hand {
    return this.#hand(this.#world.server, this.#connection.server);
  }

  #address(side: Side, path: number): string {
    return this.#family === 4
      ? side.host.address(path)
      : side.host.address6(path);
  }

  /** The token on the client. */
  get token(): number {
    return this.#connection.client.token;
  }

  /** Paths with a subflow. */
  get paths(): number[] {
    return [...this.#subflows.keys()];
  }

  /** Paths without a subflow. */
  get free(): number[] {
    return [2, 3].filter((path) => !this.#subflows.has(path));
  }

  /** Paths with a subflow that is not the last one. */
  get spare(): number[] {
    return this.#subflows.size > 1 ? this.paths : [];
  }

  /** Announces an address of the server. */
  async announce(path: number): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    await this.#announce(path, client, server);
  }

  async #announce(path: number, client: Hand, server: Hand): Promise<void> {
    const { pm, token } = server;
    const address = this.#address(this.#world.server, path);
    const id = serverId(path);
    pm.announce({ token, address, id });
    // Others may be repeated meanwhile.
    const announced = await client.events.take(
      "announced",
      ({ remId }) => remId === id,
    );
    assertEquals(announced.address, address);
    assertEquals(pm.getAddr({ token, id }).address, address);
    this.#announced.add(path);
  }

  /** Announces an address of the server, and connects to it. */
  async join(path: number, random: Random): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    if (!this.#announced.has(path)) await this.#announce(path, client, server);
    const { pm, token } = client;
    const { host } = this.#world.client;
    const id = clientId(path);
    const address = this.#address(this.#world.client, path);
    const backup = random.oneIn(3);
    pm.subflowCreate({
      token,
      local: { address, id },
      remote: {
        address: this.#address(this.#world.server, path),
        port: this.#port,
      },
      backup,
      ...random.oneIn(2) && { dev: host.dev(path) },
    });
    const opened = await client.events.take("sub-established");
    const seen = await server.events.take("sub-established");
    assertEquals([opened.locId, opened.remId], [id, serverId(path)]);
    assertEquals([seen.locId, seen.remId], [serverId(path), id]);
    // Each is what the peer wants, and addresses keep what was set.
    assertEquals(
      [opened.backup, seen.backup],
      [this.#spares.has(path), backup],
    );
    assertEquals(pm.getAddr({ token, id }).address, address);
    this.#subflows.set(path, { client: opened, server: seen });
  }

  /** Changes the priority of a subflow; the other end is told. */
  async prioritize(path: number, random: Random): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    const ends = this.#subflows.get(path)!;
    const isClient = random.oneIn(2);
    const [mine, here, there] = isClient
      ? [ends.client, client, server]
      : [ends.server, server, client];
    const { local, remote } = mine;
    const backup = random.oneIn(2);
    here.pm.setSubflowBackup({ token: here.token, local, remote, backup });
    const told = await there.events.take("sub-priority");
    assertEquals(
      [told.remote.port, told.backup],
      [local.port, backup],
    );
    if (isClient) return;
    if (backup) this.#spares.add(path);
    else this.#spares.delete(path);
  }

  /** Closes a subflow from one end. */
  async destroy(path: number, random: Random): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    const ends = this.#subflows.get(path)!;
    const isClient = random.oneIn(2);
    const [{ local, remote }, { pm, token }] = isClient
      ? [ends.client, client]
      : [ends.server, server];
    pm.subflowDestroy({ token, local, remote });
    await this.#closed(path, client, server);
    // The kernel forgets the address, which it had announced perhaps.
    if (!isClient) this.#forget(path);
  }

  #forget(path: number): void {
    this.#announced.delete(path);
    this.#spares.delete(path);
  }

  /** Kills a subflow's socket on one end, as a firewall may. */
  async reset(path: number, random: Random): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    const ends = this.#subflows.get(path)!;
    const side = random.pick(this.#world.sides);
    const { local, remote } = side === this.#world.client
      ? ends.client
      : ends.server;
    side.host.exec(
      ...["ss", "-Kt", "sport", "=", `:${local.port}`],
      ...["and", "dport", "=", `:${remote.port}`],
    );
    await this.#closed(path, client, server);
  }

  async #closed(path: number, client: Hand, server: Hand): Promise<void> {
    const { port } = this.#subflows.get(path)!.client.local;
    await client.events.take("sub-closed", ({ local }) => local.port === port);
    await server.events.take(
      "sub-closed",
      ({ remote }) => remote.port === port,
    );
    this.#subflows.delete(path);
  }

  /** Takes the server's address back, and with it the subflow to it. */
  async remove(path: number): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    const { pm, token } = server;
    const id = serverId(path);
    const { host } = this.#world.client;
    const done = () => host.counter("MPTcpExtRmAddr");
    const before = done();
    pm.remove({ token, id });
    assertEquals((await client.events.take("removed")).remId, id);
    this.#forget(path);
    if (this.#subflows.has(path)) await this.#closed(path, client, server);
    // The event comes first: a subflow that is made before the kernel has
    // closed those to the address would be closed, too.
    await until(() => done() > before, "RM_ADDR to be done with");
    assert(!pm.dumpAddrs({ token }).some((address) => address.id === id));
  }

  /** Paths whose address can be taken back. */
  get removable(): number[] {
    return [...this.#announced].filter((path) =>
      !this.#subflows.has(path) || this.#subflows.size > 1
    );
  }

  transfer(bytes: number): Promise<void> {
    return this.#connection.transferAsync(bytes, TIMEOUT_MS);
  }

  /** Cuts a path, and restores it when data has found another one. */
  async cut(path: number, lab: Lab): Promise<void> {
    lab.cut(path);
    await this.transfer(10_000);
    lab.restore(path);
    await this.transfer(10_000);
  }

  /** Closes both ends; each host is told of its own. */
  async end(): Promise<void> {
    using client = this.#client();
    using server = this.#server();
    this.close();
    await client.events.take("closed");
    await server.events.take("closed");
  }

  close(): void {
    this.#connection.close();
  }
}
