import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { PathManager, TimeoutError } from "../../mod.ts";
import { Lab, until } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { polling } from "../helpers/proc.ts";
import { run } from "../helpers/run_main.ts";

const SOON = { timeoutMs: 60_000 };

/** A client with a connection that could have a second subflow. */
function open() {
  using stack = new DisposableStack();
  const lab = stack.use(Lab.open({ paths: 2 }));
  const near = stack.use(PathManager.open({ netns: lab.client.netns }));
  const far = stack.use(PathManager.open({ netns: lab.server.netns }));
  for (const pm of [near, far]) pm.setLimits({ subflows: 2 });
  const second = () =>
    near.addAddr({ address: lab.client.address(2), flags: ["subflow"] });
  const owned = stack.move();
  return { lab, near, far, second, [Symbol.dispose]: () => owned.dispose() };
}

liveTest("`waitFor()` sees the subflow that an endpoint brings", async () => {
  using world = open();
  const { lab, near, far, second } = world;
  using connection = lab.connect();
  connection.transfer(1000);
  const { token } = connection.client;
  const { token: peer } = connection.server;
  for (const condition of [{ subflows: 2 }, { subflows: 2, token }]) {
    await assertRejects(
      () => near.waitFor(condition, { timeoutMs: 100 }),
      TimeoutError,
      ", and saw 1",
    );
  }
  const waits = [
    near.waitFor({ subflows: 2, token }, SOON),
    far.waitFor({ subflows: 2, token: peer }, SOON),
    far.waitFor({ subflows: 2 }, SOON),
  ];
  const event = near.waitFor({ event: ["sub-established"], token }, SOON);
  await until(() => polling() === 1, "a thread to wait");
  second();
  const found = await Promise.all(waits);
  assertEquals(found.map(({ token }) => token), [token, peer, peer]);
  const ends = lab.client.subflows()
    .map(({ local, remote }) => `${local} ${remote}`).toSorted();
  assertEquals(
    found[0]!.subflows.map(({ local, remote }) =>
      `${local.address}:${local.port} ${remote.address}:${remote.port}`
    ).toSorted(),
    ends,
  );
  assertEquals((await event).local.address, lab.client.address(2));
  // Now it holds, and nobody has to listen.
  const again = await near.waitFor({ subflows: 2 }, { timeoutMs: 0 });
  assertEquals(again.token, token);
  const gone = assertRejects(
    () => near.waitFor({ subflows: 3, token }, SOON),
    Error,
    "There is no connection",
  );
  await until(() => polling() === 1, "a thread to wait");
  connection.close();
  await gone;
});

liveTest(
  "`waitFor()` sees connections on both sides, as they come",
  async () => {
    using world = open();
    const { lab, near, far } = world;
    for (let count = 1; count <= 5; count++) {
      const waits = [near, far].map((pm) =>
        pm.waitFor({ connections: count }, SOON)
      );
      await until(() => polling() === 1, "a thread to wait");
      lab.connect();
      for (const found of await Promise.all(waits)) {
        assertEquals(found.length, count);
      }
    }
  },
);

liveTest("`mptcp wait` is for scripts", async () => {
  using world = open();
  const { lab, second } = world;
  const { signal } = new AbortController();
  const wait = (line: string) =>
    run(`-n ${lab.client.netns} wait ${line}`, "running", signal);
  using connection = lab.connect();
  connection.transfer(1000);
  const token = connection.client.token.toString(16).padStart(8, "0");
  const late = await wait("subflows 2 timeout 0.1");
  assertEquals([late.code, late.out], [4, ""]);
  const waiting = wait(`subflows 2 token 0x${token} timeout 60`);
  const event = wait("event SF_ESTABLISHED timeout 60 -j");
  await until(() => polling() === 1, "a thread to wait");
  second();
  const seen = await waiting;
  assertEquals([seen.code, seen.err], [0, ""]);
  assertMatch(seen.out, new RegExp(`^token ${token} [^]* 10\\.77\\.2\\.1:`));
  const { code, out } = await event;
  assertEquals([code, JSON.parse(out).event], [0, "SF_ESTABLISHED"]);
  const now = await wait("connections 1 -j timeout 0");
  const [one] = JSON.parse(now.out);
  assert(now.code === 0 && one.subflows.length === 2);
});
