/**
 * Transfers over equal-cost paths that routers choose by a hash of the ports:
 * `refresh` against `ndiffports`.
 *
 * @module
 */

import { recordSvg, type Sample } from "../../cli/objects/record_svg.ts";
import { openNamespace } from "../../mod.ts";
import { runIp } from "../../testing/host.ts";
import { type Lab, LabConnection } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { SERVER } from "../../tests/helpers/uplinks.ts";
import { partOf, PICTURES, type Scenario } from "./part.ts";
import { pause, quantile, Scene, useCubic } from "./scene.ts";

/** What the paths take, in Mbit/s. */
const RATES = [4, 6, 8, 10];
const POLICIES = [
  ["ndiffports", "subflows", "5"],
  ["refresh", "subflows", "5", "every", "2s"],
] as const;
/** Labs of each policy at a time, and transfers one after the other in each. */
const [LABS, ROUNDS] = [4, 5];
const BYTES = 40_000_000;
const TIMEOUT_MS = 120_000;
const INTERVAL_MS = 250;
/** The client's address, which no link has: so a hash chooses the link. */
const CLIENT = "10.98.0.1";

/** A transfer, and what each path carried of it. */
interface Transfer {
  readonly seconds: number;
  readonly samples: readonly Sample[];
  /** When subflows were replaced, in milliseconds since its begin. */
  readonly replaced: readonly number[];
  /** How many paths carried at least 5 % of it. */
  readonly used: number;
}

/** Has each end choose the path by a hash of addresses and ports. */
function hash({ client, server }: Lab): void {
  const paths = RATES.map((_, index) => 1 + index);
  for (
    const [host, peer, to] of [
      [client, server, SERVER[4]],
      [server, client, CLIENT],
    ] as const
  ) {
    host.sysctl("net.ipv4.fib_multipath_hash_policy", 1);
    runIp(host.netns, [
      ...host === client
        ? [["address", "add", `${CLIENT}/32`, "dev", "lo"]]
        : [],
      [
        ...["route", "add", `${to}/32`],
        ...paths.flatMap((path) => [
          ...["nexthop", "via", peer.address(path), "dev", host.dev(path)],
        ]),
      ],
    ]);
    for (const path of paths) {
      host.exec(
        ...["tc", "qdisc", "add", "dev", host.dev(path), "root", "tbf"],
        ...["rate", `${RATES[path - 1]}mbit`, "burst", "32k"],
        ...["latency", "50ms"],
      );
    }
  }
}

/** What each path of the client has sent so far, in bytes. */
function sentBy({ client }: Lab): number[] {
  using namespace = openNamespace(client.netns);
  const text = namespace.readFile("/proc/thread-self/net/dev")!;
  return RATES.map((_, index) => {
    const line = text.split("\n")
      .find((line) => line.trim().startsWith(`${client.dev(1 + index)}:`));
    return Number(line!.split(":")[1]!.trim().split(/ +/)[8]);
  });
}

async function transfers(policy: readonly string[]): Promise<Transfer[]> {
  await using scene = await Scene.open({ paths: RATES.length, policy });
  hash(scene.lab);
  const all: Transfer[] = [];
  for (let round = 0; round < ROUNDS; round++) all.push(await transfer(scene));
  return all;
}

async function transfer({ lab, said }: Scene): Promise<Transfer> {
  using sockets = new DisposableStack();
  const address = SERVER[4];
  const listener = sockets.use(
    MptcpSocket.listen(lab.server.netns, { address: "0.0.0.0", port: 0 }),
  );
  const { port } = listener.local;
  const client = sockets.use(
    MptcpSocket.connect(lab.client.netns, CLIENT, { address, port }, 5000),
  );
  useCubic(client);
  const server = sockets.use(listener.accept(5000));
  const connection = new LabConnection(client, server, sockets.move());
  const begin = performance.now();
  const first = sentBy(lab);
  const samples: Sample[] = [];
  let isOver = false;
  const sampling = (async () => {
    let before = first;
    let at = 0;
    while (!isOver) {
      await pause(INTERVAL_MS);
      const now = sentBy(lab);
      const atMs = performance.now() - begin;
      const rates = now.map((bytes, path) =>
        [8000 * (bytes - before[path]!) / (atMs - at), 0] as const
      );
      samples.push({ atMs, rates });
      [before, at] = [now, atMs];
    }
  })();
  await connection.transferAsync(BYTES, TIMEOUT_MS);
  const end = performance.now();
  isOver = true;
  await sampling;
  connection.close();
  const carried = sentBy(lab).map((bytes, path) => bytes - first[path]!);
  return {
    seconds: (end - begin) / 1000,
    samples,
    replaced: said.filter(({ at, line }) =>
      at > begin && at < end && line.includes(" close ")
    ).map(({ at }) => at - begin),
    used: carried.filter((bytes) => bytes > BYTES / 20).length,
  };
}

/** The one whose time is nearest to the median. */
function typical(all: readonly Transfer[]): Transfer {
  const median = quantile(all.map(({ seconds }) => seconds), 0.5);
  return all.toSorted((one, other) =>
    Math.abs(one.seconds - median) - Math.abs(other.seconds - median)
  )[0]!;
}

function draw(
  { seconds, samples, replaced }: Transfer,
  words: string,
): string {
  return recordSvg({
    title: `${BYTES / 1e6} MB by mptcp ${words}: ${seconds.toFixed(1)} s`,
    subtitle: `the transfer nearest to the median · Linux ${Deno.osRelease()}`,
    paths: RATES.map((rate, index) => ({
      ...{ local: `path of ${rate} Mbit/s`, remote: SERVER[4] },
      ...{ ids: [], devs: [`client${1 + index}`] },
    })),
    samples,
    marks: replaced.map((atMs) => ({ atMs, label: "replaced" })),
  });
}

export const hashed: Scenario = {
  name: "refresh",
  async run() {
    const results = await Promise.all(POLICIES.map(async (policy) => {
      const labs = Array.from({ length: LABS }, () => transfers(policy));
      const all = (await Promise.all(labs)).flat();
      const [name] = policy;
      const file = `${name}.svg`;
      const words = `manage ${policy.join(" ")}`;
      const one = typical(all);
      Deno.writeTextFileSync(new URL(file, PICTURES), draw(one, words));
      const seconds = all.map(({ seconds }) => seconds);
      const used = all.map(({ used }) => used);
      return {
        words,
        cells: [
          ...[0.5, 0, 0.9, 1].map((share) =>
            `${quantile(seconds, share).toFixed(1)} s`
          ),
          [1, 2, 3, 4].map((paths) =>
            used.filter((count) => count === paths).length
          ).join(", "),
        ],
        picture: [
          file,
          `What the ${RATES.length} paths carry by mptcp ${words}`,
        ] as const,
      };
    }));
    return partOf({
      head: ["", ...results.map(({ words }) => `\`${words}\``)],
      rows: [
        "median",
        "the fastest",
        "nine of ten are faster than",
        "the slowest",
        "transfers that used 1, 2, 3, 4 paths",
      ].map((name, at) => [name, ...results.map(({ cells }) => cells[at]!)]),
      pictures: results.map(({ picture }) => picture),
    });
  },
};
