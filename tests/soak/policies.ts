/**
 * The policies that are ready, in a lab of their own, while connections and
 * paths come and go.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import {
  announce,
  backup,
  fullmesh,
  keep,
  type LocalAddress,
  manage,
  ndiffports,
  onDemand,
  type Policy,
  refresh,
} from "../../policy/mod.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, type LabConnection } from "../../testing/lab.ts";
import { churn } from "../helpers/churn.ts";
import { ownedConnections } from "../helpers/owned.ts";
import { seenLines, trackedLines } from "../helpers/tracked.ts";
import { untilSame } from "../helpers/until_same.ts";
import { makeUplinks, setLimits } from "../helpers/uplinks.ts";
import type { Random } from "./random.ts";
import type { Actions, World } from "./world.ts";

const TIMEOUT_MS = 30_000;
const MANY = 40;

const spare = ({ dev }: LocalAddress) => dev.endsWith("2");

/** Impatient, so that much happens. */
const POLICIES: Readonly<Record<string, () => Policy>> = {
  fullmesh,
  ndiffports: () => ndiffports({ subflows: 3 }),
  backup: () => backup({ spare }),
  onDemand: () => onDemand({ spare, healthMs: 20 }),
  announce,
  refresh: () => refresh({ subflows: 3, everyMs: 100 }),
  keep,
};

/** What happens meanwhile. */
const HAPPENINGS: readonly ((
  lab: Lab,
  connections: LabConnection[],
  random: Random,
) => void | Promise<void>)[] = [
  (lab, _connections, random) => churn(lab, 1 + random.below(MANY)),
  (lab, connections) => {
    connections.shift()!.close();
    connections.push(lab.connect());
  },
  // The initial subflow is on the first path.
  ({ client }) => void client.exec("ss", "-K", "src", client.address(2)),
  async (lab, _connections, random) => {
    const path = random.pick([1, 2] as const);
    lab.cut(path);
    await pause(random.below(60));
    lab.restore(path);
  },
];

async function manageMuch({ random }: World): Promise<void> {
  const name = random.pick(Object.keys(POLICIES));
  using lab = Lab.open({ paths: 2 });
  makeUplinks(lab, 2);
  for (const each of [lab.client, lab.server]) setLimits(each, 8, 8);
  const host = name === "announce" ? lab.server : lab.client;
  using pm = PathManager.open({ netns: host.netns });
  const problems: unknown[] = [];
  const manager = manage(pm, POLICIES[name]!(), {
    ...{ setMode: true, clean: random.oneIn(2), retry: random.oneIn(2) },
    onWarning: (message) => problems.push(message),
    onError: (error) => problems.push(error),
  });
  const connections: LabConnection[] = [lab.connect(), lab.connect()];
  try {
    for (let count = 2 + random.below(4); count > 0; count--) {
      await random.pick(HAPPENINGS)(lab, connections, random);
      for (const connection of connections) {
        await connection.transferAsync(10_000, TIMEOUT_MS);
      }
    }
    const known = () => trackedLines(manager.connections.values());
    await untilSame(known, () => look(host), TIMEOUT_MS);
  } finally {
    manager.stop();
    await manager.finished;
    for (const connection of connections) connection.close();
  }
  assertEquals(problems, []);
  assertEquals(pm.getMode(), "kernel");
}

/** What is there, without what a program has closed. */
const look = (host: Host) => seenLines(ownedConnections(host));

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What path managers do, by name. */
export const POLICY: Actions = {
  "manage by a policy": [manageMuch, 1],
};
