/**
 * Connections: managed by the kernel, and by this program.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { until } from "../../testing/lab.ts";
import { churn } from "../helpers/churn.ts";
import { Witness } from "../helpers/witness.ts";
import { Managed } from "./managed.ts";
import type { Actions, World } from "./world.ts";

/** Many, one after the other, and each is heard of. */
async function churnHeard(
  { random, lab, client, server }: World,
): Promise<void> {
  for (const side of [client, server]) {
    side.startAfresh({ subflows: 0, addAddrAccepted: 0 });
  }
  using events = new Witness(client.pm.events());
  const count = 1 + random.below(50);
  churn(lab, count);
  for (let times = 0; times < count; times++) {
    await events.take("created");
    await events.take("established");
    await events.take("closed");
  }
}

/** The kernel opens subflows by endpoints and limits. */
async function byKernel(world: World): Promise<void> {
  const { random, lab, client, server } = world;
  client.startAfresh({ subflows: 2, addAddrAccepted: 1 });
  server.startAfresh({ subflows: 2, addAddrAccepted: 0 });
  using near = new Witness(client.pm.events());
  using far = new Witness(server.pm.events());
  const family = random.pick([4, 6] as const);
  const at = (side: typeof client, path: number) =>
    family === 4 ? side.host.address(path) : side.host.address6(path);
  const own = client.pm.addAddr({
    address: at(client, 2),
    flags: random.oneIn(2) ? ["subflow"] : ["subflow", "fullmesh"],
    // With IPv6 all goes the first path: there are no routes between them.
    ...family === 4 && { dev: client.host.dev(2) },
  });
  using connection = lab.connect({ family });
  const { token } = connection.client;
  connection.transfer(1000);
  const { locId } = await near.take("sub-established");
  assertEquals(locId, own.id);
  await far.take("sub-established");
  if (random.oneIn(2)) {
    client.pm.setFlags({ id: own.id, backup: true });
    assertEquals((await far.take("sub-priority")).backup, true);
  }
  if (random.oneIn(2)) {
    const signal = server.pm.addAddr({
      address: at(server, 3),
      flags: ["signal"],
    });
    assertEquals((await near.take("announced")).remId, signal.id);
    await near.take("sub-established", ({ remId }) => remId === signal.id);
    await far.take("sub-established", ({ locId }) => locId === signal.id);
    server.pm.delAddr({ id: signal.id });
    assertEquals((await near.take("removed")).remId, signal.id);
    await near.take("sub-closed", ({ remId }) => remId === signal.id);
  }
  if (family === 4 && random.oneIn(3)) {
    lab.cut(1);
    await connection.transferAsync(100_000, 30_000);
    lab.restore(1);
  }
  await connection.transferAsync(100_000, 30_000);
  if (random.oneIn(2)) {
    client.pm.delAddr({ address: own.address });
    await near.take("sub-closed", ({ locId }) => locId === own.id);
  }
  connection.close();
  await near.take("closed", (event) => event.token === token);
  // It may have made endpoints of its own.
  for (const side of world.sides) side.startAfresh(side.model.limits);
}

async function open(world: World): Promise<void> {
  world.keep(await Managed.open(world));
}

/** One of the connections that are open, or a new one. */
async function one(world: World): Promise<Managed> {
  if (world.connections.length === 0) await open(world);
  return world.random.pick(world.connections);
}

/** Does something to a connection with one of its paths that fit. */
function withPath(
  pathsOf: (connection: Managed) => readonly number[],
  act: (
    connection: Managed,
    path: number,
    world: World,
  ) => Promise<void>,
): (world: World) => Promise<void> {
  return async (world) => {
    const { random, connections } = world;
    let fitting = connections.filter((one) => pathsOf(one).length > 0);
    if (fitting.length === 0) {
      const made = await Managed.open(world);
      world.keep(made);
      if (pathsOf(made).length === 0) await made.join(2, random);
      fitting = [made];
    }
    const connection = random.pick(fitting);
    await act(connection, random.pick(pathsOf(connection)), world);
  };
}

async function transfer(world: World): Promise<void> {
  const connection = await one(world);
  await connection.transfer(1 + world.random.below(200_000));
}

async function end(world: World): Promise<void> {
  const { connections } = world;
  const connection = await one(world);
  connections.splice(connections.indexOf(connection), 1);
  await connection.end();
}

/** As `ss` counts them. */
async function compareWithSs({ client, connections }: World): Promise<void> {
  const expected = connections.reduce(
    (sum, { paths }) => sum + paths.length,
    0,
  );
  await until(
    () =>
      client.host.subflows().filter(({ token }) =>
        connections.some((connection) => connection.token === token)
      ).length === expected,
    `${expected} subflows`,
  );
}

/** By name: what it does, and how often it is chosen. */
export const CONNECTIONS: Actions = {
  "connections: many": [churnHeard, 2],
  "connection: by the kernel": [byKernel, 3],
  "connection: open": [open, 4],
  "connection: transfer": [transfer, 4],
  "connection: end": [end, 2],
  "connection: compare with ss": [compareWithSs, 1],
  "announce": [
    withPath(() => [2, 3], (connection, path) => connection.announce(path)),
    3,
  ],
  "remove": [
    withPath(
      ({ removable }) => removable,
      (connection, path) => connection.remove(path),
    ),
    3,
  ],
  "subflow-create": [
    withPath(
      ({ free }) => free,
      (connection, path, { random }) => connection.join(path, random),
    ),
    8,
  ],
  "set-flags: subflow": [
    withPath(
      ({ paths }) => paths,
      (connection, path, { random }) => connection.prioritize(path, random),
    ),
    3,
  ],
  "subflow-destroy": [
    withPath(
      ({ spare }) => spare,
      (connection, path, { random }) => connection.destroy(path, random),
    ),
    3,
  ],
  "subflow: reset": [
    withPath(
      ({ spare }) => spare,
      (connection, path, { random }) => connection.reset(path, random),
    ),
    2,
  ],
  "path: cut and restored": [
    withPath(
      ({ spare }) => spare,
      (connection, path, { lab }) => connection.cut(path, lab),
    ),
    1,
  ],
};
