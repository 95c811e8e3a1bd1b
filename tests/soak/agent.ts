/**
 * An agent on a host of its own, whose links and addresses come and go faster
 * than they settle.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { watch } from "../../config/mod.ts";
import { PathManager } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import type { Actions, World } from "./world.ts";

const TEXT = `
limits: { subflows: 4 }
endpoints:
  - { match: { dev: "client*", family: ipv4 }, flags: [subflow] }
`;
const PATHS = [1, 2] as const;

/** What can be taken away, and brought back. */
const LOSSES: readonly (readonly [
  lose: (lab: Lab, path: number) => void,
  restore: (lab: Lab, path: number) => void,
])[] = [
  [
    (lab, path) => lab.cut(path),
    (lab, path) => lab.restore(path),
  ],
  [
    ({ client }, path) => client.ip("link", "set", client.dev(path), "down"),
    ({ client }, path) => client.ip("link", "set", client.dev(path), "up"),
  ],
  [
    ({ client }, path) => client.ip("address", "del", ...addressOf(path)),
    ({ client }, path) => client.ip("address", "add", ...addressOf(path)),
  ],
];

function addressOf(path: number): string[] {
  return [`10.77.${path}.1/24`, "dev", `client${path}`];
}

/** Lets links flap, and sees that all is there in the end. */
async function flap({ random }: World): Promise<void> {
  using lab = Lab.open({ paths: PATHS.length });
  // Where the last path goes the server does not get to know: it would refuse
  // new subflows for those that it still counts, and nobody tries again.
  lab.server.ip("mptcp", "limits", "set", "subflows", "8");
  using stack = new DisposableStack();
  const file = Deno.makeTempFileSync();
  stack.defer(() => Deno.removeSync(file));
  Deno.writeTextFileSync(file, TEXT);
  const controller = new AbortController();
  const { netns } = lab.client;
  const agent = watch(file, {
    ...{ netns, prune: true, settleMs: 20, tickMs: 100 },
    signal: controller.signal,
  });
  const problems: unknown[] = [];
  const end = (async () => {
    for await (const event of agent) {
      if (event.type === "refused" || event.type === "undone") {
        problems.push(event);
      }
    }
  })();
  try {
    using pm = PathManager.open({ netns });
    const areThere = () =>
      pm.dumpAddrs().map(({ address }) => address).toSorted().join() ===
        "10.77.1.1,10.77.2.1";
    await until(areThere, "both endpoints", 10_000);
    using connection = lab.connect();
    await connection.transferAsync(1000, 20_000);
    for (let count = 4 + random.below(8); count > 0; count--) {
      const path = random.pick(PATHS);
      const [lose, restore] = random.pick(LOSSES);
      lose(lab, path);
      await pause(random.below(60));
      restore(lab, path);
      await pause(random.below(60));
    }
    await until(areThere, "both endpoints again", 10_000);
    await connection.transferAsync(1000, 30_000);
    assertEquals(problems, []);
  } finally {
    controller.abort();
    await end;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What an agent does, by name. */
export const AGENT: Actions = {
  "keep endpoints, links flap": [flap, 1],
};
