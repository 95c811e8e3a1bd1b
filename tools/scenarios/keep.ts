/**
 * A connection that lives long, through a firewall that forgets what is idle.
 *
 * @module
 */

import { partOf, PICTURES, type Scenario } from "./part.ts";
import { msText, pause, Scene } from "./scene.ts";

const POLICY = ["keep"];
const FORGETS_AFTER_S = 8;
const EVERY_MS = 12_000;
const MESSAGES = 5;
const SIZE = 500_000;
const PATIENCE_MS = 10_000;

/** Sends messages; returns how long each took, up to the first that is lost. */
async function chat(
  policy: readonly string[] | undefined,
  picture?: string,
): Promise<{ log: string; took: number[] }> {
  await using scene = await Scene.open({
    ...{ paths: 1, rate: 20 },
    ...policy !== undefined && { policy },
  });
  const { server } = scene.lab;
  const conntrack = "net.netfilter.nf_conntrack_tcp";
  server.sysctl(`${conntrack}_timeout_established`, FORGETS_AFTER_S);
  // What it does not know it does not take for a connection.
  server.sysctl(`${conntrack}_loose`, 0);
  server.exec(
    "nft",
    "add table inet firewall; add chain inet firewall c " +
      "{ type filter hook input priority 0; }; add rule inet firewall c " +
      "meta l4proto tcp ct state invalid reject with tcp reset",
  );
  const connection = scene.connect();
  const seconds = (MESSAGES - 1) * EVERY_MS / 1000 + 2;
  const recording = picture === undefined
    ? undefined
    : scene.record(connection, seconds, picture);
  // So that the picture has the first one.
  await pause(1000);
  const took: number[] = [];
  const begin = performance.now();
  for (let message = 0; message < MESSAGES; message++) {
    await pause(begin + message * EVERY_MS - performance.now());
    const sent = performance.now();
    try {
      await connection.transferAsync(SIZE, PATIENCE_MS);
    } catch {
      break;
    }
    took.push(performance.now() - sent);
  }
  await recording;
  return { log: scene.log, took };
}

export const keep: Scenario = {
  name: "keep",
  async run() {
    const file = "keep.svg";
    const [ours, alone] = await Promise.all([
      chat(POLICY, new URL(file, PICTURES).pathname),
      chat(undefined),
    ]);
    const cells = ({ took }: { readonly took: readonly number[] }) => [
      `${took.length} of ${MESSAGES}`,
      msText(took[0]!),
      took.length > 1
        ? msText(Math.max(...took.slice(1)))
        : `none came in ${PATIENCE_MS / 1000} s`,
    ];
    const [a, b] = [cells(ours), cells(alone)];
    const words = `manage ${POLICY.join(" ")}`;
    return partOf({
      console: [[words, ours.log]],
      head: ["", `\`${words}\``, "the kernel alone"],
      rows: ["messages that arrived", "the first one took", "the slowest later"]
        .map((name, at) => [name, a[at]!, b[at]!]),
      pictures: [[
        file,
        `${MESSAGES} messages, ${
          EVERY_MS / 1000
        } s apart, each over a subflow of its own but the first`,
      ]],
    });
  },
};
