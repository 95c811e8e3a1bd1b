/**
 * Blocks that have to arrive in time, over a path that loses packets.
 *
 * @module
 */

import { addSpare } from "./on_demand.ts";
import { partOf, PICTURES, type Scenario } from "./part.ts";
import { Arrivals, msText, pause, quantile, Scene } from "./scene.ts";

const POLICY = ["backup", "dev", "client2"];
const RATE = 5;
const PERCENT = 30;
const BLOCK = 64_000;
const EVERY_MS = 1000;
const BLOCKS = 50;
/** How many are sent before packets are lost. */
const WELL = 5;

/** How long each of the blocks took that were sent over the bad path. */
async function play(
  policy: readonly string[] | undefined,
  picture?: string,
): Promise<{ log: string; took: number[] }> {
  await using scene = await Scene.open({
    ...{ paths: 2, rate: RATE },
    ...policy !== undefined && { policy },
  });
  if (policy === undefined) addSpare(scene.lab);
  const connection = scene.connect();
  const seconds = BLOCKS * EVERY_MS / 1000;
  const recording = picture === undefined
    ? undefined
    : scene.record(connection, seconds, picture);
  const arrivals = new Arrivals();
  const took: number[] = [];
  const begin = performance.now();
  const dueAt = (block: number) => begin + block * EVERY_MS;
  let sent = 0;
  let unsent = 0;
  let isLossy = false;
  // The last ones get some time.
  while (performance.now() < dueAt(BLOCKS) + 10_000 && took.length < BLOCKS) {
    const now = performance.now();
    if (!isLossy && now > dueAt(WELL) - 100) {
      isLossy = true;
      scene.lose(1, PERCENT);
    }
    if (sent < BLOCKS && now >= dueAt(sent)) {
      sent++;
      unsent += BLOCK;
    }
    if (unsent > 0) unsent -= connection.client.send(unsent);
    arrivals.take(connection);
    while (arrivals.bytes >= (took.length + 1) * BLOCK) {
      took.push(performance.now() - dueAt(took.length));
    }
    await pause(2);
  }
  await recording;
  // Those that never came.
  while (took.length < BLOCKS) took.push(Infinity);
  return { log: scene.log, took: took.slice(WELL) };
}

export const streaming: Scenario = {
  name: "streaming",
  async run() {
    const file = "streaming.svg";
    const [ours, alone] = await Promise.all([
      play(POLICY, new URL(file, PICTURES).pathname),
      play(undefined),
    ]);
    const cells = ({ took }: { readonly took: readonly number[] }) => [
      ...[0.5, 0.9, 1].map((share) => msText(quantile(took, share))),
      `${took.filter((ms) => ms > EVERY_MS).length} of ${took.length}`,
    ];
    const [a, b] = [cells(ours), cells(alone)];
    const words = `manage ${POLICY.join(" ")}`;
    return partOf({
      console: [[words, ours.log]],
      head: ["a block took", `\`${words}\``, "the kernel alone"],
      rows: ["median", "nine of ten", "the slowest", "later than the next one"]
        .map((name, at) => [name, a[at]!, b[at]!]),
      pictures: [[
        file,
        `Blocks of ${BLOCK / 1000} kB a second; from second ${WELL} on the ` +
        `first path loses ${PERCENT} % of its packets`,
      ]],
    });
  },
};
