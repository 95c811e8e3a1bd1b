import { assert, assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import {
  fullmesh,
  manage,
  type Manager,
  type Policy,
} from "../../policy/mod.ts";
import { FakeInterfaces, type FakeRoute } from "../../testing/mod.ts";
import { LateKernel, look } from "../helpers/fake_life.ts";
import { generatorAt, pick, type Random } from "../helpers/random.ts";
import { seenLines, trackedLines } from "../helpers/tracked.ts";

const turn = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const HERE = ["10.0.0.1", "10.0.1.1", "10.0.2.1"];
const PEER = ["10.1.0.2", "10.1.1.2"];
const PORT = 443;

/** A host on which anything may happen, and managers of it. */
class World {
  readonly kernel = new LateKernel();
  readonly #random: Random;
  readonly problems: unknown[] = [];
  readonly managers: Manager[] = [];
  #route: FakeRoute | undefined;
  #port = 40_000;

  constructor(random: Random) {
    this.#random = random;
    this.kernel.sysctls.set("path_manager", "userspace");
    const { addresses } = this.kernel.interfaces = new FakeInterfaces();
    for (const [index, address] of HERE.entries()) {
      addresses.push({ address, dev: `eth${index}` });
    }
    this.kernel.network.connect = () => this.#route;
  }

  start(): void {
    const mesh = fullmesh();
    const policy: Policy = {
      ...mesh,
      interfaceDown: (connection, { address }) => {
        for (const subflow of connection.subflows) {
          if (subflow.local.address !== address) continue;
          connection.close(subflow, { tell: true });
        }
      },
    };
    const pm = PathManager.open({ namespace: this.kernel });
    this.managers.push(manage(pm, policy, {
      retry: { firstMs: 1, mostMs: 4 },
      onError: (error) => this.problems.push(error),
      onWarning: () => {},
    }));
  }

  async stop(): Promise<void> {
    const manager = this.managers.shift();
    manager?.stop();
    await manager?.finished;
  }

  step(): void {
    const { kernel } = this;
    const random = this.#random;
    const token = 1 + random(3);
    const connection = kernel.connections.get(token);
    if (connection === undefined) {
      kernel.connect(token, {
        local: { address: pick(random, HERE), port: this.#port++ },
        remote: { address: PEER[0]!, port: PORT },
        ...{ serverSide: random(4) === 0, established: random(2) === 0 },
      });
      return;
    }
    const subflows = connection.subflows();
    const index = random(Math.max(1, subflows.length));
    const [address, remId] = pick(random, PEER.map((one, id) => [one, id]));
    switch (random(14)) {
      case 0:
        return connection.close();
      case 1:
      case 2:
        return connection.establish();
      case 3: {
        const remote = { address: address as string, port: PORT };
        const fields = { token, remote, remId: remId as number };
        return kernel.emitEvent("announced", fields);
      }
      case 4:
        return kernel.emitEvent("removed", { token, remId: remId as number });
      case 5:
      case 6:
        if (subflows.length === 0) return;
        return connection.closeSubflow(index, pick(random, [0, 104, 110]));
      case 7: {
        const at = { address: pick(random, HERE), port: this.#port++ };
        const remote = { address: PEER[0]!, port: 50_000 + random(9) };
        const locId = HERE.indexOf(at.address);
        return connection.openSubflow({
          ...{ local: at, remote, locId, openedHere: false },
        });
      }
      case 8:
        this.#route = pick(random, [
          ...[undefined, undefined, { refusal: 111 }, { silent: true }],
          ...[{ error: 101 }, { silent: true }],
        ]);
        return;
      case 9:
      case 10:
        return kernel.changeNetwork(({ links }) => {
          const dev = `eth${random(3)}`;
          if (!links.delete(dev)) links.set(dev, { flags: ["up"] });
        });
      case 11:
        kernel.isLate = !kernel.isLate;
        return kernel.isLate ? undefined : kernel.deliver();
      case 12:
        return random(2) === 0 ? kernel.lose() : kernel.deliver(random(4));
      default:
        if (subflows.length > 0) {
          connection.setSubflow(index, { state: "established" });
        }
    }
  }

  /** From now on all is well. */
  heal(): void {
    const { kernel } = this;
    this.#route = undefined;
    kernel.isLate = false;
    kernel.deliver();
    kernel.changeNetwork(({ links }) => {
      for (const dev of ["eth0", "eth1", "eth2"]) links.delete(dev);
    });
    kernel.emitOverrun();
  }
}

Deno.test("whatever happens, managers know what is there, and one opens nothing twice", async () => {
  let subflows = 0;
  for (let round = 0; round < 30; round++) {
    const random = generatorAt(13, "manage", round);
    const world = new World(random);
    // Of two, one that is late may take a new subflow for an old one.
    const most = 1 + round % 2;
    for (let steps = 80; steps > 0; steps--) {
      world.step();
      if (random(3) === 0) await turn();
      if (random(30) === 0) await world.stop();
      if (world.managers.length < most) world.start();
    }
    world.heal();
    const known = () =>
      world.managers.map(({ connections }) =>
        trackedLines(connections.values())
      );
    const seen = () => world.managers.map(() => seenLines(look(world.kernel)));
    await turn(10);
    for (let tries = 0; tries < 100; tries++) {
      if (known().join() === seen().join()) break;
      await turn(10);
    }
    assertEquals(known(), seen(), `round ${round}`);
    assertEquals(world.problems, [], `round ${round}`);
    const there = look(world.kernel);
    for (const connection of there) {
      const ids = new Map<string, number>();
      const opened = connection.subflows.filter(({ openedHere, initial }) =>
        openedHere && !initial
      );
      subflows += opened.length;
      const pairs = connection.subflows
        .filter(({ openedHere }) => openedHere)
        .map(({ local, remote }) =>
          `${local.address} ${remote.address} ${remote.port}`
        );
      if (most === 1) assertEquals(pairs, [...new Set(pairs)]);
      for (const { local: { address, id } } of opened) {
        if (address === connection.local.address) assertEquals(id, 0);
        else assertEquals(ids.get(address) ?? id, id, `round ${round}`);
        if (id !== 0) ids.set(address, id);
        assertEquals(new Set(ids.values()).size, ids.size);
      }
    }
    while (world.managers.length > 0) await world.stop();
  }
  assert(subflows > 100);
});
